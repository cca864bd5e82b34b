"""A stored score after a look at the LMS, or after a teacher's choice. Pure; the store applies it."""

from dataclasses import dataclass, replace
from datetime import datetime

from .deliveries import Held
from .drift import OVERRIDDEN, Choice, overridden, standing
from .scores import SAME, Result


@dataclass(frozen=True)
class Reading:
    """What the LMS showed for a score at `at`, when `timestamp` was the newest that it had been sent.

    `heals`: a teacher who chose ours has what differs sent again; not at once after a send, for an LMS may hold fast
    to its own.
    """

    score_id: int
    timestamp: int
    result: Result
    at: datetime
    heals: bool = False


@dataclass(frozen=True)
class Awaited:
    """A score that was sent: whose, with which newest timestamp, and when."""

    score_id: int
    user_id: str
    timestamp: int
    sent_at: datetime


def looked(held: Held, reading: Reading) -> Held:
    """What is stored after a look."""
    if held.last_timestamp != reading.timestamp:
        return held  # something was sent meanwhile, and what is shown may be older
    sent, shown = held.sent, reading.result
    facts = replace(held, shown=shown, read_at=reading.at)
    if sent is None or held.in_doubt or held.state not in ("sent", "kept"):
        return facts
    is_theirs = overridden(shown, held.desired, sent)
    if held.state == "kept":
        return facts if is_theirs and held.choice is Choice.KEEP else _due(facts)
    if is_theirs and reading.heals and held.choice is Choice.OURS and not _same_as(held.shown, shown):
        return _due(facts)
    return replace(facts, reason=standing(shown, held.desired, sent))


def chosen(held: Held, choice: Choice) -> Held:
    """What is stored after a teacher's choice: ours goes at once, and theirs is looked at again before it."""
    is_theirs = held.state in ("sent", "kept") and held.reason == OVERRIDDEN
    held = replace(held, choice=choice)
    return _due(held) if is_theirs and choice is Choice.OURS else held


def _due(held: Held) -> Held:
    return replace(held, state="due", reason="", attempts=0, next_at=None)


def _same_as(before: Result | None, now: Result) -> bool:
    if before is None or before.score is None or now.score is None or min(before.maximum, now.maximum) <= 0:
        return False
    return abs(before.score / before.maximum - now.score / now.maximum) < SAME
