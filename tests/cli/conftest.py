"""The command run in this process, and a small service that answers what it is told to."""

import asyncio
import json
import threading
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from jupyterhub_courses.cli import main
from jupyterhub_courses.cli.app import Settings


@dataclass
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run `jupyterhub-courses ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATA_DIR", "URL", "TOKEN"):
        monkeypatch.delenv(f"JUPYTERHUB_COURSES_{name}", raising=False)

    def run(*arguments) -> Outcome:
        Settings.clear_instance()
        try:
            main([str(one) for one in arguments])
            status = 0
        except SystemExit as ended:
            status = ended.code or 0
        finally:
            for kind in [Settings, *_below(Settings)]:
                kind.clear_instance()
        told = capsys.readouterr()
        return Outcome(status, told.out, told.err)

    return run


def _below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


@dataclass
class Service:
    """`answers`: (method, path below api/) -> (status, JSON); `asked`: what came, with its token and body."""

    url: str = ""
    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)


@pytest.fixture
def service():
    told = Service()
    loop = asyncio.new_event_loop()
    runners = []

    async def answer(request):
        body = await request.json() if request.can_read_body else None
        path = request.path_qs.removeprefix("/services/courses/api/")
        told.asked.append((request.method, path, request.headers.get("Authorization"), body))
        status, data = told.answers.get((request.method, path), (404, {"message": "There is nothing here."}))
        text = data if isinstance(data, str) else json.dumps(data)
        return web.Response(status=status, text=text, content_type="application/json")

    async def start():
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        told.url = f"http://127.0.0.1:{runner.addresses[0][1]}/services/courses/"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield told
    asyncio.run_coroutine_threadsafe(runners[0].cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def data_dir(service, tmp_path):
    """A data directory as a running service leaves it."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.joinpath("service-url").write_text(service.url)
    folder.joinpath("hub-token").write_text("secret\n")
    return folder
