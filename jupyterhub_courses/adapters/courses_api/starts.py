"""Where the people of each LMS begin, remembered for a minute: the hub's login page names them.

The page never waits long for it: while the service is slow or away, what is remembered is shown, however old.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from .hub import Refused, ServiceDown, Start

REMEMBER_S, AGAIN_S, WAIT_S = 60.0, 5.0, 1.0


class Starts:
    """The memory. `ask` is the client's `starts`; `clock` is monotonic."""

    def __init__(
        self, ask: Callable[[], Awaitable[tuple[Start, ...]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._clock = ask, clock
        self._known: tuple[Start, ...] = ()
        self._until = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def all(self) -> tuple[Start, ...]:
        """By name; empty where none is known. Never raises."""
        if self._clock() >= self._until:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._learn())
            await asyncio.wait([self._asking], timeout=WAIT_S)
        return self._known

    async def _learn(self) -> None:
        try:
            self._known = tuple(sorted(await self._ask(), key=lambda start: (start.name.casefold(), start.url or "")))
            self._until = self._clock() + REMEMBER_S
        except (ServiceDown, Refused):
            self._until = self._clock() + AGAIN_S
