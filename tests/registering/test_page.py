"""The page that an LMS opens in a frame, on a whole running system: no cookie, one button, sentences, a way out."""

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ..support.system import System
from .conftest import Serve
from .moodle import RecordedMoodle

CLI = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("registering"), chp, admins=("grace",))
    try:
        system.start()
        yield system
    finally:
        system.end()


def link(system: System, platform: str, **more: str) -> str:
    return system.as_hub("POST", "registration-links", {"platform": platform, **more})["url"]


def cli(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*CLI, *arguments, "--data-dir", str(system.data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Window:
    """The frame: an address, then one button."""

    def __init__(self, session: aiohttp.ClientSession, language: str = "en") -> None:
        self._session, self._headers = session, {"Accept-Language": language}

    async def open(self, url: str, moodle: RecordedMoodle | None, token: str = "") -> aiohttp.ClientResponse:
        """As Moodle appends to the pasted address."""
        more = {"openid_configuration": moodle.configuration_url, "registration_token": token} if moodle else {}
        async with self._session.get(url, params=more, headers=self._headers, allow_redirects=False) as answer:
            await answer.read()
            return answer

    async def press(self, page: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
        """The button of the page."""
        text = await page.text()
        action = re.search(r'<form method="post" action="([^"]+)"', text)
        assert action, text
        pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
        fields = {name: html.unescape(value) for name, value in pairs}
        url = page.url.join(type(page.url)(html.unescape(action[1])))
        headers = {**self._headers, "Origin": "null"}
        async with self._session.post(url, data=fields, headers=headers, allow_redirects=False) as answer:
            await answer.read()
            return answer


@pytest.fixture
async def window() -> Any:
    """A browser's frame, which keeps no cookie of ours."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Window(session)


async def test_the_whole_way_in_a_frame_without_cookies(system: System, window: Window, moodle: RecordedMoodle) -> None:
    url = link(system, "whole", title="The <b>university's</b> Moodle")
    assert url.startswith(f"{system.base}/services/courses/register?code=")
    page = await window.open(url, moodle, moodle.token(sub="client-a"))
    text = await page.text()
    assert page.status == 200 and not moodle.requests  # nothing happens before the button
    assert "Set-Cookie" not in page.headers and page.headers["Referrer-Policy"] == "no-referrer"
    assert f"frame-ancestors {moodle.url};" in page.headers["Content-Security-Policy"]
    assert moodle.url.removeprefix("http://") in text and "&lt;b&gt;university" in text and "<b>univ" not in text
    done = await window.press(page)
    text = await done.text()
    assert done.status == 200 and "client-a" in text and "Activate" in text and 'id="close"' in text
    assert f"frame-ancestors {moodle.url};" in done.headers["Content-Security-Policy"]
    (sent,) = moodle.posts
    assert sent["redirect_uris"] == [f"{system.base}/hub/lti13/oauth_callback"]
    assert sent["https://purl.imsglobal.org/spec/lti-tool-configuration"]["domain"] == system.base.split("/")[2]
    for name in ("jwks_uri", "logo_uri", "initiate_login_uri"):
        assert (await window.open(sent[name], None)).status == 200, name
    listed = system.as_hub("GET", "platforms")
    (platform,) = [one for one in listed if one["name"] == "whole"]
    assert [r["client_id"] for r in platform["registrations"]] == ["client-a"]
    again = await window.open(url, moodle, moodle.token())
    assert again.status == 404 and "used already" in await again.text()


async def test_the_link_in_a_browser_of_its_own_says_where_it_belongs(system: System, window: Window) -> None:
    page = await window.open(link(system, "byhand"), None)
    assert page.status == 200 and "Add LTI Advantage" in await page.text() and "<form" not in await page.text()


@pytest.mark.parametrize("code", ["", "x", "%00", "a" * 4000, "%ff%fe"])
async def test_a_code_that_was_never_given_out_shows_a_sentence(system: System, window: Window, code: str) -> None:
    page = await window.open(f"{system.base}/services/courses/register?code={code}", None)
    text = await page.text()
    assert page.status == 404 and "was never given out" in text
    reference = re.search(r"<code>([0-9a-f]{8})</code>", text)
    assert reference and reference[1] in system.log.read_text()


async def test_odd_bytes_in_the_address_are_no_error_of_ours(system: System, window: Window) -> None:
    import yarl

    url = link(system, "odd") + "&openid_configuration=%ff%fe'%3B%20script-src%20*&registration_token=%c3"
    page = await window.open(yarl.URL(url, encoded=True), None)  # type: ignore[arg-type]
    assert page.status == 200 and "script-src *" not in page.headers["Content-Security-Policy"]
    assert "frame-ancestors *;" in page.headers["Content-Security-Policy"] and "<form" not in await page.text()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "has already made an entry"), ("de", "hat in diesem Fenster schon einen Eintrag")]
)
async def test_a_refusal_of_the_lms_is_a_sentence_with_its_own_known_word_and_leaves_the_link_good(
    system: System, window: Window, moodle: RecordedMoodle, language: str, words: str
) -> None:
    url, token = link(system, f"refused-{language}"), moodle.token(sub="taken")
    moodle.clients["taken"] = "2"
    window._headers["Accept-Language"] = language
    page = await window.press(await window.open(url, moodle, token))
    text = await page.text()
    assert page.status == 409 and words in text and '<code id="said">token_already_used</code>' in text
    assert "registration_token_used" in system.log.read_text() and token not in system.log.read_text()
    done = await window.press(await window.open(url, moodle, moodle.token()))
    assert done.status == 200 and 'id="client"' in await done.text()


async def test_what_an_lms_writes_is_never_shown(
    system: System, window: Window, moodle: RecordedMoodle, serve: Serve
) -> None:
    secret = "<script>alert('from the LMS')</script>"
    moodle.change = lambda what, data: web.Response(status=400, text=secret) if what == "entry" else data
    page = await window.press(await window.open(link(system, "shown"), moodle, moodle.token()))
    assert page.status == 502 and "from the LMS" not in html.unescape(await page.text())
    assert "from the LMS" not in system.log.read_text()


async def test_a_form_that_is_too_large_or_none_is_refused(system: System, window: Window) -> None:
    url = f"{system.base}/services/courses/register"
    async with window._session.post(url, data={"code": "x" * 40_000}) as answer:
        assert answer.status == 413
    async with window._session.post(url, data=b"\xff\xfe") as answer:
        assert answer.status in (400, 404)


def test_only_administrators_make_links_and_change_keys(system: System) -> None:
    for method, path in [("POST", "registration-links"), ("POST", "keys/rotate"), ("GET", "keys")]:
        answer = requests.request(method, f"{system.base}/services/courses/api/{path}", json={}, timeout=20)
        assert answer.status_code == 401, path
    page = requests.get(f"{system.base}/services/courses/registration-link", timeout=20, allow_redirects=False)
    assert page.status_code == 302


@pytest.mark.browser
def test_an_administrators_page_makes_a_link(system: System, browser: Any) -> None:
    """With the page's own script, and a refusal in words."""
    browser.get(cli(system, "login-link", "grace").stdout.split()[0])
    wait = WebDriverWait(browser, 60)
    for button in browser.find_elements(By.CSS_SELECTOR, "form button, form input[type=submit]"):
        button.click()
        break
    wait.until(lambda b: "/services/courses/" in b.current_url)
    browser.get(f"{system.base}/services/courses/registration-link?platform=by-page")
    assert browser.find_element(By.ID, "link-platform").get_attribute("value") == "by-page"
    browser.find_element(By.CSS_SELECTOR, "#link button").click()
    url = wait.until(lambda b: b.find_element(By.ID, "link-url").get_attribute("value"))
    assert url.startswith(f"{system.base}/services/courses/register?code=")
    assert requests.get(url, timeout=20).status_code == 200
    field = browser.find_element(By.ID, "link-platform")
    field.clear()
    field.send_keys("No Name")
    browser.find_element(By.CSS_SELECTOR, "#link button").click()
    assert "lowercase letter" in wait.until(lambda b: b.find_element(By.ID, "link-problem").text)


def test_the_command_prints_a_link(system: System) -> None:
    done = cli(system, "register-link", "by-command", "--title", "Ours", "--course-creation", "off")
    assert done.returncode == 0, done.stderr
    url = done.stdout.splitlines()[0]
    assert url.startswith(f"{system.base}/services/courses/register?code=")
    assert requests.get(url, timeout=20).status_code == 200
    assert re.search(r", once, until 20\d\d-\d\d-\d\d \d\d:\d\d UTC\. ", done.stdout)
    wrong = cli(system, "register-link", "Not A Name")
    assert wrong.returncode == 1 and "lowercase letter" in wrong.stderr


def test_the_commands_list_and_change_keys(system: System) -> None:
    def published() -> list[str]:
        answer = requests.get(f"{system.base}/services/courses/jwks.json", timeout=20).json()
        return [key["kid"] for key in answer["keys"]]

    (old,) = published()
    assert old in cli(system, "keys", "list").stdout
    pem = requests.get(f"{system.base}/services/courses/public-key.pem", timeout=20).text
    done = cli(system, "keys", "rotate", "--keep", "48")
    assert done.returncode == 0 and "public-key.pem" in done.stdout, done.stderr
    new = published()
    assert len(new) == 2 and new[1] == old
    assert requests.get(f"{system.base}/services/courses/public-key.pem", timeout=20).text != pem
    assert cli(system, "keys").returncode == 2 and cli(system, "keys", "rotate", "--keep", "-1").returncode == 1
    assert cli(system, "keys", "rotate", "--keep", "0").returncode == 0
    newest = published()
    assert len(newest) == 2 and newest[1] == old  # the one in between was kept for no time at all
