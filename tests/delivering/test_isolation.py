"""One broken LMS or course delays no other, kills lose nothing, and the loop wakes up by itself."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from jupyterhub_courses.adapters.lms.keys import ToolKey
from jupyterhub_courses.adapters.store.database import Database

from .conftest import Course
from .world import STUDENTS, LmsProcess, World, running_lms


async def eventually(condition, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_an_lms_that_does_not_answer_delays_no_other(
    world: World, lms: LmsProcess, course: Course, tool_key: ToolKey, tmp_path: Path
) -> None:
    with running_lms(tmp_path / "slow", tool_key.public_pem()) as slow:
        slow.faults(delay_ms=20_000)
        platform = await world.add_platform(slow.base, "slow")
        slow_course = await world.add_course(
            "slow", platform, f"{slow.base}/mod/lti/services.php/2/lineitems?type_id=1"
        )
        people = await world.add_people(platform[0], ["1"], [slow_course])
        waiting = await world.want(slow_course, "ps9", {people["1"]: 1})
        first = await world.want(course.id, "ps9", {course.people["1"]: 1})
        wake = asyncio.Event()
        loop = asyncio.create_task(world.outbox.run_forever(wake, 60))
        try:
            await eventually(lambda: _sent(world, first), 10)
            second = await world.want(course.id, "ps8", {course.people["1"]: 1})
            wake.set()
            await eventually(lambda: _sent(world, second), 10)
            assert await world.states(waiting) == {("due", ""): 1}
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)


async def _sent(world: World, assignment: int) -> bool:
    return {row.state for row in await world.rows(assignment)} == {"sent"}


async def test_a_course_whose_column_the_lms_refuses_delays_no_other_and_says_why(
    world: World, lms: LmsProcess, course: Course
) -> None:
    elsewhere = await world.add_course("evil", course.platform, "http://127.0.0.1:1/lineitems")
    refused = await world.want(elsewhere, "ps1", {course.people["1"]: 1})
    fine = await world.want(course.id, "ps9", {course.people["1"]: 1})
    await world.outbox.deliver_due()
    assert await world.states(fine) == {("sent", ""): 1}
    assert (await world.assignment(refused)).lineitem_error == "address_not_trusted"


async def test_the_loop_heals_an_outage_by_itself(world: World, lms: LmsProcess, course: Course) -> None:
    lms.faults(status_503=3)
    assignment = await world.want(course.id, "ps9", {course.people[str(n)]: n for n in range(1, 6)})
    loop = asyncio.create_task(world.outbox.run_forever(asyncio.Event(), 60))
    try:
        await eventually(lambda: _sent(world, assignment))
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_a_process_killed_again_and_again_loses_and_repeats_nothing_wrongly(
    world: World, lms: LmsProcess, course: Course, tool_key: ToolKey, sqlite_store: str, tmp_path: Path
) -> None:
    """kill -9 of a process that delivers, at ten moments; the scores change between."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "tool.pem").write_text(_pem(tool_key))
    lms.faults(delay_ms=20, endpoints=["scores"])
    database = sqlite_store
    people = [course.people[str(n)] for n in range(1, STUDENTS + 1)]
    assignment = 0
    for turn in range(10):
        assignment = await world.want(
            course.id, "ps9", {p: float((p + turn) % 10) for i, p in enumerate(people) if i % 3 == turn % 3}
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("outbox_process.py")),
            database,
            str(keys),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"delivering\n"
        await asyncio.sleep(0.03 * turn)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    lms.faults()
    await world.settle(30)
    wanted = {f"s{n}": float((people[n - 1] + _last_turn(n - 1)) % 10) for n in range(1, STUDENTS + 1)}
    assert lms.grades("ml101", "ps9") == wanted
    assert await world.states(assignment) == {("sent", ""): STUDENTS}
    lms.forget()
    await world.outbox.deliver_due()
    assert lms.control("requests") == {}


def _last_turn(index: int) -> int:
    return max(turn for turn in range(10) if index % 3 == turn % 3)


def _pem(key: ToolKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


async def test_the_store_works_the_same_on_postgresql(
    lms: LmsProcess, tool_key: ToolKey, postgresql_store: str
) -> None:
    database = Database(postgresql_store)
    world = World(database, tool_key)
    try:
        platform = await world.add_platform(lms.base)
        course = await world.add_course("ml101", platform, f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1")
        people = await world.add_people(platform[0], [str(n) for n in range(1, 21)], [course])
        lms.faults(drop_answer=2, status_401_every=5, endpoints=["scores"])
        assignment = await world.want(course, "ps9", {p: 3 for p in people.values()})
        await world.settle(30)
        assert await world.states(assignment) == {("sent", ""): 20}
        assert lms.grades("ml101", "ps9") == {f"s{n}": 3 for n in range(1, 21)}
        await world.store.retry(course)
        assert (await world.outbox.deliver_due()).states == {}
    finally:
        await world.close()


@pytest.mark.parametrize("count", [1, 6])
async def test_two_passes_at_once_send_each_score_once(
    world: World, lms: LmsProcess, course: Course, count: int
) -> None:
    await world.want(course.id, "ps9", {course.people["1"]: 3, course.people["2"]: 4})
    await asyncio.gather(*(world.outbox.deliver_due() for _ in range(count)))
    assert lms.posts() == {"200": 2}
