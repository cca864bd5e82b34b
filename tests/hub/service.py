"""A stub of the courses service: its API as far as the hub asks it, from memory, with switches for faults."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "0123456789abcdef" * 4


@dataclass
class Service:
    """What the stub knows. `refusal`: (status, body) of the next admissions and placements; `asked`: all calls."""

    registrations: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    admission: dict[str, Any] = field(default_factory=dict)
    access: dict[str, dict[str, Any]] = field(default_factory=dict)
    placements: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refusal: tuple[int, dict[str, Any]] | None = None
    delay_s: float = 0
    starting: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    launches: list[dict[str, Any]] = field(default_factory=list)
    nonces: dict[str, str] = field(default_factory=dict)  # spent ones, and by which attempt
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)  # continuations, by code

    starts: list[dict[str, Any]] = field(default_factory=list)
    logins: dict[str, dict[str, Any]] = field(default_factory=dict)  # access by what the hub's own login calls them
    links: dict[str, dict[str, Any]] = field(default_factory=dict)  # access by code

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self.door])
        api = "/services/courses/api/"
        app.router.add_get(api + "registrations", self.find_registration)
        app.router.add_put(api + "registrations", self.put_registration)
        app.router.add_post(api + "admissions", self.admit)
        app.router.add_post(api + "continuations", self.wait)
        app.router.add_post(api + "continuations/spend", self.go_on)
        app.router.add_get(api + "starts", self.begin_at)
        app.router.add_post(api + "local-admissions", self.admit_login)
        app.router.add_post(api + "login-links/look", self.look_at_link)
        app.router.add_post(api + "login-links/admissions", self.use_link)
        app.router.add_get(api + "persons/{username}/access", self.person)
        app.router.add_post(api + "placements", self.place)
        app.router.add_get("/services/courses/{tail:.*}", self.page)
        return app

    @web.middleware
    async def door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append((request.method, request.path.removeprefix("/services/courses/api/")))
        if "/api/" in request.path and request.headers.get("Authorization") != f"token {TOKEN}":
            return web.json_response({"code": "forbidden", "message": "", "reference": "0"}, status=403)
        if "/api/" in request.path and self.starting:
            return self.refused(503, "starting")
        await asyncio.sleep(self.delay_s)
        return await handler(request)

    async def find_registration(self, request: web.Request) -> web.Response:
        issuer, client_id = request.query["issuer"], request.query.get("client_id")
        found = [r for (i, c), r in self.registrations.items() if i == issuer and client_id in (None, c)]
        if len(found) != 1:
            return self.refused(404, "registration_unknown")
        return web.json_response(found[0])

    async def put_registration(self, request: web.Request) -> web.Response:
        data = await request.json()
        self.registrations[data["issuer"], data["client_id"]] = data
        return web.json_response(data)

    async def admit(self, request: web.Request) -> web.Response:
        launch = await request.json()
        if self.nonces.setdefault(launch["nonce"], launch["attempt"]) != launch["attempt"]:
            return self.refused(401, "nonce_replayed")
        self.launches.append(launch)
        if self.refusal:
            return web.json_response(self.refusal[1], status=self.refusal[0])
        return web.json_response(self.admission)

    async def wait(self, request: web.Request) -> web.Response:
        code = f"code-{len(self.waiting)}"
        self.waiting[code] = await request.json()
        return web.json_response({"code": code})

    async def go_on(self, request: web.Request) -> web.Response:
        asked = await request.json()
        found = self.waiting.get(asked["code"])
        if found is None:
            return self.refused(400, "continue_spent")
        spent = found["proven"] or asked["sure"]
        if spent:
            del self.waiting[asked["code"]]
        return web.json_response({"spent": spent, "admission": self.admission})

    async def begin_at(self, request: web.Request) -> web.Response:
        return web.json_response(self.starts)

    async def admit_login(self, request: web.Request) -> web.Response:
        access = self.logins.get((await request.json())["login"])
        return web.json_response(access) if access else self.refused(403, "login_name_reserved")

    async def look_at_link(self, request: web.Request) -> web.Response:
        access = self.links.get((await request.json())["code"])
        return web.json_response({"username": access["username"]}) if access else self.refused(410, "code_spent")

    async def use_link(self, request: web.Request) -> web.Response:
        access = self.links.pop((await request.json())["code"], None)
        return web.json_response(access) if access else self.refused(410, "code_spent")

    async def person(self, request: web.Request) -> web.Response:
        access = self.access.get(request.match_info["username"])
        return web.json_response(access) if access else self.refused(404, "not_found")

    async def place(self, request: web.Request) -> web.Response:
        data = await request.json()
        if self.refusal:
            return web.json_response(self.refusal[1], status=self.refusal[0])
        placement = self.placements.get((data["username"], data["server"]))
        return web.json_response(placement) if placement else self.refused(403, "not_a_member")

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(text="course page")

    @staticmethod
    def refused(status: int, code: str) -> web.Response:
        return web.json_response({"code": code, "message": f"No: {code}", "reference": "feedbee5"}, status=status)


def admission(
    username: str, role: str = "student", *, ready: bool = True, assignment: str | None = "ps1"
) -> dict[str, Any]:
    """What the service answers for somebody of the course ml101."""
    roles: list[dict[str, Any]] = [{"name": "user"}]
    if role != "student":
        grader = "grader-ml101"
        scopes = [f"access:servers!server={grader}/ml101", f"servers!server={grader}/ml101"]
        scopes += [f"read:users:name!user={grader}", f"list:users!user={grader}"]
        roles.append({"name": "course-ml101-grading", "scopes": scopes})
    return {
        "username": username,
        "admin": False,
        "roles": roles,
        "course": "ml101",
        "role": role,
        "ready": ready,
        "goal": {"kind": "assignment", "assignment": assignment} if assignment else {"kind": "course"},
    }
