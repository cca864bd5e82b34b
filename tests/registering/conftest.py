"""An LMS that registers tools as the recorded Moodle does, and a store for what comes of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.registration import RegistrationClient
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.adapters.store.registering import RegistrationStore
from jupyterhub_courses.core.registrations import Invitation
from jupyterhub_courses.usecases.registering import Registered, Registering

from .moodle import RecordedMoodle, recording

BASE = "https://hub.example.org/"
Serve = Callable[[web.Application], Awaitable[str]]


class Clock:
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **more: float) -> None:
        self.time += timedelta(**more)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve an application on loopback; its address."""
    runners = []

    async def begin(app: web.Application) -> str:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def recorded(vectors: Path) -> dict[str, Any]:
    return recording(vectors)


@pytest.fixture
async def moodle(recorded: dict[str, Any], serve: Serve) -> RecordedMoodle:
    site = RecordedMoodle(recorded)
    site.url = await serve(site.routes())
    return site


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    database = Database(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_store"))
    yield database
    await database.close()


class Hub:
    """Our side: the story with a real store, and what the store has."""

    def __init__(self, database: Database, clock: Clock, http: LmsHttp) -> None:
        self.store, self.database, self.clock = RegistrationStore(database), database, clock
        self.story = Registering(Once(database), self.store, RegistrationClient(http), clock)

    async def link(self, platform: str = "moodle", **more: Any) -> str:
        return (await self.story.invite(Invitation(platform, **more)))[0]

    async def register(self, code: str, moodle: RecordedMoodle, token: str = "", base: str = BASE) -> Registered:
        return await self.story.register(code, moodle.configuration_url, token or moodle.token(), base)

    async def platforms(self) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
        """{platform: [(client id, deployment ids)]}"""
        known = await self.store.known()
        return {one.platform.name: [(r.client_id, r.deployment_ids) for r in one.registrations] for one in known}


@pytest.fixture
async def hub(database: Database, clock: Clock) -> AsyncIterator[Hub]:
    async with LmsHttp(clock, 5) as http:
        yield Hub(database, clock, http)
