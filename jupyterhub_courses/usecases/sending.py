"""One column's turn: make it ready, send its due scores, read back what the LMS shows for them.

Nothing is sent before its intent is stored, and nothing is over before its receipt is (core.deliveries).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from ..core.answers import LmsFailure, Outcome, Scope, Verdict
from ..core.deliveries import (
    ColumnReceipt,
    Delivery,
    Intent,
    PendingCourse,
    Receipt,
    after_reading_back,
    concluded,
    in_our_time,
    kept,
    not_opened,
    too_early,
    unchanged,
    unsendable,
)
from ..core.drift import decide
from ..core.lineitems import Column
from ..core.looks import Awaited, Reading
from ..core.records import Registration
from ..core.scores import Action, Desired, Result, next_timestamp
from .arriving import Arrived
from .columns import LineItems, made_ready, receipt_of, trouble_receipt
from .feeding import Feed
from .grouping import Grouped
from .looking import Looks
from .pacing import Closed, Share

log = logging.getLogger(__name__)


class DeliveryStore(Protocol):
    """The outbox's part of the store. Each call is one transaction; `now` is our clock."""

    async def pending(self, now: datetime) -> Sequence[PendingCourse]: ...
    async def columns(self, course_id: int, now: datetime) -> Sequence[Column]: ...
    async def due(self, assignment_id: int, lineitem: str, now: datetime, limit: int) -> Sequence[Delivery]: ...
    async def begin(self, intents: Sequence[Intent]) -> None: ...
    async def record(self, receipts: Sequence[Receipt]) -> None: ...
    async def record_column(self, receipt: ColumnReceipt) -> None: ...
    async def record_readings(self, readings: Sequence[Reading]) -> None: ...
    async def unread(self, assignment_id: int) -> Sequence[Awaited]: ...
    async def next_at(self, now: datetime) -> datetime | None: ...


class Grades(Protocol):
    """Scores at all LMSs, by one of LTI's services. `post_score` raises nothing for what an LMS does; the others raise
    LmsFailure.
    """

    async def prepare(self, registration: Registration) -> None: ...
    async def post_score(
        self, registration: Registration, lineitem: str, user_id: str, desired: Desired, timestamp: int
    ) -> Outcome: ...
    async def results(
        self, registration: Registration, lineitem: str, user_id: str | None = None
    ) -> dict[str, Result]: ...
    def clock_offset(self, registration: Registration, url: str) -> float: ...


class Lms(LineItems, Grades, Protocol):
    """LMSs with line items (AGS)."""


@dataclass
class Report:
    """What one pass did: scores by the state they ended in, columns in trouble, courses that failed."""

    states: dict[str, int] = field(default_factory=dict)
    troubles: int = 0
    failed: int = 0

    def count(self, state: str) -> None:
        """One more score that ended in `state`."""
        self.states[state] = self.states.get(state, 0) + 1


@dataclass(frozen=True)
class Outbox:
    """What all turns share. `outcomes`: for LMSs of LTI 1.1. `senders`: scores of one column on their way at a time
    now, at most. `page`: how many are taken from the store at a time; `round`: how many before all begins anew.
    """

    store: DeliveryStore
    lms: Lms
    outcomes: Grades
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    senders: Callable[[], int]
    page: Callable[[], int]
    round: Callable[[], int]
    begin: Grouped[Intent]
    record: Grouped[Receipt]


class ColumnTurn:
    """One pass over the due scores of one column."""

    def __init__(self, outbox: Outbox, gate: Share, column: Column, report: Report) -> None:
        self._store, self._lms, self._now, self._jitter = outbox.store, outbox.lms, outbox.now, outbox.jitter
        self._grades: Grades = outbox.outcomes if column.by_outcomes else outbox.lms
        self._begin, self._record = outbox.begin, outbox.record
        self._senders, self._page, self._round = outbox.senders, outbox.page, outbox.round
        self._gate, self._column, self._report = gate, column, report
        self._url = ""
        self._stopped: Outcome | None = None  # the column's trouble
        self._closed = False
        self._arrived = Arrived(self._store, self._grades, gate, self._address, self._now)

    async def run(self) -> None:
        """Make the column ready, deliver, read back. Raises Closed when the platform is in trouble."""
        try:
            await self._make_ready()
            while await self._deliver():
                pass
            if not self._closed:
                await self._arrived.read_back(self._column)
            if self._stopped is not None:
                raise LmsFailure(self._stopped)
        except LmsFailure as trouble:
            await self._note_trouble(trouble.outcome)
        if self._closed:
            raise Closed

    async def _make_ready(self) -> None:
        before = self._column
        async with self._gate:
            await self._grades.prepare(before.registration)
            self._column = await made_ready(self._lms, before)
        self._url = self._column.lineitem or ""
        receipt = receipt_of(before, self._column, self._now())
        if receipt is not None:
            await self._store.record_column(receipt)

    async def _note_trouble(self, outcome: Outcome) -> None:
        self._gate.learn(outcome)
        if outcome.scope is Scope.PLATFORM:
            raise Closed
        log.warning("Assignment %d gets no scores: %s", self._column.assignment_id, outcome.reason)
        self._report.troubles += 1
        receipt = trouble_receipt(self._column, outcome, self._now(), self._jitter())
        await self._store.record_column(receipt)

    async def _deliver(self) -> bool:
        """One round; whether another one may bring more."""
        senders, before = self._senders(), self._arrived.count
        looks = Looks(self._grades, self._gate, self._column, self._address)
        feed = Feed(self._due, looks.seen, self._page(), senders, self._round())

        async def work() -> None:
            while self._stopped is None and not self._closed and (delivery := await self._next(feed)):
                await self._deliver_one(delivery)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(senders):
                    group.create_task(work())
        finally:
            looks.forget()
        return feed.more and self._arrived.count > before and self._stopped is None and not self._closed

    async def _next(self, feed: Feed) -> Delivery | None:
        """The next one, with what the LMS shows; None when there is none, or the LMS cannot say."""
        try:
            return await feed.next()
        except Closed:
            self._closed = True
        except LmsFailure as trouble:
            self._stopped = trouble.outcome
        return None

    async def _due(self, limit: int) -> Sequence[Delivery]:
        return await self._store.due(self._column.assignment_id, self._url, self._now(), limit)

    async def _deliver_one(self, delivery: Delivery) -> None:
        registration, url = self._address(delivery)
        what, reason = decide(
            delivery.desired,
            delivery.sent,
            delivery.in_doubt,
            delivery.last_timestamp,
            delivery.choice,
            delivery.shown,
        )
        if what is Action.NOTHING:
            return await self._store_receipt(unchanged(delivery, reason))
        if what is Action.KEEP:
            return await self._keep(delivery, reason)
        if what is Action.REFUSE:
            return await self._store_receipt(unsendable(delivery, reason))
        if self._column.by_outcomes and delivery.place is None:
            return await self._store_receipt(not_opened(delivery))
        offset = self._grades.clock_offset(registration, url)
        try:
            async with self._gate as slot:
                timestamp = next_timestamp(delivery.last_timestamp, self._lms_now(offset))
                if timestamp is None:
                    return await self._store_receipt(in_our_time(too_early(delivery), offset))
                await self._begin(Intent(delivery.score_id, timestamp))
                outcome = await self._grades.post_score(
                    registration, url, delivery.user_id, delivery.desired, timestamp
                )
                outcome = await self._confirmed(outcome)
                slot.learn(outcome)
                receipt = await self._conclude(delivery, timestamp, outcome, offset)
        except Closed:
            self._closed = True
            return None
        if receipt.state == "sent" and receipt.sent is not None:
            self._arrived.add(delivery, receipt.sent)
        await self._store_receipt(in_our_time(receipt, offset))
        if outcome.verdict is not Verdict.DELIVERED and outcome.scope is Scope.COLUMN:
            self._stopped = outcome
        return None

    def _address(self, delivery: Delivery) -> tuple[Registration, str]:
        """Where a score goes, and by whose registration: the column's, or with LTI 1.1 the person's own."""
        if delivery.place is not None:
            return delivery.place.registration, delivery.place.url
        return self._column.registration, self._url

    async def _confirmed(self, outcome: Outcome) -> Outcome:
        """A 404 may be a proxy's: the column counts as gone when asking for it is answered so too."""
        if outcome.verdict is not Verdict.GONE:
            return outcome
        try:
            item = await self._lms.get(self._column.registration, self._url)
        except LmsFailure as trouble:
            return trouble.outcome
        return outcome if item is None else Outcome(Verdict.RETRY, "lms_error", Scope.SCORE)

    async def _conclude(self, delivery: Delivery, timestamp: int, outcome: Outcome, offset: float) -> Receipt:
        if outcome.verdict is not Verdict.STALE:
            return concluded(delivery, timestamp, outcome, self._lms_now(offset), self._jitter())
        try:
            results = await self._grades.results(*self._address(delivery), delivery.user_id)
        except LmsFailure:
            results = {}
        result = results.get(delivery.user_id)
        receipt = after_reading_back(delivery, timestamp, outcome, result, self._lms_now(offset), self._jitter())
        if receipt.state == "kept" and result is not None:
            await self._store.record_readings([Reading(delivery.score_id, timestamp, result, self._now())])
        return receipt

    async def _keep(self, delivery: Delivery, reason: str) -> None:
        if delivery.shown is not None:
            reading = Reading(delivery.score_id, delivery.last_timestamp, delivery.shown, self._now())
            await self._store.record_readings([reading])
        await self._store_receipt(kept(delivery, reason))

    async def _store_receipt(self, receipt: Receipt) -> None:
        await self._record(replace(receipt, lineitem=self._url))
        self._report.count(receipt.state)

    def _lms_now(self, offset: float) -> datetime:
        return self._now() + timedelta(seconds=offset)
