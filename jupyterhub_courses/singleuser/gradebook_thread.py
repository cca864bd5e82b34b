"""All work on the gradebook in a thread of its own: a locked or slow file never stops the event loop."""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from jupyterhub_courses.adapters.gradebook.changes import ChangeSensor
from jupyterhub_courses.adapters.gradebook.database import open_gradebook
from jupyterhub_courses.adapters.gradebook.reading import GradebookState, read_gradebook
from jupyterhub_courses.adapters.gradebook.submissions import Submission, find_submission
from jupyterhub_courses.adapters.gradebook.writing import (
    RosterChanges,
    Student,
    create_gradebook,
    write_roster,
)

T = TypeVar("T")


class GradebookThread:
    """One course's gradebook. Raises GradebookMissing, SQLAlchemyError, sqlite3.Error, OSError."""

    def __init__(self, db_url: str, course: str) -> None:
        self._db_url, self._course = db_url, course
        self._reader = open_gradebook(db_url)
        self._sensor = ChangeSensor(db_url)
        self._thread = ThreadPoolExecutor(1, "gradebook")

    async def version(self) -> Hashable | None:
        """As ChangeSensor.version."""
        return await self._run(self._sensor.version)

    async def read(self, clock: Callable[[], float]) -> GradebookState:
        """As read_gradebook."""
        return await self._run(partial(read_gradebook, self._reader, clock))

    async def submission(self, assignment: str, username: str) -> Submission:
        """As find_submission."""
        return await self._run(partial(find_submission, self._reader, assignment, username))

    async def write_roster(self, students: Iterable[Student]) -> RosterChanges:
        """As write_roster; makes the gradebook where there is none."""
        return await self._run(partial(self._write_roster, tuple(students)))

    async def close(self) -> None:
        """Give the file and the thread back."""
        await self._run(self._sensor.close)
        self._thread.shutdown(wait=False)

    def _write_roster(self, students: tuple[Student, ...]) -> RosterChanges:
        create_gradebook(self._db_url, self._course)
        return write_roster(open_gradebook(self._db_url, writable=True), students)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
