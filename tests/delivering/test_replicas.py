"""Several processes deliver from one PostgreSQL: each score is sent once, and the work of one that dies goes on."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import text, update

from jupyterhub_courses.adapters.lms.keys import ToolKey
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.leases import KIND, PlatformLeases
from jupyterhub_courses.adapters.store.models import ScoreRow
from jupyterhub_courses.adapters.store.scores import Scores
from jupyterhub_courses.core.deliveries import LeaseLost
from jupyterhub_courses.core.gradebooks import AssignmentState, GradebookState, ScoreState

from .world import STUDENTS, LmsProcess, World, now, running_lms

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
HOLDERS = text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {KIND} AND granted")
END = text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = :kind").bindparams(
    kind=KIND
)


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def world(tool_key: ToolKey, postgres_url: str, tmp_path: Path) -> AsyncIterator[World]:
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "keys").mkdir()
    pem = tool_key.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (tmp_path / "keys" / "tool.pem").write_bytes(pem)
    database = Database(postgres_url)
    await database.migrate()
    world = World(database, tool_key)
    yield world
    await world.close()


@dataclass
class Class:
    """A course of an LMS with everybody's score wanted."""

    course: int
    people: list[int]
    assignment: int


async def class_of(world: World, lms: LmsProcess, name: str) -> Class:
    platform = await world.add_platform(lms.base, name)
    course = await world.add_course(name, platform, f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1")
    people = list((await world.add_people(platform[0], [str(n) for n in range(1, STUDENTS + 1)], [course])).values())
    return Class(course, people, await world.want(course, "ps9", dict.fromkeys(people, 3.0)))


class Replicas:
    """Processes that deliver, each as a replica of the service does."""

    def __init__(self, url: str, keys: Path) -> None:
        self._command = [sys.executable, str(Path(__file__).with_name("outbox_process.py")), url, str(keys)]
        self.running: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        self.running.append(process)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"delivering\n"

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        self.running.remove(process)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.fixture
async def replicas(world: World, postgres_url: str, tmp_path: Path) -> AsyncIterator[Replicas]:
    replicas = Replicas(postgres_url, tmp_path / "keys")
    yield replicas
    for process in list(replicas.running):
        await replicas.kill(process)


async def all_sent(world: World, *classes: Class) -> bool:
    return all([await world.states(one.assignment) == {("sent", ""): STUDENTS} for one in classes])


async def test_two_replicas_send_each_score_once(
    world: World, lms: LmsProcess, replicas: Replicas, tool_key: ToolKey, tmp_path: Path
) -> None:
    """Two LMSs, regrades while they are being sent: as many requests as scores, and none refused as not newer."""
    with running_lms(tmp_path / "other", tool_key.public_pem()) as other:
        both = (lms, other)
        for one in both:
            one.faults(delay_ms=40, endpoints=["scores"])
        await replicas.start()
        await replicas.start()
        classes = [await class_of(world, one, name) for one, name in zip(both, ("ml101", "py101"), strict=True)]
        await eventually(lambda: all_sent(world, *classes))
        for turn in range(3):
            for one in both:
                one.forget()
            await asyncio.sleep(1.1)  # an LMS takes one score a second for a person
            for one in classes:
                await world.want(one.course, "ps9", dict.fromkeys(one.people, float(4 + turn)))
            await eventually(lambda: all_sent(world, *classes))
            assert [one.posts() for one in both] == [{"200": STUDENTS}] * 2


async def test_the_work_of_a_replica_that_is_killed_goes_on_at_another(
    world: World, lms: LmsProcess, replicas: Replicas
) -> None:
    lms.faults(delay_ms=20_000, endpoints=["scores"])
    await replicas.start()
    one = await class_of(world, lms, "ml101")

    async def begun() -> bool:
        return any(row.in_doubt for row in await world.rows(one.assignment))

    await eventually(begun)
    await replicas.start()
    await replicas.kill(replicas.running[0])
    lms.faults()
    assert not await all_sent(world, one)
    await eventually(lambda: all_sent(world, one))
    assert lms.grades("ml101", "ps9") == {f"s{n}": 3.0 for n in range(1, STUDENTS + 1)}


async def test_a_regrade_that_is_recorded_while_the_receipt_of_the_score_before_is_stored_is_due(
    world: World, lms: LmsProcess
) -> None:
    """The gradebook is read by the recorder before the receipt counts, and written after it."""
    platform = await world.add_platform(lms.base)
    course = await world.add_course("ml101", platform, None)
    person = (await world.add_people(platform[0], ["1"], [course]))["1"]
    assignment = await world.want(course, "ps9", {person: 3.0})
    regrade = ScoreState("ps9", f"p{platform[0]}-1", 4.0, 10.0, now(), None)
    state = GradebookState(1.0, (AssignmentState("ps9", 10.0, None),), (regrade,))

    async def waits() -> bool:
        async with world.database.reading() as session:
            return bool(await session.scalar(WAITING))

    async with world.database.transaction() as session:
        await session.execute(update(ScoreRow).values(state="sent", sent_score=3.0, sent_max=10.0))
        recording = asyncio.create_task(Scores(world.database).record(course, state, now()))
        await eventually(waits)
    await recording
    assert [(row.score, row.sent_score, row.state) for row in await world.rows(assignment)] == [(4.0, 3.0, "due")]


async def test_one_replica_at_a_time_has_a_platform_and_gives_it_back(world: World, postgres_url: str) -> None:
    other_database = Database(postgres_url)
    one, other = PlatformLeases(world.database), PlatformLeases(other_database)
    try:
        assert await one.take(1)
        assert await one.take(1)
        assert not await other.take(1)
        assert await other.take(2)
        await one.keep([2])
        assert await other.take(1)
        assert not await one.take(1)
        await other.forget()
        assert await one.take(1)
        async with world.database.reading() as session:
            assert await session.scalar(HOLDERS) == 1
        await one.keep(())
        async with world.database.reading() as session:
            assert await session.scalar(HOLDERS) == 0
    finally:
        await one.forget()
        await other.forget()
        await other_database.close()


async def test_a_replica_whose_leases_the_database_ended_sends_nothing_before_it_has_them_again(
    world: World, lms: LmsProcess
) -> None:
    leases = PlatformLeases(world.database)
    assert await leases.take(1)
    await leases.check()
    async with world.database.transaction() as session:
        await session.execute(END)
    for _ in range(2):
        with pytest.raises(LeaseLost):
            await leases.check()
    await leases.forget()
    await leases.check()
    assert await leases.take(1)
    await leases.keep(())
