"""Dynamic Registration at a real Moodle, as its administrator does it: paste, press, activate; a teacher's launch; an
update; and tokens before and after a change of our keys."""

import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.ui import Select, WebDriverWait

from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import KeyRing
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.core.answers import LmsFailure
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.registrations import SCOPES
from tests.browser.window import SCREENSHOTS
from tests.support import chromium

from .conftest import public_key
from .lab import PASSWORD, Lab
from .running import CLI, Hub

pytestmark = [
    pytest.mark.moodle,
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="package"),
]

Say = Callable[[str], None]
SIGN_IN = """
const form = document.getElementById("login");
[form.elements.username.value, form.elements.password.value] = arguments;
form.submit();
"""
PENDING, ACTIVE = 2, 1


def link(hub: Hub, *more: str) -> str:
    command = [*CLI, "register-link", "registered", *more, "--data-dir", str(hub.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[0]


class Window:
    """Somebody's browser at Moodle."""

    def __init__(self, browser: Any, moodle: Lab) -> None:
        self.browser, self.moodle, self.wait = browser, moodle, WebDriverWait(browser, 90)

    def sign_in(self, username: str, password: str) -> None:
        self.browser.get(f"{self.moodle.url}/login/index.php")
        self.browser.execute_script(SIGN_IN, username, password)
        self.wait.until(lambda b: "/login/" not in b.current_url)

    def paste(self, url: str) -> None:
        """The tool's URL into Moodle's page; the frame that it opens is the current one afterwards."""
        self.browser.get(f"{self.moodle.url}/mod/lti/toolconfigure.php")
        self.wait.until(expected.element_to_be_clickable((By.ID, "tool-create-button")))
        self.browser.find_element(By.ID, "tool-url").send_keys(url)
        self.browser.find_element(By.ID, "tool-create-button").click()
        self.wait.until(
            expected.frame_to_be_available_and_switch_to_it(
                (By.CSS_SELECTOR, "#external-registration-page-container iframe, iframe[src*='startltiadv']")
            )
        )

    def picture(self, name: str) -> None:
        """One for the documentation, where a folder for pictures is named."""
        if folder := os.environ.get(SCREENSHOTS):
            self.browser.set_window_size(1280, 1000)
            self.browser.save_screenshot(str(Path(folder, f"{name}.png").absolute()))

    def press(self, css: str) -> None:
        self.wait.until(expected.element_to_be_clickable((By.CSS_SELECTOR, css))).click()

    def text(self, css: str) -> str:
        return self.wait.until(expected.visibility_of_element_located((By.CSS_SELECTOR, css))).text

    def close_frame(self) -> None:
        """Our page's own button: Moodle takes the frame away and shows its list again."""
        self.press("#close")
        self.browser.switch_to.default_content()
        self.wait.until(lambda b: not b.find_elements(By.CSS_SELECTOR, "iframe[src*='startltiadv']"))


@dataclass
class Registered:
    """What the first test leaves to the others."""

    client_id: str
    type_id: str
    seconds: float


@pytest.fixture(scope="module")
def hub(moodle: Lab, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One of its own: the other plays' hub knows this Moodle already, under another name."""
    hub = Hub(tmp_path_factory.mktemp("registering"))
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="module")
def admin(moodle: Lab, chromium_programs: tuple[str, str]) -> Iterator[Window]:
    password = (moodle.log.parent.parent / "adminpass").read_text().strip()
    with chromium.running(*chromium_programs) as browser:
        window = Window(browser, moodle)
        window.sign_in("admin", password)
        yield window


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def registered(hub: Hub, moodle: Lab, admin: Window) -> AsyncIterator[Registered]:
    """Paste, press, activate, and set what our page says is left."""
    await hub.ready()
    began = time.monotonic()
    admin.paste(link(hub, "--title", "The lab's Moodle"))
    assert admin.text("#lms") == moodle.url.removeprefix("http://")
    admin.picture("moodle-register")
    admin.press("#register button")
    client_id, type_id = admin.text("#client"), admin.text("#deployment")
    try:
        left = admin.text("#left")
        assert "Activate" in left and "Show in activity chooser" in left and "New window" in left
        assert moodle.do("tool", type_id)["state"] == PENDING
        admin.picture("moodle-registered")
        admin.close_frame()
        card = f".tool-card[data-type-id='{type_id}']"
        admin.text(f"{card} a.activate")
        admin.picture("moodle-activate")
        admin.press(f"{card} a.activate")
        admin.wait.until(lambda _b: moodle.do("tool", type_id)["state"] == ACTIVE)
        admin.press(f"{card} a.edit")
        Select(admin.wait.until(expected.presence_of_element_located((By.ID, "id_lti_coursevisible")))).select_by_value(
            "2"
        )
        container = Select(admin.browser.find_element(By.ID, "id_lti_launchcontainer"))
        container.select_by_visible_text("New window")
        admin.press("#id_submitbutton")
        admin.wait.until(lambda b: "toolconfigure" in b.current_url)
        yield Registered(client_id, type_id, time.monotonic() - began)
    finally:
        moodle.do("forget", type_id)


async def test_moodles_admin_registers_by_one_pasted_link(
    registered: Registered, hub: Hub, moodle: Lab, say: Say
) -> None:
    say(f"paste, register, activate, settings: {registered.seconds:.1f} s")
    (platform,) = await hub.api("platforms")
    assert (platform["name"], platform["issuer"]) == ("registered", moodle.url)
    (one,) = platform["registrations"]
    assert (one["client_id"], one["deployment_ids"]) == (registered.client_id, [registered.type_id])
    config = moodle.do("tool", registered.type_id)["config"]
    wanted = {
        "publickeyset": f"{hub.url}/services/courses/jwks.json",
        "initiatelogin": f"{hub.url}/hub/lti13/oauth_login",
        "redirectionuris": f"{hub.url}/hub/lti13/oauth_callback",
        "toolurl_ContentItemSelectionRequest": f"{hub.url}/",
        "ltiservice_gradesynchronization": "2",
        "ltiservice_memberships": "1",
        "sendname": "1",
        "sendemailaddr": "1",
        "contentitem": "1",
        "launchcontainer": "4",
        "coursevisible": "2",
    }
    assert {name: config.get(name) for name in wanted} == wanted


async def test_a_teacher_adds_the_activity_and_launches(
    registered: Registered, hub: Hub, moodle: Lab, browser: Any, say: Say
) -> None:
    teacher = Window(browser, moodle)
    teacher.sign_in("teacher1", PASSWORD)
    browser.get(f"{moodle.url}/course/view.php?name=ml101")
    course = browser.execute_script("return M.cfg.courseId")
    browser.get(f"{moodle.url}/course/modedit.php?add=lti&typeid={registered.type_id}&course={course}&section=0")
    name = teacher.wait.until(expected.element_to_be_clickable((By.ID, "id_name")))
    name.clear()
    name.send_keys("Registered by link")
    began = time.monotonic()
    teacher.press("#id_submitbutton")  # save and display: opens the new window
    own = browser.current_window_handle
    if len(browser.window_handles) == 1:
        teacher.press("a[href*='/mod/lti/launch.php'][target=_blank]")
    teacher.wait.until(lambda b: len(b.window_handles) == 2)
    browser.switch_to.window(next(one for one in browser.window_handles if one != own))
    teacher.wait.until(lambda b: b.current_url.startswith(hub.url) and "/hub/" not in b.current_url)
    say(f"a teacher's first launch: {time.monotonic() - began:.1f} s")
    (course_here,) = await hub.api("courses")
    assert course_here["slug"] == "ml101", hub.tail()
    told = await hub.api(f"courses/{course_here['slug']}/roster/sync", "POST")  # with a token of this registration
    assert not told["error"], told
    members = (await hub.api("courses/ml101/roster"))["members"]
    assert len(members) >= 6


def registration(moodle: Lab, client_id: str) -> Registration:
    url = f"{moodle.url}/mod/lti"
    return Registration(
        1, 1, "registered", moodle.url, client_id, (), f"{url}/auth.php", f"{url}/token.php", f"{url}/certs.php", None
    )


async def token(hub: Hub, moodle: Lab, client_id: str, keys: KeyRing | None = None) -> bool:
    """Whether Moodle gives a token now, asked with the keys of the running hub."""
    async with LmsHttp() as http:
        try:
            tokens = Tokens(http, keys or KeyRing(hub.data / "keys"))
            return bool(await tokens.get(registration(moodle, client_id), SCOPES))
        except LmsFailure as failure:
            assert failure.outcome.reason == "token_refused"
            return False


def rotate(hub: Hub, hours: float) -> None:
    command = [*CLI, "keys", "rotate", "--keep", str(hours), "--data-dir", str(hub.data)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


async def test_moodle_gives_tokens_before_and_after_a_change_of_keys_and_to_a_pasted_one_while_it_is_kept(
    registered: Registered, hub: Hub, moodle: Lab, say: Say
) -> None:
    client = registered.client_id
    assert await token(hub, moodle, client)
    began = time.monotonic()
    rotate(hub, 24)
    assert await token(hub, moodle, client)
    say(f"a change of keys, and a token with the new one: {time.monotonic() - began:.1f} s")
    moodle.do("paste", registered.type_id, public_key(hub).read_text())
    assert await token(hub, moodle, client)
    rotate(hub, 24)
    assert await token(hub, moodle, client)  # by the old key, which is the one that was pasted
    later = KeyRing(copied(hub), lambda: datetime.now(UTC) + timedelta(hours=25))
    assert not await token(hub, moodle, client, later)


def copied(hub: Hub) -> Path:
    return Path(shutil.copytree(hub.data / "keys", hub.folder / "keys-later"))


async def test_the_same_admin_updates_it_by_a_new_link(
    registered: Registered, hub: Hub, moodle: Lab, admin: Window, say: Say
) -> None:
    before = await hub.api("platforms")
    began = time.monotonic()
    admin.paste(link(hub))
    admin.press(f"[data-href*='type={registered.type_id}'], button[data-href$='type={registered.type_id}']")
    admin.press("#register button")
    assert admin.text("#client") == registered.client_id
    assert "Activate" not in admin.text("#left") and "set these two back" in admin.text("#left")
    admin.close_frame()
    say(f"an update: {time.monotonic() - began:.1f} s")
    assert await hub.api("platforms") == before
    told = moodle.do("tool", registered.type_id)
    assert told["state"] == ACTIVE and told["config"]["launchcontainer"] == "3"  # what the page says Moodle does
    assert await token(hub, moodle, registered.client_id)
