"""Runs of autograding apart, as the graders' server sees them: several at once, each waited for in the background.

A run's files lie in a folder of the graders' home that its pod alone gets to see, and are removed when the run is
over. A courses service that is away for minutes loses no run.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from jupyterhub_courses.adapters.courses_api.server import CallFailed, CoursesApi, RunAnswer
from jupyterhub_courses.core.autograding import RESULT_NAME, RUNS_FOLDER, SECONDS_MAX

from .autograde_pod import FILES, JOB_NAME, read_file
from .surroundings import course_server

log = logging.getLogger(__name__)
#: Runs at once; the service has a limit for the course's namespace, too.
PARALLEL = 8
#: Seconds: between two looks; that a run may wait for room; that the service may be away.
EVERY, QUEUE_MAX, AWAY_MAX = 1.0, 1800.0, 600.0
#: Seconds for the pod's start beside what the notebook itself may take.
START = 300
_LEFTOVER = 86400.0


class RunFailed(Exception):
    """There is no result; the text is for the person who autogrades."""


@dataclass(frozen=True)
class Job:
    """One notebook of one submission, its files in `folder`. `options`: of nbgrader's Execute; `whose`: for `key`."""

    name: str
    notebook: dict[str, Any] = field(repr=False)
    folder: Path
    options: dict[str, Any]
    seconds: int
    whose: tuple[str, ...]

    def key(self) -> str:
        """The same for the same work."""
        notebook = {**self.notebook, "cells": [{**cell, "id": None} for cell in self.notebook["cells"]]}
        digest = sha256(json.dumps([self.name, notebook, self.options, self.whose], sort_keys=True).encode())
        for path, name in files(self.folder):
            digest.update(f"\0{name}\0".encode())
            digest.update(sha256(path.read_bytes()).digest())
        return digest.hexdigest()


class ServicePort(Protocol):
    """The courses service."""

    async def autograde_run(self, run: str, seconds: int) -> RunAnswer: ...
    async def end_autograde_run(self, run: str) -> None: ...


class Runs:
    """`home`: the graders' home, on the volume that pods of runs mount folders of."""

    def __init__(self, service: ServicePort, home: Path, parallel: int = PARALLEL, every: float = EVERY) -> None:
        self._service, self._folder = service, home / RUNS_FOLDER
        self.parallel, self._every = parallel, every
        self._loop = asyncio.new_event_loop()
        self._room = asyncio.Semaphore(parallel)
        self._runs: dict[str, Future[dict[str, Any]]] = {}
        remove_leftovers(self._folder)
        threading.Thread(target=self._loop.run_forever, name="autograding", daemon=True).start()

    def start(self, job: Job) -> Future[dict[str, Any]]:
        """The job's run, started unless it is there already; gives the pod's result or raises RunFailed."""
        key = job.key()
        if key not in self._runs:
            run = secrets.token_hex(8)
            self._prepare(self._folder / run, job)
            self._runs[key] = asyncio.run_coroutine_threadsafe(self._run(run, job.seconds), self._loop)
        return self._runs[key]

    def take(self, job: Job) -> Future[dict[str, Any]]:
        """As `start`, for whoever reads the result: the next one of the same job is a new run."""
        future = self.start(job)
        self._runs.pop(job.key(), None)
        return future

    def drop(self, futures: list[Future[dict[str, Any]]]) -> None:
        """Nobody will take these: they end."""
        for key, future in list(self._runs.items()):
            if future in futures:
                del self._runs[key]
                future.cancel()

    def close(self) -> None:
        """End what runs; bounded."""

        async def ended() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=5)

        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(ended(), self._loop).result(6)

    def _prepare(self, folder: Path, job: Job) -> None:
        given = folder / "in" / FILES
        given.mkdir(parents=True, mode=0o755)
        (folder / "out").mkdir(mode=0o755)
        for path, name in files(job.folder):
            (given / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, given / name)
            (given / name).chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        (given / f"{job.name}.ipynb").write_text(json.dumps(job.notebook))
        job_file = folder / "in" / JOB_NAME
        job_file.write_text(json.dumps({"notebook": job.notebook, "options": job.options}))

    async def _run(self, run: str, seconds: int) -> dict[str, Any]:
        folder = self._folder / run
        try:
            async with self._room:
                try:
                    await self._wait(run, seconds)
                    return read_result(folder / "out")
                finally:
                    await self._end(run)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _wait(self, run: str, seconds: int) -> None:
        answered = time.monotonic()
        waiting, told = Limit(QUEUE_MAX), ""
        running = Limit(seconds + START)
        while True:
            try:
                answer = await self._service.autograde_run(run, seconds)
                answered = time.monotonic()
            except CallFailed as failure:
                if failure.status in (400, 401, 403, 404, 409):
                    raise RunFailed(f"Autograding apart is refused: {failure}") from failure
                if time.monotonic() - answered > AWAY_MAX:
                    raise RunFailed(f"Autograding apart is not possible now: {failure}") from failure
                answer = RunAnswer("away", str(failure))
            if answer.state == "done":
                return
            if answer.state == "failed":
                raise RunFailed(answer.message)
            if answer.state == "waiting":  # for a node, though it may have had one that refused it
                running = Limit(seconds + START)
            if answer.state != "running" and answer.message != told:
                told = answer.message
                log.warning("Autograding waits: %s", told)
            limit = {"waiting": waiting, "running": running}.get(answer.state)
            if limit is not None and limit.reached():
                raise RunFailed(answer.message)
            await asyncio.sleep(self._every)

    async def _end(self, run: str) -> None:
        try:
            await self._service.end_autograde_run(run)
        except CallFailed as failure:
            # It ends by its own deadline, and the service sweeps.
            log.warning("Autograding: the pod of a run was not removed: %s", failure)


class Limit:
    """Seconds from the first time that it is asked about."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._since: float | None = None

    def reached(self) -> bool:
        """Whether they are over."""
        if self._since is None:
            self._since = self._clock()
        return self._clock() - self._since > self._seconds


def read_result(out: Path) -> dict[str, Any]:
    """What came back; its cells are judged by whoever puts them into a notebook. Raises RunFailed."""
    try:
        result = json.loads(read_file(out / RESULT_NAME))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFailed("The submission was run, but no usable result came back.") from error
    if not isinstance(result, dict):
        raise RunFailed("The submission was run, but no usable result came back.")
    return result


def files(folder: Path) -> list[tuple[Path, str]]:
    """(path, relative name) of the regular files below `folder`, links left out and other notebooks too."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                found.append((path, path.relative_to(folder).as_posix()))
    return sorted(found, key=lambda entry: entry[1])


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed left behind."""
    for old in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _LEFTOVER:
                shutil.rmtree(old, ignore_errors=True)


def deadline(cells: int, timeout: float | None) -> int:
    """Seconds for a notebook with so many code cells, of which each may take `timeout` (None: any time)."""
    if not timeout or timeout < 0:
        return SECONDS_MAX
    return int(min(SECONDS_MAX, START + cells * (timeout + 10)))


_shared: list[Runs] = []


def shared() -> Runs:
    """The runs of this process. Raises RunFailed where this is no grader's server."""
    if not _shared:
        course = course_server(os.environ)
        if course is None or course.course_dir is None:
            raise RunFailed("This is not the grader's server of a course: nothing can be autograded apart.")
        service = CoursesApi(course.api_url, course.course, course.token)
        _shared.append(Runs(service, course.course_dir.parent))
    return _shared[0]


def end_all() -> None:
    """This process ends: nobody will wait for its runs."""
    for runs in _shared:
        runs.close()
