"""People and memberships in the store."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.records import Membership, Person, Place
from ...core.roles import Role, agreed
from .database import Database, again_on_conflict
from .models import UNMADE, CourseRow, MembershipRow, PersonRow

DETAILS = ("name", "given_name", "family_name", "email")


def person_record(row: PersonRow) -> Person:
    """The record of a row."""
    return Person(row.id, row.platform_id, row.sub, row.username, row.name, row.given_name, row.family_name, row.email)


class People:
    """Reads and writes people and their places in courses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, platform_id: int | None, sub: str) -> Person | None:
        """The person whom a platform (None: the hub's own login) calls `sub`."""
        query = select(PersonRow).where(PersonRow.platform_id == platform_id, PersonRow.sub == sub)
        async with self._database.reading() as session:
            row = await session.scalar(query)
        return person_record(row) if row else None

    async def by_username(self, username: str) -> Person | None:
        """The person with this hub username."""
        async with self._database.reading() as session:
            row = await session.scalar(select(PersonRow).where(PersonRow.username == username))
        return person_record(row) if row else None

    async def create(self, person: Person, now: datetime, place: Place | None = None) -> Person | None:
        """A new person (`id` is ignored), who is a member at `place` by a launch.

        None when the username or (platform, sub) was taken meanwhile.
        """
        try:
            async with self._database.transaction() as session:
                row = PersonRow(
                    platform_id=person.platform_id, sub=person.sub, username=person.username, created_at=now
                )
                for name in DETAILS:
                    setattr(row, name, getattr(person, name))
                session.add(row)
                await session.flush()
                if place is not None:
                    session.add(
                        MembershipRow(
                            person_id=row.id,
                            course_id=place.course_id,
                            role=place.role.value,
                            active=True,
                            source="launch",
                            updated_at=now,
                        )
                    )
                return person_record(row)
        except IntegrityError:
            return None

    async def bind(self, person_id: int, sub: str) -> None:
        """From now on the hub's own login calls this person `sub`; nothing for somebody of an LMS."""
        here = (PersonRow.id == person_id, PersonRow.platform_id.is_(None), PersonRow.sub.is_(None))
        async with self._database.transaction() as session:
            await session.execute(update(PersonRow).where(*here).values(sub=sub))

    async def update_details(self, person_id: int, details: dict[str, str]) -> None:
        """Names and mail address as the LMS tells them now; empty ones keep what is there."""
        async with self._database.transaction() as session:
            row = await session.get_one(PersonRow, person_id)
            for name in DETAILS:
                if details.get(name):
                    setattr(row, name, details[name])

    @again_on_conflict
    async def set_membership(self, person_id: int, course_id: int, role: Role, source: str, now: datetime) -> Role:
        """The person is an active member from now on; returns the role, which the LMS's roster may have narrowed."""
        async with self._database.transaction() as session:
            return await put_membership(session, person_id, course_id, role, source, now)

    async def memberships(self, person_id: int) -> list[tuple[str, Role]]:
        """(slug, role) of the person's active memberships in courses that have their grader user."""
        query = (
            select(CourseRow.slug, MembershipRow.role)
            .join(MembershipRow, MembershipRow.course_id == CourseRow.id)
            .where(
                MembershipRow.person_id == person_id,
                MembershipRow.active,
                CourseRow.state.not_in(UNMADE),
            )
            .order_by(CourseRow.slug)
        )
        async with self._database.reading() as session:
            return [(slug, Role(role)) for slug, role in (await session.execute(query)).all()]

    async def membership(self, username: str, slug: str) -> Membership | None:
        """A person's place in a course, active or not."""
        query = (
            select(MembershipRow, PersonRow)
            .join(PersonRow, PersonRow.id == MembershipRow.person_id)
            .join(CourseRow, CourseRow.id == MembershipRow.course_id)
            .where(PersonRow.username == username, CourseRow.slug == slug)
        )
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return _membership(*row) if row else None

    async def students(self, course_id: int) -> frozenset[str]:
        """Usernames of a course's active students."""
        here = (MembershipRow.course_id == course_id, MembershipRow.active, MembershipRow.role == Role.STUDENT.value)
        query = select(PersonRow.username).join(MembershipRow, MembershipRow.person_id == PersonRow.id).where(*here)
        async with self._database.reading() as session:
            return frozenset(await session.scalars(query))

    async def all_students(self) -> dict[int, frozenset[str]]:
        """The same of all courses that have any, by the course's id."""
        here = (MembershipRow.active, MembershipRow.role == Role.STUDENT.value)
        query = select(MembershipRow.course_id, PersonRow.username).join(PersonRow).where(*here)
        found: dict[int, set[str]] = {}
        async with self._database.reading() as session:
            for course_id, username in await session.execute(query):
                found.setdefault(course_id, set()).add(username)
        return {course_id: frozenset(names) for course_id, names in found.items()}

    async def roster(self, course_id: int) -> list[Membership]:
        """All members of a course, also those no longer active, by name."""
        query = (
            select(MembershipRow, PersonRow)
            .join(PersonRow, PersonRow.id == MembershipRow.person_id)
            .where(MembershipRow.course_id == course_id)
            .order_by(PersonRow.family_name, PersonRow.given_name, PersonRow.username)
        )
        async with self._database.reading() as session:
            return [_membership(m, p) for m, p in (await session.execute(query)).all()]


async def put_membership(
    session: AsyncSession, person_id: int, course_id: int, role: Role, source: str, now: datetime
) -> Role:
    """Make or change a membership inside a caller's transaction."""
    row = await session.scalar(
        select(MembershipRow).where(MembershipRow.person_id == person_id, MembershipRow.course_id == course_id)
    )
    if row is None:
        row = MembershipRow(person_id=person_id, course_id=course_id)
        session.add(row)
    elif source == "launch":
        role = agreed(role, Role(row.roster_role) if row.roster_role else None)
    if row.role != role or not row.active or row.source != source:
        row.role, row.active, row.source, row.updated_at = role.value, True, source, now
    return role


def _membership(row: MembershipRow, person: PersonRow) -> Membership:
    return Membership(person_record(person), row.course_id, Role(row.role), row.active, row.source)
