"""A click in Moodle, in a real browser: a new window with the notebook, cookies and all."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.ui import WebDriverWait

from jupyterhub_courses.demo.story.people import Teacher

from .conftest import World, courses_file, public_key
from .lab import PASSWORD, Tool
from .table import PROBLEM_SET

pytestmark = [
    pytest.mark.moodle,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="package"),
]

SIGN_IN = """
const form = document.getElementById("login");
[form.elements.username.value, form.elements.password.value] = arguments;
form.submit();
"""


async def test_a_click_opens_a_new_window_with_the_notebook(world: World, teacher: Teacher, browser) -> None:
    click(browser, world, world.tool, "student4")
    assert browser.current_url.startswith(f"{world.hub.url}/user/")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def elsewhere(world: World) -> AsyncIterator[Tool]:
    """A second registration of the same hub as `localhost`: to a browser another site than Moodle's `127.0.0.1`."""
    tool = Tool.registered(world.moodle, world.hub.url.replace("127.0.0.1", "localhost"), public_key(world.hub))
    both = [world.tool.registration(), tool.registration()]
    try:
        tool.names("ml101", PROBLEM_SET, "ps1")
        world.hub.apply(courses_file(tool, both, world.hub.folder / "course"))
        yield tool
    finally:
        tool.forget()


async def test_a_hub_on_another_site_than_moodle_opens_the_same_way(
    world: World, teacher: Teacher, elsewhere: Tool, browser
) -> None:
    click(browser, world, elsewhere, "student4")
    assert browser.current_url.startswith(f"http://localhost:{world.hub.port}/user/student4/ml101/")
    assert [course["slug"] for course in await world.hub.api("courses")].count("ml101") == 1


def sign_in(browser, world: World, username: str) -> WebDriverWait:
    browser.get(f"{world.moodle.url}/login/index.php")
    wait = WebDriverWait(browser, 60)
    browser.execute_script(SIGN_IN, username, PASSWORD)  # Moodle's own script renews the fields while one types
    wait.until(lambda b: "/login/" not in b.current_url)
    return wait


def click(browser, world: World, tool: Tool, username: str) -> None:
    """Log in to Moodle, open the activity's page, and wait for the notebook in the window that opens."""
    wait = sign_in(browser, world, username)
    browser.get(tool.activities["ml101", PROBLEM_SET]["view_url"])
    own = browser.current_window_handle
    if len(browser.window_handles) == 1:  # a pop-up blocker leaves Moodle's link
        link = (By.CSS_SELECTOR, "a[href*='/mod/lti/launch.php'][target=_blank]")
        wait.until(expected.element_to_be_clickable(link)).click()
    wait.until(lambda b: len(b.window_handles) == 2)
    browser.switch_to.window(next(one for one in browser.window_handles if one != own))
    notebook = (By.CSS_SELECTOR, ".jp-Notebook .jp-Cell")
    try:
        WebDriverWait(browser, 120).until(lambda b: b.find_elements(*notebook))
    except Exception as error:
        text = browser.find_element(By.TAG_NAME, "body").text[:500]
        raise AssertionError(f"no notebook at {browser.current_url}: {text}\n{world.hub.tail()}") from error
