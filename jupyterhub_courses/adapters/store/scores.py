"""Scores in the store: recording a gradebook's snapshot, and reading rows for pages. Delivery: deliveries.py."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.batches import batches
from ...core.gradebooks import AssignmentState, GradebookState, Recorded, ScoreState
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
    rows = await session.scalars(select(AssignmentRow).where(AssignmentRow.course_id == course_id))
    known = {row.name: row for row in rows}
    for state in wanted:
        row = known.get(state.name)
        if row is None:
            row = known[state.name] = AssignmentRow(course_id=course_id, name=state.name)
            session.add(row)
        row.max_score, row.due_at, row.in_gradebook = state.max_score, state.due_at, True
    for name in known.keys() - {state.name for state in wanted}:
        known[name].in_gradebook = False
    await session.flush()
    return {name: row.id for name, row in known.items()}


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
