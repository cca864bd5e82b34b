"""Registrations, remembered for a minute, so that a storm of launches asks the service once.

A registration that is unknown is asked for again after a few seconds; several logins that wait for the same
one share the question. The number of remembered ones is bounded.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from ...core.admissions import TEXT_MAX
from .hub import Registration

REMEMBER_S, UNKNOWN_S, ENTRIES_MAX = 60.0, 5.0, 10_000
Ask = Callable[[str, str | None], Awaitable[Registration | None]]
_Question = tuple[str, str | None]


class Registrations:
    """The memory. `ask` is the client's `registration`; `clock` is monotonic."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._known: OrderedDict[_Question, tuple[float, Registration | None]] = OrderedDict()
        self._asking: dict[_Question, asyncio.Task[Registration | None]] = {}

    async def find(self, issuer: str, client_id: str | None) -> Registration | None:
        """The registration, or None. Raises what the client raises."""
        if max(len(issuer), len(client_id or "")) > TEXT_MAX:
            return None  # nobody's, and anybody could have us remember ten thousand of them
        question = (issuer, client_id)
        until, registration = self._known.get(question, (0.0, None))
        if self._clock() < until:
            return registration
        task = self._asking.get(question)
        if task is None:
            task = self._asking[question] = asyncio.create_task(self._learn(question))
        return await asyncio.shield(task)

    async def _learn(self, question: _Question) -> Registration | None:
        try:
            registration = await self._ask(*question)
            seconds = REMEMBER_S if registration else UNKNOWN_S
            self._known[question] = (self._clock() + seconds, registration)
            self._known.move_to_end(question)
            while len(self._known) > ENTRIES_MAX:
                self._known.popitem(last=False)
            return registration
        finally:
            self._asking.pop(question, None)
