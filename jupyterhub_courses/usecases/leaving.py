"""Leaving: the running server of somebody who is no longer a member of its course is stopped; their files stay.

Level-triggered: what runs is compared with whose membership is over, so a crash in between or a hub that is down loses
nothing. Nothing is asked of the hub where nobody has left; else one list of all running servers serves all courses,
at most once a minute. Whoever is gone cannot start another one: placing refuses.
"""

import asyncio
import logging
from collections.abc import Callable, Set
from datetime import datetime, timedelta
from typing import Protocol

from ..core.names import grader_course
from ..core.records import Course
from ..core.specs import stops_removed_people

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds between two looks
WHOLE = timedelta(minutes=10)  # after this, everybody who ever left is looked at: a course may have another rule now
MARGIN = timedelta(minutes=5)  # clocks of replicas differ, and a list of pages may miss what moves between them
PARALLEL = 16  # servers that are being stopped at once


class DeparturesPort(Protocol):
    """Memberships that are over."""

    async def gone(self, since: datetime | None) -> set[tuple[str, str]]: ...
    async def is_gone(self, username: str, slug: str) -> bool: ...


class CoursesPort(Protocol):
    """Courses, with the rule that each has."""

    async def by_slug(self, slug: str) -> Course | None: ...


class HubPort(Protocol):
    """The hub's servers."""

    async def active_servers(self) -> list[tuple[str, str]]: ...
    async def stop_server(self, username: str, server: str) -> bool: ...


class HostPort(Protocol):
    """Of several replicas, one looks after courses."""

    async def leads(self) -> bool: ...


class Leaving:
    """The story. `hub_down`: what a hub that does not answer raises."""

    def __init__(
        self,
        departures: DeparturesPort,
        courses: CoursesPort,
        hub: HubPort,
        host: HostPort,
        hub_down: type[Exception],
        clock: Callable[[], datetime],
        every: float = EVERY,
    ) -> None:
        self._departures, self._courses, self._hub, self._host = departures, courses, hub, host
        self._hub_down, self._clock, self._every = hub_down, clock, every
        self._wake = asyncio.Event()
        self._seen: datetime | None = None  # everybody who left before is known to have no server
        self._whole: datetime | None = None  # the last time that everybody was looked at

    def wake(self) -> None:
        """Somebody may have left."""
        self._wake.set()

    async def run_forever(self) -> None:
        """Look until cancelled; at once when woken, unless the last look was just now."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._wake.clear()
            asked = False
            try:
                if await self._host.leads():
                    asked = await self.pass_once()
            except self._hub_down as down:
                asked = True
                log.warning("the hub does not say which servers run; it is asked again (%s)", down)
            except Exception:
                log.exception("a look for servers of people who left failed")
            rest = self._every - (loop.time() - began)
            if asked:  # the hub has listed all servers
                await asyncio.sleep(max(0.0, rest))
                continue
            try:
                async with asyncio.timeout(max(0.0, rest)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def pass_once(self) -> bool:
        """One look; returns whether the hub had to list its servers. Raises what store and hub raise."""
        now = self._clock()
        whole = self._seen is None or self._whole is None or now >= self._whole + WHOLE
        gone = await self._departures.gone(None if whole or self._seen is None else self._seen - MARGIN)
        done = True
        if gone:
            running = gone.intersection(await self._hub.active_servers())
            done = await self._stop(sorted(await self._not_kept(running)))
        if done:
            self._seen = now
            self._whole = now if whole else self._whole
        return bool(gone)

    async def _not_kept(self, left: Set[tuple[str, str]]) -> set[tuple[str, str]]:
        rules = {slug: await self._courses.by_slug(slug) for slug in {slug for _, slug in left}}
        stopping = {slug for slug, course in rules.items() if course is not None and stops_removed_people(course)}
        return {(username, slug) for username, slug in left if slug in stopping and grader_course(username) is None}

    async def _stop(self, servers: list[tuple[str, str]]) -> bool:
        limit = asyncio.Semaphore(PARALLEL)

        async def one(username: str, slug: str) -> bool:
            async with limit:
                if not await self._departures.is_gone(username, slug):
                    return True
                try:
                    stopped = await self._hub.stop_server(username, slug)
                except self._hub_down as error:  # or a stop that takes longer than the hub is waited for
                    log.warning("course %s: a server of somebody who left may not be stopped (%s)", slug, error)
                    return False
            log.info("course %s: the server of somebody who left %s", slug, "is stopped" if stopped else "is stopping")
            return stopped

        return all(await asyncio.gather(*(one(*server) for server in servers)))
