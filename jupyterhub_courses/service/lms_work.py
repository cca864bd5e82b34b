"""The service's work with LMSs: delivering scores, reading rosters, the tool's key; wired here, decided elsewhere."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.lms.access import LmsAccess
from ..adapters.lms.ags import Ags
from ..adapters.lms.http import LmsHttp
from ..adapters.lms.keys import KeyRing, ToolKey
from ..adapters.lms.nrps import Nrps
from ..adapters.lms.outcomes import Outcomes
from ..adapters.lms.probes import Probes
from ..adapters.lms.signing import signed
from ..adapters.lms.tokens import Tokens
from ..adapters.store.courses import Courses
from ..adapters.store.database import Database
from ..adapters.store.deliveries import Deliveries
from ..adapters.store.leases import PlatformLeases
from ..adapters.store.looks import Looks
from ..adapters.store.rosters import Rosters
from ..adapters.store.scores import Scores
from ..core.drift import Choice
from ..core.pace import Pace
from ..core.records import Course
from ..usecases.delivering import Deliverer
from ..usecases.following import Following
from ..usecases.reading_back import ReadingBack
from ..usecases.rostering import Rostering

if TYPE_CHECKING:
    from .app import CoursesService


class LmsWork:
    """Outbox and rosters of one process."""

    def __init__(
        self,
        database: Database,
        courses: Courses,
        scores: Scores,
        hub_taken_names: Callable[[Iterable[str]], Awaitable[set[str]]],
        roster_changed: Callable[[], None],
        data_dir: Path,
        clock: Callable[[], datetime],
        settings: "CoursesService",
    ) -> None:
        self.keys = KeyRing(data_dir / "keys", clock)
        self._http = LmsHttp(clock)
        self._tokens = Tokens(self._http, self.keys)
        self.probes = Probes(self._http, self._tokens)
        access = LmsAccess(self._http, self._tokens)
        self._deliveries, self._scores = Deliveries(database), scores
        ags = Ags(access)
        pace = Pace.up_to(settings.lms_connections)
        self._deliverer = Deliverer(
            self._deliveries,
            ags,
            Outcomes(self._http),
            clock,
            random.random,
            pace,
            leases=None if database.is_sqlite else PlatformLeases(database),
        )
        self._looks = Looks(database, self._deliveries)
        age = timedelta(seconds=settings.look_interval)
        self._reading_back = ReadingBack(self._looks, self._deliveries, ags, clock, random.random, age)
        self._interval = settings.delivery_interval
        rosters = Rosters(database, hub_taken_names)
        self._rostering = Rostering(rosters, Nrps(access), clock, lambda _course: roster_changed())
        self._following = Following(courses, self._rostering, clock, timedelta(seconds=settings.roster_interval))
        self._wake = asyncio.Event()

    def keyset(self) -> dict[str, Any]:
        """The tool's public keys as a JWKS."""
        return self.keys.jwks()

    def public_pem(self) -> str:
        """The tool's public key as PEM."""
        return self.keys.signing().public_pem()

    def key_for(self, registration_id: int) -> ToolKey:
        """The key to sign with for a registration's LMS (an LMS with a pasted key may not have the newest yet)."""
        return self._tokens.key_for(registration_id)

    def sign(self, claims: dict[str, Any], registration_id: int) -> str:
        """A JWT for the LMS of a registration."""
        return signed(claims, self.key_for(registration_id))

    def wake(self) -> None:
        """There may be something to deliver."""
        self._wake.set()

    async def retry(self, course: Course, person_id: int | None = None, assignment: str | None = None) -> int:
        """Make refused, waiting and missing deliveries of a course due now; how many."""
        due = await self._deliveries.retry(course.id, person_id, assignment)
        self.wake()
        return due

    async def choose(self, course: Course, assignment: str, choice: Choice | None, username: str | None) -> bool:
        """Whose grade stays; False where there is no such assignment or score."""
        found = await self._looks.choose(course.id, assignment, choice, username)
        self.wake()
        return found

    async def sync_roster(self, course: Course) -> dict[str, Any]:
        """Read the LMS's list of participants now: {added, changed, removed, error}."""
        return asdict(await self._rostering.sync(course))

    def want_roster(self, slug: str) -> None:
        """Read this course's roster soon, in the background."""
        self._following.want(slug)

    async def run_forever(self) -> None:
        """Deliver, read back and read rosters until cancelled."""
        await asyncio.gather(
            self._deliverer.run_forever(self._wake, self._interval),
            self._reading_back.run_forever(),
            self._following.run_forever(),
            self._drop_old_keys(),
        )

    async def _drop_old_keys(self) -> None:
        """A key goes when its time is over, also where nobody asks for it."""
        while True:
            self.keys.usable()
            await asyncio.sleep(60)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()
