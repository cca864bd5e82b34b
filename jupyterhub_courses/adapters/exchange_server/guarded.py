"""What every handler of this exchange shares: who acts, one transaction a request, checked files, JSON errors.

Promises: an unforeseen error is answered with a reference that the log has too, and with no detail; a name or a
path that leads elsewhere is refused before anything is stored. Who is asking was decided by the door.
"""

import datetime
import http
import json
import logging
import os
import secrets
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ngshare.database import User  # type: ignore[import-untyped]
from sqlalchemy.orm import Session
from tornado.web import Finish, RequestHandler

from .door import ADMIN_HEADER, PERSON_HEADER, refusal_body, upload_refusal
from .paths import is_safe_name, is_safe_path

log = logging.getLogger(__name__)


class Guarded(RequestHandler):
    """Mixed in before a handler of ngshare: replaces its questions to the hub, its trust, its error pages."""

    application: Any  # handlers.ExchangeApplication
    db: Session
    user: Any
    json_error: Callable[..., Any]
    json_success: Callable[..., Any]

    def set_default_headers(self) -> None:
        """ngshare sends its JSON as text/html."""
        self.set_header("Content-Type", "application/json")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        self.db = self.application.db_session()
        for name in self.path_args:
            if not is_safe_name(name):
                self.json_error(400, "A name in the address cannot be used here.")
        name = self.request.headers[PERSON_HEADER]
        self.user = User.from_jupyterhub_user({"name": name}, self.db)

    def get_current_user(self) -> Any:
        """For ngshare's `@authenticated`; the door has asked the hub."""
        return {"name": self.request.headers[PERSON_HEADER]}

    def is_admin(self) -> bool:
        """Whether the courses service asks; ngshare compares names, and a name can be chosen."""
        return bool(self.request.headers[ADMIN_HEADER])

    def find_or_create_user(self, user_id: Any) -> Any:
        """ngshare's, without its commit: a request that fails later leaves nothing behind."""
        if not isinstance(user_id, str) or not is_safe_name(user_id):
            self.json_error(400, "A username cannot be used here.")
        user = self.db.get(User, user_id)
        if user is None:
            user = User(user_id)
            self.db.add(user)
        return user

    def strftime(self, moment: datetime.datetime) -> str:
        """nbgrader's format of a moment: `2026-01-31 12:00:00.000000 UTC`. SQLite has kept no zone."""
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f") + " UTC"

    def find_student_submission(self, assignment: Any, student: Any, timestamp: Any) -> Any:
        """ngshare compares a TIMESTAMP with the words of a request when a submission is downloaded: 500."""
        if isinstance(timestamp, str):
            timestamp = self.strptime(timestamp)  # type: ignore[attr-defined]
        return super().find_student_submission(assignment, student, timestamp)  # type: ignore[misc]

    def json_files_unpack(self, json_str: str | None, target: list[Any]) -> None:
        """ngshare's storing of files, after the checks it lacks; they are on the disk before their rows."""
        if json_str is not None:
            self._check_files(json_str)
        super().json_files_unpack(json_str, target)  # type: ignore[misc]
        for file in target:
            _to_disk(self.application.storage_path / file.actual_name)
        _to_disk(self.application.storage_path)

    def _check_files(self, json_str: str) -> None:
        try:
            listed = json.loads(json_str)
            entries = [(entry["path"], entry["content"]) for entry in listed]
            size = sum(_decoded_size(content) for _, content in entries)
        except (ValueError, TypeError, KeyError, AttributeError):
            self.json_error(400, "The files of this request cannot be read.")
        if not isinstance(listed, list) or not listed:
            self.json_error(400, "This request holds no files.")
        if size > self.application.upload_limit:
            refusal = upload_refusal(self.application.upload_limit)
            self.set_status(refusal.status)
            raise Finish(refusal_body(refusal))
        paths = [path for path, _ in entries]
        if not all(isinstance(path, str) and is_safe_path(path) for path in paths):
            self.json_error(400, "The path of a file cannot be used here.")
        folders = {path[:i] for path in paths for i, character in enumerate(path) if character == "/"}
        if len(set(paths)) != len(paths) or folders & set(paths):
            self.json_error(400, "Two files of this request have the same path.")

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Where it happened, without the values: messages of exceptions repeat names and contents."""
        if getattr(value, "status_code", 500) < 500:
            return
        self.reference = secrets.token_hex(4)
        frames = "".join(traceback.format_tb(tb))
        name = typ.__name__ if typ else "error"
        log.error("[%s] %s in %s\n%s", self.reference, name, type(self).__name__, frames)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code >= 500:
            reference = getattr(self, "reference", secrets.token_hex(4))
            message = f"The exchange failed; nothing was stored. Reference: {reference}"
            self.finish(json.dumps({"success": False, "message": message, "reference": reference}))
        else:
            message = http.HTTPStatus(status_code).phrase
            self.finish(json.dumps({"success": False, "message": message}))


def _decoded_size(content: str) -> int:
    """Bytes in base64 text, which may be broken into lines."""
    return (len(content) - content.count("\n")) * 3 // 4 - content.rstrip()[-2:].count("=")


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
