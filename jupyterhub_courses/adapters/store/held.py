"""A score's row as core sees it (core.deliveries.Held): read, locked, and written many at a time.

Rows are read as columns and written by one statement for all, for objects cost several times as much.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.deliveries import Held
from ...core.drift import Choice
from ...core.scores import Desired, Result, Sent, on_scale
from .models import AssignmentRow, CourseRow, ScoreRow

_SCORES = ScoreRow.__table__
_FACTS = ("read_at", "in_doubt", "last_timestamp", "sent_at", "state", "reason", "attempts", "next_at")
_SENT = ("sent_score", "sent_max", "sent_comment", "lms_score")
_WANTED = ("id", "score", "max_score", "comment", "graded_at", "choice")
_COLUMNS = (
    *(getattr(ScoreRow, name) for name in (*_WANTED, *_SENT, *_FACTS)),
    AssignmentRow.choice.label("column_choice"),
    AssignmentRow.lineitem,
)


def held_of(row: Any, choice: str = "") -> Held:
    """The row as core sees it; `choice` is its assignment's. `row`: a ScoreRow, or one of `locked`."""
    sent = None
    if row.sent_score is not None and row.sent_max is not None:
        sent = Sent(row.sent_score, row.sent_max, row.sent_comment, row.last_timestamp)
    return Held(
        desired=Desired(row.score, row.max_score, row.graded_at, row.comment),
        sent=sent,
        in_doubt=row.in_doubt,
        last_timestamp=row.last_timestamp,
        state=row.state,
        reason=row.reason,
        attempts=row.attempts,
        next_at=row.next_at,
        sent_at=row.sent_at,
        choice=Choice(row.choice or choice or Choice.KEEP),
        shown=None if row.read_at is None else Result(row.lms_score, row.sent_max or row.max_score),
        read_at=row.read_at,
    )


def store(row: ScoreRow, held: Held) -> None:
    """The row as core wants it."""
    for name, value in _values(held).items():
        setattr(row, name, value)


def says_the_same(row: Any, held: Held) -> bool:
    """Whether a look has shown what is known already."""
    if row.read_at is None or held.sent is None:
        return False
    now = (on_scale(held.shown, held.sent.maximum), held.state, held.reason)
    return now == (row.lms_score, row.state, row.reason)


def locked(ids: Iterable[int]) -> Any:
    """These rows, with their assignment's `lineitem` and its choice as `column_choice`; nobody else changes them
    before the end.
    """
    query = select(*_COLUMNS).join(AssignmentRow, AssignmentRow.id == ScoreRow.assignment_id)
    return query.where(ScoreRow.id.in_(list(ids))).order_by(ScoreRow.id).with_for_update(of=ScoreRow)


async def write(session: AsyncSession, held: Mapping[int, Held]) -> None:
    """These rows as core wants them, by their ids."""
    connection = await session.connection()
    for statement, was_sent in ((_WITH_SENT, True), (_WITHOUT, False)):
        some = [{"which": i, **_new(_values(one))} for i, one in held.items() if (one.sent is not None) is was_sent]
        if some:
            await connection.execute(statement, some)


def _values(held: Held) -> dict[str, Any]:
    """Columns that follow from what core wants; where nothing was sent, those of what was sent stay."""
    facts = {name: getattr(held, name) for name in _FACTS}
    if held.sent is None:
        return facts
    sent = (held.sent.score, held.sent.maximum, held.sent.comment, on_scale(held.shown, held.sent.maximum))
    return facts | dict(zip(_SENT, sent, strict=True))


def _new(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


def _update(names: Iterable[str]) -> Any:
    changes: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(_SCORES).where(_SCORES.c.id == bindparam("which")).values(changes)  # type: ignore[arg-type]


_WITH_SENT, _WITHOUT = _update((*_FACTS, *_SENT)), _update(_FACTS)


async def whole(session: AsyncSession, course_id: int) -> None:
    """Nobody else changes whose the columns of this course are before the end. First of all locks."""
    await session.execute(select(CourseRow.id).where(CourseRow.id == course_id).with_for_update(key_share=True))


async def locked_scores(session: AsyncSession, which: Any) -> None:
    """Nobody else changes these scores before the end; in one order, so that no two wait for each other."""
    await session.execute(select(ScoreRow.id).where(which).order_by(ScoreRow.id).with_for_update())


async def forget_sent(session: AsyncSession, assignment_id: int) -> None:
    """Another column is to have the scores of this assignment: none of them has been sent there."""
    await locked_scores(session, ScoreRow.assignment_id == assignment_id)
    await session.execute(
        update(ScoreRow)
        .where(ScoreRow.assignment_id == assignment_id)
        .values(
            sent_score=None,
            sent_max=None,
            sent_comment=None,
            lms_score=None,
            read_at=None,
            state="due",
            reason="",
            attempts=0,
            next_at=None,
        )
    )


async def begin_anew(session: AsyncSession, row: AssignmentRow) -> None:
    """The assignment has no column: what is known of the one that it had is forgotten."""
    row.lineitem = row.lineitem_label = row.lineitem_max = None
    row.lineitem_registration_id = row.lineitem_due = row.rescaled_from = row.rescaled_at = None
    row.lineitem_error, row.lineitem_next_at, row.lineitem_attempts = "", None, 0
    await forget_sent(session, row.id)
