"""300 scores to an LMS 50 ms away, and 500 to one that is at its best with four connections: our outbox in one run
beside a sender that posts one after the other, and beside the best fixed number of connections.

The LMS is the demo's, in a process of its own, whose CPU is printed. All numbers of connections take turns in rounds,
so that what else the machine does meets all of them; what counts is each one's median.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import busy, cpu_s, own_cpu_s
from benchmarks.worlds import Counting, beside_an_lms
from jupyterhub_courses.adapters.store.registrations import Registrations
from jupyterhub_courses.core.lineitems import LineItem
from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.core.scores import Desired
from jupyterhub_courses.core.searching import Sample, Search
from jupyterhub_courses.usecases.delivering import Deliverer
from tests.delivering.world import LmsProcess, World

ROUNDS = 3
FAR, DELAY_MS, FAR_SWEEP = 300, 50, (4, 8, 16, 24, 32)
#: A real Moodle's, measured: requests under way, scores a second.
MOODLE, RATES, MOODLE_SWEEP = 500, [[1, 45], [4, 81], [8, 70], [16, 70], [32, 59]], (2, 4, 8, 16)


class Fixed(Pace):
    """Always the same number of connections."""

    def after_success(self, now: datetime, sample: Sample | None = None) -> Pace:
        return super().after_success(now)


def fixed(connections: int) -> Pace:
    return Fixed(Search(most=connections, base=connections))


class Took(NamedTuple):
    """Seconds: of all, until what the LMS shows was read back; of CPU, ours and the LMS's; until the first score went,
    and until the last one was answered.
    """

    seconds: float
    own: float
    lms: float
    first: float
    last: float


@dataclass
class Bench:
    """A course of the LMS with all its people, and an outbox for each turn."""

    world: World
    lms: LmsProcess
    http: Counting
    course: int
    platform: tuple[int, int]
    lineitems: str
    people: list[int]
    names: Iterable[int] = field(default_factory=lambda: iter(range(10_000)))

    async def push(self, scores: int, pace: Pace, outbox: Deliverer | None = None) -> Took:
        """So many new scores in a column of their own."""
        name = f"column {next(iter(self.names))}"
        people = self.people[:scores]
        await self.world.want(self.course, name, {person: float(n % 11) for n, person in enumerate(people)})
        self.http.requests.clear()
        began, ours, theirs = time.monotonic(), own_cpu_s(), cpu_s(self.lms.process.pid)
        await self.world.settle(120, outbox or self.world.fresh_outbox(pace=pace))
        seconds, ours, theirs = time.monotonic() - began, own_cpu_s() - ours, cpu_s(self.lms.process.pid) - theirs
        sent = self.http.scores()
        took = Took(seconds, ours, theirs, min(one.began for one in sent) - began, sent[-1].ended - began)
        assert len(self.lms.grades("ml101", name)) == scores
        return took

    async def one_by_one(self, scores: int) -> float:
        """One token, one kept connection, one score after the other: better than what today's tools do."""
        registration = await Registrations(self.world.database).by_id(self.platform[1])
        assert registration is not None
        item = await self.world.ags.create(registration, self.lineitems, LineItem("", "one by one", 10.0, "sequential"))
        began = time.monotonic()
        second = int(datetime.now(UTC).timestamp()) - 5
        for n in range(1, scores + 1):
            desired = Desired(float(n % 11), 10.0, datetime.now(UTC), None)
            await self.world.ags.post_score(registration, item.url, str(n), desired, second)
        took = time.monotonic() - began
        assert len(self.lms.grades("ml101", "one by one")) == scores
        return took


async def rounds(bench: Bench, scores: int, sweep: Sequence[int]) -> None:
    """All fixed numbers and ours in turn; prints medians."""
    times: dict[int, list[float]] = {connections: [] for connections in (*sweep, 0)}  # 0: found by itself
    ours: list[Took] = []
    for turn in range(ROUNDS):
        for connections in random.Random(turn).sample(list(times), len(times)):
            took = await bench.push(scores, fixed(connections) if connections else Pace())
            times[connections].append(took.seconds)
            if not connections:
                ours.append(took)
    for connections in sweep:
        print(f"{connections:3} connections       {median(times[connections]):6.2f} s")
    best = min(sweep, key=lambda connections: median(times[connections]))
    found, least = median(times[0]), median(times[best])
    print(f"found by itself       {found:6.2f} s   {found / least:.2f}x the time of the best fixed number, {best}")
    print_parts(ours)
    own, lms = (median(cpu) / scores * 1000 for cpu in ([took.own for took in ours], [took.lms for took in ours]))
    print(f"CPU a score           {own:6.2f} ms ours, {lms:.2f} ms the LMS's: {own / (own + lms):.0%} of both is ours")


def print_parts(pushes: Sequence[Took]) -> None:
    """Where the time goes. Our process uses one core, so its CPU is time that no number of connections saves."""
    first, last, all_, own = (
        median(part) for part in zip(*((took.first, took.last, took.seconds, took.own) for took in pushes), strict=True)
    )
    print(
        f"of that               {first:6.2f} s before the first score, {last - first:.2f} s to the last one's answer, "
        f"{all_ - last:.2f} s to read back; {own:.2f} s of it our CPU, {busy()}"
    )


async def far(bench: Bench) -> None:
    bench.lms.faults(delay_ms=DELAY_MS)
    print(f"{FAR} scores, LMS {DELAY_MS} ms away")
    slow = await bench.one_by_one(FAR)
    print(f"one after the other   {slow:6.2f} s")
    await rounds(bench, FAR, FAR_SWEEP)
    outbox = bench.world.fresh_outbox()
    known = [await bench.push(FAR, Pace(), outbox) for _ in range(4)][1:]
    took = median(one.seconds for one in known)
    print(f"once it is known      {took:6.2f} s   {slow / took:.1f}x as fast as one after the other")
    print_parts(known)
    bench.lms.forget()
    await outbox.deliver_due()
    print(f"second push           {sum(bench.lms.posts().values()):6} requests")


async def moodle(bench: Bench) -> None:
    bench.lms.faults(rates=RATES, endpoints=["scores"])
    print(f"{MOODLE} scores, an LMS like a Moodle on two cores")
    await rounds(bench, MOODLE, MOODLE_SWEEP)


async def main(parts: Sequence[str]) -> None:
    http = Counting()
    async with beside_an_lms(MOODLE, http) as (world, lms):
        platform = await world.add_platform(lms.base)
        lineitems = f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1"
        course = await world.add_course("ml101", platform, lineitems)
        people = await world.add_people(platform[0], [str(n) for n in range(1, MOODLE + 1)], [course])
        bench = Bench(world, lms, http, course, platform, lineitems, list(people.values()))
        for part in parts or ("far", "moodle"):
            await {"far": far, "moodle": moodle}[part](bench)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
