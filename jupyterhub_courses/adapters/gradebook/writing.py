"""The roster in nbgrader's gradebook, so that names and LMS ids are there before the first submission.

Promises: writing the same roster twice changes nothing, a student with a submission is never deleted, and
people whom the roster does not name (added by hand in formgrader) are left alone.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, delete, insert, select, update

from .database import STUDENT, SUBMISSION, sqlite_path


@dataclass(frozen=True)
class Student:
    """A person of the roster; `id` is the hub username. `enrolled`: a student now, and active."""

    id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    lms_user_id: str | None
    enrolled: bool = True


@dataclass(frozen=True)
class RosterChanges:
    """How many rows were written."""

    added: int
    changed: int
    removed: int


def create_gradebook(db_url: str, course: str) -> None:
    """Make an empty gradebook with nbgrader's own means, unless there is one. Needs `alembic` on PATH."""
    path = sqlite_path(db_url)
    if path is not None:
        if os.path.exists(path) and os.path.getsize(path):
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    # Takes about a second to import.
    from nbgrader.api import Gradebook

    Gradebook(db_url, course).close()


def write_roster(engine: Engine, students: Iterable[Student]) -> RosterChanges:
    """Bring the table of students in line, in one transaction. `engine`: opened writable."""
    wanted = {student.id: student for student in students}
    added, changed, removed = [], [], []
    with engine.begin() as connection:
        present = {row.id: row for row in connection.execute(select(STUDENT))}
        submitted = set(connection.execute(select(SUBMISSION.c.student_id).distinct()).scalars())
        for student in wanted.values():
            row = present.get(student.id)
            if not student.enrolled:
                if row is not None and student.id not in submitted:
                    removed.append(student.id)
            elif row is None:
                added.append(_values(student))
            elif any(getattr(row, name) != value for name, value in _values(student).items()):
                changed.append(student)
        if added:
            connection.execute(insert(STUDENT), added)
        for student in changed:
            connection.execute(update(STUDENT).where(STUDENT.c.id == student.id).values(_values(student)))
        if removed:
            connection.execute(delete(STUDENT).where(STUDENT.c.id.in_(removed)))
    return RosterChanges(len(added), len(changed), len(removed))


def _values(student: Student) -> dict[str, str | None]:
    values = asdict(student)
    del values["enrolled"]
    return values
