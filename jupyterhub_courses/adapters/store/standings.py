"""How every score of a course stands with the LMS: read for pages, API and CSV, a bounded part at a time."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from ...core.answers import COLUMN_GONE
from ...core.drift import MISSING, OVERRIDDEN, Choice
from ...core.standings import ColumnState, Standing, State, state_of
from .database import Database
from .models import AssignmentRow, CourseRow, MembershipRow, PersonRow, ScoreRow

#: Of a score; not whole rows, which cost several times as much for a table of all.
_SHOWN = (
    ScoreRow.state,
    ScoreRow.reason,
    ScoreRow.score,
    ScoreRow.max_score,
    ScoreRow.sent_score,
    ScoreRow.sent_max,
    ScoreRow.sent_at,
    ScoreRow.next_at,
    ScoreRow.lms_score,
    ScoreRow.choice,
)
#: Reasons that change a row's word.
_TOLD = (OVERRIDDEN, MISSING)


class Standings:
    """Reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def columns(self, course_id: int) -> list[ColumnState]:
        """The assignments of a course by name, without those that are gone and have no scores."""
        scored = exists().where(ScoreRow.assignment_id == AssignmentRow.id)
        query = (
            select(AssignmentRow, CourseRow.lineitems_url)
            .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
            .where(AssignmentRow.course_id == course_id, or_(AssignmentRow.in_gradebook, scored))
            .order_by(AssignmentRow.name)
        )
        async with self._database.reading() as session:
            return [_column(row, container) for row, container in await session.execute(query)]

    async def counts(self, course_id: int, columns: Sequence[ColumnState]) -> dict[str, Counter[State]]:
        """How many of each word, by assignment."""
        is_known = _is_known()
        query = (
            select(AssignmentRow.name, ScoreRow.state, is_known, ScoreRow.reason, func.count())
            .join(ScoreRow, ScoreRow.assignment_id == AssignmentRow.id)
            .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
            .join(PersonRow, PersonRow.id == ScoreRow.person_id)
            .where(AssignmentRow.course_id == course_id)
            .group_by(AssignmentRow.name, ScoreRow.state, is_known, ScoreRow.reason)
        )
        ungraded = (
            select(AssignmentRow.name, func.count())
            .join(MembershipRow, MembershipRow.course_id == AssignmentRow.course_id)
            .where(AssignmentRow.course_id == course_id, _is_student())
            .where(~exists().where(_is_score_of(MembershipRow.person_id)).correlate(AssignmentRow, MembershipRow))
            .group_by(AssignmentRow.name)
        )
        errors = {column.name: column.error for column in columns}
        found = {column.name: Counter[State]() for column in columns}
        async with self._database.reading() as session:
            for name, stored, known, why, count in await session.execute(query):
                found[name][state_of(stored, why, errors[name], bool(known))[0]] += count
            for name, count in await session.execute(ungraded):
                if name in found:
                    found[name][State.UNGRADED] += count
        return found

    async def rows(
        self, course_id: int, column: ColumnState, only_trouble: bool = False, offset: int = 0, limit: int | None = None
    ) -> list[Standing]:
        """People of a course and their scores of one assignment, by name."""
        query = (
            select(PersonRow.username, PersonRow.name, _is_known().label("is_known"), *_SHOWN)
            .select_from(PersonRow)
            .join(CourseRow, CourseRow.id == course_id)
            .join(AssignmentRow, and_(AssignmentRow.course_id == course_id, AssignmentRow.name == column.name))
            .outerjoin(ScoreRow, _is_score_of(PersonRow.id))
            .where(or_(ScoreRow.id.is_not(None), PersonRow.id.in_(_students(course_id))))
            .order_by(PersonRow.family_name, PersonRow.name, PersonRow.username)
            .offset(offset)
            .limit(limit)
        )
        if only_trouble:
            query = query.where(_is_trouble(column))
        async with self._database.reading() as session:
            return [_standing(row, column) for row in await session.execute(query)]


def _is_known() -> ColumnElement[bool]:
    """Whether the course's LMS knows the person."""
    return func.coalesce(and_(PersonRow.platform_id == CourseRow.platform_id, PersonRow.sub.is_not(None)), False)


def _is_student() -> ColumnElement[bool]:
    return and_(MembershipRow.role == "student", MembershipRow.active)


def _students(course_id: int) -> Any:
    return select(MembershipRow.person_id).where(MembershipRow.course_id == course_id, _is_student())


def _is_score_of(person_id: Any) -> ColumnElement[bool]:
    return and_(ScoreRow.assignment_id == AssignmentRow.id, ScoreRow.person_id == person_id)


def _is_trouble(column: ColumnState) -> ColumnElement[bool]:
    """The same as `state_of` says, for rows."""
    if column.error == COLUMN_GONE:
        return ScoreRow.id.is_not(None)
    stored = ["refused", "waiting", "kept"] + (["due"] if column.error else [])
    is_stranger = and_(ScoreRow.state != "sent", ~_is_known())
    return or_(ScoreRow.state.in_(stored), ScoreRow.reason.in_(_TOLD), is_stranger)


def _column(row: AssignmentRow, container: str | None) -> ColumnState:
    places = (row.lineitem, row.link_lineitem, row.link_lineitems, row.link_registration_id, container)
    error = row.lineitem_error or ("" if any(places) else "no_column")
    return ColumnState(
        row.name,
        row.max_score,
        Choice(row.choice),
        error,
        row.lineitem_next_at,
        row.looked_at,
        row.rescaled_from,
        row.rescaled_at,
    )


def _standing(row: Any, column: ColumnState) -> Standing:
    state, reason = state_of(row.state, row.reason or "", column.error, bool(row.is_known))
    return Standing(
        row.username,
        row.name,
        column.name,
        state,
        reason,
        row.score,
        row.max_score,
        row.sent_score,
        row.sent_max,
        row.sent_at,
        (column.next_at if column.error else row.next_at) if state is State.WAITING else None,
        row.lms_score,
        Choice(row.choice) if row.choice else None,
    )
