"""Starts every part of the demo, keeps them running, and ends every process that came of it.

Promises: a part that dies comes back (the hub brings its proxy, service and exchanges; single-user servers
outlive it); Ctrl-C, SIGTERM and even kill -9 of this process leave nothing behind; leftovers of an earlier
run end first.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ..cli.client import CommandError, Service
from ..hub import proxy_command
from . import processes
from .files import Folder, courses_file, hub_url, lms_url, write, write_files
from .parts import Part, PartFailed, answers
from .ports import choose
from .worlds import World

FIRST_PORTS = {"hub": 8000, "hub-api": 8091, "proxy-api": 8092, "service": 8093}
FIRST_LMS_PORT = 8101
START_LIMIT = 120.0
HUB_PATIENCE = 25.0  # the hub stops its servers in this time


class Supervisor:
    """One demo in one folder. `say` shows a line to whoever started it."""

    def __init__(self, folder: Folder, world: World, port: int, say: Callable[[str], None], control: bool) -> None:
        self._folder, self._world, self._say, self._control = folder, world, say, control
        self._first_port = port
        self._mark = str(folder.path.resolve())
        self.parts: dict[str, Part] = {}
        self.ports: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything runs inside this block. Raises InUse, PartFailed, CommandError."""
        with self._folder.locked():
            processes.adopt_orphans()
            left = await asyncio.to_thread(processes.end, self._leftovers)
            if left:
                self._say(f"Ended {left} processes of an earlier run.")
            watch = None
            try:
                await self._start()
                watch = asyncio.create_task(self._look_after())
                yield
            finally:
                if watch is not None:
                    watch.cancel()
                await self._stop()

    def _leftovers(self) -> list[processes.Process]:
        found = set(processes.marked(self._mark))
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            records = json.loads((self._folder.path / "pids.json").read_text())
            found |= {processes.Process(one["pid"], one["started"]) for one in records.values()}
        return [one for one in found if one.pid != os.getpid()]

    async def _start(self) -> None:
        if proxy_command() is None:
            raise CommandError(
                "configurable-http-proxy is not there: `make install` puts it here, or install it"
                " with `npm install -g configurable-http-proxy`.",
                2,
            )
        began = time.monotonic()
        wanted = {**FIRST_PORTS, "hub": self._first_port}
        wanted |= {site.name: FIRST_LMS_PORT + number for number, site in enumerate(self._world.sites)}
        known = self._folder.ports()
        if known.get("hub") != self._first_port and self._first_port != FIRST_PORTS["hub"]:
            known.pop("hub", None)  # another port was asked for
        self.ports, notes = choose(wanted, known)
        for note in notes:
            self._say(note)
        self._folder.remember(self.ports)
        write_files(self._folder, self._world, self.ports, (processes.MARK, self._mark))
        self._make_parts()
        for part in self.parts.values():
            part.start()
        for part in self.parts.values():
            self._say(f"… {part.name}")
            await part.ready(START_LIMIT)
            self._say(f"✓ {part.name} ({time.monotonic() - began:.1f} s)")
        await self._service_ready(time.monotonic() + START_LIMIT)
        file = courses_file(self._folder, self._world, self.ports)
        await self.service().ask("POST", "apply", {**file, "dry_run": False})
        self._say(f"✓ courses service, {len(self._world.sites)} platforms ({time.monotonic() - began:.1f} s)")

    def service(self) -> Service:
        """The courses service, as its own machine finds it."""
        return Service.find("", "", str(self._folder.path), {})

    async def _service_ready(self, deadline: float) -> None:
        healthy = answers(f"{hub_url(self.ports)}/services/courses/health")
        while not await healthy():
            if time.monotonic() > deadline:
                raise PartFailed(f"The courses service does not answer:\n{self.parts['hub'].tail()}")
            await asyncio.sleep(0.2)

    def _make_parts(self) -> None:
        marked = {processes.MARK: self._mark, "PYTHONUNBUFFERED": "1"}
        own, logs = self._folder.own, self._folder.own / "logs"

        def add(key: str, name: str, arguments: list[str], folder: Path, url: str) -> None:
            command = [sys.executable, "-m", *arguments]
            before = self._end_orphaned_service if key == "hub" else lambda: None
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
            environment = {**marked, "PATH": path}
            self.parts[key] = Part(
                name, command, environment, folder, logs / f"{key}.log", answers(url), self._say, before
            )

        for site in self._world.sites:
            state = own / "lms" / site.name
            state.mkdir(parents=True, exist_ok=True)
            arguments = [
                "jupyterhub_courses.demo.lms",
                "--port",
                str(self.ports[site.name]),
                "--state",
                str(state),
            ]
            arguments += [
                "--scenario",
                str(own / f"{site.name}.json"),
                *(["--control"] if self._control else []),
            ]
            add(site.name, site.title, arguments, own, f"{lms_url(site, self.ports)}/")
        config = str(own / "jupyterhub_config.py")
        hub = f"{hub_url(self.ports)}/hub/health"
        add("hub", "JupyterHub and proxy", ["jupyterhub", "-f", config], own / "hub", hub)

    def _end_orphaned_service(self) -> None:
        """A service that outlived its killed hub would keep the port from the next hub's own."""

        def orphans() -> list[processes.Process]:
            here = os.getpid()
            return [one for one in processes.marked(self._mark) if processes.is_service(one) and one.pid != here]

        processes.end(orphans, 3)

    async def _look_after(self) -> None:
        """Collect what ended, and write down what runs for whoever comes after a kill."""
        written = ""
        while True:
            own = {part.pid for part in self.parts.values() if part.pid is not None}
            processes.reap_orphans(own)
            records = {key: processes.process(part.pid) for key, part in self.parts.items() if part.pid is not None}
            text = json.dumps({key: vars(one) for key, one in records.items() if one is not None}, indent=1)
            if text != written:
                write(self._folder.path / "pids.json", text)
                written = text
            await asyncio.sleep(0.5)

    async def _stop(self) -> None:
        for key, part in reversed(self.parts.items()):
            await part.stop(HUB_PATIENCE if key == "hub" else 5)
        # What the hub could not stop, or started while it was ending.
        await asyncio.to_thread(processes.end, self._everything_of_ours, 5)
        (self._folder.path / "pids.json").unlink(missing_ok=True)

    def _everything_of_ours(self) -> list[processes.Process]:
        return list({*processes.descendants(os.getpid()), *processes.marked(self._mark)})
