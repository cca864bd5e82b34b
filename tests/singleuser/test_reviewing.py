"""A look at one student's submission, as an LMS's gradebook asks for it: nbgrader's own page, or why there is none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from .jupyter import Server, course_environment, server
from .service import StubService

NOTEBOOK = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("The work of ada")])


@pytest.fixture
def course_dir(tmp_path: Path) -> Path:
    """ps1 has one notebook, ps2 two; ada and bob have submitted both."""
    folder = tmp_path / "ml101"
    folder.mkdir()
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "ml101") as gradebook:
        gradebook.add_student("eve", first_name="Eve", last_name="<i>Moneypenny")  # in no roster: keeps her name
        gradebook.add_student("ada")
        gradebook.add_student("bob")
        for assignment, notebooks in (("ps1", ["nb"]), ("ps2", ["a ä", "b"])):
            gradebook.add_assignment(assignment)
            for notebook in notebooks:
                gradebook.add_notebook(notebook, assignment)
                gradebook.add_grade_cell("c", notebook, assignment, max_score=5, cell_type="code")
            for student in ("ada", "bob"):
                gradebook.add_submission(assignment, student)
    return folder


@pytest.fixture
async def grader(tmp_path: Path, course_dir: Path, service: StubService) -> AsyncIterator[Server]:
    running = server(tmp_path, course_environment(tmp_path, "grader", service.url))
    yield await asyncio.to_thread(running.__enter__)
    await asyncio.to_thread(running.__exit__, None, None, None)


def put(course_dir: Path, step: str, student: str, assignment: str, *notebooks: str) -> None:
    folder = course_dir / step / student / assignment
    folder.mkdir(parents=True)
    for name in notebooks:
        nbformat.write(NOTEBOOK, folder / f"{name}.ipynb")


async def test_an_autograded_submission_opens_in_formgrader(grader: Server, course_dir: Path) -> None:
    put(course_dir, "autograded", "ada", "ps1", "nb")
    put(course_dir, "autograded", "bob", "ps1", "nb")
    answer = grader.get("courses/open?assignment=ps1&student=ada")
    assert answer.status == 302 and answer.location.startswith(grader.base + "formgrader/submissions/")
    page = grader.get(answer.location.removeprefix(grader.base))
    assert page.status == 200 and "The work of ada" in page.text
    other = grader.get("courses/open?assignment=ps1&student=bob")
    assert other.status == 302 and other.location != answer.location


async def test_several_notebooks_open_as_formgraders_list_of_them(grader: Server, course_dir: Path) -> None:
    put(course_dir, "autograded", "ada", "ps2", "a ä", "b")
    answer = grader.get("courses/open?assignment=ps2&student=ada")
    assert (answer.status, answer.location) == (302, grader.base + "formgrader/manage_students/ada/ps2")
    assert grader.get("formgrader/manage_students/ada/ps2").status == 200


async def test_what_is_not_there_yet_has_a_page_that_says_what_to_do(grader: Server, course_dir: Path) -> None:
    (course_dir / "submitted" / "bob" / "ps1").mkdir(parents=True)
    none = grader.get("courses/open?assignment=ps1&student=eve")
    collected = grader.get("courses/open?assignment=ps1&student=bob", Accept_Language="de")
    assert (none.status, collected.status) == (404, 404)
    assert "has been collected from Eve &lt;i&gt;Moneypenny (eve)" in none.text
    assert f'href="{grader.base}formgrader/manage_assignments"' in none.text
    assert "noch nicht automatisch bewertet" in collected.text
    assert f'href="{grader.base}formgrader/manage_submissions/ps1"' in collected.text


async def test_a_stranger_an_unknown_assignment_and_odd_names_are_no_errors(grader: Server, course_dir: Path) -> None:
    for query in (
        "assignment=ps1&student=nobody",
        "assignment=ps9&student=ada",
        "assignment=ps1&student=a%27%20OR%201",
    ):
        assert grader.get(f"courses/open?{query}").status == 404
    for student in ("..%2F..%2Fetc", "%2Fetc%2Fpasswd", ".hidden"):
        assert grader.get(f"courses/open?assignment=ps1&student={student}").status == 400


async def test_a_broken_gradebook_leads_to_formgraders_own_pages(grader: Server, course_dir: Path) -> None:
    (course_dir / "broken.db").write_bytes(b"no database at all" * 1000)
    (course_dir / "broken.db").rename(course_dir / "gradebook.db")
    answer = grader.get("courses/open?assignment=ps1&student=ada")
    assert (answer.status, answer.location) == (302, grader.base + "formgrader/manage_assignments")


def test_a_students_own_server_knows_no_submissions_of_others(tmp_path: Path) -> None:
    (tmp_path / "ps1").mkdir()
    nbformat.write(NOTEBOOK, tmp_path / "ps1" / "nb.ipynb")
    with server(tmp_path, course_environment(tmp_path, "student")) as ada:
        answer = ada.get("courses/open?assignment=ps1&student=bob")
        assert (answer.status, answer.location) == (302, ada.base + "lab/tree/ps1/nb.ipynb")
