"""Following the LMSs' rosters: which are read when.

Every roster is read again when it is old, or soon after a teacher came. LMSs are read side by side, the courses of
one LMS one after the other; a course or an LMS in trouble holds up no other, and is left alone for a while.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ..core.records import Course
from .rostering import Synced

log = logging.getLogger(__name__)
JUST_READ = timedelta(seconds=60)  # a class of teachers that launches at once reads the roster once
LEFT_ALONE = timedelta(minutes=5)  # after a failure, unless somebody asks
FAILURES = 3  # of one LMS in a row, after which its other courses wait for the next round
PARALLEL = 8  # LMSs
ROUND_S = 60.0


class CoursesPort(Protocol):
    """Courses of the store."""

    async def all(self) -> list[Course]: ...


class RosteringPort(Protocol):
    """Reads one roster (rostering.py)."""

    async def sync(self, course: Course) -> Synced: ...


class Following:
    """The story. `age`: how old a roster may become."""

    def __init__(
        self, courses: CoursesPort, rostering: RosteringPort, clock: Callable[[], datetime], age: timedelta
    ) -> None:
        self._courses, self._rostering, self._clock, self._age = courses, rostering, clock, age
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()
        self._failed: dict[int, datetime] = {}

    def want(self, slug: str) -> None:
        """Read this course's roster soon."""
        self._wanted.add(slug)
        self._wake.set()

    async def run_forever(self) -> None:
        """Round after round until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.read_old()
            except Exception:
                log.exception("reading rosters failed; it goes on in a minute")
            try:
                async with asyncio.timeout(min(ROUND_S, self._age.total_seconds())):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def read_old(self) -> None:
        """One round: the rosters that are old, or wanted."""
        wanted, self._wanted = self._wanted, set()
        platforms: dict[int | None, list[Course]] = {}
        for course in await self._courses.all():
            if self._is_due(course, course.slug in wanted):
                platforms.setdefault(course.platform_id, []).append(course)
        limit = asyncio.Semaphore(PARALLEL)

        async def one(courses: Sequence[Course]) -> None:
            async with limit:
                await self._read(courses, wanted)

        await asyncio.gather(*map(one, platforms.values()))

    def _is_due(self, course: Course, is_wanted: bool) -> bool:
        if not course.members_url or course.state == "deleting":
            return False
        now, failed = self._clock(), self._failed.get(course.id)
        if failed is not None and not is_wanted and failed <= now < failed + LEFT_ALONE:
            return False
        age = JUST_READ if is_wanted else self._age
        return course.roster_synced_at is None or course.roster_synced_at + age < now

    async def _read(self, courses: Sequence[Course], wanted: set[str]) -> None:
        """Rosters of one LMS: those that somebody waits for first, those that failed last."""
        never, failures = datetime.min.replace(tzinfo=self._clock().tzinfo), 0
        for course in sorted(courses, key=lambda c: (c.slug not in wanted, self._failed.get(c.id, never))):
            if failures >= FAILURES:
                return
            try:
                is_read = not (await self._rostering.sync(course)).error
            except Exception as error:  # the hub or the store: the text may name people
                log.warning("the roster of course %s was not kept: %s", course.slug, type(error).__name__)
                is_read = False
            if is_read:
                failures = 0
                self._failed.pop(course.id, None)
            else:
                failures += 1
                self._failed[course.id] = self._clock()
