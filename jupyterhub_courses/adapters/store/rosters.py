"""Rosters in the store: what is known of a course's members, and applying a roster's changes in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.names import username_from
from ...core.records import Course, Registration
from ...core.roles import Role
from ...core.rosters import KnownMember, Member, MemberChange, RosterChanges
from .database import Database, again_on_conflict
from .models import CourseRow, EventRow, MembershipRow, PersonRow
from .people import DETAILS
from .registrations import Registrations


class Rosters:
    """See usecases/rostering.py. `hub_user_exists` keeps names of hub users that are not ours free of newcomers."""

    def __init__(self, database: Database, hub_user_exists: Callable[[str], Awaitable[bool]]) -> None:
        self._database, self._hub_user_exists = database, hub_user_exists
        self._registrations = Registrations(database)

    async def registration(self, registration_id: int) -> Registration | None:
        """One registration."""
        return await self._registrations.by_id(registration_id)

    async def known_members(self, course_id: int) -> Sequence[KnownMember]:
        """All memberships of the course whose person has a `sub` at the course's platform."""
        query = (
            select(MembershipRow, PersonRow)
            .join(PersonRow, PersonRow.id == MembershipRow.person_id)
            .join(CourseRow, CourseRow.id == MembershipRow.course_id)
            .where(MembershipRow.course_id == course_id, PersonRow.platform_id == CourseRow.platform_id)
        )
        async with self._database.reading() as session:
            return [_known(m, p) for m, p in (await session.execute(query)).all()]

    @again_on_conflict
    async def apply_roster(self, course: Course, changes: RosterChanges, now: datetime) -> None:
        """People and memberships added and changed, the time noted. Raises HubDown before anything is written."""
        names = await self._names(course, changes.added)
        async with self._database.transaction() as session:
            for member in changes.added:
                await _add(session, course, member, names[member.sub], now)
            for change in changes.changed:
                await _change(session, course.id, change, now)
            synced = update(CourseRow).where(CourseRow.id == course.id)
            await session.execute(synced.values(roster_synced_at=now, roster_error=""))
            if changes:
                gone = sum(not change.active for change in changes.changed)
                text = (
                    f"Participants read: {len(changes.added)} new, {len(changes.changed) - gone} changed, {gone} gone."
                )
                session.add(EventRow(course_id=course.id, at=now, kind="roster", text=text))

    async def note_roster_error(self, course_id: int, code: str) -> None:
        """Why the last reading failed; nobody changes."""
        async with self._database.transaction() as session:
            await session.execute(update(CourseRow).where(CourseRow.id == course_id).values(roster_error=code))

    async def _names(self, course: Course, members: Sequence[Member]) -> dict[str, str]:
        """A username for each newcomer who is not a person of the platform already (others: '')."""
        if not members:
            return {}
        subs = [member.sub for member in members]
        async with self._database.reading() as session:
            known = set(
                await session.scalars(
                    select(PersonRow.sub).where(PersonRow.platform_id == course.platform_id, PersonRow.sub.in_(subs))
                )
            )
            taken = set(await session.scalars(select(PersonRow.username)))
        names: dict[str, str] = {}
        for member in members:
            if member.sub in known:
                names[member.sub] = ""
                continue
            while True:
                claims, whose = [member.login_name, member.email, member.name], f"{course.platform_id}:{member.sub}"
                name = username_from(claims, taken.__contains__, whose)
                taken.add(name)
                if not await self._hub_user_exists(name):
                    break
            names[member.sub] = name
        return names


def _known(row: MembershipRow, person: PersonRow) -> KnownMember:
    return KnownMember(
        person_id=person.id,
        sub=person.sub or "",
        role=Role(row.role),
        active=row.active,
        source=row.source,
        roster_role=Role(row.roster_role) if row.roster_role else None,
        updated_at=row.updated_at,
        details=(person.name, person.given_name, person.family_name, person.email),
    )


async def _add(session: AsyncSession, course: Course, member: Member, username: str, now: datetime) -> None:
    query = select(PersonRow).where(PersonRow.platform_id == course.platform_id, PersonRow.sub == member.sub)
    person = await session.scalar(query)
    if person is None:
        person = PersonRow(platform_id=course.platform_id, sub=member.sub, username=username, created_at=now)
        session.add(person)
    for name in DETAILS:
        if getattr(member, name):
            setattr(person, name, getattr(member, name))
    await session.flush()
    here = select(MembershipRow).where(MembershipRow.course_id == course.id, MembershipRow.person_id == person.id)
    row = await session.scalar(here)
    if row is None:  # somebody who launched while the roster was being read keeps what the launch said
        row = MembershipRow(course_id=course.id, person_id=person.id, role=member.role.value, source="roster")
        row.updated_at = now
        session.add(row)
    row.roster_role = member.role.value


async def _change(session: AsyncSession, course_id: int, change: MemberChange, now: datetime) -> None:
    here = select(MembershipRow).where(
        MembershipRow.course_id == course_id, MembershipRow.person_id == change.person_id
    )
    row = await session.scalar(here)
    if row is None:
        return
    row.role, row.active, row.source, row.updated_at = change.role.value, change.active, change.source, now
    row.roster_role = change.roster_role.value if change.roster_role else None
    person = await session.get_one(PersonRow, change.person_id)
    for name, value in zip(DETAILS, change.details, strict=True):
        if value:
            setattr(person, name, value)
