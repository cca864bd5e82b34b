"""Everybody of one column of a real LMS gets another score, in turns: with our outbox, which finds its number of
connections by itself, and with fixed numbers.

The turns come in rounds, so that what else the machine does meets all of them; what counts is each one's median.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from deliver import fixed
from machine import busy

from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.usecases.delivering import Deliverer
from tests.delivering.world import World

#: Its number of connections is looked for anew in each turn, or known from the turns before.
ANEW, KNOWN = "found by itself", "once it is known"


@dataclass(frozen=True)
class Push:
    """What so many new scores took; `cpu`: seconds of our process, `theirs`: of the LMS's, where it can be told;
    `answers`: statuses of the requests with a score.
    """

    seconds: float
    cpu: float
    answers: Counter[str]
    theirs: float = 0.0


class Bench(Protocol):
    """A course of an LMS with its people."""

    world: World
    scores: int
    taken: str  # the status of a score that the LMS took

    async def push(self, outbox: Deliverer) -> Push:
        """Everybody has another score than before, and the LMS has exactly these."""

    async def again(self) -> int:
        """Requests of any kind that a second push of the same scores costs, by a service that has just started."""


async def rounds(bench: Bench, sweep: Sequence[int], count: int) -> None:
    """All fixed numbers and ours in turn; prints each round, then medians."""
    kept = bench.world.fresh_outbox()
    print(f"a new column          {(await bench.push(kept)).seconds:6.2f} s", flush=True)
    pushes: dict[str, list[Push]] = {name: [] for name in (*map(str, sweep), ANEW, KNOWN)}
    for turn in range(count):
        for name in random.Random(turn).sample(list(pushes), len(pushes)):
            pace = fixed(int(name)) if name.isdigit() else Pace()
            outbox = kept if name == KNOWN else bench.world.fresh_outbox(pace=pace)
            pushes[name].append(await bench.push(outbox))
        took = ", ".join(f"{name}: {done[-1].seconds:.1f} s" for name, done in pushes.items())
        print(f"round {turn + 1}, {busy()}   {took}", flush=True)
    times = {name: [push.seconds for push in done] for name, done in pushes.items()}
    best = min(map(str, sweep), key=lambda name: median(times[name]))
    for name, seconds in times.items():
        middle = median(seconds)
        what = f"{name} connection{'s' * (name != '1')}" if name.isdigit() else name
        line = f"{what:<21} {middle:6.2f} s {bench.scores / middle:6.1f} scores/s"
        if not name.isdigit():
            line += f"   {median(times[best]) / middle:.2f} of the speed of the best fixed number, {best}"
        print(line)
    await _print_costs(bench, pushes[ANEW] + pushes[KNOWN])


async def _print_costs(bench: Bench, ours: list[Push]) -> None:
    answers = sum((push.answers for push in ours), Counter[str]())
    others = {status: count for status, count in answers.items() if status != bench.taken}
    print(
        f"sent twice by ours    {answers.total() - bench.scores * len(ours):6}   "
        f"answers but {bench.taken}: {others or 'none'}"
    )
    theirs = median(push.theirs for push in ours) / bench.scores * 1000
    line = f"CPU a score           {median(push.cpu for push in ours) / bench.scores * 1000:6.2f} ms ours"
    print(line + (f", {theirs:.0f} ms the LMS's" if theirs else ""))
    print(f"second push           {await bench.again():6} requests", flush=True)
