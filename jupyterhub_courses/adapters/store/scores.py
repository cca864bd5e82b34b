"""Scores in the store: recording a gradebook's snapshot, and reading rows for pages. Delivery: deliveries.py."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.batches import batches
from ...core.gradebooks import (
    AssignmentState,
    GradebookState,
    KnownAssignment,
    Recorded,
    ScoreState,
    same_assignments,
)
from .database import Database
from .models import AssignmentRow, CourseRow, MembershipRow, PersonRow, ScoreRow

BATCH = 500  # rows locked at a time


@dataclass(frozen=True)
class ScoreView:
    """One student's score of one assignment, as pages and the API show it."""

    username: str
    name: str
    assignment: str
    score: float
    max_score: float
    state: str
    reason: str
    sent_score: float | None
    sent_at: datetime | None
    next_at: datetime | None
    lms_score: float | None = None


@dataclass(frozen=True)
class AssignmentView:
    """One assignment as pages and the API show it."""

    name: str
    max_score: float
    due_at: datetime | None
    in_gradebook: bool
    lineitem: str | None
    lineitem_error: str
    resource_link_id: str | None

    @property
    def linked(self) -> bool:
        """Whether an activity of the LMS has named it."""
        return self.resource_link_id is not None


class Scores:
    """Reads and writes scores."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def assignments(self, course_id: int) -> list[AssignmentView]:
        """The assignments of a course by name."""
        query = select(AssignmentRow).where(AssignmentRow.course_id == course_id).order_by(AssignmentRow.name)
        async with self._database.reading() as session:
            rows = await session.scalars(query)
            return [AssignmentView(**{f: getattr(r, f) for f in AssignmentView.__dataclass_fields__}) for r in rows]

    async def views(self, course_id: int, username: str | None = None) -> list[ScoreView]:
        """All scores of a course, or one person's."""
        query = (
            select(ScoreRow, PersonRow.username, PersonRow.name, AssignmentRow.name)
            .join(AssignmentRow, AssignmentRow.id == ScoreRow.assignment_id)
            .join(PersonRow, PersonRow.id == ScoreRow.person_id)
            .where(AssignmentRow.course_id == course_id)
            .order_by(AssignmentRow.name, PersonRow.family_name, PersonRow.username)
        )
        if username is not None:
            query = query.where(PersonRow.username == username)
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return [
            ScoreView(
                user,
                name,
                assignment,
                s.score,
                s.max_score,
                s.state,
                s.reason,
                s.sent_score,
                s.sent_at,
                s.next_at,
                s.lms_score,
            )
            for s, user, name, assignment in rows
        ]

    async def record(self, course_id: int, state: GradebookState, now: datetime) -> Recorded:
        """Make the desired rows equal to the snapshot; rows that do not differ are not touched."""
        async with self._database.transaction() as session:
            course = await session.scalar(select(CourseRow).where(CourseRow.id == course_id).with_for_update())
            if course is None or state.taken_at < course.scores_taken_at:
                return Recorded(0, (), stale=True)
            course.scores_taken_at = state.taken_at
            assignments = await _record_assignments(session, course_id, state.assignments)
            return await _record_scores(session, course_id, state, assignments)


async def _record_assignments(
    session: AsyncSession, course_id: int, wanted: tuple[AssignmentState, ...]
) -> dict[str, int]:
    """{name: id} of the snapshot's assignments."""
    query = select(AssignmentRow).where(AssignmentRow.course_id == course_id)
    stored = {row.id: row for row in await session.scalars(query)}
    empty = await _empty(session, stored.values())
    known = (KnownAssignment(row.id, row.name, row.gradebook_id, row.id in empty) for row in stored.values())
    same = same_assignments(known, wanted)
    for key in empty - set(same.values()):
        if (other := same.get(stored[key].name)) is not None:
            _take_link(stored[other], stored[key])
            await session.delete(stored.pop(key))
    await session.flush()
    await _rename(session, {stored[key]: name for name, key in same.items() if stored[key].name != name})
    rows = {}
    for state in wanted:
        row = rows[state.name] = stored[same[state.name]] if state.name in same else AssignmentRow(course_id=course_id)
        row.name, row.gradebook_id = state.name, state.id or row.gradebook_id or ""
        row.max_score, row.due_at, row.in_gradebook = state.max_score, state.due_at, True
        session.add(row)
    for key in stored.keys() - same.values():
        stored[key].in_gradebook = False
    await session.flush()
    return {name: row.id for name, row in rows.items()}


async def _empty(session: AsyncSession, rows: Iterable[AssignmentRow]) -> set[int]:
    """Those that an activity has named, of which nothing else is known."""
    found = {row.id for row in rows if not (row.in_gradebook or row.gradebook_id or row.lineitem)}
    scored = select(ScoreRow.assignment_id).where(ScoreRow.assignment_id.in_(found)).distinct()
    return found - set(await session.scalars(scored)) if found else found


def _take_link(row: AssignmentRow, other: AssignmentRow) -> None:
    """The activity that named `other` names `row` from now on."""
    row.link_lineitem, row.link_lineitems = other.link_lineitem or row.link_lineitem, other.link_lineitems
    row.link_registration_id, row.resource_link_id = other.link_registration_id, other.resource_link_id


async def _rename(session: AsyncSession, names: dict[AssignmentRow, str]) -> None:
    """Two may have changed names with each other, and no two have one at any time."""
    for row in names:
        row.name = f"/{row.id}"  # no assignment's
    if names:
        await session.flush()
    for row, name in names.items():
        row.name = name


async def _record_scores(
    session: AsyncSession, course_id: int, state: GradebookState, assignments: dict[str, int]
) -> Recorded:
    members = await session.execute(
        select(PersonRow.username, PersonRow.id)
        .join(MembershipRow, MembershipRow.person_id == PersonRow.id)
        .where(MembershipRow.course_id == course_id)
    )
    people = {username: person_id for username, person_id in members}
    query = select(ScoreRow).where(ScoreRow.assignment_id.in_(assignments.values()))
    known = {(row.assignment_id, row.person_id): row for row in await session.scalars(query)}
    unknown: set[str] = set()
    changed: dict[int, ScoreState] = {}  # by the row's id
    accepted = 0
    for score in state.scores:
        person_id = people.get(score.username)
        if person_id is None:
            unknown.add(score.username)
            continue
        accepted += 1
        key = (assignments[score.assignment], person_id)
        row = known.get(key)
        if row is None:
            row = known[key] = ScoreRow(assignment_id=key[0], person_id=key[1])
            session.add(row)
            _want(row, score)
        elif (row.score, row.max_score, row.comment) != (score.score, score.max_score, score.comment):
            changed[row.id] = score
    for ids in batches(sorted(changed), BATCH):
        # Looked at anew and kept from the outbox: a receipt that comes meanwhile would call what is new sent.
        rows = select(ScoreRow).where(ScoreRow.id.in_(ids)).order_by(ScoreRow.id).with_for_update()
        for row in await session.scalars(rows.execution_options(populate_existing=True)):
            _want(row, changed[row.id])
    return Recorded(accepted, tuple(sorted(unknown)))


def _want(row: ScoreRow, score: ScoreState) -> None:
    row.score, row.max_score, row.comment = score.score, score.max_score, score.comment
    row.graded_at, row.state, row.reason, row.attempts, row.next_at = score.graded_at, "due", "", 0, None
