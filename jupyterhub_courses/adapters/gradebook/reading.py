"""A course's assignments and finished scores, read from the gradebook in one snapshot of five queries.

Promises nbgrader's own numbers: what `nbgrader export` writes as `score` is what stands here. A submission
that is not graded completely is left out: it says nothing yet about the score.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, func, literal, select

from .database import (
    ASSIGNMENT,
    BASE_CELL,
    GRADE,
    GRADE_CELL,
    NOTEBOOK,
    SUBMISSION,
    SUBMITTED_NOTEBOOK,
    TASK_CELL,
)


@dataclass(frozen=True)
class AssignmentState:
    """`due_at`: ISO 8601 in UTC; `id`: nbgrader's, which outlives a new name."""

    name: str
    max_score: float
    due_at: str | None
    id: str = ""


@dataclass(frozen=True)
class ScoreState:
    """A finished score, late penalty taken off.

    `graded_at` (ISO 8601, UTC): nbgrader keeps no time of grading, so this is the submission's, or for a
    submission without one the snapshot's. It tells nothing about a change of the score and takes no part in
    comparisons.
    """

    assignment: str
    username: str
    score: float
    max_score: float
    graded_at: str = field(compare=False)
    comment: str | None = None


@dataclass(frozen=True)
class GradebookState:
    """All that the service wants to know of a gradebook; `taken_at`: the snapshot's time, epoch seconds."""

    taken_at: float
    assignments: tuple[AssignmentState, ...]
    scores: tuple[ScoreState, ...]

    def as_json(self) -> dict[str, Any]:
        """The body of PUT courses/<slug>/scores."""
        return {
            "taken_at": self.taken_at,
            "assignments": [vars(assignment) for assignment in self.assignments],
            "scores": [vars(score) for score in self.scores],
        }


def read_gradebook(engine: Engine, clock: Callable[[], float]) -> GradebookState:
    """The state of this moment. Raises GradebookMissing, or SQLAlchemyError when it can't be read (yet)."""
    with engine.connect() as connection, connection.begin():
        # The first read takes SQLite's shared lock: until it is given back nobody commits, so of two
        # snapshots the one with the later time never has the older content.
        connection.execute(select(literal(1)).select_from(ASSIGNMENT).limit(1)).all()
        taken_at = clock()
        maxima = {row.id: row.max_score for row in connection.execute(_maxima())}
        assignments = {
            row.id: AssignmentState(row.name, maxima.get(row.id, 0.0), _iso(row.duedate), row.id)
            for row in connection.execute(select(ASSIGNMENT).order_by(ASSIGNMENT.c.name))
            # Infinity can be typed into points, and is no JSON.
            if math.isfinite(maxima.get(row.id, 0.0))
        }
        scores = _scores(connection, assignments, _iso_of(taken_at))
    return GradebookState(taken_at, tuple(assignments.values()), scores)


def _scores(connection: Connection, assignments: dict[str, AssignmentState], now: str) -> tuple[ScoreState, ...]:
    penalties = {row.id: row.penalty for row in connection.execute(_penalties())}
    scores = []
    for row in connection.execute(_points()):
        assignment = assignments.get(row.assignment_id)
        score = max(0.0, row.points - penalties.get(row.id, 0.0))
        if assignment is None or row.student_id is None or not math.isfinite(score):
            continue
        scores.append(
            ScoreState(assignment.name, row.student_id, score, assignment.max_score, _iso(row.timestamp) or now)
        )
    return tuple(sorted(scores, key=lambda score: (score.assignment, score.username)))


def _maxima() -> Select[Any]:
    """Per assignment, the points of its grade and task cells, as nbgrader's Assignment.max_score."""
    points = func.coalesce(GRADE_CELL.c.max_score, 0.0) + func.coalesce(TASK_CELL.c.max_score, 0.0)
    return (
        select(NOTEBOOK.c.assignment_id.label("id"), func.sum(points).label("max_score"))
        .join(BASE_CELL, BASE_CELL.c.notebook_id == NOTEBOOK.c.id)
        .outerjoin(GRADE_CELL, GRADE_CELL.c.id == BASE_CELL.c.id)
        .outerjoin(TASK_CELL, TASK_CELL.c.id == BASE_CELL.c.id)
        .group_by(NOTEBOOK.c.assignment_id)
    )


def _penalties() -> Select[Any]:
    penalty = func.coalesce(func.sum(SUBMITTED_NOTEBOOK.c.late_submission_penalty), 0.0)
    return select(SUBMITTED_NOTEBOOK.c.assignment_id.label("id"), penalty.label("penalty")).group_by(
        SUBMITTED_NOTEBOOK.c.assignment_id
    )


def _points() -> Select[Any]:
    """Submissions that have grades, none of which waits for a human, with the sum of their points."""
    # A submission is made with grades that need a human, before the autograder has run: so "none waits" is
    # also "was autograded". As nbgrader counts, a task cell waits until a human gave points, and regrading
    # asks again.
    waiting = func.sum(case((GRADE.c.needs_manual_grade, 1), else_=0))
    return (
        select(
            SUBMISSION.c.id,
            SUBMISSION.c.assignment_id,
            SUBMISSION.c.student_id,
            SUBMISSION.c.timestamp,
            func.sum(_grade_points()).label("points"),
        )
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMISSION.c.id)
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .group_by(SUBMISSION.c.id, SUBMISSION.c.assignment_id, SUBMISSION.c.student_id, SUBMISSION.c.timestamp)
        .having(waiting == 0)
    )


def _grade_points() -> ColumnElement[float]:
    """nbgrader's Grade.score: the human's points, else the autograder's, plus extra credit; or zero."""
    extra = func.coalesce(GRADE.c.extra_credit, 0.0)
    return case(
        (GRADE.c.manual_score.is_not(None), GRADE.c.manual_score + extra),
        (GRADE.c.auto_score.is_not(None), GRADE.c.auto_score + extra),
        else_=0.0,
    )


def _iso(moment: datetime | None) -> str | None:
    # nbgrader stores UTC without saying so.
    return moment.replace(tzinfo=UTC).isoformat() if moment else None


def _iso_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
