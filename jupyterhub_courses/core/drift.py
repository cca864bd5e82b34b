"""Drift: what the LMS shows beside what it was sent and what the gradebook wants, and what follows.

A grade that somebody put there by hand is theirs: it is kept unless a teacher chose to send ours. Only a score of
ours that was there before can be overridden; the first one always goes.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .scores import SAME, Action, Desired, Result, Sent, action, shows

OVERRIDDEN: Final = "overridden_in_lms"
MISSING: Final = "missing_in_lms"
#: After a send, how long an LMS may take until its results show it.
SETTLE = timedelta(seconds=60)
#: A column is looked at again after this share of the time since its last send: a course that is over costs little.
QUIET = 24
#: Nothing is shown for a person.
NO_GRADE = Result(None, 1.0)


class Choice(StrEnum):
    """Whose grade stays where the LMS shows another than ours."""

    KEEP = "keep"
    OURS = "ours"


def decide(
    desired: Desired, sent: Sent | None, in_doubt: bool, last_timestamp: int, choice: Choice, shown: Result | None
) -> tuple[Action, str]:
    """What to do with a score whose turn has come, and the reason's code.

    `shown`: what the LMS showed since `sent` was sent, None: nobody has looked. `last_timestamp`: the newest used.
    """
    what, reason = action(desired, sent, in_doubt)
    if what is Action.REFUSE or sent is None or shown is None:
        return what, reason
    is_theirs = overridden(shown, desired, sent, in_doubt, last_timestamp)
    if what is Action.SEND:
        return (Action.KEEP, OVERRIDDEN) if is_theirs and choice is Choice.KEEP else (what, "")
    if shown.score is None:
        return Action.SEND, ""  # it was sent, and asked for again because it is not there
    if is_theirs:
        return (Action.SEND, "") if choice is Choice.OURS else (Action.NOTHING, OVERRIDDEN)
    return what, reason


def overridden(shown: Result, desired: Desired, sent: Sent, in_doubt: bool = False, last_timestamp: int = 0) -> bool:
    """Whether the LMS shows a grade that is not ours.

    In doubt, it may show what was sent with `last_timestamp` at the latest: only a later time tells.
    """
    if shown.score is None or _is_ours(shown, sent, desired.maximum):
        return False
    if shows(shown, desired.score, desired.maximum):
        return False
    return not in_doubt or (shown.timestamp is not None and shown.timestamp > last_timestamp)


def _is_ours(shown: Result, sent: Sent, maximum: float) -> bool:
    """The same share; or the same points, where an LMS took our new maximum without rescaling."""
    if shows(shown, sent.score, sent.maximum):
        return True
    is_rescaled = sent.maximum != maximum and _same(shown.maximum, maximum)
    return is_rescaled and shown.score is not None and _same(shown.score, sent.score)


def _same(one: float, other: float) -> bool:
    return abs(one - other) < SAME * max(1.0, abs(other))


def standing(shown: Result, desired: Desired, sent: Sent) -> str:
    """The reason's code of a score that was sent: "" where the LMS shows it."""
    if shown.score is None:
        return MISSING
    return OVERRIDDEN if overridden(shown, desired, sent) else ""


def next_look(now: datetime, last_sent: datetime, interval: timedelta) -> datetime:
    """When to look at a column again after a look at `now`."""
    settled = last_sent + SETTLE
    return settled if now < settled else now + max(interval, (now - last_sent) / QUIET)
