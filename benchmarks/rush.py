"""500 launches while scores are delivered, beside 500 while the service has nothing else to do.

A real hub with its courses service. An LMS of the demo, in a process of its own, answers each score after 10 ms; 1,000
of its students' scores are due, and due again with other points as soon as most of them are sent, until the storm of
launches is over. Both kinds of storm take turns, all of people who are new; what counts is the median of the turns.
"""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import hubs
import storm
from machine import cpu_s
from sqlalchemy import func, select, update

from jupyterhub_courses.adapters.lms.keys import load_or_create
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.models import CourseRow, ScoreRow
from tests.delivering.world import LmsProcess, World, running_lms, student_ids
from tests.hub.platform import Platform

LAUNCHES, AT_ONCE, TURNS = 500, 16, 3
SCORES, FEW, DELAY_MS = 1000, 100, 10
COURSE = "ml101"


class Rush:
    """The running hub, and the store of its service as another process sees it."""

    def __init__(self, hub: hubs.Hub, platform: Platform, world: World, lms: LmsProcess) -> None:
        self.hub, self.platform, self.world, self.lms = hub, platform, world, lms

    async def course(self) -> None:
        """A course of the LMS with everybody in it, and a first score of each sent."""
        platform = await self.world.add_platform(self.lms.base)
        lineitems = f"{self.lms.base}/mod/lti/services.php/2/lineitems?type_id=1"
        course = await self.world.add_course("rush", platform, lineitems)
        async with self.world.database.transaction() as session:  # as `Courses.create` makes it
            token = secrets.token_hex(32)
            await session.execute(update(CourseRow).where(CourseRow.id == course).values(exchange_token=token))
        subs = [str(n) for n in student_ids(SCORES)]
        people = await self.world.add_people(platform[0], subs, [course])
        self.lms.faults(delay_ms=DELAY_MS, endpoints=["scores"])
        await self.world.want(course, "ps1", dict.fromkeys(people.values(), 1.0), 10_000)
        await self._until(self._all_sent, "the first scores are sent")

    async def _due(self) -> int:
        async with self.world.database.reading() as session:
            return await session.scalar(select(func.count(ScoreRow.id)).where(ScoreRow.state != "sent")) or 0

    async def _all_sent(self) -> bool:
        return not await self._due()

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(180):
                while not await condition():  # noqa: ASYNC110 - it is another process's
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise SystemExit(f"not within three minutes: {what}; {await self._due()} scores are due") from None

    async def regrades(self) -> None:
        """There is always something to deliver."""
        while True:
            if await self._due() < FEW:
                async with self.world.database.transaction() as session:
                    await session.execute(update(ScoreRow).values(score=ScoreRow.score + 1, state="due", next_at=None))
            await asyncio.sleep(0.1)

    async def storm(self, name: str, busy: bool) -> tuple[float, float, float, int, float]:
        """Launches' median and p95 in ms, launches a second, scores delivered meanwhile, the service's CPU seconds."""
        pid, service = self.hub.hub.pid if self.hub.hub else None, self.hub.service()
        self.lms.forget()
        regrading = asyncio.create_task(self.regrades()) if busy else None
        if busy:
            await self._until(self._posted, "scores are on their way")
        this = storm.Storm(self.hub.direct_hub, lambda: (cpu_s(pid), cpu_s(service)), AT_ONCE)
        people = [storm.Visitor(f"{name}{number:04}") for number in range(LAUNCHES)]
        try:
            before = sum(self.lms.posts().values())
            first, second = await this.launches(self.platform, people, storm.as_student(COURSE))
            sent = sum(self.lms.posts().values()) - before
        finally:
            await this.close()
            if regrading is not None:
                regrading.cancel()
        assert not this.refused, this.refused
        assert (sent >= SCORES) is busy, f"{sent} scores were delivered meanwhile"
        took = [1000 * seconds for seconds in this.took.values()]
        await self._until(self._all_sent, "the rest is sent")
        rate = LAUNCHES / (first.seconds + second.seconds)
        return median(took), quantiles(took, n=20)[-1], rate, sent, first.service + second.service

    async def _posted(self) -> bool:
        return bool(self.lms.posts())


async def main() -> None:
    platform = Platform()
    with tempfile.TemporaryDirectory() as name, hubs.running_lms(platform):
        folder = Path(name)
        place = folder / "hub"
        place.mkdir()
        with hubs.running(hubs.ours(place)) as hub:
            hub.apply(hubs.declared(platform, "lms", "/keys"))
            teacher = storm.Storm(hub.direct_hub, lambda: (0.0, 0.0), 1)
            await teacher.launches(platform, [storm.Visitor("teacher")], storm.as_teacher(COURSE))
            await teacher.close()
            assert not teacher.refused, teacher.refused
            key = load_or_create(hub.data / "keys")
            world = World(Database(f"sqlite:///{hub.data}/courses.sqlite"), key)
            with running_lms(folder / "lms", key.public_pem(), SCORES) as lms:
                rush = Rush(hub, platform, world, lms)
                await rush.course()
                found: dict[bool, list[tuple[float, float, float, int, float]]] = {False: [], True: []}
                for turn in range(TURNS):
                    for busy in (False, True):
                        one = await rush.storm(f"t{turn}{'b' if busy else 'i'}x", busy)
                        found[busy].append(one)
                        what = f"{one[3]} scores delivered meanwhile" if busy else "nothing else to do"
                        print(
                            f"{LAUNCHES} launches, {AT_ONCE} at once, {what}: median {one[0]:.0f} ms, "
                            f"p95 {one[1]:.0f} ms, {one[2]:.1f} a second, service's CPU {one[4]:.1f} s",
                            flush=True,
                        )
            await world.close()
    for place, what in ((1, "p95"), (0, "median")):
        ratio = median(busy[place] / idle[place] for idle, busy in zip(found[False], found[True], strict=True))
        print(f"launches' {what} while scores are delivered: {ratio:.2f}x that beside an idle service")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
