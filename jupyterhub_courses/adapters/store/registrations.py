"""Platforms and registrations in the store."""

from dataclasses import replace

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.records import Platform, Registration
from .database import Database
from .models import CourseRow, PlatformRow, RegistrationRow


def platform_record(row: PlatformRow) -> Platform:
    """The record of a row."""
    allowed = tuple(row.allowed_contexts)
    return Platform(
        id=row.id,
        name=row.name,
        issuer=row.issuer,
        course_creation=row.course_creation,
        allowed_contexts=allowed,
        course_limit=row.course_limit,
        start_from=row.start_from,
        title=row.title,
        home_url=row.home_url,
        owner=row.owner,
    )


def registration_record(row: RegistrationRow, platform: str) -> Registration:
    """The record of a row."""
    return Registration(
        id=row.id,
        platform_id=row.platform_id,
        platform=platform,
        issuer=row.issuer,
        client_id=row.client_id,
        deployment_ids=tuple(row.deployment_ids),
        authorize_url=row.authorize_url,
        token_url=row.token_url,
        keyset_url=row.keyset_url,
        public_key=row.public_key,
        secret=row.secret,
    )


class Registrations:
    """Reads and writes platforms with their registrations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, issuer: str, client_id: str | None) -> Registration | None:
        """By (issuer, client id); without client id only where the issuer has exactly one.

        Several platforms may share one client id (Canvas); the answer then has the deployment ids of all, and
        `for_launch` tells them apart.
        """
        found = await self._all(issuer, client_id)
        if len({registration.client_id for registration in found}) != 1:
            return None
        deployment_ids = tuple(each for registration in found for each in registration.deployment_ids)
        return replace(found[0], deployment_ids=deployment_ids)

    async def for_launch(self, issuer: str, client_id: str, deployment_id: str) -> Registration | None:
        """The registration of a verified launch: the one with its deployment id, else any of this client id."""
        found = await self._all(issuer, client_id)
        return next((r for r in found if deployment_id in r.deployment_ids), found[0] if found else None)

    async def _all(self, issuer: str, client_id: str | None) -> list[Registration]:
        query = (
            select(RegistrationRow, PlatformRow.name)
            .join(PlatformRow, PlatformRow.id == RegistrationRow.platform_id)
            .where(RegistrationRow.issuer == issuer, RegistrationRow.secret.is_(None))
            .order_by(RegistrationRow.id)
        )
        if client_id is not None:
            query = query.where(RegistrationRow.client_id == client_id)
        async with self._database.reading() as session:
            return [registration_record(*row) for row in (await session.execute(query)).all()]

    async def by_id(self, registration_id: int) -> Registration | None:
        """One registration."""
        query = (
            select(RegistrationRow, PlatformRow.name)
            .join(PlatformRow, PlatformRow.id == RegistrationRow.platform_id)
            .where(RegistrationRow.id == registration_id)
        )
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return registration_record(*row) if row else None

    async def platform(self, platform_id: int) -> Platform:
        """One platform, with its rules."""
        async with self._database.reading() as session:
            return platform_record(await session.get_one(PlatformRow, platform_id))

    async def platforms(self) -> list[tuple[Platform, list[Registration]]]:
        """All platforms with their registrations, by name."""
        async with self._database.reading() as session:
            platforms = (await session.scalars(select(PlatformRow).order_by(PlatformRow.name))).all()
            rows = (await session.scalars(select(RegistrationRow).order_by(RegistrationRow.id))).all()
        return [
            (platform_record(p), [registration_record(r, p.name) for r in rows if r.platform_id == p.id])
            for p in platforms
        ]

    async def courses_made_by_launch(self, platform_id: int) -> int:
        """How many courses the platform's teachers have made by launching."""
        query = select(func.count()).where(CourseRow.platform_id == platform_id, CourseRow.owner == "launch")
        async with self._database.reading() as session:
            return await session.scalar(query) or 0


async def save_platform(
    session: AsyncSession, platform: Platform, registrations: list[Registration], owner: str, prune: bool
) -> None:
    """Make or change a platform by name. `prune` drops registrations that are not named (ids are ignored).

    Raises sqlalchemy's IntegrityError when a (issuer, client id) belongs to another platform.
    """
    row = await session.scalar(select(PlatformRow).where(PlatformRow.name == platform.name))
    if row is None:
        row = PlatformRow(name=platform.name)
        session.add(row)
    row.issuer, row.course_creation, row.owner = platform.issuer, platform.course_creation, owner
    row.allowed_contexts, row.course_limit = list(platform.allowed_contexts), platform.course_limit
    row.start_from, row.title, row.home_url = platform.start_from, platform.title, platform.home_url
    await session.flush()
    present = (await session.scalars(select(RegistrationRow).where(RegistrationRow.platform_id == row.id))).all()
    by_client = {(r.issuer, r.client_id): r for r in present}
    for wanted in registrations:
        found = by_client.pop((wanted.issuer, wanted.client_id), None)
        if found is None:
            found = RegistrationRow(platform_id=row.id, issuer=wanted.issuer, client_id=wanted.client_id)
            session.add(found)
        found.deployment_ids, found.authorize_url = list(wanted.deployment_ids), wanted.authorize_url
        found.token_url, found.keyset_url, found.public_key = wanted.token_url, wanted.keyset_url, wanted.public_key
        found.secret = wanted.secret
    if prune and by_client:
        await session.execute(delete(RegistrationRow).where(RegistrationRow.id.in_([r.id for r in by_client.values()])))
    await session.flush()
