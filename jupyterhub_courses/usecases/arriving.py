"""What one column's turn has delivered, read back: does the LMS show it?

Who waits for that lies in the store, however many they are; only a few, who are asked for one by one, are kept here.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from ..core.answers import LmsFailure
from ..core.batches import batches
from ..core.deliveries import Delivery
from ..core.drift import NO_GRADE
from ..core.lineitems import Column
from ..core.looks import Awaited, Reading
from ..core.records import Registration
from ..core.scores import Result, Sent
from .looking import LOOK_ALONE, Results
from .pacing import Closed, Share

#: Readings stored at a time.
BATCH = 250


class ReadingStore(Protocol):
    """The store's part. `unread`: what a column was sent and nobody has looked at since."""

    async def unread(self, assignment_id: int) -> Sequence[Awaited]: ...
    async def record_readings(self, readings: Sequence[Reading]) -> None: ...


class Arrived:
    """Of one column's turn. `address`: by whose registration, and where, a person's result is asked for."""

    def __init__(
        self,
        store: ReadingStore,
        grades: Results,
        gate: Share,
        address: Callable[[Delivery], tuple[Registration, str]],
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._grades, self._gate, self._address, self._now = store, grades, gate, address, now
        self._few: dict[str, tuple[Delivery, Sent]] = {}
        self.count = 0

    def add(self, delivery: Delivery, sent: Sent) -> None:
        """The LMS has confirmed it."""
        self.count += 1
        if self.count <= LOOK_ALONE:
            self._few[delivery.user_id] = (delivery, sent)

    async def read_back(self, column: Column) -> None:
        """Look what the LMS shows for those just delivered; a failure to look is none to deliver."""
        with suppress(LmsFailure, Closed):
            if 0 < self.count <= LOOK_ALONE:
                await self._read_few()
            elif self.count and not column.by_outcomes:  # LTI 1.1 has no list: a class is trusted to have arrived
                async with self._gate.lists:
                    await self._read_list(column)

    async def _read_few(self) -> None:
        results: dict[str, Result] = {}
        async with self._gate:
            for user_id, (delivery, _) in self._few.items():
                results |= await self._grades.results(*self._address(delivery), user_id)
        now = self._now()
        readings = [
            Reading(delivery.score_id, sent.timestamp, results.get(user, NO_GRADE), now)
            for user, (delivery, sent) in self._few.items()
        ]
        await self._store.record_readings(readings)

    async def _read_list(self, column: Column) -> None:
        unread = await self._store.unread(column.assignment_id)
        async with self._gate:
            results = await self._grades.results(column.registration, column.lineitem or "")
        now = self._now()
        for some in batches(unread, BATCH):
            readings = [Reading(one.score_id, one.timestamp, results.get(one.user_id, NO_GRADE), now) for one in some]
            await self._store.record_readings(readings)
