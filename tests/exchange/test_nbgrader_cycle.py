"""nbgrader's whole cycle over the exchange, with nbgrader's own commands and the tokens of real servers."""

import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

CONFIG = """
import os
from jupyterhub_courses.exchange import configure
c = get_config()
configure(c)
c.CourseDirectory.course_id = os.environ["JUPYTERHUB_COURSES_COURSE"]
c.Exchange.timezone = "Europe/Vienna"
"""


@dataclass
class Person:
    """Somebody with a home of their own and the environment of their server of ml101."""

    name: str
    home: Path
    environment: dict[str, str]

    def nbgrader(self, *arguments: str, fails: bool = False) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert bool(run.returncode) == fails, run.stdout + run.stderr
        return run.stdout + run.stderr


@pytest.fixture(scope="module")
def exchange(hub, start_exchange):
    running = start_exchange(hub.api_url)
    running.service.post("course", "ml101", fields={"instructors": '["grader-ml101"]'})
    for name in ("ada", "bob"):
        fields = {"first_name": "", "last_name": "", "email": ""}
        running.service.post("student", "ml101", name, fields=fields)
    return running


@pytest.fixture(scope="module")
def person(hub, exchange, tmp_path_factory):
    def make(name: str) -> Person:
        home = tmp_path_factory.mktemp(name)
        (home / "nbgrader_config.py").write_text(CONFIG)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "EXCHANGE_"))}
        environment |= {
            "HOME": str(home),
            "JUPYTER_PLATFORM_DIRS": "0",
            "JUPYTERHUB_USER": name,
            "JUPYTERHUB_API_TOKEN": hub.server_token(name, "ml101"),
            "JUPYTERHUB_COURSES_COURSE": "ml101",
            "JUPYTERHUB_COURSES_EXCHANGE_URL": exchange.url,
        }
        return Person(name, home, environment)

    return make


def write_assignment(course: Path) -> None:
    """`ps1` with one question: a solution to write and its test, two points."""
    solution = new_code_cell("def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION")
    test = new_code_cell("assert double(2) == 4")
    base = {"schema_version": 3, "locked": False, "task": False}
    solution.metadata["nbgrader"] = base | {"grade_id": "double", "grade": False, "solution": True}
    test.metadata["nbgrader"] = base | {
        "grade_id": "test",
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 2,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[solution, test], metadata={"kernelspec": kernel})
    source = course / "source" / "ps1"
    (source / "data").mkdir(parents=True)
    nbformat.write(notebook, source / "double.ipynb")
    (source / "data" / "numbers.csv").write_bytes(b"1,2\r\n\xff\x00")


def answer(person: Person, code: str) -> None:
    path = person.home / "ps1" / "double.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source = code
    nbformat.write(notebook, path)


def test_an_assignment_goes_all_the_way_round(person, exchange):
    teacher, ada, bob = person("grader-ml101"), person("ada"), person("bob")
    write_assignment(teacher.home)
    teacher.nbgrader("generate_assignment", "ps1")
    teacher.nbgrader("release_assignment", "ps1")

    # listed, fetched, worked on, submitted; a claimed moment is not believed
    assert "ml101 ps1" in ada.nbgrader("list")
    for student in (ada, bob):
        student.nbgrader("fetch_assignment", "ps1")
    assert (ada.home / "ps1" / "data" / "numbers.csv").read_bytes() == b"1,2\r\n\xff\x00"
    answer(ada, "def double(x):\n    return x + x  # from_ada")
    (ada.home / "ps1" / "timestamp.txt").write_text("2001-01-01 00:00:00.000000 UTC")
    answer(bob, "def double(x):\n    return 3 * x  # from_bob")
    for student in (ada, bob):
        student.nbgrader("submit", "ps1")
    inbound = teacher.nbgrader("list", "--inbound")
    assert "ada ps1" in inbound and "bob ps1" in inbound

    # collected, and graded at the exchange's moment
    teacher.nbgrader("collect", "ps1")
    moment = (teacher.home / "submitted" / "ada" / "ps1" / "timestamp.txt").read_text()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC", moment) and not moment.startswith("2001")
    teacher.nbgrader("autograde", "ps1", "--create")
    with sqlite3.connect(teacher.home / "gradebook.db") as gradebook:
        rows = gradebook.execute(
            "select a.student_id, a.timestamp, sum(g.auto_score) from submitted_assignment a"
            " join submitted_notebook n on n.assignment_id = a.id join grade g on g.notebook_id = n.id"
            " group by a.student_id, a.timestamp"
        ).fetchall()
    assert {(name, score) for name, _, score in rows} == {("ada", 2.0), ("bob", 0.0)}
    assert {name: when for name, when, _ in rows}["ada"] == moment.removesuffix(" UTC")

    # feedback of every submission, to its own student
    teacher.nbgrader("generate_feedback", "ps1")
    teacher.nbgrader("release_feedback", "ps1")
    assert "ready to be fetched" in ada.nbgrader("list", "--cached")
    for student in (ada, bob):
        student.nbgrader("fetch_feedback", "ps1")
        (page,) = student.home.glob("ps1/feedback/*/*.html")
        assert page.name == "double.html" and f"from_{student.name}" in page.read_text()
    assert [folder.name for folder in (ada.home / "ps1" / "feedback").iterdir()] == [moment]


def test_a_refusal_is_a_sentence_and_an_exit_status(person):
    assert "not found" in person("ada").nbgrader("fetch_assignment", "nothing", fails=True)
