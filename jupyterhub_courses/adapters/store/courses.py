"""Courses, their links and events in the store."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.records import Course, Endpoints, Link
from .database import Database, again_on_conflict
from .held import begin_anew, whole
from .models import AssignmentRow, CourseRow, EventRow

EVENTS_KEPT = 200
#: More assignments than any course has; a broken or hostile LMS cannot fill the store with links.
ASSIGNMENTS_MAX = 1000


def course_record(row: CourseRow) -> Course:
    """The record of a row."""
    return Course(**{name: getattr(row, name) for name in Course.__dataclass_fields__})


async def _add_event(session: AsyncSession, course_id: int, kind: str, text: str, now: datetime) -> None:
    session.add(EventRow(course_id=course_id, at=now, kind=kind, text=text))
    keep = select(EventRow.id).where(EventRow.course_id == course_id)
    newest = (await session.scalars(keep.order_by(EventRow.id.desc()).limit(EVENTS_KEPT))).all()
    if len(newest) == EVENTS_KEPT:
        await session.execute(delete(EventRow).where(EventRow.course_id == course_id, EventRow.id < newest[-1]))


class Courses:
    """Reads and writes courses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_slug(self, slug: str) -> Course | None:
        """One course."""
        async with self._database.reading() as session:
            row = await session.scalar(select(CourseRow).where(CourseRow.slug == slug))
        return course_record(row) if row else None

    async def by_context(self, platform_id: int, context_id: str) -> Course | None:
        """The course of an LMS's context."""
        query = select(CourseRow).where(CourseRow.platform_id == platform_id, CourseRow.context_id == context_id)
        async with self._database.reading() as session:
            row = await session.scalar(query)
        return course_record(row) if row else None

    async def all(self) -> list[Course]:
        """All courses by slug."""
        async with self._database.reading() as session:
            return [course_record(r) for r in await session.scalars(select(CourseRow).order_by(CourseRow.slug))]

    async def new(self) -> list[str]:
        """Slugs of the courses that nobody has begun to make."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(CourseRow.slug).where(CourseRow.state == "pending")))

    async def create(
        self,
        slug: str,
        title: str,
        platform_id: int | None,
        context_id: str | None,
        spec: dict[str, Any],
        owner: str,
        exchange_token: str,
        now: datetime,
    ) -> Course | None:
        """A new course; None when slug or (platform, context) was taken meanwhile."""
        try:
            async with self._database.transaction() as session:
                row = CourseRow(
                    slug=slug,
                    title=title,
                    platform_id=platform_id,
                    context_id=context_id,
                    spec=spec,
                    owner=owner,
                    exchange_token=exchange_token,
                    created_at=now,
                )
                session.add(row)
                await session.flush()
                session.add(EventRow(course_id=row.id, at=now, kind="created", text=f"Course made ({owner})."))
                return course_record(row)
        except IntegrityError:
            return None

    async def change(self, course_id: int, **values: Any) -> None:
        """Set columns of a course (names of CourseRow)."""
        async with self._database.transaction() as session:
            row = await session.get(CourseRow, course_id)
            if row is not None:
                for name, value in values.items():
                    setattr(row, name, value)

    async def set_state(self, course_id: int, state: str, reason: str, now: datetime) -> bool:
        """Note what the reconciler saw, with an event when it changed. Returns whether it did."""
        async with self._database.transaction() as session:
            row = await session.get(CourseRow, course_id)
            if row is None or (row.state, row.reason) == (state, reason):
                return False
            if row.state == "deleting" != state:
                return False  # a deletion asked for meanwhile is not undone by what was seen before it
            row.state, row.reason = state, reason
            await _add_event(session, course_id, state, reason or f"The course is {state}.", now)
            return True

    async def note(self, course_id: int, kind: str, text: str, now: datetime) -> None:
        """An event beside the course's state."""
        async with self._database.transaction() as session:
            if await session.get(CourseRow, course_id) is not None:
                await _add_event(session, course_id, kind, text, now)

    async def set_endpoints(self, course: Course, endpoints: Endpoints) -> bool:
        """Where scores and roster go, from a launch. Returns whether that is new."""
        known = Endpoints(course.registration_id, course.lineitems_url, course.members_url)
        kept = endpoints.after(known)
        if kept != known:
            await self.change(course.id, **asdict(kept))
        return kept != known

    @again_on_conflict
    async def set_link(self, course_id: int, link: Link) -> bool:
        """Remember the activity that names an assignment. False when the course has too many already."""
        async with self._database.transaction() as session:
            await whole(session, course_id)
            named, own = AssignmentRow.name == link.assignment, link.lineitem_url
            held = or_(AssignmentRow.lineitem == own, AssignmentRow.link_lineitem == own) if own else named
            query = select(AssignmentRow).where(AssignmentRow.course_id == course_id, or_(named, held))
            found = (await session.scalars(query.order_by(AssignmentRow.id).with_for_update())).all()
            row = next((one for one in found if one.name == link.assignment), None)
            if row is None:
                count = await session.scalar(select(func.count()).where(AssignmentRow.course_id == course_id))
                if (count or 0) >= ASSIGNMENTS_MAX:
                    return False
                row = AssignmentRow(course_id=course_id, name=link.assignment, in_gradebook=False)
                session.add(row)
            told = link.lineitem_url or link.lineitems_url
            if (row.lineitem or row.link_lineitem) and not told and row.link_registration_id != link.registration_id:
                return True  # its column is known; an activity of LTI 1.1 that names it too does not move it
            row.resource_link_id = link.resource_link_id or row.resource_link_id
            row.link_registration_id = link.registration_id
            if link.lineitems_url:
                row.link_lineitems = link.lineitems_url
            others = [one for one in found if one is not row]
            if own and own != row.link_lineitem and await _given_up(session, row, own, others):
                row.link_lineitem = own
            return True

    async def assignment_of(self, course_id: int, lineitem: str | None, resource_link: str | None) -> str | None:
        """The assignment of an activity, by its column's address or its id; None where they name none, or several."""
        here = select(AssignmentRow.name).where(AssignmentRow.course_id == course_id)
        by_column = or_(AssignmentRow.lineitem == lineitem, AssignmentRow.link_lineitem == lineitem)
        async with self._database.reading() as session:
            for told, fits in ((lineitem, by_column), (resource_link, AssignmentRow.resource_link_id == resource_link)):
                names = (await session.scalars(here.where(fits).limit(2))).all() if told else []
                if len(names) == 1:
                    return names[0]
        return None

    async def events(self, course_id: int, limit: int = 20) -> list[tuple[datetime, str, str]]:
        """The newest events: (at, kind, text)."""
        query = select(EventRow).where(EventRow.course_id == course_id).order_by(EventRow.id.desc()).limit(limit)
        async with self._database.reading() as session:
            return [(e.at, e.kind, e.text) for e in await session.scalars(query)]

    async def delete(self, course_id: int) -> None:
        """Forget a course with its memberships, assignments and scores."""
        async with self._database.transaction() as session:
            await session.execute(delete(CourseRow).where(CourseRow.id == course_id))


async def _given_up(session: AsyncSession, row: AssignmentRow, lineitem: str, others: list[AssignmentRow]) -> bool:
    """Whether the assignment gets the column of an activity that names it now; `others` had it, and have it no more.

    Not what another activity has, too, nor what takes scores while the name means nothing yet: after a new name in
    the gradebook the activity names the old one.
    """
    for other in others:
        is_anothers = other.link_lineitem == lineitem and other.resource_link_id != row.resource_link_id
        takes_scores = other.in_gradebook and (other.lineitem or lineitem) == lineitem
        if is_anothers or (takes_scores and not row.in_gradebook):
            return False
    for other in others:
        if other.link_lineitem == lineitem:
            other.resource_link_id = other.link_lineitem = None
        if other.lineitem == lineitem:
            await begin_anew(session, other)
    return True
