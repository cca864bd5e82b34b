"""Nonces that were used, so that a launch works once.

Kept in this process until the login that they belong to has expired. A store that several hubs share takes
over by offering the same `spend`; that is why it is awaited.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol


class Nonces(Protocol):
    """Remembers used nonces."""

    async def spend(self, nonce: str, seconds: float) -> bool:
        """Use `nonce` up, to be remembered for `seconds`; False if it was used before."""
        ...


class ProcessNonces:
    """The one of a single hub process. Only nonces of verified tokens come here: one a launch."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: set[str] = set()
        self._ends: deque[tuple[float, str]] = deque()

    async def spend(self, nonce: str, seconds: float) -> bool:
        """See Nonces; `seconds` has to be the same for all."""
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            self._spent.discard(self._ends.popleft()[1])
        if nonce in self._spent:
            return False
        self._spent.add(nonce)
        self._ends.append((now + seconds, nonce))
        return True
