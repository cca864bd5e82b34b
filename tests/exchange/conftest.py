"""Fixtures: a real hub (once a session), exchange processes, and a stand-in for the hub where none is
needed.
"""

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jupyterhub_courses.exchange.client import Client

from ..support.ports import free_port

HERE = Path(__file__).parent
ADMIN_TOKEN = "service-secret-" + secrets.token_hex(16)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return when `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def call(url: str, token: str | None = None, method: str = "GET", body: bytes | None = None, **headers: str):
    """(status, JSON answer) of one request, errors included."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    if token is not None:
        request.add_header("Authorization", f"token {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            text, status = response.read(), response.status
    except urllib.error.HTTPError as error:
        text, status = error.read(), error.code
    return status, json.loads(text) if text else None


@contextlib.contextmanager
def serve_http(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL at which `handler` answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Exchange:
    """A running exchange process."""

    process: subprocess.Popen
    url: str
    directory: Path
    log: list[str] = field(default_factory=list)

    def client(self, token: str) -> Client:
        return Client(self.url, token)

    @property
    def service(self) -> Client:
        return self.client(ADMIN_TOKEN)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


def environment(directory: Path, hub_api_url: str, **more: str) -> dict[str, str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTERHUB_", "EXCHANGE_"))}
    return base | {
        "EXCHANGE_COURSE": "ml101",
        "EXCHANGE_DIR": str(directory),
        "EXCHANGE_PORT": "0",
        "EXCHANGE_HUB_API_URL": hub_api_url,
        "EXCHANGE_ADMIN_TOKEN": ADMIN_TOKEN,
        **more,
    }


@pytest.fixture(scope="module")
def start_exchange(tmp_path_factory) -> Iterator[Callable[..., Exchange]]:
    """Start an exchange process; all that were started end with the module."""
    started: list[Exchange] = []

    def start(hub_api_url: str, directory: Path | None = None, module: str | None = None, **more: str) -> Exchange:
        directory = directory or tmp_path_factory.mktemp("exchange")
        module = module or "jupyterhub_courses.adapters.exchange_server"
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=environment(directory, hub_api_url, **more),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        exchange = Exchange(process, "", directory)
        started.append(exchange)
        for line in process.stderr:
            exchange.log.append(line)
            if found := re.search(r"serves on (127\.0\.0\.1:\d+)", line):
                exchange.url = f"http://{found[1]}/api/"
                break
        assert exchange.url, "".join(exchange.log)
        threading.Thread(target=lambda: exchange.log.extend(process.stderr), daemon=True).start()
        return exchange

    yield start
    for exchange in started:
        if exchange.process.poll() is None:
            exchange.kill()
        exchange.process.stdin.close()


@pytest.fixture(scope="module")
def stand_in_hub() -> Iterator[str]:
    """A hub's /user that believes every token `<user>.<course>` to be that server's. Its API's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            user, _, course = self.headers["Authorization"].removeprefix("token ").partition(".")
            model = {"kind": "user", "name": user, "scopes": [f"access:servers!server={user}/{course}"]}
            body = json.dumps(model).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    with serve_http(Handler) as url:
        yield f"{url}/hub/api"


@dataclass
class Hub:
    """A running hub."""

    api_url: str
    token: str
    tokens: Path
    process: subprocess.Popen

    def api(self, method: str, path: str, data: object = None):
        body = None if data is None else json.dumps(data).encode()
        return call(f"{self.api_url}/{path}", self.token, method, body)

    def server_token(self, user: str, server: str) -> str:
        """The token of the user's named server, which is started if it is not running."""
        file = self.tokens / f"{user}--{server}"
        if not file.exists():
            self.api("POST", f"users/{user}")
            status, answer = self.api("POST", f"users/{user}/servers/{server}")
            assert status in (201, 202), answer
            wait_for(file.exists)
        return file.read_text()


@pytest.fixture(scope="session")
def hub(tmp_path_factory) -> Iterator[Hub]:
    directory = tmp_path_factory.mktemp("hub")
    (directory / "tokens").mkdir()
    port, token = free_port(), secrets.token_hex(16)
    settings = {"public_port": free_port(), "hub_port": port, "token": token, "tokens": str(directory / "tokens")}
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "hub_config.py")],
            cwd=directory,
            env={**os.environ, "EXCHANGE_TEST_HUB": json.dumps(settings)},
            stdout=log,
            stderr=log,
        )
    running = Hub(f"http://127.0.0.1:{port}/hub/api", token, directory / "tokens", process)

    def answers() -> bool:
        assert process.poll() is None, (directory / "log").read_text()[-3000:]
        with contextlib.suppress(OSError):
            return running.api("GET", "")[0] == 200
        return False

    try:
        wait_for(answers, 60)
        yield running
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
