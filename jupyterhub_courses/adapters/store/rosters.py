"""Rosters in the store: what is known of a course's members, and applying a roster's changes in one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.batches import batches
from ...core.names import username_from
from ...core.records import Course, Registration
from ...core.roles import Role
from ...core.rosters import KnownMember, Member, MemberChange, RosterChanges
from .database import Database, again_on_conflict
from .models import CourseRow, EventRow, MembershipRow, PersonRow
from .people import DETAILS
from .registrations import Registrations

#: Rows in one statement: SQLite and PostgreSQL take about 32,000 values.
TOGETHER = 500


class Rosters:
    """See usecases/rostering.py. `hub_taken_names` keeps names of hub users that are not ours free of newcomers."""

    def __init__(self, database: Database, hub_taken_names: Callable[[Iterable[str]], Awaitable[set[str]]]) -> None:
        self._database, self._hub_taken_names = database, hub_taken_names
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
            for some in batches(changes.added, TOGETHER):
                await _add(session, course, some, names, now)
            for part in batches(changes.changed, TOGETHER):
                await _change(session, course.id, part, now)
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
        """A username, by sub, for each newcomer who is not a person of the platform already."""
        if not members:
            return {}
        known: set[str | None] = set()
        async with self._database.reading() as session:
            for some in batches(members, TOGETHER):
                here = (PersonRow.platform_id == course.platform_id, PersonRow.sub.in_([m.sub for m in some]))
                known.update(await session.scalars(select(PersonRow.sub).where(*here)))
            taken = set(await session.scalars(select(PersonRow.username)))
        names: dict[str, str] = {}
        nameless = [member for member in members if member.sub not in known]
        while nameless:
            for member in nameless:
                claims, whose = [member.login_name, member.email, member.name], f"{course.platform_id}:{member.sub}"
                names[member.sub] = username_from(claims, taken.__contains__, whose)
                taken.add(names[member.sub])
            of_hub = await self._hub_taken_names(names[member.sub] for member in nameless)
            nameless = [member for member in nameless if names[member.sub] in of_hub]
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


async def _add(
    session: AsyncSession, course: Course, members: Sequence[Member], names: Mapping[str, str], now: datetime
) -> None:
    people = {m.sub: {name: getattr(m, name) for name in DETAILS} for m in members}
    new = [
        {"platform_id": course.platform_id, "sub": sub, "username": names[sub], "created_at": now, **details}
        for sub, details in people.items()
        if sub in names
    ]
    if new:
        await session.execute(insert(PersonRow), new)
    here = (PersonRow.platform_id == course.platform_id, PersonRow.sub.in_(list(people)))
    persons = {person.sub: person for person in await session.scalars(select(PersonRow).where(*here))}
    ids = [person.id for person in persons.values()]
    rows = await session.scalars(
        select(MembershipRow).where(MembershipRow.course_id == course.id, MembershipRow.person_id.in_(ids))
    )
    memberships = {row.person_id: row for row in rows}
    joining = []
    for member in members:
        person, role = persons[member.sub], member.role.value
        _tell(person, people[member.sub].values())
        if row := memberships.get(person.id):  # who launched while the roster was being read keeps what that said
            row.roster_role = role
        else:
            place = {"course_id": course.id, "person_id": person.id, "role": role, "roster_role": role}
            joining.append({**place, "source": "roster", "active": True, "updated_at": now})
    await session.flush()
    if joining:
        await session.execute(insert(MembershipRow), joining)


async def _change(session: AsyncSession, course_id: int, changes: Sequence[MemberChange], now: datetime) -> None:
    by_person = {change.person_id: change for change in changes}
    query = (
        select(MembershipRow, PersonRow)
        .join(PersonRow, PersonRow.id == MembershipRow.person_id)
        .where(MembershipRow.course_id == course_id, MembershipRow.person_id.in_(list(by_person)))
    )
    for row, person in (await session.execute(query)).all():
        change = by_person[person.id]
        row.role, row.active, row.source, row.updated_at = change.role.value, change.active, change.source, now
        row.roster_role = change.roster_role.value if change.roster_role else None
        _tell(person, change.details)
    await session.flush()


def _tell(person: PersonRow, details: Iterable[str]) -> None:
    for name, value in zip(DETAILS, details, strict=True):
        if value and getattr(person, name) != value:
            setattr(person, name, value)
