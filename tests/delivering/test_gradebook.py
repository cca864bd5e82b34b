"""From nbgrader's gradebook to the LMS: what was changed there is sent, and nothing else."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from jupyterhub_courses.adapters.gradebook.database import open_gradebook
from jupyterhub_courses.adapters.gradebook.reading import read_gradebook
from jupyterhub_courses.adapters.gradebook.writing import create_gradebook
from jupyterhub_courses.adapters.store.scores import Scores
from jupyterhub_courses.core.gradebooks import gradebook_state

from .conftest import Course
from .world import STUDENTS, LmsProcess, World


@pytest.fixture
def graded(course: Course, tmp_path: Path) -> str:
    """The address of a gradebook with two assignments of two cells, autograded for everybody with 4 of 10."""
    url = f"sqlite:///{tmp_path}/gradebook.db"
    create_gradebook(url, "ml101")
    with Gradebook(url, "ml101") as gradebook:
        for name in ("ps8", "ps9"):
            gradebook.add_assignment(name)
            gradebook.add_notebook("nb", name)
            for cell in ("a", "b"):
                gradebook.add_grade_cell(cell, "nb", name, max_score=5, cell_type="code")
        for sub in course.people:
            gradebook.add_student(username(course, sub))
            for name in ("ps8", "ps9"):
                submission = gradebook.add_submission(name, username(course, sub))
                for grade in submission.notebooks[0].grades:
                    grade.auto_score, grade.needs_manual_grade = 2.0, False
        gradebook.db.commit()
    return url


def username(course: Course, sub: str) -> str:
    return f"p{course.platform[0]}-{sub}"


async def push(world: World, course: Course, url: str) -> None:
    """Read the gradebook whole, record it as the API does, and deliver."""
    state = gradebook_state(read_gradebook(open_gradebook(url), time.time).as_json(), datetime.now(UTC))
    await Scores(world.database).record(course.id, state, datetime.now(UTC))
    await world.settle(60)


async def test_a_change_of_one_cell_sends_one_score(world: World, lms: LmsProcess, course: Course, graded: str) -> None:
    await push(world, course, graded)
    assert lms.posts() == {"200": 2 * STUDENTS}
    lms.forget()
    with Gradebook(graded, "ml101") as gradebook:
        gradebook.find_grade("b", "nb", "ps9", username(course, "7")).manual_score = 3.5
        gradebook.db.commit()
    await push(world, course, graded)
    assert lms.posts() == {"200": 1}
    assert lms.grades("ml101", "ps9") == {f"s{sub}": 5.5 if sub == "7" else 4.0 for sub in course.people}


async def test_what_changes_no_score_sends_nothing(world: World, lms: LmsProcess, course: Course, graded: str) -> None:
    await push(world, course, graded)
    lms.forget()
    with Gradebook(graded, "ml101") as gradebook:
        gradebook.find_student(username(course, "7")).last_name = "Renamed"
        # Two points of one cell go to the other.
        gradebook.find_grade("a", "nb", "ps9", username(course, "7")).manual_score = 0.0
        gradebook.find_grade("b", "nb", "ps9", username(course, "7")).manual_score = 4.0
        gradebook.db.commit()
    await push(world, course, graded)
    assert lms.posts() == {}
