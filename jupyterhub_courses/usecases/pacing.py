"""A gate per platform: how many requests it gets at a time, shared by its courses in turn.

The decisions are core.pace's; here is only the waiting. However many requests a course has waiting, the next one that
may go is of the course whose last one went longest ago.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime

from ..core.answers import Outcome, Scope, Verdict
from ..core.pace import LISTS, Pace
from ..core.searching import Sample


class Closed(Exception):
    """The platform is in trouble; nothing is sent to it for now."""


class Slot:
    """A request's place at the LMS, from its start."""

    def __init__(self, gate: "Gate", start: float, area: float) -> None:
        self._gate, self._start, self._area = gate, start, area

    def learn(self, outcome: Outcome) -> None:
        """Adapt to what became of a score, and to how long that took."""
        now, area = self._gate.measured()
        seconds = now - self._start
        busy = (area - self._area) / seconds if seconds > 0 else 0.0
        self._gate.learn(outcome, Sample(seconds, busy))


class Gate:
    """One platform's. `ticks`: seconds of a clock that never goes back."""

    def __init__(
        self, now: Callable[[], datetime], jitter: Callable[[], float], ticks: Callable[[], float], pace: Pace
    ) -> None:
        self._now, self._jitter, self._ticks = now, jitter, ticks
        self.pace = pace
        #: For whoever holds what the LMS shows for a whole column.
        self.lists = asyncio.Semaphore(LISTS)
        self._busy = 0
        self._area, self._at = 0.0, ticks()  # request-seconds so far, and when that was
        #: Who waits, by course; the course first in line has waited longest for its turn.
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def closed_until(self) -> datetime | None:
        """When the next request may go; None: now."""
        return self.pace.closed_until if self.pace.room(self._now()) == 0 else None

    def share(self, course_id: int) -> "Share":
        """A course's share of the gate."""
        return Share(self, course_id)

    async def enter(self, course_id: int) -> Slot:
        """Wait for a turn. Raises Closed instead of waiting while the platform is closed."""
        room = self.pace.room(self._now())
        if room == 0:
            raise Closed
        if self._busy < room and not self._waiting:
            self._count(+1)
        else:
            await self._turn(course_id)
        return Slot(self, *self.measured())

    def leave(self) -> None:
        """A request is over."""
        self._count(-1)
        self._admit()

    def learn(self, outcome: Outcome, sample: Sample | None = None) -> None:
        """Adapt to an outcome; `sample`: of a score."""
        now = self._now()
        if outcome.verdict is Verdict.RETRY and outcome.scope is Scope.PLATFORM:
            self.pace = self.pace.after_failure(now, self._jitter(), outcome.retry_after)
        elif outcome.verdict is Verdict.RETRY and outcome.scope is Scope.SCORE:
            self.pace = self.pace.after_trouble(now, self._jitter(), sample)
        elif outcome.verdict in (Verdict.DELIVERED, Verdict.STALE, Verdict.REFUSED):
            self.pace = self.pace.after_success(now, sample)
        self._admit()

    def measured(self) -> tuple[float, float]:
        """The time, and the request-seconds until then."""
        now = self._ticks()
        self._area += self._busy * (now - self._at)
        self._at = now
        return now, self._area

    def _count(self, change: int) -> None:
        self.measured()
        self._busy += change

    async def _turn(self, course_id: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(course_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # the turn was ours already: it goes to the next
            raise

    def _admit(self) -> None:
        """Give what is free to those who wait, course by course; send them away while the platform is closed."""
        room = self.pace.room(self._now())
        while self._waiting and (room == 0 or self._busy < room):
            course_id, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[course_id] = turns  # behind all others
            if turn.done():
                continue
            if room == 0:
                turn.set_exception(Closed())
            else:
                self._count(+1)
                turn.set_result(None)


class Share:
    """`async with share as slot:` around each request of a course."""

    def __init__(self, gate: Gate, course_id: int) -> None:
        self._gate, self._course_id = gate, course_id
        self.lists = gate.lists

    async def __aenter__(self) -> Slot:
        return await self._gate.enter(self._course_id)

    async def __aexit__(self, *_error: object) -> None:
        self._gate.leave()

    def learn(self, outcome: Outcome) -> None:
        """Adapt to what became of anything but a score."""
        self._gate.learn(outcome)
