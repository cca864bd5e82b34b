"""Reading back: what the LMS shows for what it was sent, one request a column and period.

A column is looked at when a delivery has settled, then on a schedule, ever more rarely while nothing is sent to it.
Several replicas share the work: a column is claimed before it is looked at.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ..core.answers import LmsFailure, Outcome, Scope, Verdict
from ..core.deliveries import ColumnReceipt
from ..core.drift import NO_GRADE, next_look
from ..core.lineitems import Column, LineItem
from ..core.looks import Awaited, Reading
from ..core.records import Registration
from ..core.retries import retry_at
from ..core.scores import Result
from .columns import trouble_receipt

log = logging.getLogger(__name__)
#: Columns taken from the store at a time.
BATCH = 50
#: How long a process may take for one look before another may try.
CLAIM = timedelta(minutes=5)
#: Between two looks into the store.
REST = 5.0
#: Attempts that a failing look's back-off counts: about half a minute.
PATIENCE = 6


class LookStore(Protocol):
    """The store's part."""

    async def due_columns(self, now: datetime, limit: int) -> Sequence[Column]: ...
    async def claim(self, assignment_id: int, now: datetime, until: datetime) -> bool: ...
    async def awaited(self, assignment_id: int) -> Sequence[Awaited]: ...
    async def record_look(self, assignment_id: int, readings: Sequence[Reading], at: datetime) -> None: ...
    async def release(self, assignment_id: int, claimed: datetime, again_at: datetime) -> None: ...


class ColumnStore(Protocol):
    """The outbox's part that knows columns."""

    async def record_column(self, receipt: ColumnReceipt) -> None: ...


class Shown(Protocol):
    """Results and line items of all LMSs. Raises LmsFailure."""

    async def results(
        self, registration: Registration, lineitem: str, user_id: str | None = None
    ) -> dict[str, Result]: ...
    async def get(self, registration: Registration, url: str) -> LineItem | None: ...


class ReadingBack:
    """The story. `interval`: the shortest time between two looks at a column to which nothing is sent."""

    def __init__(
        self,
        store: LookStore,
        columns: ColumnStore,
        lms: Shown,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        interval: timedelta,
    ) -> None:
        self._store, self._columns, self._lms = store, columns, lms
        self._now, self._jitter, self._interval = now, jitter, interval

    async def run_forever(self) -> None:
        """Look at whatever is due, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("Reading back failed; it goes on in %.0f s", REST)
            await asyncio.sleep(min(REST, self._interval.total_seconds()))

    async def look(self) -> int:
        """Look at all columns that are due; how many answered."""
        looked, away = 0, set[int]()
        for column in await self._store.due_columns(self._now(), BATCH):
            now = self._now()
            claimed = now + CLAIM
            if not await self._store.claim(column.assignment_id, now, claimed):
                continue
            platform = column.registration.platform_id
            again = None if platform in away else await self._look_at(column)
            if again is None:
                away.add(platform)
                again = retry_at(now, PATIENCE, self._jitter())
            else:
                looked += 1
            await self._store.release(column.assignment_id, claimed, again)
        return looked

    async def _look_at(self, column: Column) -> datetime | None:
        """When to look again; None: the platform is in trouble."""
        awaited = await self._store.awaited(column.assignment_id)
        now = self._now()
        if not awaited:
            return now + self._interval
        try:
            shown = await self._lms.results(column.registration, column.lineitem or "")
        except LmsFailure as trouble:
            return await self._failed(column, trouble.outcome)
        readings = [
            Reading(one.score_id, one.timestamp, shown.get(one.user_id, NO_GRADE), now, heals=True) for one in awaited
        ]
        await self._store.record_look(column.assignment_id, readings, now)
        return next_look(now, max(one.sent_at for one in awaited), self._interval)

    async def _failed(self, column: Column, outcome: Outcome) -> datetime | None:
        if outcome.scope is Scope.PLATFORM:
            return None
        if outcome.verdict is Verdict.GONE and await self._is_gone(column):
            await self._columns.record_column(trouble_receipt(column, outcome, self._now(), self._jitter()))
        else:  # this LMS does not tell results, or not now
            log.info("Assignment %d can't be read back: %s", column.assignment_id, outcome.reason)
        return self._now() + self._interval

    async def _is_gone(self, column: Column) -> bool:
        try:
            return await self._lms.get(column.registration, column.lineitem or "") is None
        except LmsFailure:
            return False
