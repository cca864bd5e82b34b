"""500 scores to a real Moodle: our outbox, which finds its number of connections by itself, beside fixed numbers.

A column is made and filled, and its grades are shown once, so that Moodle from then on counts a student's total with
each score. In each turn everybody gets another score. The turns come in rounds, so that what else the machine does
meets all of them; what counts is each one's median.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from deliver import fixed, own_cpu

from jupyterhub_courses.adapters.lms.keys import load_or_create
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.usecases.delivering import Deliverer
from tests.delivering.world import World
from tests.moodle import lab
from tests.moodle.lab import Lab, Tool

ROOT = Path(__file__).resolve().parent.parent
SCORES, MAXIMUM, SWEEP, COLUMN = 500, 10, (2, 4, 8, 16), "crowd's column"
#: Its number of connections is looked for anew in each turn, or known from the turns before.
ANEW, KNOWN = "found by itself", "once it is known"


@dataclass(frozen=True)
class Push:
    """What so many new scores took; `answers`: statuses of the requests with a score, by Moodle's own log."""

    seconds: float
    cpu: float
    answers: Counter[str]


@dataclass
class Bench:
    """A course of Moodle with its students, and an outbox for each turn."""

    moodle: Lab
    tool: Tool
    world: World
    course_id: int  # Moodle's
    course: int  # ours
    people: dict[str, int]  # username in Moodle -> our person
    turns: Iterable[int] = field(default_factory=lambda: iter(range(10_000)))
    points: dict[int, float] = field(default_factory=dict)

    async def push(self, outbox: Deliverer) -> Push:
        """Everybody has another score than before, and Moodle has all of them."""
        turn = next(iter(self.turns))
        self.points = {person: float((n + turn) % (MAXIMUM + 1)) for n, person in enumerate(self.people.values())}
        await self._want()
        since, began, used = self._log_size(), time.monotonic(), own_cpu()
        await self.world.settle(300, outbox)
        seconds, cpu = time.monotonic() - began, own_cpu() - used
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


async def rounds(bench: Bench, count: int) -> None:
    """All fixed numbers and ours in turn; prints each round, then medians."""
    kept = bench.world.fresh_outbox()
    print(f"a new column          {(await bench.push(kept)).seconds:6.2f} s", flush=True)
    pushes: dict[str, list[Push]] = {name: [] for name in (*map(str, SWEEP), ANEW, KNOWN)}
    for turn in range(count):
        for name in random.Random(turn).sample(list(pushes), len(pushes)):
            pace = fixed(int(name)) if name.isdigit() else Pace()
            outbox = kept if name == KNOWN else bench.world.fresh_outbox(pace=pace)
            pushes[name].append(await bench.push(outbox))
        took = ", ".join(f"{name}: {done[-1].seconds:.1f} s" for name, done in pushes.items())
        print(f"round {turn + 1}, {busy()}   {took}", flush=True)
    times = {name: [push.seconds for push in done] for name, done in pushes.items()}
    best = min(map(str, SWEEP), key=lambda name: median(times[name]))
    for name, seconds in times.items():
        middle = median(seconds)
        line = (
            f"{name + ' connections' if name.isdigit() else name:<21} {middle:6.2f} s {SCORES / middle:6.1f} scores/s"
        )
        if not name.isdigit():
            line += f"   {median(times[best]) / middle:.2f} of the speed of the best fixed number, {best}"
        print(line)
    ours = pushes[ANEW] + pushes[KNOWN]
    answers = sum((push.answers for push in ours), Counter[str]())
    others = {status: count for status, count in answers.items() if status != "200"}
    print(f"sent twice by ours    {answers.total() - SCORES * len(ours):6}   answers but 200: {others or 'none'}")
    print(f"CPU a score           {median(push.cpu for push in ours) / SCORES * 1000:6.2f} ms ours")
    print(f"second push           {await bench.again():6} requests")


def busy() -> str:
    """What else the machine does."""
    return f"load {os.getloadavg()[0]:.1f}"


@contextmanager
def registered(moodle: Lab, public_key: Path) -> Iterator[Tool]:
    """A tool of this run alone; its columns go with it."""
    tool = Tool.registered(moodle, "http://127.0.0.1:9", public_key)
    try:
        yield tool
    finally:
        tool.forget()


async def bench(moodle: Lab, folder: Path, count: int) -> None:
    """Register, and run all rounds."""
    crowd = moodle.do("crowd", "crowd", SCORES)
    key = load_or_create(folder / "keys")
    public_key = folder / "tool.pub.pem"
    public_key.write_text(key.public_pem())
    database = Database(f"sqlite:///{folder}/store.sqlite")
    await database.migrate()
    world = World(database, key)
    try:
        with registered(moodle, public_key) as tool:
            print(f"{SCORES} scores to Moodle {tool.seeded['moodle']}, {os.cpu_count()} cores, {busy()}", flush=True)
            platform = await world.add_platform(moodle.url, "moodle", tool.seeded["client_id"])
            lineitems = f"{moodle.url}/mod/lti/services.php/{crowd['course_id']}/lineitems?type_id={tool.type_id}"
            course = await world.add_course("crowd", platform, lineitems)
            known = await world.add_people(platform[0], list(crowd["ids"].values()), [course])
            people = {username: known[id] for username, id in crowd["ids"].items()}
            await rounds(Bench(moodle, tool, world, crowd["course_id"], course, people), count)
    finally:
        await world.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    moodle = lab.found(ROOT)
    if moodle is None:
        print("moodle.py is left out: no Moodle is there (README.md says how to have one).")
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(bench(moodle, Path(folder), asked.rounds))


if __name__ == "__main__":
    main()
