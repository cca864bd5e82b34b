"""kill -9 of the courses service while it delivers, 50 times in one history, with a gradebook that goes on changing.

What is killed is the real service: its API takes the gradebook, its outbox delivers, its store is a file or PostgreSQL.
Two things are left out so that fifty starts are quick: modules are imported once (service_process.py), and the course
has no exchange, because its folder cannot be made. The hub only says who the graders' server is.

Each change gives a score a higher number than it had, so the LMS's own list of what it took shows any step back.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import func, select
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from jupyterhub_courses.adapters.lms.keys import ToolKey
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.models import ScoreRow
from jupyterhub_courses.demo import processes

from ..support.ports import free_port
from .world import LmsProcess, World, running_lms

KILLS = 50
PEOPLE, COLUMNS = 120, ("ps1", "ps2", "ps3")
DELAY_MS = 30
HUB_TOKEN, GRADERS_TOKEN = "s" * 40, "g" * 40


class HubUser(RequestHandler):
    """Whose token it is."""

    def get(self) -> None:
        scopes = ["access:services!service=courses", "access:servers!server=grader-ml101/ml101"]
        self.finish({"kind": "user", "name": "grader-ml101", "admin": False, "scopes": scopes})


@pytest.fixture
async def hub_port() -> AsyncIterator[int]:
    server = HTTPServer(Application([("/hub/api/user", HubUser)]))
    port = free_port()
    server.listen(port, "127.0.0.1")
    yield port
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/courses.sqlite"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def world(tool_key: ToolKey, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    form = serialization.PrivateFormat.PKCS8
    pem = tool_key.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (keys / "tool.pem").write_bytes(pem)
    database = Database(database_url)
    await database.migrate()
    world = World(database, tool_key)
    yield world
    await world.close()


@pytest.fixture
def lms(tool_key: ToolKey, tmp_path: Path) -> Iterator[LmsProcess]:
    with running_lms(tmp_path / "lms", tool_key.public_pem(), PEOPLE) as running:
        running.faults(delay_ms=DELAY_MS, endpoints=["scores"])
        yield running


class Service:
    """One service after the other on the same data."""

    def __init__(self, data: Path, hub_port: int, database_url: str) -> None:
        (data / "hub-token").write_text(HUB_TOKEN)
        (data / "courses").write_text("")  # no folder: no course gets an exchange
        self._port = free_port()
        environment = {
            **os.environ,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub_port}/hub/api",
            "JUPYTERHUB_API_TOKEN": "t" * 32,
            "JUPYTERHUB_CLIENT_ID": "service-courses",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/courses/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self._port}",
            "JUPYTERHUB_COURSES_DATA_DIR": str(data),
            "JUPYTERHUB_COURSES_DATABASE_URL": database_url,
        }
        log = (data / "service.log").open("ab")
        self._log = data / "service.log"
        self._starter = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("service_process.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=processes.ending_with_parent(),
        )
        log.close()
        self._process: processes.Process | None = None

    async def start(self) -> None:
        assert self._starter.stdin is not None and self._starter.stdout is not None
        self._starter.stdin.write("start\n")
        self._starter.stdin.flush()
        self._process = processes.process(int(await asyncio.to_thread(self._starter.stdout.readline)))
        await eventually(self._ready, self._log)

    async def _ready(self) -> bool:
        with suppress(OSError):
            return bool((await self.call("GET", "health"))["ready"])
        return False

    async def end(self, how: signal.Signals) -> None:
        """kill -9, or an orderly end."""
        victim = self._process
        assert victim is not None and processes.alive(victim), self._log.read_text()[-3000:]
        os.kill(victim.pid, how)

        async def gone() -> bool:
            return not processes.alive(victim)

        await eventually(gone, self._log)
        self._process = None

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """As the graders' server. Raises OSError while nobody is there."""
        url = f"http://127.0.0.1:{self._port}/services/courses/{path}"
        headers = {"Authorization": f"token {GRADERS_TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers=headers)

        def ask() -> Any:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        return await asyncio.to_thread(ask)

    def close(self) -> None:
        if self._process is not None and processes.alive(self._process):
            os.kill(self._process.pid, signal.SIGKILL)
        self._starter.kill()
        self._starter.wait()


async def eventually(condition: Any, log: Path, seconds: float = 60) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(log.read_text()[-3000:]) from None


class Gradebook:
    """What the teachers want: (column, user's id at the LMS) -> points, which only grow."""

    def __init__(self, dice: random.Random, names: dict[str, str]) -> None:
        self._dice, self._names = dice, names
        self.points = {(column, sub): 1 for column in COLUMNS for sub in names}

    def regrade(self, count: int) -> None:
        for cell in self._dice.sample(sorted(self.points), count):
            self.points[cell] += 1

    def snapshot(self) -> dict[str, Any]:
        """As the graders' server sends it."""
        rows = [
            {"assignment": column, "username": self._names[sub], "score": points, "max_score": 1000}
            for (column, sub), points in self.points.items()
        ]
        assignments = [{"name": column, "max_score": 1000} for column in COLUMNS]
        return {"taken_at": time.time(), "assignments": assignments, "scores": rows}


async def posts(lms: LmsProcess) -> int:
    """Scores that the LMS was sent since it has forgotten."""
    return sum((await asyncio.to_thread(lms.posts)).values())


async def until_posted(lms: LmsProcess, count: int, log: Path) -> None:
    async def there() -> bool:
        return await posts(lms) >= count

    await eventually(there, log)


async def in_doubt(world: World) -> int:
    async with world.database.reading() as session:
        return await session.scalar(select(func.count(ScoreRow.id)).where(ScoreRow.in_doubt)) or 0


async def unsent(world: World) -> int:
    async with world.database.reading() as session:
        return await session.scalar(select(func.count(ScoreRow.id)).where(ScoreRow.state != "sent")) or 0


async def test_a_service_killed_fifty_times_under_delivery_loses_and_repeats_nothing(
    world: World, lms: LmsProcess, hub_port: int, database_url: str, tmp_path: Path
) -> None:
    dice = random.Random(6)
    platform = await world.add_platform(lms.base)
    course = await world.add_course("ml101", platform, f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1")
    subs = [str(n) for n in range(1, PEOPLE + 1)]
    await world.add_people(platform[0], subs, [course])
    book = Gradebook(dice, {sub: f"p{platform[0]}-{sub}" for sub in subs})
    log = tmp_path / "data" / "service.log"
    with ExitStack() as stack:
        service = Service(tmp_path / "data", hub_port, database_url)
        stack.callback(service.close)
        doubts = 0
        for _ in range(KILLS):
            await service.start()
            before = await posts(lms)
            book.regrade(60)
            await service.call("PUT", "api/courses/ml101/scores", book.snapshot())
            await until_posted(lms, before + dice.randint(1, 15), log)
            book.regrade(20)  # some of them are on their way
            await service.call("PUT", "api/courses/ml101/scores", book.snapshot())
            await until_posted(lms, before + dice.randint(16, 40), log)
            await asyncio.sleep(dice.uniform(0, 1.5 * DELAY_MS / 1000))
            assert await unsent(world), "nothing was being delivered"
            await service.end(signal.SIGKILL)
            doubts += await in_doubt(world)
            book.regrade(10)  # while nobody is there to be told
        assert doubts > KILLS, "the kills met no request that was under way"

        await service.start()
        await service.call("PUT", "api/courses/ml101/scores", book.snapshot())

        async def settled() -> bool:
            return not await unsent(world)

        await eventually(settled, log, 90)
        lms.forget()
        await service.call("PUT", "api/courses/ml101/scores", book.snapshot())
        report = await world.fresh_outbox().deliver_due()
        await service.end(signal.SIGTERM)
        assert (report.states, await posts(lms)) == ({}, 0), "a full repeat sent something"

    for column in COLUMNS:
        wanted = {f"s{sub}": float(book.points[column, sub]) for sub in subs}
        assert lms.grades("ml101", column) == wanted
    newest: dict[tuple[str, int], tuple[float, int]] = {}
    for column, user, points, second in lms.control("taken")["scores"]:
        assert points is not None, "a grade was erased"
        held, at = newest.get((column, user), (0.0, 0))
        assert points >= held, "an older value has overwritten a newer one"
        assert second > at
        newest[column, user] = (points, second)
    assert len(newest) == len(book.points)
    made = [name for name in lms.control("gradebook")["ml101"] if name.partition(" ")[0] in COLUMNS]
    assert sorted(made) == sorted(COLUMNS), "a column was made twice"
