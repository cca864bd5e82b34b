"""The outbox's tables: due scores and columns out, intents and receipts in. Implements usecases'
DeliveryStore.

A receipt is compared with what the gradebook wants by now inside its transaction, so a score that changed
while it was being sent stays due.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, not_, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.answers import COLUMN_GONE
from ...core.batches import batches
from ...core.deliveries import (
    NOT_OPENED,
    ColumnReceipt,
    Delivery,
    Held,
    Intent,
    OutcomePlace,
    PendingCourse,
    Receipt,
    held_after,
    held_elsewhere,
)
from ...core.drift import MISSING, SETTLE
from ...core.lineitems import LABEL_MAX, Column
from ...core.looks import Awaited, Reading, looked
from ...core.records import Registration
from .database import Database
from .held import begin_anew, forget_sent, held_of, locked, locked_scores, says_the_same, whole, write
from .models import AssignmentRow, CourseRow, OutcomeRow, PersonRow, PlatformRow, RegistrationRow, ScoreRow
from .registrations import registration_record

#: States of scores that are to be sent.
OPEN = ("due", "waiting")
_BEGIN = (
    update(ScoreRow.__table__)  # type: ignore[arg-type]
    .where(ScoreRow.__table__.c.id == bindparam("which"))
    .values(last_timestamp=bindparam("second"), in_doubt=True)
)


class Deliveries:
    """Reads and writes for the outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, now: datetime) -> Sequence[PendingCourse]:
        """Courses with something to deliver at `now`."""
        is_open = (_column_open(now), CourseRow.state != "deleting")
        waiting = select(ScoreRow.assignment_id).where(ScoreRow.state.in_(OPEN))
        course = select(CourseRow.id, CourseRow.platform_id).join(
            AssignmentRow, AssignmentRow.course_id == CourseRow.id
        )
        query: Any = course.where(AssignmentRow.id.in_(waiting), _has_due(now), *is_open).union(
            course.where(_has_news(), CourseRow.platform_id.is_not(None), *is_open)
        )
        async with self._database.reading() as session:
            found = [PendingCourse(course, platform) for course, platform in await session.execute(query)]
        return sorted(found, key=lambda course: course.course_id)

    async def columns(self, course_id: int, now: datetime) -> Sequence[Column]:
        """The assignments of a course that have something to deliver or to tell, and are not waiting themselves.

        By due date: an LMS shows columns in the order in which they were made.
        """
        query = (
            select(AssignmentRow, CourseRow)
            .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
            .where(CourseRow.id == course_id, _column_open(now), or_(_has_due(now), _has_news()))
            .order_by(AssignmentRow.due_at.is_(None), AssignmentRow.due_at, AssignmentRow.id)
        )
        async with self._database.reading() as session:
            return await columns_of(session, query)

    async def due(self, assignment_id: int, lineitem: str, now: datetime, limit: int) -> Sequence[Delivery]:
        """Scores to deliver: those without trouble first, then the newest regrade. None where the assignment has
        another column by now.
        """
        query: Any = (
            select(ScoreRow, AssignmentRow.choice, PersonRow.sub, OutcomeRow)
            .select_from(ScoreRow)
            .join(AssignmentRow, AssignmentRow.id == ScoreRow.assignment_id)
            .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
            .join(PersonRow, _is_person())
            .outerjoin(OutcomeRow, and_(_is_place(), _by_outcomes()))
            .where(ScoreRow.assignment_id == assignment_id, *_is_due(now))
            .where(func.coalesce(AssignmentRow.lineitem, "") == lineitem)
            .order_by(ScoreRow.attempts, ScoreRow.graded_at.desc(), ScoreRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
            registrations = await _registrations(session, {p.registration_id for *_, p in rows if p is not None})
        return [_delivery(row, choice, sub, place, registrations) for row, choice, sub, place in rows]

    async def begin(self, intents: Sequence[Intent]) -> None:
        """Store what is about to be sent, before it is."""
        # One order, so that no two transactions wait for each other; and one statement for all of them.
        rows = [{"which": i.score_id, "second": i.timestamp} for i in sorted(intents, key=lambda i: i.score_id)]
        async with self._database.transaction() as session:
            connection = await session.connection()
            await connection.execute(_BEGIN, rows)

    async def record(self, receipts: Sequence[Receipt]) -> None:
        """Store what became of deliveries."""
        by_id = {receipt.score_id: receipt for receipt in receipts}
        async with self._database.transaction() as session:
            await _look_after(session, receipts)
            rows = await session.execute(locked(by_id))
            await write(session, {row.id: _after(row, by_id[row.id]) for row in rows})

    async def record_column(self, receipt: ColumnReceipt) -> None:
        """Store a column's state. Scores sent to another column before are due again.

        Nothing is stored where a launch or a person has changed the column meanwhile; `due` then gives no score to
        whoever believes in the other one.
        """
        which = AssignmentRow.id == receipt.assignment_id
        is_new = receipt.lineitem not in (None, receipt.before)
        async with self._database.transaction() as session:
            course_id = await session.scalar(select(AssignmentRow.course_id).where(which))
            if course_id is None:
                return
            if is_new:
                await whole(session, course_id)
            row = await session.scalar(select(AssignmentRow).where(which).with_for_update())
            if row is None or row.lineitem != receipt.before:
                return
            taken = (await _taken(session, [course_id])).get(course_id, {}) if is_new else {}
            if taken.get(receipt.lineitem or "", row.id) != row.id:
                if receipt.lineitem == row.link_lineitem:
                    row.link_lineitem = None  # not again and again; the next click tells of it anew
                return
            row.lineitem, row.lineitem_registration_id = receipt.lineitem, receipt.registration_id
            row.lineitem_label, row.lineitem_max, row.lineitem_due = receipt.label, receipt.maximum, receipt.due
            row.lineitem_error, row.lineitem_attempts = receipt.error, receipt.attempts
            row.lineitem_next_at = receipt.next_at
            if receipt.rescaled_from is not None:
                row.rescaled_from, row.rescaled_at = receipt.rescaled_from, receipt.at
            elif receipt.moved:
                row.rescaled_from = row.rescaled_at = None
            if receipt.moved:
                await forget_sent(session, receipt.assignment_id)

    async def record_readings(self, readings: Sequence[Reading]) -> None:
        """Store what the LMS shows, where it was compared with what still counts as sent."""
        by_id = {reading.score_id: reading for reading in readings}
        async with self._database.transaction() as session:
            rows = (await session.execute(locked(by_id))).all()
            after = {row.id: looked(held_of(row, row.column_choice), by_id[row.id]) for row in rows}
            await write(session, {row.id: after[row.id] for row in rows if not says_the_same(row, after[row.id])})

    async def unread(self, assignment_id: int) -> Sequence[Awaited]:
        """What a column was sent and nobody has looked at since, without what is in doubt."""
        query = (
            select(ScoreRow.id, PersonRow.sub, ScoreRow.last_timestamp, ScoreRow.sent_at)
            .join(PersonRow, PersonRow.id == ScoreRow.person_id)
            .where(ScoreRow.assignment_id == assignment_id, ScoreRow.sent_score.is_not(None))
            .where(ScoreRow.in_doubt.is_(False), ScoreRow.read_at.is_(None))
            .order_by(ScoreRow.id)
        )
        async with self._database.reading() as session:
            rows = await session.execute(query)
            return [Awaited(i, sub, last, at) for i, sub, last, at in rows if sub is not None and at is not None]

    async def next_at(self, now: datetime) -> datetime | None:
        """When something that waits becomes due; None when nothing waits."""
        scores = select(func.min(ScoreRow.next_at)).where(ScoreRow.state == "waiting", ScoreRow.next_at > now)
        columns = select(func.min(AssignmentRow.lineitem_next_at)).where(AssignmentRow.lineitem_next_at > now)
        async with self._database.reading() as session:
            times = [await session.scalar(scores), await session.scalar(columns)]
        return min((time for time in times if time is not None), default=None)

    async def retry(self, course_id: int, person_id: int | None = None, assignment: str | None = None) -> int:
        """Asked by a grader: refused and waiting scores, and those that the LMS does not show, are due now; columns
        deleted in the LMS are found or made. How many scores that makes due.
        """
        async with self._database.transaction() as session:
            query = select(AssignmentRow).where(AssignmentRow.course_id == course_id)
            if assignment is not None:
                query = query.where(AssignmentRow.name == assignment)
            assignments = (await session.scalars(query.order_by(AssignmentRow.id).with_for_update())).all()
            for row in assignments:
                if row.lineitem_error == COLUMN_GONE:
                    await begin_anew(session, row)
                    row.link_lineitem = None
                row.lineitem_error, row.lineitem_next_at, row.lineitem_attempts = "", None, 0
            again = and_(
                ScoreRow.assignment_id.in_([row.id for row in assignments]),
                or_(ScoreRow.state.in_(["refused", "waiting"]), ScoreRow.reason == MISSING),
                true() if person_id is None else ScoreRow.person_id == person_id,
            )
            await locked_scores(session, again)
            asked = update(ScoreRow).where(again).values(state="due", reason="", attempts=0, next_at=None)
            return int((await session.execute(asked)).rowcount)  # type: ignore[attr-defined]


def _after(row: Any, receipt: Receipt) -> Held:
    """A row of `locked` after its receipt."""
    if (row.lineitem or "") != receipt.lineitem:
        return held_elsewhere(held_of(row), receipt)
    return held_after(held_of(row), receipt)


def _is_person() -> ColumnElement[bool]:
    """Whose score it is, where this course's LMS knows them."""
    # A sum is no column with an index: SQLite would begin with all people of the platform.
    return and_(PersonRow.id == ScoreRow.person_id, PersonRow.platform_id + 0 == CourseRow.platform_id)


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """A score may go at `now`, to an LMS that knows its person."""
    return (
        ScoreRow.state.in_(OPEN),
        or_(ScoreRow.next_at.is_(None), ScoreRow.next_at <= now),
        or_(ScoreRow.reason != NOT_OPENED, exists().where(_is_place()).correlate(ScoreRow), not_(_by_outcomes())),
        PersonRow.sub.is_not(None),
    )


def _has_due(now: datetime) -> ColumnElement[bool]:
    """The assignment has one of them."""
    due = select(ScoreRow.id).join(PersonRow, _is_person())
    due = due.where(ScoreRow.assignment_id == AssignmentRow.id, *_is_due(now))
    return due.correlate(AssignmentRow, CourseRow).exists()


def _is_place() -> ColumnElement[bool]:
    """LTI 1.1: where this score goes."""
    return and_(OutcomeRow.assignment_id == ScoreRow.assignment_id, OutcomeRow.person_id == ScoreRow.person_id)


def _by_outcomes() -> ColumnElement[bool]:
    """The assignment's activity is of LTI 1.1, and nothing newer has told of a column."""
    link = RegistrationRow.id == AssignmentRow.link_registration_id
    return and_(
        AssignmentRow.lineitem.is_(None),
        AssignmentRow.link_lineitem.is_(None),
        exists().where(link, RegistrationRow.secret.is_not(None)).correlate(AssignmentRow),
    )


def _column_open(now: datetime) -> ColumnElement[bool]:
    """Not waiting: no trouble, its time has come, or a launch has brought what was missing."""
    link = AssignmentRow.link_lineitem
    container = func.coalesce(AssignmentRow.link_lineitems, CourseRow.lineitems_url, link)
    is_told = and_(link.is_not(None), AssignmentRow.link_registration_id.is_not(None))
    new_link = and_(is_told, or_(AssignmentRow.lineitem.is_(None), AssignmentRow.lineitem != link))
    return and_(
        or_(AssignmentRow.lineitem.is_not(None), container.is_not(None), _by_outcomes()),
        or_(
            AssignmentRow.lineitem_error == "",
            AssignmentRow.lineitem_next_at <= now,
            and_(AssignmentRow.lineitem_error == COLUMN_GONE, new_link),
        ),
    )


def _has_news() -> ColumnElement[bool]:
    """Our column may not know a new name, maximum or due date yet, or an activity may have one of its own by now;
    core.lineitems tells for certain.
    """
    told, name, start = AssignmentRow.lineitem_label, AssignmentRow.name, LABEL_MAX - 1
    return and_(
        AssignmentRow.in_gradebook,
        AssignmentRow.lineitem.is_not(None),
        told.is_not(None),
        or_(
            and_(AssignmentRow.max_score > 0, AssignmentRow.lineitem_max.is_distinct_from(AssignmentRow.max_score)),
            AssignmentRow.lineitem_due.is_distinct_from(AssignmentRow.due_at),
            func.substr(told, 1, start) != func.substr(name, 1, start),
            and_(
                AssignmentRow.link_lineitem != AssignmentRow.lineitem, AssignmentRow.link_registration_id.is_not(None)
            ),
        ),
    )


async def _look_after(session: AsyncSession, receipts: Sequence[Receipt]) -> None:
    """Columns of what was delivered are looked at when that has settled. Before scores are locked: see `retry`."""
    delivered = {receipt.score_id: receipt.at for receipt in receipts if receipt.at is not None}
    if not delivered:
        return
    at = max(delivered.values()) + SETTLE
    late = or_(AssignmentRow.look_at.is_(None), AssignmentRow.look_at > at)
    columns = select(AssignmentRow.id).join(ScoreRow, ScoreRow.assignment_id == AssignmentRow.id)
    for assignment_id in sorted(set(await session.scalars(columns.where(ScoreRow.id.in_(delivered), late)))):
        await session.execute(update(AssignmentRow).where(AssignmentRow.id == assignment_id, late).values(look_at=at))


def _delivery(
    row: ScoreRow, choice: str, sub: str, place: OutcomeRow | None, registrations: dict[int, Registration]
) -> Delivery:
    held = held_of(row, choice)
    return Delivery(
        row.id,
        sub if place is None else place.sourcedid,
        held.desired,
        held.sent,
        held.in_doubt,
        held.last_timestamp,
        held.attempts,
        held.reason,
        None if place is None else OutcomePlace(registrations[place.registration_id], place.url),
        held.choice,
        held.shown,
    )


async def columns_of(session: AsyncSession, query: Any) -> list[Column]:
    """The columns of a query for pairs of assignment and course, without those that nobody could be asked for."""
    rows = (await session.execute(query)).all()
    registrations = await _registrations(session, [r for pair in rows for r in _registration_ids(*pair)])
    taken = await _taken(session, {a.course_id for a, _ in rows if a.lineitem is None})
    columns = (_column(a, c, registrations, taken.get(c.id, {})) for a, c in rows)
    return [column for column in columns if column is not None]


async def _taken(session: AsyncSession, course_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """The columns of these courses and whose each is: {address: assignment}."""
    found: dict[int, dict[str, int]] = {}
    for some in batches(sorted(course_ids), 500):
        for place in (AssignmentRow.link_lineitem, AssignmentRow.lineitem):  # what takes scores counts most
            here = select(AssignmentRow.course_id, place, AssignmentRow.id)
            for course_id, address, which in await session.execute(here.where(AssignmentRow.course_id.in_(some))):
                if address:
                    found.setdefault(course_id, {})[address] = which
    return found


def _registration_ids(assignment: AssignmentRow, course: CourseRow) -> list[int]:
    ids = (assignment.lineitem_registration_id, assignment.link_registration_id, course.registration_id)
    return [i for i in ids if i is not None]


async def _registrations(session: AsyncSession, ids: Iterable[int]) -> dict[int, Registration]:
    query = (
        select(RegistrationRow, PlatformRow.name)
        .join(PlatformRow, PlatformRow.id == RegistrationRow.platform_id)
        .where(RegistrationRow.id.in_(set(ids)))
    )
    return {row.id: registration_record(row, name) for row, name in (await session.execute(query)).all()}


def _column(
    row: AssignmentRow, course: CourseRow, registrations: dict[int, Registration], taken: Mapping[str, int]
) -> Column | None:
    """The column as core sees it; None while no registration is known that could be asked."""
    link = registrations.get(row.link_registration_id or 0)
    if link is not None and link.is_lti11:
        if row.lineitem is None and row.link_lineitem is None:
            return _outcomes_column(row, link)
        link = None  # it tells of no line items
    container = row.link_lineitems if link else None
    own = link if container else registrations.get(course.registration_id or 0)
    registration = registrations.get(row.lineitem_registration_id or 0) if row.lineitem else own or link
    if registration is None and (registration := own or link) is None:
        return None
    return Column(
        assignment_id=row.id,
        course_id=course.id,
        name=row.name,
        max_score=row.max_score,
        registration=registration,
        container=container or course.lineitems_url,
        link_registration=link,
        link_lineitem=row.link_lineitem or None,
        resource_link_id=row.resource_link_id,
        lineitem=row.lineitem,
        label=row.lineitem_label,
        maximum=row.lineitem_max,
        error=row.lineitem_error,
        attempts=row.lineitem_attempts,
        due_at=row.due_at,
        due=row.lineitem_due,
        taken=taken,
    )


def _outcomes_column(row: AssignmentRow, registration: Registration) -> Column:
    """LTI 1.1 knows no columns: each person's launch says where their score goes."""
    return Column(
        assignment_id=row.id,
        course_id=row.course_id,
        name=row.name,
        max_score=row.max_score,
        registration=registration,
        container=None,
        resource_link_id=row.resource_link_id,
        error=row.lineitem_error,
        attempts=row.lineitem_attempts,
    )
