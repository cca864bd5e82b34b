"""Platforms and registrations in the store."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.platforms import PAGE, Known
from ...core.records import Platform, Registration
from .database import Database, again_on_conflict
from .models import AssignmentRow, CourseRow, PersonRow, PlatformRow, RegistrationRow


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
        async with self._database.reading() as session:
            found = await _all_of(session, issuer, client_id)
        if len({registration.client_id for registration in found}) != 1:
            return None
        deployment_ids = tuple(each for registration in found for each in registration.deployment_ids)
        return replace(found[0], deployment_ids=deployment_ids)

    async def for_launch(self, issuer: str, client_id: str, deployment_id: str) -> Registration | None:
        """The registration of a verified launch: the one with its deployment id, else any of this client id."""
        async with self._database.reading() as session:
            return await registration_of_launch(session, issuer, client_id, deployment_id)

    async def consumer(self, key: str) -> Registration | None:
        """The consumer of LTI 1.1 with this key."""
        query = (
            select(RegistrationRow, PlatformRow.name)
            .join(PlatformRow, PlatformRow.id == RegistrationRow.platform_id)
            .where(RegistrationRow.client_id == key, RegistrationRow.secret.is_not(None))
        )
        async with self._database.reading() as session:
            found = (await session.execute(query)).all()
        return registration_record(*found[0]) if len(found) == 1 else None

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

    async def platforms(self) -> list[tuple[Platform, tuple[Registration, ...]]]:
        """All platforms with their registrations, by name."""
        return [(one.platform, one.registrations) for one in await self.known()]

    async def known(self) -> list[Known]:
        """All platforms with their registrations and who hangs on them, by name."""
        async with self._database.reading() as session:
            return await known_platforms(session)

    @again_on_conflict
    async def keep(self, platform: Platform, registrations: Sequence[Registration]) -> None:
        """Add or change a platform of the pages and commands, and registrations of it; others of it stay."""
        async with self._database.transaction() as session:
            await save_platform(session, platform, list(registrations), owner=PAGE, prune=False)

    async def forget(self, name: str, client_id: str | None) -> bool:
        """Drop a platform's registrations, or the one named; the platform too, when nobody is known by its name.

        Whether there was one.
        """
        async with self._database.transaction() as session:
            row = await session.scalar(select(PlatformRow).where(PlatformRow.name == name))
            if row is None:
                return False
            dropping = delete(RegistrationRow).where(RegistrationRow.platform_id == row.id)
            if client_id is not None:
                dropping = dropping.where(RegistrationRow.client_id == client_id)
            dropped = (await session.scalars(dropping.returning(RegistrationRow.id))).all()
            for table in (RegistrationRow, PersonRow, CourseRow):
                hanging = select(func.count()).select_from(table).where(table.platform_id == row.id)
                if await session.scalar(hanging):
                    if table is not RegistrationRow and client_id is None:
                        row.owner = PAGE  # nobody else speaks for it any more
                    return bool(dropped) or client_id is None
            await session.delete(row)
            return True

    async def move(self, name: str, issuer: str) -> None:
        """The platform's LMS has another issuer now; its people and courses stay what they are."""
        async with self._database.transaction() as session:
            row = await session.scalar(select(PlatformRow).where(PlatformRow.name == name))
            if row is not None:
                row.issuer = issuer
                own = RegistrationRow.platform_id == row.id
                await session.execute(update(RegistrationRow).where(own).values(issuer=issuer))

    async def courses_made_by_launch(self, platform_id: int) -> int:
        """How many courses the platform's teachers have made by launching."""
        query = select(func.count()).where(CourseRow.platform_id == platform_id, CourseRow.owner == "launch")
        async with self._database.reading() as session:
            return await session.scalar(query) or 0


async def known_platforms(session: AsyncSession) -> list[Known]:
    """See `Registrations.known`."""
    rows = (await session.scalars(select(PlatformRow).order_by(PlatformRow.name))).all()
    registrations: dict[int, list[RegistrationRow]] = {}
    for one in await session.scalars(select(RegistrationRow).order_by(RegistrationRow.id)):
        registrations.setdefault(one.platform_id, []).append(one)
    counting = [select(t.platform_id, func.count()).group_by(t.platform_id) for t in (PersonRow, CourseRow)]
    people, courses = [{platform: n for platform, n in await session.execute(query)} for query in counting]
    launched = set()
    for column in (CourseRow.registration_id, AssignmentRow.link_registration_id):
        launched |= {one for one in await session.scalars(select(column).distinct()) if one is not None}
    found = []
    for row in rows:
        own = registrations.get(row.id, [])
        found.append(
            Known(
                platform=platform_record(row),
                registrations=tuple(registration_record(r, row.name) for r in own),
                people=people.get(row.id, 0),
                courses=courses.get(row.id, 0),
                launched=frozenset(launched & {r.id for r in own}),
            )
        )
    return found


async def registration_of_launch(
    session: AsyncSession, issuer: str, client_id: str, deployment_id: str
) -> Registration | None:
    """As `Registrations.for_launch`, within somebody else's transaction."""
    found = await _all_of(session, issuer, client_id)
    return next((r for r in found if deployment_id in r.deployment_ids), found[0] if found else None)


async def _all_of(session: AsyncSession, issuer: str, client_id: str | None) -> list[Registration]:
    query = (
        select(RegistrationRow, PlatformRow.name)
        .join(PlatformRow, PlatformRow.id == RegistrationRow.platform_id)
        .where(RegistrationRow.issuer == issuer, RegistrationRow.secret.is_(None))
        .order_by(RegistrationRow.id)
    )
    if client_id is not None:
        query = query.where(RegistrationRow.client_id == client_id)
    return [registration_record(*row) for row in (await session.execute(query)).all()]


async def save_platform(
    session: AsyncSession, platform: Platform, registrations: list[Registration], owner: str, prune: bool
) -> None:
    """Make or change a platform by name. `prune` drops registrations that are not named (ids are ignored).

    Whether it may stand beside the others is core/platforms.py's to say.
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
    # A platform is one LMS: what another issuer signed would speak for the same people.
    foreign = [r for r in present if r.issuer != platform.issuer]
    for wanted in registrations:
        found = by_client.pop((wanted.issuer, wanted.client_id), None)
        if found is None:
            found = RegistrationRow(platform_id=row.id, issuer=wanted.issuer, client_id=wanted.client_id)
            session.add(found)
        found.deployment_ids, found.authorize_url = list(wanted.deployment_ids), wanted.authorize_url
        found.token_url, found.keyset_url, found.public_key = wanted.token_url, wanted.keyset_url, wanted.public_key
        found.secret = wanted.secret
    gone = {r.id for r in [*foreign, *(by_client.values() if prune else ())]}
    if gone:
        await session.execute(delete(RegistrationRow).where(RegistrationRow.id.in_(gone)))
    await session.flush()
