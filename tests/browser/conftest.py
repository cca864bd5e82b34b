"""The story as a chain of fixtures: each is one step of it, so that any test alone plays what it needs."""

from collections.abc import Iterator

import pytest

from ..support import chromium
from .demo import Demo, running
from .people import ACTIVITY, COMMENT, Student, Teacher, sign_in
from .window import Window, pictures_folder

TEACHER, ASSISTANT, STUDENT = "hopper", "lovelace", "noether"
CAPTIONS = {
    "launch": "1. A click in the LMS …",
    "notebook": "2. … opens the notebook, to work in and submit",
    "formgrader": "3. The teacher corrects in formgrader",
    "gradebook": "4. The grade stands in the LMS",
}


@pytest.fixture(scope="module")
def demo(chp, chromium_programs, tmp_path_factory) -> Iterator[Demo]:
    """The whole system on this machine."""
    with running(tmp_path_factory.mktemp("demo") / "state") as demo:
        yield demo


@pytest.fixture(scope="module")
def teacher(demo: Demo, chromium_programs: tuple[str, str]) -> Iterator[Teacher]:
    """Grace Hopper at her computer, in the LMS."""
    with chromium.running(*chromium_programs) as driver:
        window = Window(driver)
        sign_in(window, demo, TEACHER)
        yield Teacher(window)


@pytest.fixture(scope="module")
def student(demo: Demo, chromium_programs: tuple[str, str]) -> Iterator[Student]:
    """Emmy Noether at hers."""
    with chromium.running(*chromium_programs) as driver:
        window = Window(driver)
        sign_in(window, demo, STUDENT)
        yield Student(window)


@pytest.fixture(scope="module")
def arrived(demo: Demo, teacher: Teacher) -> str:
    """The teacher's first click, with which the course is made; where it ended."""
    window = teacher.window
    window.click_to_new_tab(f"#open-{ACTIVITY}")
    window.until(lambda: "/formgrader/" in window.url, "formgrader opens")
    return window.url.removeprefix(demo.hub)


@pytest.fixture(scope="module")
def released(arrived: str, teacher: Teacher) -> list[str]:
    """The assignment, generated and released; what formgrader said."""
    said = [teacher.press("ps1", "assign"), teacher.press("ps1", "release")]
    teacher.window.find("#main-table .label-success", "released")
    teacher.window.picture("formgrader-assignments", 520)
    return said


@pytest.fixture(scope="module")
def assisted(demo: Demo, released: list[str], chromium_programs: tuple[str, str]) -> str:
    """An assistant's first click, and what is to be seen then; where it ended."""
    with chromium.running(*chromium_programs) as driver:
        window = Window(driver)
        sign_in(window, demo, ASSISTANT)
        window.click_to_new_tab(f"#open-{ACTIVITY}")
        window.find("#main-table .label-success", "released")
        return window.url.removeprefix(demo.hub)


@pytest.fixture(scope="module")
def opened(demo: Demo, released: list[str], student: Student) -> str:
    """One click of the student; where it ended."""
    window = student.window
    window.picture("launch", 620)
    window.click_to_new_tab(f"#open-{ACTIVITY}")
    window.find(".jp-Notebook .jp-Cell")
    window.until(lambda: "Idle" in window.text(), "the kernel runs")
    return window.url.removeprefix(demo.hub)


@pytest.fixture(scope="module")
def submitted(opened: str, student: Student) -> None:
    """Answers written and submitted in JupyterLab."""
    student.answer()
    student.window.picture("notebook")
    student.open_assignment_list()
    student.window.find("#fetched_assignments_list button", "Submit")
    student.submit()
    student.window.picture("assignment-list", 420)


@pytest.fixture(scope="module")
def autograded(submitted: None, teacher: Teacher) -> list[str]:
    """Collected and autograded; status and score that formgrader shows."""
    teacher.press("ps1", "collect")
    teacher.open_submissions("ps1")
    teacher.autograde(STUDENT)
    return teacher.window.until(lambda: teacher.status(STUDENT), "the submission's row")


@pytest.fixture(scope="module")
def graded(autograded: list[str], teacher: Teacher) -> None:
    """Points and a comment by hand. Nothing else is pressed after this."""
    teacher.open_submission(STUDENT)
    teacher.give("explanation", "3.5", COMMENT)
    teacher.window.picture("formgrader")


@pytest.fixture(scope="module")
def delivered(demo: Demo, graded: None, teacher: Teacher) -> list[list[str]]:
    """The rows of the LMS's gradebook, once there is a grade."""
    window = teacher.window
    window.first_tab()
    window.click("#nav-gradebook")

    def look() -> bool:
        window.click("#refresh")  # the LMS's own: its page has no script
        return any(score.text not in ("–", "") for score in window.all("#gradebook tbody .score"))

    window.until(look, "a grade in the LMS", 60)
    window.picture("gradebook", 620)
    return window.rows("#gradebook")


@pytest.fixture(scope="module", autouse=True)
def collage(request: pytest.FixtureRequest) -> Iterator[None]:
    """One picture of the four that tell the story, for those who take pictures."""
    yield
    if pictures_folder() is not None:
        with chromium.running(*request.getfixturevalue("chromium_programs")) as driver:
            Window(driver).collage("story", CAPTIONS)
