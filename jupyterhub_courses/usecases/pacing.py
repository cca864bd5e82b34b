"""A gate per platform: how many requests it gets at a time, shared fairly by all courses in order of coming.

The decisions are core.retries.Pace's; here is only the waiting.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

from ..core.answers import Outcome, Scope, Verdict
from ..core.retries import Pace


class Closed(Exception):
    """The platform is in trouble; nothing is sent to it for now."""


class Gate:
    """`async with gate:` around each request; raises Closed instead of waiting while the platform is
    closed.
    """

    def __init__(self, now: Callable[[], datetime], jitter: Callable[[], float], most: int) -> None:
        self._now, self._jitter = now, jitter
        self.pace = Pace(most=most)
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def closed_until(self) -> datetime | None:
        """When the next request may go; None: now."""
        return self.pace.closed_until if self.pace.room(self._now()) == 0 else None

    async def __aenter__(self) -> None:
        while True:
            room = self.pace.room(self._now())
            if room == 0:
                self._wake(len(self._waiting))
                raise Closed
            if self._busy < room:
                self._busy += 1
                return
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake(1)  # the turn was ours already: pass it on
                raise

    async def __aexit__(self, *_error: object) -> None:
        self._busy -= 1
        self._wake(max(1, self.pace.room(self._now()) - self._busy))

    def learn(self, outcome: Outcome) -> None:
        """Adapt to an outcome."""
        now = self._now()
        if outcome.verdict is Verdict.RETRY and outcome.scope is Scope.PLATFORM:
            self.pace = self.pace.after_failure(now, self._jitter(), outcome.retry_after)
        elif outcome.verdict is Verdict.RETRY and outcome.scope is Scope.SCORE:
            self.pace = self.pace.after_trouble(now, self._jitter())
        elif outcome.verdict in (Verdict.DELIVERED, Verdict.STALE, Verdict.REFUSED):
            self.pace = self.pace.after_success()

    def _wake(self, count: int) -> None:
        while count > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                count -= 1
