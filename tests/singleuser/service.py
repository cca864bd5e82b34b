"""The courses service's API as a grader's server sees it, in memory, with switches for trouble."""

from collections.abc import Callable
from typing import Any

import aiohttp.web
from aiohttp import web

TOKEN = "token-of-grader-ml101-0123456789"


def member(username: str, role: str = "student", **more: Any) -> dict[str, Any]:
    return {
        "username": username,
        "name": f"{username.title()} Person",
        "given_name": username.title(),
        "family_name": "Person",
        "email": f"{username}@example.org",
        "lms_user_id": f"lms-{username}",
        "role": role,
        "active": True,
        **more,
    }


class StubService:
    """`states`: the accepted ones, in order; `answer`: replaces the next answers while it is set."""

    def __init__(self) -> None:
        self.members = [member("ada"), member("bob"), member("tina", "grader")]
        self.states: list[dict[str, Any]] = []
        self.tries = 0
        self.answer: Callable[[], web.Response] | None = None
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_put("/services/courses/api/courses/ml101/scores", self._scores)
        app.router.add_get("/services/courses/api/courses/ml101/roster", self._roster)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/services/courses/api"
        return runner

    def scores(self) -> dict[tuple[str, str], float]:
        """The last accepted state's."""
        if not self.states:
            return {}
        return {(s["assignment"], s["username"]): s["score"] for s in self.states[-1]["scores"]}

    async def _scores(self, request: web.Request) -> web.Response:
        self.tries += 1
        if self.answer is not None:
            return self.answer()
        if request.headers.get("Authorization") != f"token {TOKEN}":
            return web.json_response({"code": "forbidden"}, status=403)
        state = await request.json()
        if self.states and state["taken_at"] < self.states[-1]["taken_at"]:
            return web.json_response({"stale": True})
        self.states.append(state)
        known = {one["username"] for one in self.members}
        unknown = {s["username"] for s in state["scores"]} - known
        accepted = sum(s["username"] in known for s in state["scores"])
        return web.json_response({"accepted": accepted, "unknown": sorted(unknown)})

    async def _roster(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"token {TOKEN}":
            return web.json_response({"code": "forbidden"}, status=403)
        return web.json_response({"members": self.members})
