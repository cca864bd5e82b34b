"""An LMS whose machine has so much to give and no more: the requests under way share it evenly.

How much that is for n requests is read off a table, as measured on real LMSs, where some at a time bring more than one
and many bring less than some. A request alone takes 1/rate(1) seconds, give or take a little.
"""

import asyncio
import random

SPREAD = 0.4
DONE = 1e-9


class Capacity:
    """`rates`: (requests under way, answers a second); in between along a line, flat at both ends."""

    def __init__(self, rates: tuple[tuple[int, int], ...]) -> None:
        self.rates = rates
        self._left: dict[asyncio.Future[None], float] = {}  # work, in requests
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._dice = random.Random(1)

    async def work(self) -> None:
        """Returns when a request that comes now is carried out."""
        loop = asyncio.get_running_loop()
        self._go_on(loop.time())
        done = loop.create_future()
        self._left[done] = 1 + SPREAD * (2 * self._dice.random() - 1)
        self._plan()
        await done

    def rate(self, busy: int) -> float:
        """Answers a second while so many are under way."""
        before = self.rates[0]
        for after in self.rates:
            if busy <= after[0]:
                span = after[0] - before[0]
                return after[1] if not span else before[1] + (after[1] - before[1]) * (busy - before[0]) / span
            before = after
        return before[1]

    def _go_on(self, now: float) -> None:
        if self._left:
            done = (now - self._at) * self.rate(len(self._left)) / len(self._left)
            for one in self._left:
                self._left[one] -= done
        self._at = now
        for one in [one for one, left in self._left.items() if left <= DONE]:
            del self._left[one]
            if not one.done():
                one.set_result(None)

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._left:
            soonest = min(self._left.values()) * len(self._left) / self.rate(len(self._left))
            self._timer = asyncio.get_running_loop().call_later(max(soonest, 0.0), self._fire)

    def _fire(self) -> None:
        self._go_on(asyncio.get_running_loop().time())
        self._plan()
