"""nbgrader's own commands and formgrader, with submissions that run apart: the same scores, and the gradebook kept."""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from ..singleuser.jupyter import Server, course_environment, nbgrader, server
from .conftest import CoursesService

SUBMISSIONS = {
    "ada": "answer = 42",
    "bob": "answer = 41",
    "eve": "raise ValueError('no')",
    "fred": "answer = float(open('data.txt').read())",
    "gina": "import sys; print('careful', file=sys.stderr); answer = 42",
    "hana": "from pathlib import Path; answer = 42 if Path('nb.ipynb').exists() else 0",
}


def cell(source: str, grade_id: str, **flags: object) -> nbformat.NotebookNode:
    metadata = {"schema_version": 3, "grade_id": grade_id, "locked": False, "task": False, **flags}
    return new_code_cell(source, metadata={"nbgrader": metadata})


def make_course(home: Path, env: Mapping[str, str], submissions: Mapping[str, str]) -> Path:
    """With ps1 generated, and one submission of each."""
    course = home / "ml101"
    source = course / "source" / "ps1"
    source.mkdir(parents=True)
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Task"),
            cell("### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION", "solution", solution=True, grade=False),
            cell("assert answer == 42", "test", solution=False, grade=True, locked=True, points=5),
            cell("round(answer / 14, 2)", "partial", solution=False, grade=True, locked=True, points=4),
        ]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, source / "nb.ipynb")
    (source / "data.txt").write_text("42")
    made = nbgrader("generate_assignment", "ps1", home=home, env=env)
    assert made.returncode == 0, made.stderr
    released = nbformat.read(course / "release/ps1/nb.ipynb", 4)
    for student, code in submissions.items():
        folder = course / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        released.cells[1].source = code
        nbformat.write(released, folder / "nb.ipynb")
        (folder / "data.txt").write_text("forged by the student")
        (folder / "timestamp.txt").write_text("2026-10-02 03:04:05 UTC")
    return course


def grades(course: Path) -> dict[tuple[str, str], tuple[float | None, bool]]:
    """(student, cell) -> automatic score, whether somebody has to look."""
    with Gradebook(f"sqlite:///{course}/gradebook.db", "ml101") as gradebook:
        return {
            (submission.student_id, grade.name): (grade.auto_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions("ps1")
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def outputs(course: Path, student: str) -> list[list[dict]]:
    notebook = nbformat.read(course / "autograded" / student / "ps1" / "nb.ipynb", 4)
    return [one.get("outputs", []) for one in notebook.cells]


@pytest.fixture
def env(home: Path, service: CoursesService) -> dict[str, str]:
    return {**course_environment(home, "grader", service.url), "JUPYTERHUB_COURSES_AUTOGRADE": "apart"}


def test_scores_and_outputs_are_those_of_autograding_here(
    home: Path, env: dict[str, str], service: CoursesService, tmp_path: Path
) -> None:
    course = make_course(home, env, SUBMISSIONS)
    here = tmp_path / "here"
    shutil.copytree(home, here)
    ran = nbgrader("autograde", "ps1", home=home, env=env)
    assert ran.returncode == 0, ran.stderr
    own = nbgrader("autograde", "ps1", home=here, env=course_environment(here, "grader"))
    assert own.returncode == 0, own.stderr
    assert len(service.pods.made) == len(SUBMISSIONS)  # what was run ahead was not run again
    assert service.pods.most > 2
    assert grades(course) == grades(here / "ml101")
    assert grades(course)["ada", "test"] == (5.0, False) and grades(course)["bob", "test"] == (0.0, False)
    for student in SUBMISSIONS:
        assert outputs(course, student) == outputs(here / "ml101", student)
    assert set(service.pods.here) == {"grader"}
    assert not list((home / ".autograde").iterdir())


def test_a_failed_run_fails_its_submission_alone_and_says_why(
    home: Path, env: dict[str, str], service: CoursesService
) -> None:
    submissions = {"ada": "answer = 42", "mallory": "import os; os._exit(3)", "zoe": "answer = 42"}
    course = make_course(home, env, submissions)
    ran = nbgrader("autograde", "ps1", home=home, env=env)
    assert ran.returncode == 1
    assert "ended its kernel" in ran.stderr
    assert not (course / "autograded" / "mallory").exists() or not list((course / "autograded/mallory").iterdir())
    found = grades(course)
    assert (found["ada", "test"], found["zoe", "test"]) == ((5.0, False), (5.0, False))


def test_runs_wait_for_room_and_for_a_service_that_is_away(
    home: Path, env: dict[str, str], service: CoursesService
) -> None:
    course = make_course(home, env, {name: "answer = 42" for name in ("ada", "bob", "eve")})
    service.pods.quota = 1
    service.answers = [503, 500, 503]
    ran = nbgrader("autograde", "ps1", home=home, env=env)
    assert ran.returncode == 0, ran.stderr
    assert {score for score, _ in grades(course).values()} == {5.0, 3.0}
    assert service.pods.most == 1


def test_a_refusal_is_told_and_nothing_runs_here_instead(
    home: Path, env: dict[str, str], service: CoursesService
) -> None:
    mark = home / "ran-here"
    course = make_course(home, env, {"ada": f"open({str(mark)!r}, 'w'); answer = 42"})
    service.answers = [403]
    ran = nbgrader("autograde", "ps1", home=home, env=env)
    assert ran.returncode == 1 and "Autograding apart is refused" in ran.stderr
    assert not (course / "autograded" / "ada" / "ps1").exists() and not mark.exists()


@pytest.fixture
def grader(home: Path, env: dict[str, str]) -> Iterator[Server]:
    make_course(home, env, {**SUBMISSIONS, "slow": "import time; time.sleep(8); answer = 42"})
    with server(home, env) as running:
        yield running


def test_formgrader_answers_while_submissions_run_and_several_can(
    home: Path, grader: Server, service: CoursesService
) -> None:
    xsrf = grader.get("formgrader/api/assignments").headers["Set-Cookie"].split("_xsrf=")[-1].split(";")[0]
    headers = {"Cookie": f"_xsrf={xsrf}", "X_XSRFToken": xsrf}

    def autograde(student: str):
        return grader.get(f"formgrader/api/submission/ps1/{student}/autograde", method="POST", **headers)

    with ThreadPoolExecutor(3) as clicks:
        slow = clicks.submit(autograde, "slow")
        others = [clicks.submit(autograde, student) for student in ("ada", "bob")]
        for click in others:
            answer = click.result()
            assert answer.status == 200 and answer.json()["success"], answer.text
        assert not slow.done() and grader.get("formgrader/api/assignments").status == 200
        assert slow.result().json()["success"], slow.result().text
    assert grades(home / "ml101")["slow", "test"] == (5.0, False)
    assert len(service.pods.made) == 3

    service.answers = [403, 403]
    failed = autograde("eve").json()
    assert not failed["success"] and "Autograding apart is refused" in failed["log"]
    made = len(service.pods.made)
    path = "formgrader/api/submission/ps1/ada/autograde"
    assert grader.get(path, method="POST", login=False).status in (302, 403)
    assert len(service.pods.made) == made
