"""Deep Linking on a real Moodle, in a real browser: a teacher adds an activity and selects what it opens in Moodle's
own dialogue; a student clicks it; the score stands in its column; and from there the teacher opens the submission.

The hub is `localhost` to the browser, Moodle `127.0.0.1`: two sites, so that no cookie of ours comes back there.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.ui import WebDriverWait

from jupyterhub_courses.demo.files import COURSE
from jupyterhub_courses.demo.story.people import Student, Teacher
from jupyterhub_courses.demo.story.table import Work
from tests.support import chromium

from .conftest import courses_file, public_key
from .lab import PASSWORD, Lab, Tool, Visitor
from .running import Hub, until

pytestmark = [
    pytest.mark.moodle,
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="package"),
]
STUDENT = "student2"
SIGN_IN = """
const form = document.getElementById("login");
[form.elements.username.value, form.elements.password.value] = arguments;
form.submit();
"""


class Window:
    """Somebody's browser at Moodle."""

    def __init__(self, browser: Any, moodle: Lab) -> None:
        self.browser, self.moodle, self.wait = browser, moodle, WebDriverWait(browser, 90)

    def sign_in(self, username: str) -> None:
        self.browser.get(f"{self.moodle.url}/login/index.php")
        self.browser.execute_script(SIGN_IN, username, PASSWORD)
        self.wait.until(lambda b: "/login/" not in b.current_url)

    def find(self, css: str) -> Any:
        return self.wait.until(expected.presence_of_element_located((By.CSS_SELECTOR, css)))

    def press(self, css: str) -> None:
        self.wait.until(expected.element_to_be_clickable((By.CSS_SELECTOR, css))).click()

    def all(self, css: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def value(self, css: str) -> str:
        return self.find(css).get_property("value")

    @contextmanager
    def dialogue(self) -> Iterator[None]:
        """In the frame of Moodle's dialogue."""
        frame = (By.CSS_SELECTOR, ".modal.show iframe")
        self.wait.until(expected.frame_to_be_available_and_switch_to_it(frame))
        try:
            yield
        finally:
            self.browser.switch_to.default_content()

    def new_window(self, css: str) -> None:
        """Press what opens a window, and look at that one."""
        self.wait.until(expected.element_to_be_clickable((By.CSS_SELECTOR, css)))
        before = set(self.browser.window_handles)  # Moodle may have opened one by itself
        self.press(css)
        self.wait.until(lambda b: set(b.window_handles) - before)
        self.browser.switch_to.window((set(self.browser.window_handles) - before).pop())


@pytest.fixture(scope="module")
def own_hub(moodle: Lab, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("deep-linking"))
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def tool(moodle: Lab, own_hub: Hub) -> AsyncIterator[Tool]:
    """Hub and Moodle know each other; nobody of this Moodle has been at the hub."""
    await own_hub.ready()
    tool = Tool.registered(moodle, own_hub.url.replace("127.0.0.1", "localhost"), public_key(own_hub))
    try:
        moodle.do("contentitem", tool.type_id)
        course = shutil.copytree(COURSE, own_hub.folder / "course")
        own_hub.apply(courses_file(tool, [tool.registration()], course))
        yield tool
    finally:
        tool.forget()


@pytest.fixture(scope="module")
def teacher(moodle: Lab, chromium_programs: tuple[str, str]) -> Iterator[Window]:
    with chromium.running(*chromium_programs) as browser:
        window = Window(browser, moodle)
        window.sign_in("teacher1")
        yield window


def add_activity(window: Window, tool: Tool, *labels: str) -> None:
    """Add an activity of this tool and select content, up to what Moodle shows of it."""
    course = tool.course_id("ml101")
    window.browser.get(
        f"{window.moodle.url}/course/modedit.php?add=lti&typeid={tool.type_id}&course={course}&section=0"
    )
    window.press("[name=selectcontent]")
    with window.dialogue():
        for label in labels:
            words = (By.XPATH, f"//form[@id='select']//label[normalize-space()=\"{label}\"]")
            window.wait.until(expected.element_to_be_clickable(words)).click()
        window.press("#send")


@pytest.fixture(scope="module")
def one_added(teacher: Window, tool: Tool) -> dict[str, Any]:
    """The form as Moodle filled it, which the teacher then saves."""
    add_activity(teacher, tool, "ps1")
    teacher.wait.until(lambda _b: teacher.find("#id_selectcontentindicator").text == "Content selected")
    found = {
        "name": teacher.value("#id_name"),
        "grade": teacher.value("#id_grade_modgrade_point"),
        "custom": teacher.value("[name=instructorcustomparameters]"),
    }
    teacher.press("#id_submitbutton2")
    teacher.wait.until(lambda b: "/course/view.php" in b.current_url)
    return found


@pytest.fixture(scope="module")
def several_added(one_added: dict[str, Any], teacher: Window, tool: Tool) -> str:
    """What Moodle says about several at once, which the teacher then saves."""
    add_activity(teacher, tool, "ps2", "The course's page")
    teacher.wait.until(lambda _b: "will be added" in teacher.find("[data-attribute=dynamic-import]").text)
    text = str(teacher.find("[data-attribute=dynamic-import]").text)
    teacher.press("#id_submitbutton2")
    teacher.wait.until(lambda b: "/course/view.php" in b.current_url)
    return text


@pytest.fixture(scope="module")
def made(several_added: str, moodle: Lab, tool: Tool) -> dict[str, dict[str, Any]]:
    """The activities in Moodle's tables, by name; the tool knows them for clicks."""
    found = {one["name"]: one for one in moodle.do("activities", tool.type_id)}
    for name, one in found.items():
        view = f"{moodle.url}/mod/lti/view.php?id={one['cmid']}"
        tool.activities.setdefault(("ml101", name), {"view_url": view, "course_id": tool.course_id("ml101")})
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def released(made: dict[str, Any], moodle: Lab, tool: Tool) -> AsyncIterator[Teacher]:
    """The teacher's click on the new activity opens formgrader; ps1 is generated and released there."""
    visitor = Visitor(moodle, "teacher1")
    server = await visitor.open_server(tool, "ml101", "ps1")
    teacher = Teacher(server)
    for action in ("assign", "release"):
        await teacher.run(action)
    yield teacher
    await visitor.browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def graded(released: Teacher, moodle: Lab, tool: Tool) -> str:
    """A student clicks, works and submits; the work is graded: 5 of 10 points. The hub's name of the student."""
    visitor = Visitor(moodle, STUDENT)
    server = await visitor.open_server(tool, "ml101", "ps1")
    student = Student(server)
    await student.work(Work(total="wrong", explanation=2))
    await student.submit()
    await server.stop()
    await visitor.browser.close()
    await released.run("collect")
    await released.autograde(server.user)
    await released.mark(server.user, "explanation", 2)
    return server.user


async def test_one_choice_fills_moodles_form(one_added: dict[str, Any]) -> None:
    assert one_added == {"name": "ps1", "grade": "100", "custom": "assignment=ps1"}


async def test_several_choices_are_listed_and_added_at_once(several_added: str) -> None:
    assert "ps2" in several_added and "Machine Learning 101" in several_added


async def test_the_activities_are_what_was_chosen(made: dict[str, Any], own_hub: Hub) -> None:
    custom = {name: one["custom"] for name, one in made.items() if name in ("ps1", "ps2", "Machine Learning 101")}
    assert custom == {"ps1": "assignment=ps1", "ps2": "assignment=ps2", "Machine Learning 101": ""}
    home = own_hub.url.replace("127.0.0.1", "localhost") + "/"
    assert {made[name]["url"] for name in custom} == {home}
    assert [made[name]["resource_id"] for name in custom] == ["ps1", "ps2", None]


async def test_a_students_click_opens_the_notebook_in_a_new_window(
    released: Teacher, made: dict[str, Any], moodle: Lab, browser: Any
) -> None:
    window = Window(browser, moodle)
    window.sign_in("student4")
    browser.get(f"{moodle.url}/mod/lti/view.php?id={made['ps1']['cmid']}")
    window.new_window("a[href*='/mod/lti/launch.php'][target=_blank]")
    WebDriverWait(browser, 180).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".jp-Notebook .jp-Cell"))
    assert browser.current_url.endswith("/user/student4/ml101/lab/tree/ps1/ps1.ipynb")


async def test_the_score_stands_in_the_activitys_own_column_and_there_is_no_other(
    graded: str, tool: Tool, own_hub: Hub
) -> None:
    def there() -> bool:
        return tool.grades("ml101", "ps1", [STUDENT]) == {STUDENT: 50.0}

    await until(there, 90, lambda: f"{tool.gradebook('ml101')}\n{own_hub.tail()}")
    (column,) = tool.gradebook("ml101")["ps1"]
    assert (column["own"], column["max"]) == (True, 100.0)


async def test_moodles_gradebook_opens_the_very_submission(
    graded: str, made: dict[str, Any], moodle: Lab, tool: Tool, teacher: Window, say: Callable[[str], None]
) -> None:
    say(f"Moodle keeps as the submission review's address: {made['ps1']['review']!r}")
    whose = next(one["id"] for one in tool.seeded["students"] if one["username"] == STUDENT)
    teacher.browser.get(f"{moodle.url}/mod/lti/grade.php?id={made['ps1']['cmid']}&userid={whose}")
    # By Moodle's link: the window that it opens by itself, where nothing stops it, has lost whose submission is meant
    # (view.php writes the address into its script with `&amp;`).
    teacher.new_window("a[href*='/mod/lti/launch.php'][target=_blank]")
    try:
        teacher.wait.until(lambda b: "/formgrader/submissions/" in b.current_url)
    except Exception as error:
        text = teacher.find("body").text[:500]
        raise AssertionError(f"no submission at {teacher.browser.current_url}: {text}") from error
    assert graded in teacher.browser.title or graded in teacher.browser.page_source
