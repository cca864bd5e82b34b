"""The hubs of launch.py, each a real one with its proxy: ours, one with ltiauthenticator alone, a bare one.

Promises: every process that is started here ends with the block that started it. An LMS is a process of its own; its
keyset takes as long as it is told to.
"""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from tests.hub.platform import Platform, jwk
from tests.support import postgres
from tests.support.ports import free_port
from tests.support.system import System, registration

KEYSET_S = 0.1
BARE = """
c = get_config()  # noqa: F821
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{data}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{data}/cookie-secret"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.pid_file = "{data}/proxy.pid"
{more}
"""
DUMMY = "c.JupyterHub.authenticator_class = 'dummy'\nc.Authenticator.allow_all = True"
PLAIN = """
c.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
c.Authenticator.allow_all = True
c.LTI13Authenticator.issuer = {issuer!r}
c.LTI13Authenticator.client_id = [{client_id!r}]
c.LTI13Authenticator.authorize_url = "https://lms.example/auth"
c.LTI13Authenticator.jwks_endpoint = {keys!r}
c.LTI13Authenticator.username_key = "sub"
"""


class Hub(System):
    """A hub whose address is its own port: the proxy is the same for all, and is left out. `probe`: probe.py's file."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.probe = folder / "probe.json"
        more += f"\nimport sys\nsys.path.insert(0, {str(Path(__file__).resolve().parent)!r})\n"
        more += f"import probe\nprobe.install({str(self.probe)!r})\n"
        super().__init__(folder, Path(_proxy()), more=more)
        self.direct_hub = f"http://127.0.0.1:{self.ports['hub_port']}"

    def probed(self, action: str) -> dict:
        """`begin` the hub's watch over itself, or `end` it: what it saw."""
        assert self.hub is not None
        self.probe.unlink(missing_ok=True)
        self.hub.send_signal(signal.SIGUSR2)
        deadline = time.monotonic() + 20
        while not self.probe.exists():
            assert time.monotonic() < deadline, f"the hub does not {action} its probe"
            time.sleep(0.01)
        return json.loads(self.probe.read_text())


class BareHub(Hub):
    """A hub of `lines` and nothing of ours."""

    def __init__(self, folder: Path, lines: str) -> None:
        super().__init__(folder)
        more = self._config.read_text().rpartition("\nimport sys\n")[2]
        values = {"data": str(self.data), "proxy": _proxy(), "more": f"{lines}\nimport sys\n{more}"}
        self._config.write_text(BARE.format(**values, **self.ports))

    def serves(self) -> bool:
        """Whether it answers through its proxy."""
        import requests

        return requests.get(f"{self.base}/hub/health", timeout=5).status_code == 200


def start_all(folder: Path, platform: Platform, stack: ExitStack) -> dict[str, Hub]:
    """One of each by name, running until `stack` ends; ours on PostgreSQL too, where that is installed."""
    makers = {"ours": ours, "bare hub": bare, "plain ltiauthenticator": lambda place: plain(place, platform)}
    if bin := postgres.programs():
        url = stack.enter_context(stack.enter_context(postgres.server(bin)).database())
        makers["ours, PostgreSQL"] = lambda place: ours(place, url)
    up = {}
    for number, (name, make) in enumerate(makers.items()):
        place = folder / str(number)
        place.mkdir()
        up[name] = stack.enter_context(running(make(place)))
    return up


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """`hub`, started and ended."""
    try:
        hub.start()
        yield hub
    finally:
        hub.end()


def ours(folder: Path, database_url: str = "") -> Hub:
    """Hub, courses service and a store of its own."""
    more = ""
    if database_url:
        variable = "JUPYTERHUB_COURSES_DATABASE_URL"
        more = f'c.JupyterHub.services[0]["environment"]["{variable}"] = {database_url!r}'
    return Hub(folder, more)


def plain(folder: Path, platform: Platform) -> Hub:
    """ltiauthenticator's own LTI13Authenticator, for one LMS as it has it."""
    keys = f"{platform.url}/keys"
    return BareHub(folder, PLAIN.format(issuer=platform.issuer, client_id=platform.client_id, keys=keys))


def bare(folder: Path) -> Hub:
    """The hub's dummy authenticator."""
    return BareHub(folder, DUMMY)


def declared(platform: Platform, name: str, path: str) -> dict:
    """How a courses file names `platform`, with its keyset at `path`."""
    spec = registration(platform, name)
    spec["registrations"][0] |= {"public_key": None, "keyset_url": f"{platform.url}{path}"}
    return spec


def rss_mib(pid: int | None) -> float:
    """Memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def running_lms(platform: Platform) -> Iterator[Platform]:
    """Serves `platform`'s keyset at /keys after a while, and at /never not at all; fills in its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    jwks = {"keys": [jwk(key, kid) for kid, key in platform.keys.items()]}
    process = context.Process(target=_serve, args=(there, jwks, free_port()), daemon=True)
    process.start()
    try:
        platform.url = f"http://127.0.0.1:{here.recv()}"
        yield platform
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, jwks: dict, port: int) -> None:
    async def keys(request: web.Request) -> web.Response:
        await asyncio.sleep(KEYSET_S)
        return web.json_response(jwks)

    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/keys", keys)
        app.router.add_get("/never", never)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        pipe.send(port)
        await asyncio.sleep(3600)

    asyncio.run(main())


def _proxy() -> str:
    own = Path(sys.prefix) / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"
    found = str(own) if own.exists() else shutil.which("configurable-http-proxy")
    assert found, "configurable-http-proxy is missing: `make install` brings it"
    return found
