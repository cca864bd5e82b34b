"""LocalHost: a course is a folder and an ngshare process on this machine; its servers are plain processes.

Folder tree of a course: docs/architecture.md, "State on one machine". Every folder is made owner-only; on one machine
all servers run as the same system user, so this keeps other users of the machine out, not the course's members.
"""

import asyncio
import os
import secrets
import shutil
import socket
import sys
from itertools import islice
from pathlib import Path

import aiohttp

from ...core.hosts import HostProblem
from ...core.placements import Placement
from ...core.records import Course
from ...core.specs import CourseSpec, spec_of
from ..exchange_server.calls import ExchangeCalls
from .children import Child
from .starting import CannotStart, copy_start

ASSIGNMENTS_MAX = 1000


class LocalHost:
    """All courses below `data_dir`. `api_url` is the courses service's own API, `hub_api_url` the hub's."""

    def __init__(self, data_dir: Path, api_url: str, hub_api_url: str) -> None:
        self._data_dir, self._api_url, self._hub_api_url = data_dir.resolve(), api_url, hub_api_url
        self._children: dict[str, Child] = {}
        self._exchanges = ExchangeCalls()

    def folder(self, slug: str) -> Path:
        """The folder of a course."""
        return self._data_dir / "courses" / slug

    async def close(self) -> None:
        """End every child."""
        children, self._children = list(self._children.values()), {}
        await asyncio.gather(*(child.stop() for child in children))
        await self._exchanges.close()

    async def leads(self) -> bool:
        """Always: one service has this machine's courses."""
        return True

    async def look(self) -> None:
        """Nothing to learn beforehand: each course's folder and process are looked at by themselves."""

    def settled(self, course: Course) -> bool:
        """Not known from afar: its process is asked."""
        return False

    def amiss(self, course: Course) -> str:
        """Nothing that would not be a problem."""
        return ""

    def repaired(self, course: Course) -> list[str]:
        """Nothing: a process that ended is started again, and that is no news."""
        return []

    async def ensure(self, course: Course) -> int:
        """Folders, template and ngshare of a course; returns the port that serves. Raises HostProblem."""
        spec = spec_of(course)
        await asyncio.to_thread(self._ensure_folders, course.slug, spec)
        port = course.exchange_port or free_port()
        child = self._child(course, spec, port)
        if not await child.ensure():
            raise HostProblem(
                f"The exchange (ngshare) does not start; its log is in {self.folder(course.slug)}/exchange."
            )
        return port

    async def provision(self, course: Course, port: int, students: list[str]) -> None:
        """Make ngshare know the course's grader and students, by username alone: it needs no names or addresses."""
        await self._exchanges.provision(_url(port), course, students)

    async def enroll(self, course: Course, port: int, students: list[str]) -> None:
        """Make ngshare know some more students, and leave everything else there alone."""
        await self._exchanges.enroll(_url(port), course, students)

    async def released(self, course: Course) -> set[str]:
        """Names of the assignments that the course's exchange offers now; none while it does not answer."""
        if course.exchange_port is None:
            return set()
        return await self._exchanges.released(_url(course.exchange_port), course)

    async def made(self, course: Course) -> set[str]:
        """Names of the assignments that lie in the course's folder, released or not."""
        return await asyncio.to_thread(_assignments_in, self.folder(course.slug) / "grader" / course.slug / "source")

    def placement(self, course: Course, username: str, role: str) -> Placement:
        """Where and how a person's server of this course runs."""
        spec = spec_of(course)
        home = self.folder(course.slug) / ("grader" if role == "grader" else f"homes/{username}")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        prefix = Path(spec.environment.python or sys.prefix)
        environment = {
            "HOME": str(home),
            "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "JUPYTERHUB_COURSES_COURSE": course.slug,
            "JUPYTERHUB_COURSES_ROLE": role,
            "JUPYTERHUB_COURSES_API_URL": self._api_url,
            "JUPYTERHUB_COURSES_EXCHANGE_URL": _url(course.exchange_port or 0),
        }
        if role == "grader":
            environment["JUPYTERHUB_COURSES_COURSE_DIR"] = str(home / course.slug)
        return Placement(
            username, course.slug, role, str(home), (str(prefix / "bin" / "jupyterhub-singleuser"),), environment
        )

    async def remove(self, course: Course, erase: bool = False) -> bool:
        """Stop what runs for a course; True: done. The folder stays, unless it is to be erased."""
        child = self._children.pop(course.slug, None)
        if child is not None:
            await child.stop()
        if erase:
            await asyncio.to_thread(shutil.rmtree, self.folder(course.slug), True)
        return True

    def _child(self, course: Course, spec: CourseSpec, port: int) -> Child:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ},
            "EXCHANGE_COURSE": course.slug,
            "EXCHANGE_DIR": str(self.folder(course.slug) / "exchange"),
            "EXCHANGE_PORT": str(port),
            "EXCHANGE_HUB_API_URL": self._hub_api_url,
            "EXCHANGE_ADMIN_TOKEN": course.exchange_token,
            "EXCHANGE_UPLOAD_LIMIT": str(spec.exchange.upload_limit),
        }
        command = [sys.executable, "-m", "jupyterhub_courses.adapters.exchange_server"]
        known = self._children.get(course.slug)
        if known is not None and known.settings == (command, environment):
            return known

        async def serves() -> bool:
            try:
                async with self._exchanges.session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                    return answer.status == 200
            except (TimeoutError, aiohttp.ClientError):
                return False

        child = Child("exchange", command, environment, self.folder(course.slug) / "exchange", serves)
        if known is not None:
            asyncio.get_running_loop().create_task(known.stop())
        self._children[course.slug] = child
        return child

    def _ensure_folders(self, slug: str, spec: CourseSpec) -> None:
        folder = self.folder(slug)
        for part in ("exchange", "grader", "homes"):
            (folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        course_dir = folder / "grader" / slug
        if not course_dir.exists():
            fresh = folder / f".new-{secrets.token_hex(4)}"  # renamed whole: a kill leaves no half course
            try:
                if spec.start_from is not None:
                    copy_start(spec.start_from, fresh)
                (fresh / "source").mkdir(parents=True, exist_ok=True)
                fresh.rename(course_dir)
            except CannotStart as error:
                raise HostProblem(str(error)) from error
            finally:
                shutil.rmtree(fresh, ignore_errors=True)


def _assignments_in(source: Path) -> set[str]:
    """nbgrader's own rule: each folder of `source` is an assignment."""
    try:
        names = {entry.name for entry in islice(source.iterdir(), ASSIGNMENTS_MAX) if entry.is_dir()}
    except OSError:
        return set()
    return {name for name in names if not name.startswith(".")}


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/api/"


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
