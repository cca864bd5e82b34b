"""One student's submission of one assignment, as formgrader names it."""

from dataclasses import dataclass

from sqlalchemy import Engine, select

from .database import ASSIGNMENT, NOTEBOOK, STUDENT, SUBMISSION, SUBMITTED_NOTEBOOK


@dataclass(frozen=True)
class Submission:
    """`notebooks`: (formgrader's id, notebook's name), by name; empty while nothing has come in."""

    student: str
    notebooks: tuple[tuple[str, str], ...]


def find_submission(engine: Engine, assignment: str, username: str) -> Submission:
    """What the gradebook knows. Raises GradebookMissing, or SQLAlchemyError when it can't be read (yet)."""
    notebooks = (
        select(SUBMITTED_NOTEBOOK.c.id, NOTEBOOK.c.name)
        .join(SUBMISSION, SUBMISSION.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
        .where(ASSIGNMENT.c.name == assignment, SUBMISSION.c.student_id == username)
        .order_by(NOTEBOOK.c.name)
    )
    names = select(STUDENT.c.first_name, STUDENT.c.last_name).where(STUDENT.c.id == username)
    with engine.connect() as connection, connection.begin():
        found = tuple((row.id, row.name) for row in connection.execute(notebooks))
        person = connection.execute(names).one_or_none()
    called = " ".join(part for part in person or () if part)
    return Submission(f"{called} ({username})" if called else username, found)
