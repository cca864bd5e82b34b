"""A deadline's pile: 10,000, 20,000 and 100,000 scores that are due in 125 courses at once. Memory while they are sent,
and time.

The LMS is the demo's, in a process of its own, without a delay. Memory is this process's, above what it had before.
"""

import asyncio
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import func, insert, select

from benchmarks.machine import busy, cpu_s, own_cpu_s
from benchmarks.worlds import beside_an_lms
from jupyterhub_courses.adapters.store.models import AssignmentRow, CourseRow, ScoreRow
from tests.delivering.world import LmsProcess, World

COURSES, STUDENTS = 125, 800


def memory() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


async def sampled(found: list[float]) -> None:
    while True:
        found.append(memory())
        await asyncio.sleep(0.1)


async def pile(world: World, courses: list[int], people: list[int], each: int, name: str) -> None:
    """So many scores of each course are due."""
    now = datetime.now(UTC)
    for course in courses:
        async with world.database.transaction() as session:
            # All are columns of one course of the LMS, so their names differ.
            row = AssignmentRow(course_id=course, name=f"{name} {course}", max_score=10.0)
            session.add(row)
            await session.flush()
            scores = [
                {"assignment_id": row.id, "person_id": person, "score": 7.0, "max_score": 10.0, "graded_at": now}
                for person in people[:each]
            ]
            await session.execute(insert(ScoreRow), scores)


async def drain(world: World, lms: LmsProcess, courses: list[int], people: list[int], each: int) -> None:
    await pile(world, courses, people, each, f"{each} each")
    due, outbox = each * len(courses), world.fresh_outbox()
    before = memory()
    found, began, ours, theirs = [before], time.monotonic(), own_cpu_s(), cpu_s(lms.process.pid)
    watch = asyncio.create_task(sampled(found))
    report = await outbox.deliver_due()
    took = time.monotonic() - began
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
    assert report.states == {"sent": due}, report
    own, other = (own_cpu_s() - ours) / due * 1000, (cpu_s(lms.process.pid) - theirs) / due * 1000
    print(
        f"{due:7} due: {took:6.1f} s, {due / took:4.0f} a second, {max(found) - before:5.1f} MiB above {before:.0f}; "
        f"CPU a score {own:.2f} ms ours, {other:.2f} ms the LMS's; {busy()}"
    )
    tenths = [max(found[len(found) * n // 10 : len(found) * (n + 1) // 10 + 1]) - before for n in range(10)]
    print(f"{'':12} MiB above in each tenth of the time: {' '.join(f'{each:.1f}' for each in tenths)}", flush=True)


async def main(sizes: list[int]) -> None:
    async with beside_an_lms(STUDENTS) as (world, lms):
        platform = await world.add_platform(lms.base)
        lineitems = f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1"
        courses = [await world.add_course(f"c{n}", platform, lineitems) for n in range(COURSES)]
        subs = [str(n) for n in range(1, STUDENTS + 1)]
        people = list((await world.add_people(platform[0], subs, courses)).values())
        await world.outbox.deliver_due()
        for size in sizes or (80, 160, 800):
            await drain(world, lms, courses, people, size)
        async with world.database.reading() as session:
            assert await session.scalar(select(func.count(CourseRow.id))) == COURSES


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]]))
