"""The courses service as a grader's server sees it, with the real use case on pods that run here."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from jupyterhub_courses.core.admissions import Refused
from jupyterhub_courses.core.records import Course
from jupyterhub_courses.core.sentences import sentence
from jupyterhub_courses.usecases.autograding import Autograding

from .pods import Pods


def course(slug: str = "ml101", state: str = "ready", **spec: object) -> Course:
    return Course(
        id=1,
        slug=slug,
        title="Machine Learning",
        platform_id=None,
        context_id=None,
        spec=spec,
        owner="file",
        state=state,
        reason="",
        exchange_port=None,
        exchange_token="",
        registration_id=None,
        lineitems_url=None,
        members_url=None,
        roster_synced_at=None,
        roster_error="",
    )


class CoursesService:
    """In a thread of its own. `answers`: HTTP statuses that take the place of the next answers."""

    def __init__(self, pods: Pods) -> None:
        self.pods = pods
        self.answers: list[int] = []
        self.autograding = Autograding(pods, lambda: datetime.now(UTC))
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.runner = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(20)
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/services/courses/api"

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        address = "/services/courses/api/courses/ml101/autograde-runs/{run}"
        app.add_routes([web.put(address, self._put), web.delete(address, self._delete)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _put(self, request: web.Request) -> web.Response:
        if self.answers:
            return web.json_response({"code": "starting"}, status=self.answers.pop(0))
        try:
            seconds = (await request.json())["seconds"]
            state = await self.autograding.run(course(), request.match_info["run"], seconds)
        except Refused as refusal:
            return web.json_response({"code": refusal.code}, status=refusal.status)
        message = sentence(state.reason) if state.reason else ""
        return web.json_response({"state": state.state, "reason": state.reason, "message": message})

    async def _delete(self, request: web.Request) -> web.Response:
        await self.autograding.end(course(), request.match_info["run"])
        return web.json_response({"state": "ended"})

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The graders' home, on the volume."""
    folder = tmp_path / "grader-home"
    folder.mkdir()
    return folder


@pytest.fixture
def service(home: Path) -> Iterator[CoursesService]:
    running = CoursesService(Pods(home))
    yield running
    running.stop()
