"""Materials of the course in git, pulled by nbgitpuller: only repositories that the course's spec names.

nbgitpuller pulls whatever an address in a link says; here its handlers ask first. Its own merging rules hold: what a
person changed is kept. Each repository has a folder of its own below course-materials/, so that none is pulled into
another's, nor into an assignment.
"""

import hashlib
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import nbgitpuller
from jupyter_server.utils import url_path_join
from tornado import web

from jupyterhub_courses.adapters.courses_api.server import CallFailed
from jupyterhub_courses.core.goals import GitPlace
from jupyterhub_courses.core.materials import allowed_place, same_address
from jupyterhub_courses.core.specs import Material

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says that it guesses the kind of server, and guesses right
    from nbgitpuller.handlers import SyncHandler, UIHandler

FOLDER = "course-materials"
NBGITPULLER = "nbgitpuller"
FRESH_S = 5.0  # one click asks three times


def folder_of(git: str, materials: Sequence[Material]) -> str:
    """Where a repository lies below the server's root; repositories of one name are told apart by their address."""
    address = same_address(git)
    name = _name(address)
    alike = {same_address(m.git) for m in materials if _name(same_address(m.git)) == name}
    if len(alike) > 1:
        name += "-" + hashlib.sha256(address.encode()).hexdigest()[:6]
    return f"{FOLDER}/{name}"


def pull_address(place: GitPlace, materials: Sequence[Material]) -> str:
    """The page, below the server's base URL, that pulls the repository and then opens the place in JupyterLab."""
    folder = folder_of(place.git, materials)
    query = {
        "repo": place.git,
        "targetpath": folder,
        "urlpath": "/".join(filter(None, ["lab/tree", folder, place.path])),
    }
    if place.branch:
        query["branch"] = place.branch
    return "git-pull?" + urlencode(query)


def _name(address: str) -> str:
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in address.replace(":", "/").split("/")[-1])
    return name.strip(".-") or "materials"


class CourseMaterials:
    """What the course's spec names now, as the courses service says; while it is away, what it said last."""

    def __init__(self, ask: Callable[[], Awaitable[tuple[Material, ...]]], log: Any) -> None:
        self._ask, self._log = ask, log
        self._known: tuple[Material, ...] = ()
        self._asked_at = -FRESH_S

    async def current(self) -> tuple[Material, ...]:
        """The materials, at most some seconds old."""
        if time.monotonic() - self._asked_at >= FRESH_S:
            try:
                self._known, self._asked_at = await self._ask(), time.monotonic()
            except CallFailed as error:
                self._log.warning("The course's materials could not be asked for: %s", error)
        return self._known


class _Asked:
    """For handlers of nbgitpuller: a repository that the course does not name is not pulled."""

    def initialize(self, materials: CourseMaterials) -> None:
        self._materials = materials

    async def prepare(self) -> None:
        repository = self.get_query_argument("repo", "")  # type: ignore[attr-defined]
        if not repository or allowed_place(GitPlace(repository), await self._materials.current()) is None:
            raise web.HTTPError(403, "this course does not name that repository")
        await super().prepare()  # type: ignore[misc]


class AskedSyncHandler(_Asked, SyncHandler):
    """nbgitpuller's stream of events."""


class AskedUIHandler(_Asked, UIHandler):
    """nbgitpuller's page."""


def handlers(materials: CourseMaterials) -> list[tuple[Any, ...]]:
    """nbgitpuller's addresses below the server's base URL."""
    asked = {"materials": materials}
    static = {"path": str(Path(nbgitpuller.__file__).parent / "static")}
    return [
        ("git-pull/api", AskedSyncHandler, asked),
        ("git-pull", AskedUIHandler, asked),
        (url_path_join("git-pull", "static", "(.*)"), web.StaticFileHandler, static),
    ]
