"""Decides what a score does to a grade. Pure: no clock, no database; times are epoch seconds.

Each rule is Moodle 4.5.6's, recorded in vectors/moodle/04-scores.json or measured (facts/moodle.md).
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Grade:
    """A cell of the gradebook. `final` is shown; None: no grade. `raw`: only in an activity's own column."""

    final: float | None = None
    raw: float | None = None
    comment: str | None = None
    modified: int | None = None
    overridden: bool = False


@dataclass(frozen=True)
class Score:
    """A score as it was sent; `given` is None when it carries none that counts: that erases the grade."""

    user: Any
    timestamp: int
    given: float | None
    maximum: float
    comment: str | None


def read_score(text: str) -> Score | None:
    """The score in a request's body, or None when Moodle would call it incorrect (whoever it is for)."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    needed = ("userId", "timestamp", "gradingProgress", "activityProgress")
    given, maximum = data.get("scoreGiven"), data.get("scoreMaximum")
    timestamp = read_timestamp(data.get("timestamp"))
    if any(data.get(name) is None for name in needed) or timestamp is None:
        return None
    if given is not None and (maximum is None or not _numeric(given)):
        return None
    if maximum is not None and not _numeric(maximum):
        return None
    if data["gradingProgress"] != "FullyGraded":  # anything else erases: Moodle shows no provisional grades
        given = None
    comment = data.get("comment")
    return Score(
        user=data["userId"],
        timestamp=timestamp,
        given=None if given is None else float(given),
        maximum=1.0 if maximum is None else float(maximum),
        comment=str(comment) if comment else None,
    )


def read_timestamp(value: Any) -> int | None:
    """Whole epoch seconds of an ISO 8601 time; the fraction is dropped, a time without zone is UTC."""
    if not isinstance(value, str) or not value[:4].isdigit():
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def is_stale(score: Score, grade: Grade | None) -> bool:
    """Moodle compares whole seconds and refuses an equal one: a plain retry is stale."""
    return grade is not None and grade.modified is not None and grade.modified >= score.timestamp


def apply_score(score: Score, grade: Grade | None, maximum: float, own_column: bool, now: int) -> Grade:
    """The grade after the score. `own_column`: the activity's, where a teacher's override hides scores."""
    grade = grade or Grade()
    value = None
    if score.given is not None:
        value = score.given
        if score.maximum != 0 and score.maximum != maximum:
            value = value * maximum / score.maximum
    shown = None if value is None else _stored(min(max(value, 0.0), maximum))
    # An erasing score is dated by Moodle's own clock, not by its timestamp. Recorded for a created column
    # only; taken to hold for the activity's.
    modified = now if value is None else score.timestamp
    if not own_column:
        return Grade(final=shown, comment=score.comment, modified=modified)
    raw = None if value is None else _stored(value)
    if grade.overridden:
        return replace(grade, raw=raw, modified=modified)
    return Grade(final=shown, raw=raw, comment=score.comment, modified=modified)


def override(grade: Grade | None, value: float | None, comment: str | None, own_column: bool, now: int) -> Grade:
    """The grade after a teacher typed one in: in a created column no override, simply the newer grade."""
    return replace(grade or Grade(), final=value, comment=comment, modified=now, overridden=own_column)


def rescaled(grade: Grade, old_maximum: float, new_maximum: float) -> Grade:
    """The grade after its column got another maximum: the percentage stays."""

    def scale(value: float | None) -> float | None:
        return None if value is None else _stored(value * new_maximum / old_maximum)

    return replace(grade, final=scale(grade.final), raw=scale(grade.raw))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # Python alone reads NaN and Infinity


def _stored(value: float) -> float:
    return round(value, 5)  # Moodle's column is DECIMAL(10,5)


def _numeric(value: Any) -> bool:
    """PHP's is_numeric: a number, or a text that is one."""
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float)
