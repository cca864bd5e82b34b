"""Somebody who clicks twice: both windows wait for the same server, and go there in the same instant."""

import pytest
import requests

from ..support.system import Browser, Person, body
from .conftest import COURSE

SERVER, PAGE = "/user/ada/ml101/courses/status", "/services/courses/ml101/"


@pytest.fixture(scope="module")
def ada(students: tuple[Person, Person]) -> Person:
    """Her server runs."""
    assert body(students[0].open("ml101"))["course"] == "ml101"
    return students[0]


@pytest.fixture
def browser(ada: Person) -> Browser:
    """Another browser of hers, just launched: the hub knows it, server and pages do not."""
    browser = Browser(ada.system)
    ada.launch(COURSE, browser)
    return browser


def at_once(browser: Browser, urls: list[str]) -> list[requests.Response]:
    """Windows of one browser: every request is on its way before the first answer has come."""
    windows = [Browser(browser.system) for _ in urls]
    for window in windows:
        window.session.cookies.update(browser.session.cookies)
    answers = [window.get(url) for window, url in zip(windows, urls, strict=True)]
    for window in windows:
        browser.session.cookies.update(window.session.cookies)
    return answers


def asked_at_the_hub(browser: Browser, path: str) -> list[str]:
    """Two windows go to `path`, which sends them to the hub; where the hub sends them."""
    begun = [answer.headers["Location"] for answer in at_once(browser, [path, path])]
    return [answer.headers["Location"] for answer in at_once(browser, begun)]


@pytest.mark.parametrize("path", [SERVER, PAGE])
def test_both_windows_get_there_when_both_come_back_at_once(browser, path):
    answers = at_once(browser, asked_at_the_hub(browser, path))
    assert [(answer.status_code, answer.headers.get("Location")) for answer in answers] == [(302, path)] * 2
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("path", [SERVER, PAGE])
def test_both_windows_get_there_one_after_the_other(browser, path):
    for url in asked_at_the_hub(browser, path):
        page = browser.get(url, allow_redirects=True)
        assert page.status_code == 200 and page.url.endswith(path), page.text[-300:]
