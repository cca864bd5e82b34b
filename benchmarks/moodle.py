"""500 scores to a real Moodle: our outbox, which finds its number of connections by itself, beside fixed numbers.

A column is made and filled, and its grades are shown once, so that Moodle from then on counts a student's total with
each score. In each turn everybody gets another score (regrades.py).
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine import busy, own_cpu_s
from regrades import Push, rounds
from worlds import a_store

from jupyterhub_courses.usecases.delivering import Deliverer
from tests.delivering.world import World
from tests.moodle import lab
from tests.moodle.lab import Lab, Tool

ROOT = Path(__file__).resolve().parent.parent
SCORES, MAXIMUM, SWEEP, COLUMN = 500, 10, (2, 4, 8, 16), "crowd's column"


@dataclass
class Bench:
    """A course of Moodle with its students, and an outbox for each turn."""

    moodle: Lab
    tool: Tool
    world: World
    course_id: int  # Moodle's
    course: int  # ours
    people: dict[str, int]  # username in Moodle -> our person
    scores: int = SCORES
    taken: str = "200"
    turns: Iterable[int] = field(default_factory=lambda: iter(range(10_000)))
    points: dict[int, float] = field(default_factory=dict)

    async def push(self, outbox: Deliverer) -> Push:
        """Everybody has another score than before, and Moodle has all of them."""
        turn = next(iter(self.turns))
        self.points = {person: float((n + turn) % (MAXIMUM + 1)) for n, person in enumerate(self.people.values())}
        await self._want()
        since, began, used = self._log_size(), time.monotonic(), own_cpu_s()
        await self.world.settle(300, outbox)
        seconds, cpu = time.monotonic() - began, own_cpu_s() - used
        book = await asyncio.to_thread(self.moodle.do, "gradebook", self.course_id, self.tool.type_id)
        wanted = {username: self.points[person] for username, person in self.people.items()}
        assert [column["grades"] for column in book[COLUMN]] == [wanted], "Moodle has other grades than were sent"
        posted = f'"POST /mod/lti/services.php/{self.course_id}/'
        posts = [line for line in self._logged(since) if posted in line and "/scores?" in line]
        return Push(seconds, cpu, Counter(line.split('"')[2].split()[0] for line in posts))

    async def again(self) -> int:
        """Requests of any kind that a second push of the same scores costs, by a service that has just started."""
        since = self._log_size()
        await self._want()
        await self.world.fresh_outbox().deliver_due()
        await asyncio.sleep(1)  # what the log would need
        return len(self._logged(since))

    async def _want(self) -> None:
        await self.world.want(self.course, COLUMN, self.points, MAXIMUM)

    def _log_size(self) -> int:
        return self.moodle.log.stat().st_size

    def _logged(self, since: int) -> list[str]:
        with self.moodle.log.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace").splitlines()


@contextmanager
def registered(moodle: Lab, public_key: Path) -> Iterator[Tool]:
    """A tool of this run alone; its columns go with it."""
    tool = Tool.registered(moodle, "http://127.0.0.1:9", public_key)
    try:
        yield tool
    finally:
        tool.forget()


async def bench(moodle: Lab, count: int) -> None:
    """Register, and run all rounds."""
    crowd = moodle.do("crowd", "crowd", SCORES)
    async with a_store() as (world, folder):
        public_key = folder / "tool.pub.pem"
        public_key.write_text(world.key.public_pem())
        with registered(moodle, public_key) as tool:
            print(f"{SCORES} scores to Moodle {tool.seeded['moodle']}, {os.cpu_count()} cores, {busy()}", flush=True)
            platform = await world.add_platform(moodle.url, "moodle", tool.seeded["client_id"])
            lineitems = f"{moodle.url}/mod/lti/services.php/{crowd['course_id']}/lineitems?type_id={tool.type_id}"
            course = await world.add_course("crowd", platform, lineitems)
            known = await world.add_people(platform[0], list(crowd["ids"].values()), [course])
            people = {username: known[id] for username, id in crowd["ids"].items()}
            await rounds(Bench(moodle, tool, world, crowd["course_id"], course, people), SWEEP, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    moodle = lab.found(ROOT)
    if moodle is None:
        print("moodle.py is left out: no Moodle is there (README.md says how to have one).")
        return
    asyncio.run(bench(moodle, asked.rounds))


if __name__ == "__main__":
    main()
