"""Where a click in the LMS ends: a student's notebook; for a grader formgrader, at the assignment or a submission."""

import asyncio
import secrets
import sqlite3
from glob import escape
from pathlib import Path
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from sqlalchemy.exc import SQLAlchemyError
from tornado import web
from traitlets.config import Config

from jupyterhub_courses.adapters.gradebook.database import GradebookMissing
from jupyterhub_courses.core.goals import GitPlace
from jupyterhub_courses.core.materials import allowed_place

from .fetching import ExchangeUnavailable, NotReleased, fetch_once, first_notebook, is_assignment_name
from .gradebook_thread import GradebookThread
from .materials import CourseMaterials, pull_address
from .pages import page
from .surroundings import CourseServer


class OpenHandler(JupyterHandler):
    """GET courses/open?assignment=NAME[&student=USERNAME], or ?git=…&branch=…&path=… for materials.

    `locks`: one an assignment, so that two clicks fetch once.
    """

    def initialize(
        self,
        server: CourseServer,
        root: Path,
        config: Config,
        locks: dict[str, asyncio.Lock],
        materials: CourseMaterials,
        gradebook: GradebookThread | None,
    ) -> None:
        self._server, self._root, self._config, self._locks = server, root, config, locks
        self._materials, self._gradebook = materials, gradebook

    @web.authenticated
    async def get(self) -> None:
        """Redirects; or answers 400, 404 or 503 with a page."""
        name = self.get_query_argument("assignment", "")
        if not name and any(self.get_query_argument(each, "") for each in ("git", "branch", "path")):
            await self._go_to_materials()
        elif not name:
            self._go("formgrader" if self._server.is_grader else "lab")
        elif not is_assignment_name(name):
            self._explain(400, "bad_name")
        elif self._server.course_dir is not None and self.get_query_argument("student", ""):
            await self._review(self._server.course_dir, name, self.get_query_argument("student", ""))
        elif self._server.course_dir is not None:
            self._go_to_formgrader(self._server.course_dir, name)
        else:
            await self._open(name)

    async def _go_to_materials(self) -> None:
        asked = GitPlace(*(self.get_query_argument(each, "")[:1000] for each in ("git", "branch", "path")))
        materials = await self._materials.current()
        place = allowed_place(asked, materials)
        if place is None:
            self._explain(403, "materials_not_allowed")
        else:
            self.redirect(url_path_join(self.base_url, pull_address(place, materials)))

    async def _open(self, name: str) -> None:
        try:
            async with self._locks.setdefault(name, asyncio.Lock()):
                await asyncio.to_thread(fetch_once, self._root, name, self._config, self.log)
        except NotReleased:
            self._explain(404, "not_released", assignment=name)
        except ExchangeUnavailable as error:
            reference = secrets.token_hex(4)
            self.log.error("Fetching assignment %s failed [%s]", name, reference, exc_info=error.__cause__)
            self._explain(503, "exchange_unavailable", reference=reference)
        else:
            self._go("lab/tree", name, first_notebook(self._root / name) or "")

    async def _review(self, course_dir: Path, name: str, username: str) -> None:
        """One student's submission in formgrader; a page where it cannot be shown there yet."""
        if not is_assignment_name(username):
            self._explain(400, "bad_name")
            return
        if self._gradebook is None:
            self._go_to_formgrader(course_dir, name)
            return
        try:
            found = await self._gradebook.submission(name, username)
        except (SQLAlchemyError, sqlite3.Error, OSError, GradebookMissing):
            self.log.exception("The gradebook can't be read for one submission of %s", name)
            self._go_to_formgrader(course_dir, name)
            return
        folder = course_dir / "autograded" / username / name
        shown = [id for id, notebook in found.notebooks if (folder / f"{notebook}.ipynb").is_file()]
        if len(shown) == 1:
            self._go("formgrader/submissions", shown[0], query="/?index=0")
        elif shown:
            self._go("formgrader/manage_students", username, name)
        elif (course_dir / "submitted" / username / name).is_dir():
            self._explain_review("not_autograded", "submissions", name, found.student)
        else:
            self._explain_review("not_collected", "assignments", name, found.student)

    def _go_to_formgrader(self, course_dir: Path, name: str) -> None:
        if any((course_dir / "submitted").glob(f"*/{escape(name)}")):
            self._go("formgrader/manage_submissions", name)
        else:
            # Where it is made, released and collected; the page of its submissions has no button for that.
            self._go("formgrader/manage_assignments")

    def _go(self, place: str, *names: str, query: str = "") -> None:
        self.redirect(url_path_join(self.base_url, place, *(quote(name) for name in names if name)) + query)

    def _explain_review(self, code: str, place: str, assignment: str, student: str) -> None:
        tail = ("manage_submissions", quote(assignment)) if place == "submissions" else ("manage_assignments",)
        links = {place: url_path_join(self.base_url, "formgrader", *tail)}
        self._explain(404, code, links, assignment=assignment, student=student)

    def _explain(self, status: int, code: str, first: dict[str, str] | None = None, **values: str) -> None:
        links = {**(first or {}), "course": self._server.course_page, "lab": url_path_join(self.base_url, "lab")}
        if status == 503:
            links = {"again": self.request.uri or "", **links}
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(page(code, self.request.headers.get("Accept-Language"), links, **values))
