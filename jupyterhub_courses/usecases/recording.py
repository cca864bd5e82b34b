"""Recording: a gradebook's full desired state becomes rows that the outbox delivers.

A row that did not change is not touched, so an unchanged state sends nothing. A score that is gone from the
gradebook (grading is incomplete again) keeps what was sent: nothing is ever erased in the LMS. An older snapshot
than the last one recorded changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ..core.gradebooks import GradebookState, Recorded
from ..core.records import Course


class ScoresPort(Protocol):
    """The store's scores."""

    async def record(self, course_id: int, state: GradebookState, now: datetime) -> Recorded: ...


class Recording:
    """The story. `wake` is called when there may be something to deliver."""

    def __init__(self, scores: ScoresPort, wake: Callable[[], None], clock: Callable[[], datetime]) -> None:
        self._scores, self._wake, self._clock = scores, wake, clock

    async def record(self, course: Course, state: GradebookState) -> Recorded:
        """Record a snapshot and wake the outbox."""
        recorded = await self._scores.record(course.id, state, self._clock())
        if not recorded.stale:
            self._wake()
        return recorded
