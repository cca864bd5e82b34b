"""The outbox: makes every LMS show what the gradebooks say.

Level-triggered: it compares desired with sent, delivers the difference, and can be called at any time, twice,
or after any crash. One task a course, so that a slow or broken course or LMS delays no other; one request at
a time for each (line item, person); as many at a time for each LMS as it bears (pacing.py), and one process at a
time for each LMS, for only together with all its scores can it be paced. One column's turn: sending.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from ..core.deliveries import Intent, LeaseLost, PendingCourse
from ..core.pace import Pace, page_size, round_size, senders
from .grouping import Grouped
from .pacing import Closed, Gate
from .sending import ColumnTurn, DeliveryStore, Grades, Lms, Outbox, Report

log = logging.getLogger(__name__)
#: A course whose turn failed, or moved nothing, is not tried again at once.
REST = timedelta(seconds=10)


class Leases(Protocol):
    """Which of several processes on one store delivers to a platform."""

    async def take(self, platform_id: int) -> bool: ...
    async def keep(self, platforms: Collection[int]) -> None: ...
    async def check(self) -> None: ...
    async def forget(self) -> None: ...


class Alone:
    """Leases where one process has the store to itself."""

    async def take(self, platform_id: int) -> bool:
        return True

    async def keep(self, platforms: Collection[int]) -> None:
        return None

    async def check(self) -> None:
        return None

    async def forget(self) -> None:
        return None


class Deliverer:
    """The outbox of one process. `lms` and `outcomes`: the services of LTI 1.3 and 1.1; `jitter` gives random
    numbers in [0, 1); each platform begins with `pace`; `ticks`: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        store: DeliveryStore,
        lms: Lms,
        outcomes: Grades,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        pace: Pace = Pace(),
        ticks: Callable[[], float] = time.monotonic,
        leases: Leases | None = None,
    ) -> None:
        self._leases = leases or Alone()
        self._store, self._now, self._jitter, self._ticks, self._pace = store, now, jitter, ticks, pace
        self._outbox = Outbox(
            store,
            lms,
            outcomes,
            now,
            jitter,
            lambda: senders(len(self._running), pace.search.most),
            lambda: page_size(len(self._running)),
            lambda: round_size(len(self._running)),
            Grouped(self._begin),
            Grouped(store.record),
        )
        self._gates: dict[int, Gate] = {}
        self._running: dict[int, asyncio.Task[Report]] = {}
        self._platforms: dict[int, int] = {}  # of courses that are running
        self._resting: dict[int, datetime] = {}  # courses that can't get on, and until when they are left alone

    async def deliver_due(self) -> Report:
        """Deliver everything that is due now, and wait for it. Courses already being delivered are waited
        for too.
        """
        await self._start()
        total = Report()
        for report in await asyncio.gather(*self._running.values()):
            total.failed += report.failed
            total.troubles += report.troubles
            for state, count in report.states.items():
                total.states[state] = total.states.get(state, 0) + count
        return total

    async def run_forever(self, wake: asyncio.Event, interval: float = 15.0) -> None:
        """Deliver whenever something is due. `wake` is set by whoever recorded scores; `interval` is the
        fallback.
        """
        try:
            while True:
                wake.clear()
                delay = interval
                try:
                    for task in await self._start():
                        task.add_done_callback(lambda _: wake.set())
                    delay = await self._until_next(interval)
                except Exception:
                    log.exception("The outbox could not look into the store; next try in %.0f s", interval)
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), delay)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """End what is running. Requests under way stay in doubt and are sent again at the next start."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(LeaseLost):
            await self._leases.keep(())

    async def _start(self) -> list[asyncio.Task[Report]]:
        try:
            await self._leases.check()
        except LeaseLost:
            log.warning("The database has ended this process's leases; what was being delivered stays due")
            await self.stop()
            await self._leases.forget()
        started = []
        pending = await self._store.pending(self._now())
        for course in pending:
            if course.course_id in self._running or self._rests(course):
                continue
            if not await self._leases.take(course.platform_id):
                continue
            task = asyncio.create_task(self._deliver_course(course))
            self._running[course.course_id] = task
            self._platforms[course.course_id] = course.platform_id
            task.add_done_callback(partial(self._ended, course.course_id))
            started.append(task)
        await self._leases.keep({*self._platforms.values(), *(course.platform_id for course in pending)})
        return started

    async def _begin(self, intents: Sequence[Intent]) -> None:
        """Store what is about to be sent, while it is ours to send."""
        await self._leases.check()
        await self._store.begin(intents)

    def _rests(self, course: PendingCourse) -> bool:
        until = self._resting.get(course.course_id)
        return self._gate(course.platform_id).closed_until is not None or (until is not None and self._now() < until)

    def _ended(self, course_id: int, _task: object) -> None:
        del self._running[course_id], self._platforms[course_id]

    async def _until_next(self, interval: float) -> float:
        now = self._now()
        times = [gate.closed_until for gate in self._gates.values()] + [await self._store.next_at(now)]
        soonest = min((time for time in times if time is not None), default=None)
        return interval if soonest is None else min(interval, max(0.05, (soonest - now).total_seconds()))

    def _gate(self, platform_id: int) -> Gate:
        if platform_id not in self._gates:
            self._gates[platform_id] = Gate(self._now, self._jitter, self._ticks, self._pace)
        return self._gates[platform_id]

    async def _deliver_course(self, course: PendingCourse) -> Report:
        report = Report()
        share = self._gate(course.platform_id).share(course.course_id)
        try:
            for column in await self._store.columns(course.course_id, self._now()):
                await ColumnTurn(self._outbox, share, column, report).run()
            if not report.states and not report.troubles:
                self._resting[course.course_id] = self._now() + REST
        except Closed:
            pass
        except Exception:
            # No personal data: the exceptions of store and client name none.
            log.exception("Delivery failed for course %d; its scores stay due", course.course_id)
            report.failed += 1
            self._resting[course.course_id] = self._now() + REST
        return report
