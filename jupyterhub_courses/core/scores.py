"""Scores as values, and what follows from desired beside sent: send, leave, or say why it can't be sent.

Timestamps are whole epoch seconds, strictly increasing for one (line item, person) and never in the future:
an LMS refuses what is not newer (Moodle 409, Open edX 400), and one in the future blocks every score until
then. The answers of an LMS are read in answers.py; what becomes of a delivery is decided in deliveries.py.
"""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

#: Longer comments are cut; nbgrader's are a few lines, and an LMS answers an over-long one with a server
#: error.
COMMENT_MAX = 10_000
#: An LMS keeps grades with a few decimals (Moodle: 5), so what it shows differs in the last digits.
SAME = 1e-4


@dataclass(frozen=True)
class Desired:
    """What the gradebook says, late penalty subtracted, grading complete."""

    score: float
    maximum: float
    graded_at: datetime
    comment: str | None = None


@dataclass(frozen=True)
class Sent:
    """What the LMS has confirmed. `timestamp` in epoch seconds."""

    score: float
    maximum: float
    comment: str | None
    timestamp: int

    def equals(self, desired: Desired) -> bool:
        """Whether there is nothing to tell the LMS. When it was graded does not matter, what does."""
        return (self.score, self.maximum, self.comment) == (desired.score, desired.maximum, desired.comment)


@dataclass(frozen=True)
class Result:
    """What an LMS shows for a person (AGS result); `score` None: no grade."""

    score: float | None
    maximum: float
    timestamp: int | None = None


class Action(Enum):
    """What to do with a score."""

    NOTHING = "nothing"
    SEND = "send"
    REFUSE = "refuse"
    KEEP = "keep"  # the LMS's own: core.drift


def action(desired: Desired, sent: Sent | None, in_doubt: bool) -> tuple[Action, str]:
    """The action, with the reason's code when the score can't be sent at all.

    `in_doubt`: a request was begun whose answer is not known, so what the LMS holds is not known either; only
    sending (again) makes it so.
    """
    if reason := unsendable(desired):
        return Action.REFUSE, reason
    if sent is not None and not in_doubt and sent.equals(desired):
        return Action.NOTHING, ""
    return Action.SEND, ""


def unsendable(desired: Desired) -> str:
    """The code of why no LMS could take this score, "" when one could. Above the maximum is allowed by
    AGS.
    """
    if not math.isfinite(desired.score) or not math.isfinite(desired.maximum):
        return "score_not_a_number"
    if desired.maximum <= 0:
        return "maximum_not_positive"
    return "score_negative" if desired.score < 0 else ""


def next_timestamp(last: int, now: datetime) -> int | None:
    """The timestamp to send with at `now`; None: too early, wait until `last` + 1."""
    second = math.floor(now.timestamp())
    return second if second > last else None


def iso(timestamp: int) -> str:
    """`2026-11-22T01:09:03Z`: accepted by every LMS recorded."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def score_body(user_id: str, desired: Desired, timestamp: int) -> bytes:
    """The body of an AGS score, compact: Moodle takes JSON with line breaks as success without keeping it.

    Anything but Completed + FullyGraded erases the grade in Moodle; a missing comment erases the comment.
    https://www.imsglobal.org/spec/lti-ags/v2p0/#score-publish-service
    """
    body: dict[str, object] = {
        "userId": user_id,
        "timestamp": iso(timestamp),
        "scoreGiven": number(desired.score),
        "scoreMaximum": number(desired.maximum),
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    }
    if desired.comment:
        body["comment"] = desired.comment[:COMMENT_MAX]
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def number(value: float) -> float | int:
    """8.0 as 8: Open edX refuses a line item's maximum with a fraction, written or real."""
    return int(value) if value == int(value) else value


def shows(result: Result | None, score: float, maximum: float) -> bool:
    """Whether the LMS shows this score, on whatever scale; LMSs cut a score above the maximum."""
    if result is None or result.score is None or result.maximum <= 0 or maximum <= 0:
        return False
    share, shown = score / maximum, result.score / result.maximum
    return abs(share - shown) < SAME or abs(min(share, 1.0) - shown) < SAME


def on_scale(result: Result | None, maximum: float) -> float | None:
    """What the LMS shows, on our scale; None: no grade."""
    if result is None or result.score is None or result.maximum <= 0:
        return None
    return result.score * maximum / result.maximum
