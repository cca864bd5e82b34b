"""All scores of a course of 1,000 students with 20 assignments of 10 cells: our reading of the gradebook beside
nbgrader's own export to CSV. What both say is compared, number by number.

nbgrader makes the gradebook, students and assignments; submissions are inserted in bulk into its tables. Some are
missing, late, corrected by hand, or wait for that. Each side connects anew, and ours takes turns around nbgrader's.
The export takes so long that it is asked for a few of the students only; we always read all of them.
"""

import argparse
import csv
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nbgrader.api import Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins.export import CsvExportPlugin
from sqlalchemy import Engine, event, insert

from jupyterhub_courses.adapters.gradebook.database import open_gradebook
from jupyterhub_courses.adapters.gradebook.reading import GradebookState, read_gradebook
from jupyterhub_courses.adapters.gradebook.writing import create_gradebook

NOTEBOOKS, MOMENT = ("theory", "practice"), datetime(2026, 10, 2, 3, 4, 5)
Row = dict[str, Any]


def fill(url: str, students: int, assignments: int, cells: int) -> list[str]:
    """Make a gradebook, the same one for the same numbers. The students."""
    # nbgrader calls alembic, which stands beside this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    create_gradebook(url, "bench")
    with Gradebook(url, "bench") as gradebook:
        people = [gradebook.add_student(f"student-{number:04}").id for number in range(students)]
        for number in range(assignments):
            name = f"ps{number:02}"
            gradebook.add_assignment(name, duedate=MOMENT)
            for notebook in NOTEBOOKS:
                gradebook.add_notebook(notebook, name)
            for cell in range(cells):
                where = (f"cell{cell}", NOTEBOOKS[cell % 2], name)
                if cell == cells - 1:
                    gradebook.add_task_cell(*where, max_score=5, cell_type="markdown")
                else:
                    gradebook.add_grade_cell(*where, max_score=2, cell_type="code")
        rows = list(submissions(gradebook, random.Random(1)))
    engine = open_gradebook(url, writable=True)
    with engine.begin() as connection:
        for table in (SubmittedAssignment.__table__, SubmittedNotebook.__table__, Grade.__table__):
            connection.execute(insert(table), [row for model, row in rows if model.__table__ is table])
    return people


def submissions(gradebook: Gradebook, draw: random.Random) -> Iterator[tuple[Any, Row]]:
    """Rows that belong to one submission each of nineteen students in twenty."""
    people = [student.id for student in gradebook.students]
    for assignment in gradebook.assignments:
        contents = [(notebook.id, [cell.id for cell in notebook._base_cells]) for notebook in assignment.notebooks]
        for person in people:
            if draw.random() < 0.05:
                continue
            submission, is_late = new_id(draw), draw.random() < 0.1
            yield (
                SubmittedAssignment,
                dict(id=submission, assignment_id=assignment.id, student_id=person, timestamp=MOMENT),
            )
            for notebook_id, cells in contents:
                notebook, penalty = new_id(draw), draw.choice([0.5, 20.0]) if is_late else None
                yield (
                    SubmittedNotebook,
                    dict(
                        id=notebook, assignment_id=submission, notebook_id=notebook_id, late_submission_penalty=penalty
                    ),
                )
                for cell in cells:
                    yield Grade, dict(id=new_id(draw), notebook_id=notebook, cell_id=cell, **points(draw))


def points(draw: random.Random) -> Row:
    """What one cell got: from the autograder, perhaps from a human, perhaps more than all."""
    return {
        "auto_score": draw.choice([0.0, 0.1, 1.0, 2.0]),
        "manual_score": draw.choice([None, None, None, 1.7]),
        "extra_credit": draw.choice([None, None, None, 0.3]),
        "needs_manual_grade": draw.random() < 0.002,
    }


def new_id(draw: random.Random) -> str:
    return UUID(int=draw.getrandbits(128)).hex


def exported(url: str, file: Path, people: list[str]) -> float:
    """Seconds that `nbgrader export --student` takes once it has started."""
    began = time.perf_counter()
    with Gradebook(url, "bench") as gradebook:
        CsvExportPlugin(to=str(file), student=people).export(gradebook)
    return time.perf_counter() - began


def read(url: str) -> tuple[float, GradebookState]:
    """Seconds of one reading, and what was read."""
    began = time.perf_counter()
    state = read_gradebook(open_gradebook(url), time.time)
    return time.perf_counter() - began, state


def queries(url: str) -> int:
    """How many queries one reading asks."""
    asked: list[str] = []
    engine: Engine = open_gradebook(url)
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, statement, *_: asked.append(statement))
    read_gradebook(engine, time.time)
    return sum(statement.startswith("SELECT") for statement in asked)


def compare(state: GradebookState, file: Path, url: str, people: list[str]) -> int:
    """Rows of the export. Every score that was read is there; the others were not submitted, or are not complete."""
    with file.open() as lines:
        rows = {(row["assignment"], row["student_id"]): row for row in csv.DictReader(lines)}
    with Gradebook(url, "bench") as gradebook:
        of_them = gradebook.db.query(SubmittedAssignment).filter(SubmittedAssignment.student_id.in_(people))
        waiting = {(s.assignment.name, s.student_id) for s in of_them.filter(SubmittedAssignment.needs_manual_grade)}
    expected = {key: row for key, row in rows.items() if row["timestamp"] and key not in waiting}
    found = {(score.assignment, score.username): score for score in state.scores if score.username in people}
    assert found.keys() == expected.keys()
    for key, score in found.items():
        assert abs(score.score - float(expected[key]["score"])) < 1e-9, (key, score)
        assert score.max_score == float(expected[key]["max_score"]), (key, score)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--assignments", type=int, default=20)
    parser.add_argument("--cells", type=int, default=10, help="of each assignment")
    parser.add_argument("--exported", type=int, default=10, help="students whose scores nbgrader exports")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url, file = f"sqlite:///{folder}/gradebook.db", Path(folder) / "grades.csv"
        people = fill(url, wanted.students, wanted.assignments, wanted.cells)[: wanted.exported]
        print(f"{wanted.students} students, {wanted.assignments} assignments of {wanted.cells} cells;", end=" ")
        print(f"load {os.getloadavg()[0]:.1f}", flush=True)
        ours = [read(url) for _ in range(3)]
        export = exported(url, file, people)
        ours += [read(url) for _ in range(3)]
        rows = compare(ours[-1][1], file, url, people)
        reading, longest = median(took for took, _ in ours), max(took for took, _ in ours)
        every = wanted.students * wanted.assignments
        print(f"nbgrader's export of {rows:6} rows   {export:7.2f} s")
        print(
            f"our reading of all {every:8} rows   {reading:7.2f} s (at most {longest:.2f} s), {queries(url)} queries;"
        )
        print(
            f"{export / reading:.0f} times as fast, and {every / rows:.0f} times as much; the rows are equal", end="; "
        )
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
