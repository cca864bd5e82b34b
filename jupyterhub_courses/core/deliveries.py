"""One score on its way to the LMS: what was due, what was begun, and what an answer made of it.

Before a request its intent is stored (the timestamp it uses, and that its answer is not known yet). A process
killed at any moment leaves either nothing, or a row in doubt, which is sent again with a larger timestamp: an
equal score changes nothing, and a late arrival of the first request is older and therefore refused by the
LMS.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import floor

from .answers import Outcome, Verdict
from .drift import OVERRIDDEN, Choice
from .records import Registration
from .retries import retry_at
from .scores import Desired, Result, Sent, shows


@dataclass(frozen=True)
class PendingCourse:
    """A course with something to deliver."""

    course_id: int
    platform_id: int


class LeaseLost(Exception):
    """Another replica of the service may deliver to our platforms by now."""


#: LTI 1.1: the reason of a score that waits for its person, for only their own launch says where it goes.
NOT_OPENED = "not_opened_yet"


@dataclass(frozen=True)
class OutcomePlace:
    """LTI 1.1: where one person's result goes, and whose secret signs it. It stands in for the column's address."""

    registration: Registration
    url: str


@dataclass(frozen=True)
class Delivery:
    """A due score of one person. `last_timestamp`: the newest ever used for it, 0 = none.

    user_id: what the LMS calls the person; at a `place` of LTI 1.1, what it calls their result. `shown`: what the LMS
    showed since `sent` was sent, None: nobody has looked.
    """

    score_id: int
    user_id: str
    desired: Desired
    sent: Sent | None
    in_doubt: bool
    last_timestamp: int
    attempts: int = 0
    reason: str = ""
    place: OutcomePlace | None = None
    choice: Choice = Choice.KEEP
    shown: Result | None = None


@dataclass(frozen=True)
class Intent:
    """About to send with this timestamp."""

    score_id: int
    timestamp: int


@dataclass(frozen=True)
class Receipt:
    """What to store about a delivery. `state`: due, sent, waiting, refused or kept; `sent` only with the first.

    `lineitem`: of the column that it is about, "" at a place of LTI 1.1.
    """

    score_id: int
    attempted: Desired
    state: str
    reason: str = ""
    sent: Sent | None = None
    in_doubt: bool = False
    last_timestamp: int = 0
    attempts: int = 0
    next_at: datetime | None = None
    at: datetime | None = None
    lineitem: str = ""


@dataclass(frozen=True)
class ColumnReceipt:
    """What to store about a line item, where it still is `before`. `moved`: it is another column than that, which
    holds none of our scores. `rescaled_from`: it had this maximum until `at`.
    """

    assignment_id: int
    before: str | None
    lineitem: str | None
    registration_id: int | None
    label: str | None
    maximum: float | None
    due: datetime | None = None
    moved: bool = False
    error: str = ""
    attempts: int = 0
    next_at: datetime | None = None
    rescaled_from: float | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Held:
    """A score as stored: what is wanted beside what the LMS has confirmed, and how delivery stands."""

    desired: Desired
    sent: Sent | None = None
    in_doubt: bool = False
    last_timestamp: int = 0
    state: str = "due"
    reason: str = ""
    attempts: int = 0
    next_at: datetime | None = None
    sent_at: datetime | None = None
    choice: Choice = Choice.KEEP
    shown: Result | None = None
    read_at: datetime | None = None


def held_after(held: Held, receipt: Receipt) -> Held:
    """What is stored after a receipt.

    Its facts always count, its verdict only while the gradebook still wants what was attempted: a score that
    changed while it was being sent is due.
    """
    facts = replace(
        held,
        in_doubt=receipt.in_doubt,
        last_timestamp=max(held.last_timestamp, receipt.last_timestamp),
        sent=receipt.sent or held.sent,
        sent_at=receipt.at if receipt.sent is not None and receipt.at is not None else held.sent_at,
    )
    if receipt.at is not None:  # what was shown before says nothing any more
        facts = replace(facts, shown=None, read_at=None)
    if replace(held.desired, graded_at=receipt.attempted.graded_at) != receipt.attempted:
        return replace(facts, state="due", reason="", attempts=0, next_at=None)
    return replace(
        facts,
        state=receipt.state,
        reason=receipt.reason,
        attempts=receipt.attempts,
        next_at=receipt.next_at,
    )


def held_elsewhere(held: Held, receipt: Receipt) -> Held:
    """What is stored after a receipt of a column that is the assignment's no more: the new one has had nothing."""
    return replace(held, last_timestamp=max(held.last_timestamp, receipt.last_timestamp), in_doubt=False)


def unchanged(delivery: Delivery, reason: str = "") -> Receipt:
    """Nothing to send: the LMS has it."""
    return Receipt(
        delivery.score_id,
        delivery.desired,
        "sent",
        reason,
        sent=delivery.sent,
        last_timestamp=delivery.last_timestamp,
    )


def unsendable(delivery: Delivery, reason: str) -> Receipt:
    """Refused by ourselves; the LMS keeps what it has."""
    return _kept(delivery, "refused", reason, delivery.last_timestamp)


def kept(delivery: Delivery, reason: str) -> Receipt:
    """Not sent: the LMS shows a grade of its own, which stays."""
    return _kept(delivery, "kept", reason, delivery.last_timestamp, attempts=0)


def not_opened(delivery: Delivery) -> Receipt:
    """Kept until the person has launched; the store has it due again then."""
    return _kept(delivery, "waiting", NOT_OPENED, delivery.last_timestamp, attempts=0)


def too_early(delivery: Delivery) -> Receipt:
    """This second was used already; an LMS takes whole seconds only."""
    return _kept(delivery, "waiting", delivery.reason, delivery.last_timestamp, next_at=_after(delivery.last_timestamp))


def concluded(delivery: Delivery, timestamp: int, outcome: Outcome, now: datetime, jitter: float) -> Receipt:
    """What an outcome makes of a delivery sent with `timestamp`. For STALE: `after_reading_back`."""
    if outcome.verdict is Verdict.DELIVERED:
        return delivered(delivery, timestamp, now)
    if outcome.verdict is Verdict.REFUSED:
        return _kept(delivery, "refused", outcome.reason, timestamp)
    if outcome.verdict is not Verdict.RETRY:  # the column or its token is the trouble: this score keeps its turn
        return _kept(delivery, "due", delivery.reason, timestamp)
    attempts = delivery.attempts + 1
    return _kept(
        delivery,
        "waiting",
        outcome.reason,
        timestamp,
        in_doubt=delivery.in_doubt or outcome.in_doubt,
        attempts=attempts,
        next_at=retry_at(now, attempts, jitter, outcome.retry_after),
    )


def delivered(delivery: Delivery, timestamp: int, now: datetime) -> Receipt:
    """The LMS has it."""
    desired = delivery.desired
    sent = Sent(desired.score, desired.maximum, desired.comment, timestamp)
    return Receipt(delivery.score_id, desired, "sent", sent=sent, last_timestamp=timestamp, at=now)


def after_reading_back(
    delivery: Delivery, timestamp: int, outcome: Outcome, result: Result | None, now: datetime, jitter: float
) -> Receipt:
    """What to do after STALE, with what the LMS shows for the person now (None: nothing readable).

    Where the LMS already shows the score there is nothing left to say, except a comment, which only sending
    brings there. A time in the future is waited for. Open edX says 400 to stale and to wrong alike: the
    second 400 in a row, with a surely newer timestamp, is a refusal.
    """
    desired = delivery.desired
    stored = result.timestamp if result is not None and result.timestamp is not None else 0
    newest = max(timestamp, stored)
    ahead = newest >= floor(now.timestamp()) + 1
    if shows(result, desired.score, desired.maximum) and (not desired.comment or delivery.attempts or ahead):
        return delivered(delivery, newest, now)
    attempts = delivery.attempts + 1
    if stored >= timestamp:
        if delivery.sent is not None and delivery.choice is Choice.KEEP and result and result.score is not None:
            return kept(replace(delivery, last_timestamp=stored), OVERRIDDEN)  # ours were all older
        at = max(_after(stored), now)
        return _kept(delivery, "waiting", "newer_in_lms", stored, attempts=attempts, next_at=at)
    if outcome.reason == delivery.reason == "refused_by_lms":
        return _kept(delivery, "refused", outcome.reason, timestamp)
    at = max(_after(timestamp), retry_at(now, attempts, jitter))
    return _kept(delivery, "waiting", outcome.reason, timestamp, attempts=attempts, next_at=at)


def in_our_time(receipt: Receipt, offset: float) -> Receipt:
    """A receipt made by the LMS's clock, `offset` seconds ahead of ours, with times of our clock for the
    store.
    """
    if not offset:
        return receipt
    shift = timedelta(seconds=offset)
    return replace(
        receipt,
        next_at=receipt.next_at and receipt.next_at - shift,
        at=receipt.at and receipt.at - shift,
    )


def _after(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp + 1, UTC)


def _kept(
    delivery: Delivery,
    state: str,
    reason: str,
    last_timestamp: int,
    in_doubt: bool | None = None,
    attempts: int | None = None,
    next_at: datetime | None = None,
) -> Receipt:
    return Receipt(
        delivery.score_id,
        delivery.desired,
        state,
        reason,
        in_doubt=delivery.in_doubt if in_doubt is None else in_doubt,
        last_timestamp=last_timestamp,
        attempts=delivery.attempts if attempts is None else attempts,
        next_at=next_at,
    )
