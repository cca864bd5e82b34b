"""An activity that Moodle shows inside its own page, as it does with a tool that registered itself."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from jupyterhub_courses.demo.story.people import Teacher

from .conftest import World, courses_file, public_key
from .lab import Tool
from .table import PROBLEM_SET
from .test_browser import sign_in

pytestmark = [
    pytest.mark.moodle,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="package"),
]

EMBEDDED = "3"  # Moodle's LTI_LAUNCH_CONTAINER_EMBED_NO_BLOCKS
BUTTON = (By.CSS_SELECTOR, "#courses-launch button")


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def embedded(world: World) -> AsyncIterator[Callable[[str], Tool]]:
    """Makes a registration of the hub by a name of it, shown inside Moodle's page."""
    made: list[Tool] = []

    def register(host: str) -> Tool:
        key = public_key(world.hub)
        tool = Tool.registered(world.moodle, world.hub.url.replace("127.0.0.1", host), key)
        made.append(tool)
        tool.seed(PROBLEM_SET, container=EMBEDDED, public_key=str(key))
        tool.names("ml101", PROBLEM_SET, "ps1")
        both = [world.tool.registration(), *(one.registration() for one in made)]
        world.hub.apply(courses_file(tool, both, world.hub.folder / "course"))
        return tool

    yield register
    for tool in made:
        tool.forget()


@pytest.mark.parametrize(("host", "asked"), [("127.0.0.1", False), ("localhost", True)])
async def test_an_embedded_activity_goes_on_in_a_window(
    world: World, teacher: Teacher, embedded: Callable[[str], Tool], browser, host: str, asked: bool
) -> None:
    """`localhost` is another site than Moodle's `127.0.0.1`: there the login's cookie does not come back in a frame."""
    tool = embedded(host)
    wait = sign_in(browser, world, "student4")
    browser.get(tool.activities["ml101", PROBLEM_SET]["view_url"])
    own = browser.current_window_handle
    browser.switch_to.frame(wait.until(lambda b: b.find_element(By.CSS_SELECTOR, "iframe#contentframe")))
    wait.until(lambda b: b.find_element(*BUTTON)).click()
    wait.until(lambda b: len(b.window_handles) == 2)
    browser.switch_to.window(next(one for one in browser.window_handles if one != own))
    if asked:
        question = wait.until(lambda b: b.find_element(By.CSS_SELECTOR, "[data-code=confirm_person]"))
        assert "student4" in question.text
        browser.find_element(*BUTTON).click()
    notebook = (By.CSS_SELECTOR, ".jp-Notebook .jp-Cell")
    WebDriverWait(browser, 120).until(lambda b: b.find_elements(*notebook), world.hub.tail())
    assert browser.current_url.startswith(f"http://{host}:{world.hub.port}/user/student4/ml101/")
