"""A gradebook's snapshot: the full desired state of a course's scores, parsed from the API's JSON with bounds.

Scores travel as state, not as events: whoever has the newest snapshot knows everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from .admissions import ASSIGNMENT

SCORES_MAX = 200_000
ASSIGNMENTS_MAX = 1000
COMMENT_MAX = 10_000
ID_MAX = 64


@dataclass(frozen=True)
class AssignmentState:
    """One assignment of the gradebook. `id`: the gradebook's own, which outlives a new name; "" where it says none."""

    name: str
    max_score: float
    due_at: datetime | None
    id: str = ""


@dataclass(frozen=True)
class ScoreState:
    """One complete score of the gradebook: points of `max_score` points."""

    assignment: str
    username: str
    score: float
    max_score: float
    graded_at: datetime
    comment: str | None


@dataclass(frozen=True)
class GradebookState:
    """A whole snapshot, taken at `taken_at` (epoch seconds)."""

    taken_at: float
    assignments: tuple[AssignmentState, ...]
    scores: tuple[ScoreState, ...]


@dataclass(frozen=True)
class Recorded:
    """What a snapshot did: rows accepted, usernames nobody in the roster has, or stale."""

    accepted: int
    unknown: tuple[str, ...]
    stale: bool = False


@dataclass(frozen=True)
class KnownAssignment:
    """An assignment as stored: its key there, its name, and the gradebook's id of it ("": never said).

    `is_empty`: an activity has named it, and nothing else is known.
    """

    key: int
    name: str
    id: str
    is_empty: bool = False


def same_assignments(known: Iterable[KnownAssignment], states: Iterable[AssignmentState]) -> dict[str, int]:
    """{name now: key} of the states that are stored already: by the gradebook's id, else by name.

    Where the new name is that of a stored assignment that is gone from the gradebook, that one's column takes it.
    """
    known, states = tuple(known), tuple(states)
    by_id = {one.id: one for one in known if one.id}
    found = {state.name: by_id[state.id] for state in states if state.id in by_id}
    while True:
        left = [one for one in known if one not in found.values()]
        held = found.keys() & {one.name for one in left if not one.is_empty}
        if not held:
            break
        for name in held:
            del found[name]  # and its own row is left now, too
    by_name = {one.name: one for one in left}
    found |= {state.name: by_name[state.name] for state in states if state.name in by_name.keys() - found.keys()}
    return {name: one.key for name, one in found.items()}


def gradebook_state(body: Any, now: datetime) -> GradebookState:
    """The snapshot in a request's JSON object; raises ValueError naming the first thing that is wrong."""
    if not isinstance(body, dict):
        raise ValueError("not an object")
    taken_at = _number(body.get("taken_at"), "taken_at")
    if taken_at > now.timestamp() + 300:
        raise ValueError("taken_at: in the future; check the clock of the grader's server")
    assignments = [_assignment(a) for a in _rows(body, "assignments", ASSIGNMENTS_MAX)]
    names = {a.name for a in assignments}
    scores = [_score(s, names, now) for s in _rows(body, "scores", SCORES_MAX)]
    own = [a.id for a in assignments if a.id]
    twice = len(names) != len(assignments) or len(set(own)) != len(own)
    if twice or len({(s.assignment, s.username) for s in scores}) != len(scores):
        raise ValueError("the same row twice")
    return GradebookState(taken_at, tuple(assignments), tuple(scores))


def _assignment(row: dict[str, Any]) -> AssignmentState:
    due, own = row.get("due_at"), row.get("id") or ""
    if not isinstance(own, str) or len(own) > ID_MAX:
        raise ValueError("assignments: id too long or not text")
    return AssignmentState(
        _name(row.get("name")), _number(row.get("max_score"), "max_score"), _time(due, "due_at") if due else None, own
    )


def _score(row: dict[str, Any], names: set[str], now: datetime) -> ScoreState:
    assignment, username = _name(row.get("assignment")), row.get("username")
    if assignment not in names:
        raise ValueError(f"scores: assignment {assignment} is not among the assignments")
    if not isinstance(username, str) or not 0 < len(username) <= 255:
        raise ValueError("scores: username missing or too long")
    comment = row.get("comment")
    if comment is not None and (not isinstance(comment, str) or len(comment) > COMMENT_MAX):
        raise ValueError("scores: comment too long or not text")
    graded_at = row.get("graded_at")
    return ScoreState(
        assignment=assignment,
        username=username,
        score=_number(row.get("score"), "score"),
        max_score=_number(row.get("max_score"), "max_score"),
        graded_at=min(_time(graded_at, "graded_at"), now) if graded_at else now,
        comment=comment or None,
    )


def _rows(body: dict[str, Any], name: str, limit: int) -> list[dict[str, Any]]:
    rows = body.get(name)
    if not isinstance(rows, list) or len(rows) > limit or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name}: not a list of at most {limit} objects")
    return rows


def _name(value: Any) -> str:
    if not isinstance(value, str) or not ASSIGNMENT.fullmatch(value):
        raise ValueError("an assignment's name is missing or has characters that cannot be used")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise ValueError(f"{name}: not a number of at least 0")
    return float(value)


def _time(value: Any, name: str) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError(f"{name}: not a time")
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{name}: not an ISO 8601 time") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
