"""A courses file against the store: what is there, and writing a whole file in one transaction."""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.diffs import FILE, OwnedSpec
from ...core.platforms import CONFIG, Clashing, clash, moved
from ...core.presence import Present
from ...core.records import Platform, Registration
from ...core.roles import Role
from ...core.specs import CourseSpec
from .database import Database, again_on_conflict
from .models import CourseRow, EventRow, MembershipRow, PersonRow, PlatformRow
from .people import put_membership
from .registrations import known_platforms, save_platform


class Files:
    """See usecases/applying.py."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def present(self) -> Present:
        """Everything that a file is compared with."""
        async with self._database.reading() as session:
            known = await known_platforms(session)
            courses = list(await session.scalars(select(CourseRow).where(CourseRow.state != "deleting")))
        platforms = {one.platform.id: one.platform.name for one in known}
        return Present(
            courses=tuple(OwnedSpec(_spec(row, platforms), row.owner) for row in courses),
            contexts={
                (platforms[row.platform_id], row.context_id): row.slug
                for row in courses
                if row.platform_id is not None and row.context_id is not None
            },
            platforms={one.platform.name: one for one in known},
        )

    async def write(
        self,
        platforms: list[tuple[Platform, list[Registration]]],
        specs: list[CourseSpec],
        gone: list[str],
        now: datetime,
    ) -> None:
        """All or nothing."""
        async with self._database.transaction() as session:
            for platform, registrations in platforms:
                await save_platform(session, platform, registrations, owner=FILE, prune=True)
            ids = {p.name: p.id for p in await session.scalars(select(PlatformRow))}
            for spec in specs:
                await _write_course(session, spec, ids, now)
            if gone:
                values = update(CourseRow).where(CourseRow.slug.in_(gone), CourseRow.owner == FILE)
                await session.execute(values.values(state="deleting", reason=""))

    @again_on_conflict
    async def keep_configured(self, platform: Platform, registration: Registration) -> None:
        """Add or update one registration; what a file says of it stays. Raises Clashing."""
        async with self._database.transaction() as session:
            known = await known_platforms(session)
            client = (registration.issuer, registration.client_id)
            there = [one for one in known for r in one.registrations if (r.issuer, r.client_id) == client]
            named = next((one for one in known if one.platform.name == platform.name), None)
            if any(one.platform.owner == FILE for one in [*there, *([named] if named else [])]):
                return
            others = [r for one in known for r in one.registrations]
            problem = moved(platform, named) or clash(registration, others)
            if problem is not None:
                raise Clashing(problem)
            if named is not None:
                platform = replace(platform, title=named.platform.title, home_url=named.platform.home_url)
            await save_platform(session, platform, [registration], owner=CONFIG, prune=False)

    async def mark_deleting(self, course_id: int, now: datetime, erase: bool = False) -> None:
        """The reconciler does the rest; `erase`: its volumes or folder, too."""
        async with self._database.transaction() as session:
            await session.execute(
                update(CourseRow).where(CourseRow.id == course_id).values(state="deleting", reason="", erase=erase)
            )
            session.add(EventRow(course_id=course_id, at=now, kind="deleting", text="The course is being deleted."))


def _spec(row: CourseRow, platforms: dict[int, str]) -> CourseSpec:
    data: dict[str, Any] = {**row.spec, "slug": row.slug, "title": row.title}
    if row.platform_id is not None and row.context_id is not None:
        data["lms"] = {"platform": platforms[row.platform_id], "context": row.context_id}
    return CourseSpec.model_validate(data)


async def _write_course(session: AsyncSession, spec: CourseSpec, platforms: dict[str, int], now: datetime) -> None:
    row = await session.scalar(select(CourseRow).where(CourseRow.slug == spec.slug))
    if row is None:
        row = CourseRow(slug=spec.slug, exchange_token=secrets.token_hex(32), created_at=now)
        session.add(row)
    row.title, row.owner = spec.title, FILE
    row.spec = spec.model_dump(mode="json", exclude={"slug", "title", "lms"}, exclude_none=True)
    if spec.lms is not None:
        row.platform_id, row.context_id = platforms[spec.lms.platform], spec.lms.context
    if row.state == "deleting":
        row.state, row.erase = "pending", False
    await session.flush()
    session.add(EventRow(course_id=row.id, at=now, kind="applied", text="Set by the courses file."))
    await _write_people(session, row.id, spec, now)


async def _write_people(session: AsyncSession, course_id: int, spec: CourseSpec, now: datetime) -> None:
    named = []
    for member in spec.people:
        person = await session.scalar(select(PersonRow).where(PersonRow.username == member.username))
        if person is None:
            person = PersonRow(username=member.username, name=member.name, created_at=now)
            session.add(person)
            await session.flush()
        named.append(person.id)
        await put_membership(session, person.id, course_id, Role(member.role), "file", now)
    await session.execute(
        update(MembershipRow)
        .where(
            MembershipRow.course_id == course_id, MembershipRow.source == "file", MembershipRow.person_id.not_in(named)
        )
        .values(active=False, updated_at=now)
    )
