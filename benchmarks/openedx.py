"""Scores to Open edX's real LTI platform, of each version whose environment is there: our outbox, which finds its
number of connections by itself, beside fixed numbers. In each turn everybody gets another score (regrades.py).

The platform is its component, unpatched, in the lab's one process: Django's threaded development server on SQLite.
Each request is one transaction that holds the database's only lock to its end, and nearly all of its time is CPU, most
of it in reading the platform's own RSA keys anew. So requests are served one at a time; who waits for the lock sleeps
up to a tenth of a second between two looks and is passed by others, for 20 s at worst. More connections find the lock
free sooner, and wait longer. A site with many processes on another database is not like that.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine import busy, cpu_s, own_cpu_s
from regrades import Push, rounds
from worlds import Counting, a_store

from jupyterhub_courses.usecases.delivering import Deliverer
from tests.delivering.world import World
from tests.openedx import lms
from tests.openedx.lms import OpenEdx, usage_key

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("9.14.5", "11.4.4")
#: A score of 0 does not reach the older one's gradebook, so points begin at 1.
MAXIMUM, SWEEP, COLUMN, COMPONENT = 10, (1, 2, 4, 8, 16), "crowd's column", "ps2"


@dataclass
class Bench:
    """A column of the lab's course with its students, and an outbox for each turn."""

    openedx: OpenEdx
    world: World
    http: Counting
    course: int
    people: dict[str, int]  # username in Open edX -> our person
    subs: dict[str, str]  # username -> what Open edX calls them to us
    scores: int
    taken: str = "201"
    turns: Iterable[int] = field(default_factory=lambda: iter(range(10_000)))
    points: dict[int, float] = field(default_factory=dict)
    pushed: int = 0

    async def push(self, outbox: Deliverer) -> Push:
        """Everybody has another score than before; gradebook and component have all of them, each published once."""
        turn = next(iter(self.turns))
        self.points = {person: float((n + turn) % MAXIMUM + 1) for n, person in enumerate(self.people.values())}
        await self._want()
        self.http.requests.clear()
        began, ours, theirs = time.monotonic(), own_cpu_s(), cpu_s(self.openedx.process)
        await self.world.settle(300, outbox)
        seconds, ours, theirs = time.monotonic() - began, own_cpu_s() - ours, cpu_s(self.openedx.process) - theirs
        self.pushed += 1
        await asyncio.to_thread(self._check)
        posts = Counter(str(one.status) for one in self.http.scores())
        return Push(seconds, ours, posts, theirs)

    async def again(self) -> int:
        """Requests of any kind that a second push of the same scores costs, by a service that has just started."""
        await self._want()
        self.http.requests.clear()
        await self.world.fresh_outbox().deliver_due()
        return len(self.http.requests)

    def _check(self) -> None:
        wanted = {username: self.points[person] for username, person in self.people.items()}
        told = self.openedx.published(COMPONENT)
        shown = {user: (row["value"], row["max"], row["published"]) for user, row in told.items()}
        right = {user: (points, float(MAXIMUM), self.pushed) for user, points in wanted.items()}
        assert shown == right, "the gradebook has other grades than were sent"
        stored = [(row["user_id"], row["score_given"], row["score_maximum"]) for row in self.openedx.stored()["scores"]]
        sent = [(self.subs[user], points, float(MAXIMUM)) for user, points in wanted.items()]
        assert sorted(stored) == sorted(sent), "the component has other scores than were sent"

    async def _want(self) -> None:
        await self.world.want(self.course, COLUMN, self.points, MAXIMUM, resource_link_id=usage_key(COMPONENT))


async def bench(version: str, python: Path, scripts: Path, scores: int, count: int) -> None:
    """Register, and run all rounds."""
    http = Counting()
    async with a_store(http) as (world, folder):
        key = {"lti_1p3_tool_key_mode": "public_key", "lti_1p3_tool_public_key": world.key.public_pem()}
        with lms.running(version, python, scripts, folder, "http://127.0.0.1:9") as openedx:
            print(f"{scores} scores to Open edX's component {version}, {os.cpu_count()} cores, {busy()}", flush=True)
            openedx.set(COMPONENT, weight=float(MAXIMUM), lti_1p3_tool_keyset_url="", **key)
            platform = await world.add_platform(openedx.url, "openedx", **openedx.registration(COMPONENT))
            course = await world.add_course("crowd", platform, openedx.lineitems(COMPONENT))
            subs = openedx.enrol(scores)
            known = await world.add_people(platform[0], list(subs.values()), [course])
            people = {username: known[sub] for username, sub in subs.items()}
            await rounds(Bench(openedx, world, http, course, people, subs, scores), SWEEP, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    scripts = lms.files(ROOT)
    for version in VERSIONS:
        python = lms.interpreter(ROOT, version)
        if scripts is None or python is None:
            print(f"openedx.py leaves {version} out: its environment is not there (`make openedx` makes it).")
            continue
        asyncio.run(bench(version, python, scripts, asked.scores, asked.rounds))


if __name__ == "__main__":
    main()
