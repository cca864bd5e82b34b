"""Our side of the plays: a hub as `configure` sets it up, its proxy and service, on free loopback ports."""

import asyncio
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from jupyterhub_courses.demo import processes
from tests.support.ports import free_port

CLI = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()"]


class Hub:
    """One running hub; `stop` ends everything that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.log = folder, folder / "data", folder / "hub.log"
        self._mark = secrets.token_hex(8)
        self.port, self.service_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "jupyterhub_config.py"
        self.config.write_text(f"""
from jupyterhub_courses.hub import configure

c = get_config()
configure(
    c,
    data_dir={str(self.data)!r},
    port={self.port},
    hub_port={free_port()},
    proxy_api_port={free_port()},
    service_port={self.service_port},
    keep_servers=False,
    service_environment={{{processes.MARK!r}: {self._mark!r}}},
)
c.Spawner.environment = {{{processes.MARK!r}: {self._mark!r}}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 180
""")

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self.config)],
                cwd=self.folder,
                env=os.environ | {processes.MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.ending_with_parent(),
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
        processes.end(lambda: processes.marked(self._mark), 10)

    def service_pid(self) -> int | None:
        """The courses service, while it runs."""
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if child.cmdline()[1:] == ["-m", "jupyterhub_courses.service"] and child.status() != "zombie":
                    return child.pid
            except psutil.Error:
                continue
        return None

    async def ready(self) -> None:
        """Wait until the service serves, through the proxy."""

        async def serves() -> bool:
            try:
                return bool((await self._ask("GET", f"{self.url}/services/courses/health"))["ready"])
            except (aiohttp.ClientError, TimeoutError, ValueError):
                return False

        await until(serves, 120, lambda: f"hub and service do not come up:\n{self.tail()}")

    def tail(self, length: int = 4000) -> str:
        return self.log.read_text(errors="replace")[-length:]

    async def api(self, path: str, method: str = "GET") -> Any:
        """The service's API with the hub's own secret."""
        token = (self.data / "hub-token").read_text().strip()
        url = f"http://127.0.0.1:{self.service_port}/services/courses/api/{path}"
        return await self._ask(method, url, {"Authorization": f"token {token}"})

    async def scores(self, course: str) -> dict[tuple[str, str], dict[str, Any]]:
        """(assignment, username) -> how its delivery stands."""
        rows = await self.api(f"courses/{course}/scores?all=1")
        return {(row["assignment"], row["username"]): row for row in rows}

    async def usernames(self, course: str) -> dict[str, str]:
        """The LMS's id of a person -> hub username."""
        members = (await self.api(f"courses/{course}/roster"))["members"]
        return {member["lms_user_id"]: member["username"] for member in members}

    def gradebook_taken_at(self, course: str) -> float:
        """When the newest state that the service has was read from the gradebook."""
        with sqlite3.connect(f"file:{self.data / 'courses.sqlite'}?mode=ro", uri=True) as store:
            return float(store.execute("SELECT scores_taken_at FROM courses WHERE slug = ?", [course]).fetchone()[0])

    def apply(self, content: dict[str, Any]) -> None:
        """`jupyterhub-courses apply` with a courses file; JSON is YAML too."""
        file = self.folder / "courses.yaml"
        file.write_text(json.dumps(content, indent=1))
        command = [*CLI, "apply", str(file), "--data-dir", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    async def _ask(self, method: str, url: str, headers: dict[str, str] | None = None) -> Any:
        limit = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.request(method, url, raise_for_status=True) as answer,
        ):
            return await answer.json(content_type=None)


async def until(true: Callable[[], Any], limit: float, otherwise: Callable[[], str], every: float = 0.3) -> None:
    """Wait until `true()`, or what it awaits, is; AssertionError with `otherwise()` after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        result = true()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline, otherwise()
        await asyncio.sleep(every)
