"""Keeps the course's roster in the gradebook, so that formgrader shows names before the first submission."""

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from jupyterhub_courses.adapters.courses_api.server import CallFailed, RosterMember
from jupyterhub_courses.adapters.gradebook.writing import RosterChanges, Student

#: Seconds between two fetches, and after a failure.
EVERY, AFTER_FAILURE = 60.0, 10.0


class Gradebook(Protocol):
    """Where the roster goes."""

    async def write_roster(self, students: Iterable[Student]) -> RosterChanges: ...


class Service(Protocol):
    """Where the roster comes from."""

    async def roster(self) -> tuple[RosterMember, ...]: ...


def student_of(member: RosterMember) -> Student:
    """A member as nbgrader's student; staff and people who left are not enrolled."""
    last_name = member.family_name or (member.name if not member.given_name else "")
    return Student(
        id=member.username,
        first_name=member.given_name or None,
        last_name=last_name or None,
        email=member.email or None,
        lms_user_id=member.lms_user_id or None,
        enrolled=member.role == "student" and member.active,
    )


class RosterKeeper:
    """Fetches and writes until its task is cancelled."""

    def __init__(self, gradebook: Gradebook, service: Service, log: logging.Logger) -> None:
        self._gradebook, self._service, self._log = gradebook, service, log
        self._written_at: float | None = None
        self._error: str | None = None

    async def run(self) -> None:
        """At once, then every minute."""
        while True:
            try:
                went_well = await self.keep()
            except Exception:
                # Whatever it was, such as nbgrader failing to make a gradebook: the next time may go well.
                self._log.exception("Roster: unexpected")
                went_well, self._error = False, "unexpected, see the log"
            await asyncio.sleep(EVERY if went_well else AFTER_FAILURE)

    async def keep(self) -> bool:
        """Once; whether it went well."""
        try:
            members = await self._service.roster()
            changes = await self._gradebook.write_roster([student_of(m) for m in members if m.username])
        except (CallFailed, SQLAlchemyError, OSError) as error:
            text = str(error) if isinstance(error, CallFailed) else type(error).__name__
            if text != self._error:
                self._log.warning("Roster: %s", text)
            self._error = text
            return False
        self._error, self._written_at = None, time.time()
        if changes.added or changes.changed or changes.removed:
            self._log.info(
                "Roster: %d students added, %d changed, %d removed",
                changes.added,
                changes.changed,
                changes.removed,
            )
        return True

    def status(self) -> dict[str, Any]:
        """JSON that names nobody."""
        written = self._written_at
        return {
            "last_written": datetime.fromtimestamp(written, UTC).isoformat() if written else None,
            "error": self._error,
        }
