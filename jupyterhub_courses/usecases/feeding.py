"""The due scores of one column, page by page: what waits lies in the store, not in memory."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from ..core.deliveries import Delivery


class Feed:
    """`due(limit)` asks the store, `seen(page)` the LMS for what it shows. Each score comes once: one that is due again
    has its turn in the next feed. After `most` scores it is over, with `more` where others are due.
    """

    def __init__(
        self,
        due: Callable[[int], Awaitable[Sequence[Delivery]]],
        seen: Callable[[Sequence[Delivery]], Awaitable[Sequence[Delivery]]],
        page: int,
        senders: int,
        most: int,
    ) -> None:
        self._due, self._look, self._page, self._senders, self._most = due, seen, page, senders, most
        self.more = False
        self._queue: deque[Delivery] = deque()
        self._seen: set[int] = set()
        self._ended = False
        self._asking = asyncio.Lock()

    async def next(self) -> Delivery | None:
        """The next score; None when there is none any more. Raises what `due` and `seen` raise, and is over then."""
        if not self._queue and not self._ended:
            async with self._asking:
                if not self._queue and not self._ended:
                    try:
                        self._ended = not await self._ask()
                    except BaseException:
                        self._ended = True
                        raise
        return self._queue.popleft() if self._queue else None

    async def _ask(self) -> bool:
        """Whether there was any."""
        if len(self._seen) >= self._most:
            self.more = True
            return False
        # What is under way is still due, so a page of the store may hold nothing new.
        limit = self._page + self._senders
        while True:
            found = await self._due(limit)
            fresh = [delivery for delivery in found if delivery.score_id not in self._seen]
            if fresh or len(found) < limit:
                break
            limit *= 2
        self._seen.update(delivery.score_id for delivery in fresh)
        self._queue.extend(await self._look(fresh))
        return bool(fresh)
