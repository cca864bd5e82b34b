"""Group commit: many small writes that come at the same time share one transaction.

Whoever waits for a write knows that it is stored. While one transaction is under way the next group gathers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Grouped(Generic[T]):
    """Calls `write` with everything that was asked for since its last call; never twice at the same time."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], most: int = 500) -> None:
        self._write, self._most = write, most
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> None:
        """Store `item`; returns when it is stored, raises what the writing raised."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                error: BaseException | None = None
                try:
                    await self._write([item for item, _ in group])
                except Exception as raised:
                    error = raised
                for _, future in group:
                    if future.done():
                        continue  # its caller was cancelled; what it asked for is stored all the same
                    if error is None:
                        future.set_result(None)
                    else:
                        future.set_exception(error)
        finally:
            self._task = None
