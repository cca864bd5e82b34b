"""A look at the LMS before a score goes over one that it was sent earlier: somebody may have changed it there.

Few are asked for one by one, more by one list a feed; of such lists only some are in memory at a time. An LMS that is
away is waited for; one that tells no results gets its scores all the same, judged by what was last seen.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ..core.answers import LmsFailure, Scope
from ..core.deliveries import Delivery
from ..core.drift import NO_GRADE, Choice
from ..core.lineitems import Column
from ..core.records import Registration
from ..core.scores import Result
from .pacing import Share

#: Up to this many people are asked for one by one, more by one list.
LOOK_ALONE = 3
#: So often a column waits for an LMS whose results fail while everything else may work.
PATIENCE = 3


class Results(Protocol):
    """Raises LmsFailure."""

    async def results(
        self, registration: Registration, lineitem: str, user_id: str | None = None
    ) -> dict[str, Result]: ...


class Looks:
    """The looks of one column's feed. `address`: by whose registration, and where, a person's result is asked for."""

    def __init__(
        self, grades: Results, gate: Share, column: Column, address: Callable[[Delivery], tuple[Registration, str]]
    ) -> None:
        self._grades, self._gate, self._column, self._address = grades, gate, column, address
        self._list: Mapping[str, Result] | None = None

    async def seen(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        """The batch, with what the LMS shows now where that counts. Raises Closed, and LmsFailure while the LMS may
        tell later.
        """
        asked = [d for d in batch if d.sent is not None and d.choice is Choice.KEEP]
        asked = [d for d in asked if not self._column.by_outcomes or d.place is not None]
        if not asked:
            return batch
        try:
            shown = await self._shown(asked)
        except LmsFailure as trouble:
            outcome = trouble.outcome
            if outcome.scope is Scope.PLATFORM or (outcome.reason == "lms_error" and self._column.attempts < PATIENCE):
                raise
            return batch
        return [replace(d, shown=shown[d.score_id]) if d.score_id in shown else d for d in batch]

    async def _shown(self, asked: Sequence[Delivery]) -> dict[int, Result]:
        if self._list is None and len(asked) > LOOK_ALONE and not self._column.by_outcomes:
            self._list = await self._all(asked[0])
        if self._list is not None:
            return {d.score_id: self._list.get(d.user_id, NO_GRADE) for d in asked}
        answers = await asyncio.gather(*map(self._alone, asked), return_exceptions=True)
        found: dict[int, Result] = {}
        for delivery, answer in zip(asked, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            found[delivery.score_id] = answer
        return found

    async def _all(self, one: Delivery) -> Mapping[str, Result]:
        await self._gate.lists.acquire()
        try:
            async with self._gate:
                return await self._grades.results(*self._address(one))
        except BaseException:
            self._gate.lists.release()
            raise

    def forget(self) -> None:
        """The feed is over."""
        if self._list is not None:
            self._list = None
            self._gate.lists.release()

    async def _alone(self, delivery: Delivery) -> Result:
        async with self._gate:
            results = await self._grades.results(*self._address(delivery), delivery.user_id)
        return results.get(delivery.user_id, NO_GRADE)
