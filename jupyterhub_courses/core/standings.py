"""How one student's score of one assignment stands with the LMS, in one word, for pages, API and CSV."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .answers import COLUMN_GONE
from .drift import MISSING, OVERRIDDEN, Choice


class State(StrEnum):
    """The word."""

    UNGRADED = "ungraded"
    SENDING = "sending"
    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    OVERRIDDEN = "overridden"
    MISSING = "missing"
    STRANGER = "stranger"  # the LMS does not know this person, who came another way


#: What a teacher may want to look into.
TROUBLE = (State.WAITING, State.REFUSED, State.OVERRIDDEN, State.MISSING, State.STRANGER)
#: What "send again" is for.
AGAIN = (State.WAITING, State.REFUSED, State.MISSING)


@dataclass(frozen=True)
class ColumnState:
    """An assignment and its column. `error`: why nothing can be sent to it now, a code; `looked_at`: read back last.

    `rescaled_from`: its maximum in the LMS was this until `rescaled_at`, when it was told the assignment's new one.
    """

    name: str
    max_score: float
    choice: Choice
    error: str = ""
    next_at: datetime | None = None
    looked_at: datetime | None = None
    rescaled_from: float | None = None
    rescaled_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """One row. `lms_score` is on the scale of `sent_max`; `choice` None: the assignment's."""

    username: str
    name: str
    assignment: str
    state: State
    reason: str = ""
    score: float | None = None
    max_score: float | None = None
    sent_score: float | None = None
    sent_max: float | None = None
    sent_at: datetime | None = None
    next_at: datetime | None = None
    lms_score: float | None = None
    choice: Choice | None = None


def state_of(stored: str | None, reason: str, column_error: str, is_known: bool) -> tuple[State, str]:
    """The word and the reason's code of a stored state (None: there is no score)."""
    if stored is None:
        return State.UNGRADED, ""
    if column_error == COLUMN_GONE:
        return State.WAITING, column_error  # and whatever was in it is gone, too
    if reason == OVERRIDDEN:
        return State.OVERRIDDEN, reason
    if reason == MISSING:
        return State.MISSING, reason
    if stored == "sent":
        return State.DELIVERED, ""
    if stored == "refused":
        return State.REFUSED, reason
    if not is_known:
        return State.STRANGER, ""
    if column_error:
        return State.WAITING, column_error
    return (State.WAITING, reason) if stored == "waiting" else (State.SENDING, "")


@dataclass(frozen=True)
class Progress:
    """A course in numbers: all scores, those in the LMS as they should be, and those on their way this moment."""

    scores: int
    delivered: int
    sending: int
    trouble: int


def progress(counts: Iterable[Counter[State]]) -> Progress:
    """Of the counts of each assignment."""
    total = sum(counts, Counter[State]())
    scores = total.total() - total[State.UNGRADED]
    trouble = sum(total[state] for state in TROUBLE)
    return Progress(scores, total[State.DELIVERED], total[State.SENDING], trouble)
