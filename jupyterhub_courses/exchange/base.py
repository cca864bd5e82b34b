"""What the classes of this exchange share: the client, the course, the acting person, how failures are told."""

import os
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from nbgrader.exchange import ExchangeError, default
from nbgrader.utils import parse_utc
from traitlets import default as trait_default

from jupyterhub_courses.adapters.exchange_server.paths import is_safe_name

from .client import Client, RequestFailed
from .files import FilesError

T = TypeVar("T")

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC")


class Exchange(default.Exchange):  # type: ignore[misc]
    """nbgrader's exchange, reached through the exchange server of the course. `root` is only shown."""

    @trait_default("root")
    def _root_default(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_EXCHANGE_URL", "")

    def ensure_root(self) -> None:
        """There is no shared folder."""

    def fail(self, msg: str) -> NoReturn:
        self.log.fatal(msg)
        raise ExchangeError(msg)

    @cached_property
    def client(self) -> Client:
        """The client, from the environment of a server of a course."""
        url = os.environ.get("JUPYTERHUB_COURSES_EXCHANGE_URL", "")
        token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
        if not url or not token:
            self.fail(
                "The exchange can be used only inside a server of a course: JUPYTERHUB_COURSES_EXCHANGE_URL or "
                "JUPYTERHUB_API_TOKEN is not set."
            )
        return Client(url.rstrip("/") + "/", token)

    @property
    def me(self) -> str:
        """The hub username of this server; the exchange takes it from the token, whatever is said here."""
        return os.environ.get("JUPYTERHUB_USER", "")

    @property
    def course(self) -> str:
        """The course of this command, by default the one of this server."""
        course = self.coursedir.course_id if self.coursedir.course_id not in ("", "*") else ""
        course = course or os.environ.get("JUPYTERHUB_COURSES_COURSE", "")
        if not course:
            self.fail("No course id specified. Re-run with --course flag.")
        return self.safe(course)

    @property
    def assignment(self) -> str:
        """The assignment of this command."""
        return self.safe(self.coursedir.assignment_id)

    def only_me(self) -> None:
        """Refuse `--student` of somebody else where nbgrader would let a student claim to be anybody."""
        if self.coursedir.student_id not in ("", "*", self.me):
            self.fail(f"You are {self.me} here and can do this only for yourself.")

    def safe(self, name: str) -> str:
        """`name`, when it can be one component of a path."""
        if not is_safe_name(name) or "+" in name:
            self.fail(f"The name {name!r} cannot be used in the exchange.")
        return name

    def folder_of(self, course: str, assignment: str) -> Path:
        """Where a fetched assignment lies."""
        parts = (course, assignment) if self.path_includes_course else (assignment,)
        return Path(self.assignment_dir, *parts).absolute()

    def told(self, action: Callable[[], T]) -> T:
        """The result of `action`, or nbgrader's failure with a sentence that a person can use."""
        try:
            return action()
        except (RequestFailed, FilesError, RuntimeError) as error:
            self.fail(str(error))
        except OSError as error:
            self.fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))

    def my_submissions(self, course: str, assignment: str) -> list[str]:
        """The moments of this person's submissions, oldest first; none when the assignment is gone."""
        try:
            answer = self.client.get("submissions", course, assignment, self.me)
        except RequestFailed as error:
            if error.status == 404:
                return []
            raise
        return sorted(timestamp(row["timestamp"]) for row in answer["submissions"])

    def feedback_checksums(self, course: str, assignment: str, student: str, moment: str) -> dict[str, str]:
        """MD5 of every feedback page of a submission, by notebook; empty when there is none yet."""
        try:
            answer = self.client.get("feedback", course, assignment, student, timestamp=moment, list_only="true")
        except RequestFailed as error:
            if error.status == 404:
                return {}
            raise
        pages = {str(row["path"]): str(row["checksum"]) for row in answer["files"]}
        return {path.removesuffix(".html"): checksum for path, checksum in pages.items() if path.endswith(".html")}


def timestamp(text: Any) -> str:
    """A moment in nbgrader's format and UTC; FilesError for anything else, as it becomes a folder's name."""
    try:
        moment = parse_utc(str(text).strip()).strftime("%Y-%m-%d %H:%M:%S.%f") + " UTC"
    except (ValueError, OverflowError, AttributeError) as error:
        raise FilesError("A timestamp cannot be read.") from error
    if not _TIMESTAMP.fullmatch(moment):
        raise FilesError("A timestamp cannot be read.")
    return moment
