"""A real Jupyter server as the spawner would start it, with a course's environment; no hub."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..support.ports import free_port

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "singleuser" / "etc" / "jupyter"
START_SECONDS = 60


def environment(home: Path, **variables: str) -> dict[str, str]:
    """A server's or command's environment with our data files in force, and nothing of this user's."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "JUPYTER_CONFIG_PATH": str(CONFIG),
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": str(home / ".ipython"),
        **variables,
    }


def course_environment(
    home: Path, role: str, api_url: str = "http://127.0.0.1:9/services/courses/api"
) -> dict[str, str]:
    """What the service puts into a placement, and the hub into every server."""
    user = "grader-ml101" if role == "grader" else "ada"
    return environment(
        home,
        JUPYTERHUB_COURSES_COURSE="ml101",
        JUPYTERHUB_COURSES_ROLE=role,
        JUPYTERHUB_COURSES_API_URL=api_url,
        JUPYTERHUB_COURSES_EXCHANGE_URL="http://127.0.0.1:9/api/",
        JUPYTERHUB_API_TOKEN="token-of-" + user + "-0123456789",
        JUPYTERHUB_USER=user,
        JUPYTERHUB_BASE_URL="/",
        **({"JUPYTERHUB_COURSES_COURSE_DIR": str(home / "ml101")} if role == "grader" else {}),
    )


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    def json(self) -> Any:
        return json.loads(self.text)


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Server:
    """`base`: the path prefix; `log`: a file with all output."""

    process: subprocess.Popen[bytes]
    port: int
    base: str
    log: Path
    token: str = field(repr=False)

    def get(self, path: str, *, login: bool = True, method: str = "GET", **headers: str) -> Answer:
        """The answer to a request below the base URL, redirects not followed."""
        if login:
            headers["Authorization"] = f"token {self.token}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.port}{self.base}{path}"
        request = Request(url, headers=headers, method=method, data=b"{}" if method == "POST" else None)
        try:
            with build_opener(_Stay).open(request, timeout=120) as response:
                return Answer(response.status, dict(response.headers), response.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def page_config(self) -> dict[str, Any]:
        """What JupyterLab is told."""
        text = self.get("lab").text
        start = text.index(">", text.index('id="jupyter-config-data"')) + 1
        config: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
        return config

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(20)


def _heed_interrupts() -> None:
    """As the hub starts it; tests that run in the background of a shell ignore SIGINT, and so would it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def server(home: Path, env: Mapping[str, str], *options: str) -> Iterator[Server]:
    """Started, answering; stopped afterwards."""
    port, token = free_port(), secrets.token_hex(8)
    base = f"/user/{env.get('JUPYTERHUB_USER', 'somebody')}/ml101/"
    log = home / f"server-{port}.log"
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--ServerApp.base_url={base}", f"--ServerApp.root_dir={home}"),
        *(f"--IdentityProvider.token={token}", *options),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=env,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=_heed_interrupts,
        )
    running = Server(process, port, base, log, token)
    try:
        _await_answer(running)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_answer(running: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        try:
            if running.get("api").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the Jupyter server did not start:\n" + running.log.read_text())


def nbgrader(*arguments: str, home: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`nbgrader …` on the command line, in `home`."""
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
