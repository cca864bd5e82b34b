"""A roster of 5,000: how long it takes to read it from an LMS and to make memberships of it, and once more when nothing
has changed.

The LMS is the demo's, in a process of its own; the store is a file.
"""

import asyncio
import sys
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import func, select, update

from benchmarks.machine import busy, cpu_s, own_cpu_s
from benchmarks.worlds import beside_an_lms
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.models import CourseRow, MembershipRow
from jupyterhub_courses.adapters.store.rosters import Rosters
from jupyterhub_courses.usecases.rostering import Rostering
from tests.delivering.world import now

STUDENTS, TURNS = 5000, 3


async def nobody(_names: Iterable[str]) -> set[str]:
    """The hub has no user of these names."""
    return set()


async def main() -> None:
    async with beside_an_lms(STUDENTS) as (world, lms):
        platform = await world.add_platform(lms.base)
        rostering = Rostering(Rosters(world.database, nobody), world.nrps, now)
        await world.add_course("ml101", platform, None)
        url = f"{lms.base}/mod/lti/services.php/CourseSection/2/bindings/1/memberships"
        async with world.database.transaction() as session:
            await session.execute(update(CourseRow).values(members_url=url))
        print(f"{STUDENTS} members, {busy()}")
        for turn in ("first", *["unchanged"] * TURNS):
            course = await Courses(world.database).by_slug("ml101")
            assert course is not None
            began, ours, theirs = time.monotonic(), own_cpu_s(), cpu_s(lms.process.pid)
            synced = await rostering.sync(course)
            took = time.monotonic() - began
            print(
                f"{turn:10} {took:6.2f} s; CPU {own_cpu_s() - ours:.2f} s ours, "
                f"{cpu_s(lms.process.pid) - theirs:.2f} s the LMS's; "
                f"{synced.added} added, {synced.changed} changed, {synced.removed} removed {synced.error}",
                flush=True,
            )
        async with world.database.reading() as session:
            members = await session.scalar(select(func.count(MembershipRow.id)))
        print(f"{members} memberships")


if __name__ == "__main__":
    asyncio.run(main())
