"""The state read from a gradebook is nbgrader's own, number by number."""

import csv
import math
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from nbgrader.plugins.export import CsvExportPlugin

from jupyterhub_courses.adapters.gradebook.database import GradebookMissing, open_gradebook
from jupyterhub_courses.adapters.gradebook.reading import GradebookState, read_gradebook

points = st.floats(0, 100, allow_nan=False) | st.integers(0, 10).map(float)
maybe = st.none() | points
cells = st.lists(st.tuples(st.sampled_from(["code", "markdown", "task"]), points), max_size=4)
notebooks = st.lists(cells, max_size=3)
courses = st.lists(notebooks, min_size=1, max_size=3)
grade = st.fixed_dictionaries(
    {
        "auto_score": maybe,
        "manual_score": maybe,
        "extra_credit": maybe | st.just(-1.0),
        # Mostly complete, or hardly a submission would be.
        "needs_manual_grade": st.sampled_from([False] * 9 + [True]),
    }
)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def state_of(path: Path) -> GradebookState:
    return read_gradebook(open_gradebook(url(path)), time.time)


def build(gradebook: Gradebook, course: list, draw: Callable) -> None:
    """Fill `gradebook` through nbgrader's own API."""
    for student in ("ada", "bob"):
        gradebook.add_student(student)
    for a, contents in enumerate(course):
        name = f"ps{a}"
        gradebook.add_assignment(name, duedate=draw(st.none() | st.just("2026-10-01T12:00:00 UTC")))
        for n, cells_of_notebook in enumerate(contents):
            gradebook.add_notebook(f"nb{n}", name)
            for c, (kind, max_score) in enumerate(cells_of_notebook):
                add = gradebook.add_task_cell if kind == "task" else gradebook.add_grade_cell
                cell_type = "markdown" if kind == "task" else kind
                add(f"c{c}", f"nb{n}", name, max_score=max_score, cell_type=cell_type)
        for student in ("ada", "bob"):
            if draw(st.integers(0, 4)):
                _submit(gradebook, name, student, draw)


def _submit(gradebook: Gradebook, name: str, student: str, draw: Callable) -> None:
    submission = gradebook.add_submission(name, student, timestamp=datetime(2026, 10, 2, 3, 4, 5))
    for notebook in submission.notebooks:
        notebook.late_submission_penalty = draw(maybe)
        for one in notebook.grades:
            for field, value in draw(grade).items():
                setattr(one, field, value)
    gradebook.db.commit()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(course=courses, data=st.data())
def test_every_number_is_nbgraders_own(fresh_copy: Callable[[], Path], course: list, data: st.DataObject) -> None:
    path = fresh_copy()
    with Gradebook(url(path), "ml101") as gradebook:
        build(gradebook, course, data.draw)
        state = state_of(path)
        assert {a.name: a.max_score for a in state.assignments} == pytest.approx(
            {a.name: a.max_score for a in gradebook.assignments}
        )
        complete = {
            (a.name, s.student.id): s
            for a in gradebook.assignments
            for s in a.submissions
            if not s.needs_manual_grade and any(n.grades for n in s.notebooks)
        }
        assert {(s.assignment, s.username) for s in state.scores} == set(complete)
        for score in state.scores:
            own = complete[score.assignment, score.username]
            assert score.score == pytest.approx(max(0.0, own.score - own.late_submission_penalty))
            assert score.max_score == pytest.approx(own.max_score)
            assert score.graded_at == "2026-10-02T03:04:05+00:00"
        # Rows of the export that are not here have no submission, or one that is not complete.
        rows = exported(gradebook, path.with_name("grades.csv"))
        assert rows.keys() >= set(complete)
        for score in state.scores:
            assert (score.score, score.max_score) == pytest.approx(rows[score.assignment, score.username])
    shutil.rmtree(path.parent)


def exported(gradebook: Gradebook, file: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """(score, maximum) of every row of `nbgrader export`."""
    CsvExportPlugin(to=str(file)).export(gradebook)
    with file.open() as lines:
        rows = csv.DictReader(lines)
        return {(r["assignment"], r["student_id"]): (float(r["score"]), float(r["max_score"])) for r in rows}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(course=courses, data=st.data())
def test_a_change_of_one_cell_changes_one_score_at_most(
    fresh_copy: Callable[[], Path], course: list, data: st.DataObject
) -> None:
    path = fresh_copy()
    with Gradebook(url(path), "ml101") as gradebook:
        build(gradebook, course, data.draw)
        before = {(score.assignment, score.username): score for score in state_of(path).scores}
        grades = [g for a in gradebook.assignments for s in a.submissions for n in s.notebooks for g in n.grades]
        if grades:
            one = data.draw(st.sampled_from(sorted(grades, key=str)))
            for field, value in data.draw(grade).items():
                setattr(one, field, value)
            gradebook.db.commit()
            after = {(score.assignment, score.username): score for score in state_of(path).scores}
            changed = {key for key in before | after if before.get(key) != after.get(key)}
            assert changed <= {(one.assignment.name, one.student.id)}
    shutil.rmtree(path.parent)


@pytest.fixture
def graded(gradebook_path: Path) -> Path:
    """One assignment with one cell, ada's submission to it autograded with 4 of 5."""
    with Gradebook(url(gradebook_path), "ml101") as gradebook:
        gradebook.add_assignment("ps1", duedate="2026-10-01 12:00:00 UTC")
        gradebook.add_notebook("nb", "ps1")
        gradebook.add_grade_cell("c", "nb", "ps1", max_score=5, cell_type="code")
        gradebook.add_student("ada")
        gradebook.add_submission("ps1", "ada")
        set_grade(gradebook, auto_score=4.0, needs_manual_grade=False)
    return gradebook_path


def set_grade(gradebook: Gradebook, **values: float | bool | None) -> None:
    one = gradebook.find_grade("c", "nb", "ps1", "ada")
    for name, value in values.items():
        setattr(one, name, value)
    gradebook.db.commit()


def test_an_assignment_of_another_name_is_the_same_one(graded: Path) -> None:
    before = state_of(graded).assignments[0]
    with Gradebook(url(graded), "ml101") as gradebook:
        gradebook.find_assignment("ps1").name = "hw1"
        gradebook.db.commit()
    after = state_of(graded).assignments[0]
    assert (after.name, after.id) == ("hw1", before.id)


def test_due_dates_are_utc(graded: Path) -> None:
    assert state_of(graded).assignments[0].due_at == "2026-10-01T12:00:00+00:00"


def test_the_state_as_json_is_what_the_service_takes(graded: Path) -> None:
    before = time.time()
    body = state_of(graded).as_json()
    assert before <= body.pop("taken_at") <= time.time()
    graded_at = body["scores"][0].pop("graded_at")
    assert len(body["assignments"][0].pop("id")) == 32
    assert datetime.fromisoformat(graded_at).utcoffset() is not None
    assert body == {
        "assignments": [{"name": "ps1", "max_score": 5.0, "due_at": "2026-10-01T12:00:00+00:00"}],
        "scores": [{"assignment": "ps1", "username": "ada", "score": 4.0, "max_score": 5.0, "comment": None}],
    }


def test_a_submission_that_was_only_collected_has_no_score(graded: Path) -> None:
    with Gradebook(url(graded), "ml101") as gradebook:
        gradebook.add_student("bob")
        gradebook.add_submission("ps1", "bob")
    assert [score.username for score in state_of(graded).scores] == ["ada"]


def test_a_submission_that_waits_for_a_human_has_no_score(graded: Path) -> None:
    with Gradebook(url(graded), "ml101") as gradebook:
        set_grade(gradebook, needs_manual_grade=True)
    assert state_of(graded).scores == ()


def test_infinity_typed_into_formgrader_is_left_out(graded: Path) -> None:
    with Gradebook(url(graded), "ml101") as gradebook:
        set_grade(gradebook, manual_score=math.inf)
    assert state_of(graded).scores == ()
    with sqlite3.connect(graded) as connection:
        connection.execute("UPDATE grade_cells SET max_score = 9e999")
    connection.close()
    assert state_of(graded).assignments == ()


def test_reading_can_change_nothing_and_makes_no_file(graded: Path, tmp_path: Path) -> None:
    with (
        open_gradebook(url(graded)).connect() as connection,
        pytest.raises(Exception, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM grade")
    with pytest.raises(GradebookMissing):
        state_of(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_a_snapshot_is_of_one_moment(graded: Path) -> None:
    """Nobody can commit while a snapshot is taken; here somebody tries between its queries."""
    outcomes = []

    def clock() -> float:
        other = sqlite3.connect(graded, timeout=0)
        try:
            other.execute("UPDATE grade SET auto_score = 1")
            other.commit()
        except sqlite3.OperationalError as error:
            outcomes.append(str(error))
        finally:
            other.close()
        return 1.0

    state = read_gradebook(open_gradebook(url(graded)), clock)
    assert outcomes == ["database is locked"]
    assert [score.score for score in state.scores] == [4.0]


def test_a_gradebook_whose_writer_was_killed_is_read_as_it_was_before(graded: Path) -> None:
    killed = f"""
import os, sqlite3
connection = sqlite3.connect({str(graded)!r})
connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the commit
connection.execute("CREATE TABLE filler (x)")
connection.commit()
connection.execute("UPDATE grade SET auto_score = 0")
connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 2000,)] * 500)
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert graded.with_name("gradebook.db-journal").exists()
    assert [score.score for score in state_of(graded).scores] == [4.0]
