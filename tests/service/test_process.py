"""The service as a process of its own, as a hub starts it: on SQLite and PostgreSQL, killed, and left alone."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import psutil
import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from ..support.ports import free_port

TOKEN = "s" * 40
LMS = "http://localhost:1"
REGISTRATION = {
    "client_id": "abc",
    "deployment_ids": ["1"],
    "authorize_url": f"{LMS}/auth",
    "token_url": f"{LMS}/token",
    "keyset_url": f"{LMS}/keys",
}
PLATFORM = {"name": "moodle", "issuer": LMS, "course_creation": "on", "registrations": [REGISTRATION]}
M = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


class HubUser(RequestHandler):
    """A hub's users: nobody is there, everybody can be made; while `away` asking for one ends in an error."""

    away = False

    def get(self, name):
        self.set_status(500 if HubUser.away else 404)

    def post(self, name):
        self.set_status(201)


class Service:
    """One service process below a hub that only has users."""

    def __init__(self, folder: Path, hub_port: int, **environment: str):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}/services/courses/"
        (folder / "hub-token").write_text(TOKEN)
        self.environment = {
            "PATH": os.environ["PATH"],
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub_port}/hub/api",
            "JUPYTERHUB_API_TOKEN": "t" * 32,
            "JUPYTERHUB_CLIENT_ID": "service-courses",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/courses/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "JUPYTERHUB_COURSES_DATA_DIR": str(folder),
            **environment,
        }
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))

    def start(self, through: list[str] | None = None):
        command = [*(through or []), sys.executable, "-m", "jupyterhub_courses.service"]
        self.process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL)

    async def call(self, method, path, body=None, token=TOKEN):
        headers = {"Authorization": f"token {token}"} if token else {}
        async with self.session.request(method, self.base + path, json=body, headers=headers) as answer:
            return answer.status, json.loads(await answer.read() or b"null")

    async def ready(self):
        async with asyncio.timeout(60):
            while True:
                try:
                    if (await self.call("GET", "health"))[1]["ready"]:
                        return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)

    async def launch(self, sub, role):
        context = {"id": "2", "label": "ml101", "title": "Machine Learning"}
        body = {"issuer": LMS, "client_id": "abc", "deployment_id": "1", "sub": sub, "roles": [M + role]}
        return await self.call(
            "POST",
            "api/admissions",
            {**body, "nonce": secrets.token_hex(8), "context": context, "email": f"p{sub}@lab.invalid"},
        )

    async def until_launched(self, sub, role):
        """A launch whose course is ready."""
        async with asyncio.timeout(60):
            while True:
                status, admission = await self.launch(sub, role)
                assert status == 200, admission
                if admission["ready"]:
                    return admission

    def exchange(self):
        """The course's ngshare process."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return next(c for c in alive if "jupyterhub_courses.adapters.exchange_server" in c.cmdline())

    async def close(self):
        await self.session.close()
        if self.process.poll() is None:
            self.process.terminate()
        await asyncio.to_thread(self.process.wait, 20)


@pytest.fixture
async def hub():
    server = HTTPServer(Application([("/hub/api/users/(.*)", HubUser)]))
    port = free_port()
    server.listen(port, "127.0.0.1")
    yield port
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
async def service(request, tmp_path, hub):
    extra = {}
    if request.param == "postgresql":
        extra["JUPYTERHUB_COURSES_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    service = Service(tmp_path, hub, **extra)
    service.start()
    await service.ready()
    yield service
    await service.close()


async def gone(process: psutil.Process) -> None:
    async with asyncio.timeout(20):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_a_course_is_made_and_survives_the_services_death_and_the_exchanges(service):
    assert (await service.call("POST", "api/apply", {"platforms": [PLATFORM], "courses": []}))[0] == 200
    await service.until_launched("9", "Instructor")
    student = await service.until_launched("3", "Learner")
    exchange = service.exchange()

    exchange.kill()  # the reconciler starts another, at the same address that running servers know
    status, placement = await service.call(
        "POST", "api/placements", {"username": student["username"], "server": "ml101"}
    )
    assert status == 200
    async with asyncio.timeout(60):
        while True:
            try:
                again = service.exchange()
                url = placement["environment"]["JUPYTERHUB_COURSES_EXCHANGE_URL"].replace("/api/", "/healthz")
                async with service.session.get(url) as answer:
                    assert answer.status == 200
                break
            except (StopIteration, aiohttp.ClientError):
                await asyncio.sleep(0.2)
    assert again.pid != exchange.pid

    service.process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(service.process.wait, 20)
    await gone(again)  # nothing of a dead service keeps ports and files
    service.start()
    await service.ready()
    assert (await service.until_launched("3", "Learner"))["username"] == student["username"]


async def test_while_the_hub_does_not_answer_somebody_new_is_to_try_again(service, monkeypatch):
    assert (await service.call("POST", "api/apply", {"platforms": [PLATFORM], "courses": []}))[0] == 200
    await service.until_launched("9", "Instructor")
    with monkeypatch.context() as changed:
        changed.setattr(HubUser, "away", True)
        status, answer = await service.launch("3", "Learner")
        assert (status, answer["code"]) == (503, "hub_unreachable")
        assert (await service.launch("9", "Instructor"))[0] == 200  # of somebody known the hub is not asked
    assert (await service.launch("3", "Learner"))[0] == 200


async def test_nothing_but_the_shared_secret_opens_the_hubs_doors(service):
    for path in ("api/admissions", "api/placements"):
        assert (await service.call("POST", path, {}, token=""))[0] == 401
    assert (await service.call("GET", "api/registrations?issuer=x", token="x" * 40))[0] in (401, 503)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("api/admissions", {"issuer": LMS}),
        ("api/admissions", [1]),
        ("api/admissions", {"issuer": LMS, "client_id": "abc", "sub": "x" * 10_000}),
        ("api/placements", {"username": 1, "server": "ml101"}),
        ("api/apply", "nonsense"),
        ("api/apply", {"courses": [{"slug": "NO"}]}),
    ],
)
async def test_bad_input_gets_a_400_with_a_reference_and_no_trace(service, path, body):
    status, answer = await service.call("POST", path, body)
    assert status == 400
    assert len(answer["reference"]) == 8
    assert "Traceback" not in json.dumps(answer)


async def test_the_service_ends_with_its_hub(tmp_path, hub):
    service = Service(tmp_path, hub)
    shell = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
    service.start(through=[sys.executable, "-c", shell])
    await service.ready()
    [own] = psutil.Process(service.process.pid).children()
    service.process.kill()
    await gone(own)
    await service.close()
