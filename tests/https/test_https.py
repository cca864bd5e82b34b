"""Launches, pages, roster and scores over HTTPS with a private authority; and what happens where it is unknown."""

import copy
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from nbgrader.api import Gradebook
from selenium.webdriver.remote.webdriver import WebDriver

from jupyterhub_courses.core.launch_sentences import LAUNCH_SENTENCES
from jupyterhub_courses.core.score_sentences import SCORE_SENTENCES

from ..browser.window import Window
from ..support.system import Browser, wait_for
from .conftest import COURSE_PAGE, EMBEDDING, PS1, Campus

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]


@pytest.fixture(scope="package")
def teacher(campus: Campus) -> tuple[Browser, requests.Response]:
    """Grace Hopper's browser and the page where her first click ended."""
    browser = campus.visitor("hopper")
    return browser, campus.click(browser, PS1)


def begun(campus: Campus) -> requests.Response:
    """The hub's answer to a login initiation."""
    form = {"iss": campus.lms, "login_hint": "11", "target_link_uri": f"{campus.system.base}/hub"}
    return Browser(campus.system).post("/hub/lti13/oauth_login", data=form)


def check_login_initiation(campus: Campus) -> None:
    """That a login over HTTPS asks for its answer over HTTPS, and in a cookie that comes back in a frame."""
    answer = begun(campus)
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["redirect_uri"] == [f"{campus.system.base}/hub/lti13/oauth_callback"]
    cookies = re.split(r",\s*(?=[\w-]+=)", answer.headers["Set-Cookie"])
    (ours,) = [one for one in cookies if one.startswith("courses-launch-")]
    assert {"Secure", "SameSite=None", "Partitioned", "HttpOnly"} <= set(ours.split("; "))


def public_key(keyset: dict[str, Any]) -> str:
    """The first key of a keyset, as an administrator pastes it."""
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return jwt.PyJWK(keyset["keys"][0], algorithm="RS256").key.public_bytes(*form).decode()


def test_a_click_opens_formgrader_over_https(campus: Campus, teacher: tuple[Browser, requests.Response]) -> None:
    browser, page = teacher
    assert page.ok and page.url.startswith(f"{campus.system.base}/user/grader-ml101/ml101/formgrader/"), page.text[
        -900:
    ]
    logins = [cookie for cookie in browser.session.cookies if cookie.name.startswith("jupyterhub-")]
    assert logins and all(cookie.secure for cookie in logins)
    check_login_initiation(campus)


def test_roster_and_scores_travel_over_https(campus: Campus, teacher: tuple[Browser, requests.Response]) -> None:
    told = campus.system.as_hub("POST", "courses/ml101/roster/sync")
    assert told["error"] == "", told
    members = campus.system.as_hub("GET", "courses/ml101/roster")["members"]
    (noether,) = [one["username"] for one in members if one["lms_user_id"] == "13"]
    file = campus.system.data / "courses" / "ml101" / "grader" / "ml101" / "gradebook.db"
    with Gradebook(f"sqlite:///{file}", "ml101") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_notebook("work", "ps1")
        gradebook.add_grade_cell("task", "work", "ps1", max_score=10, cell_type="code")
        gradebook.update_or_create_student(noether)
        gradebook.add_submission("ps1", noether)
        grade = gradebook.find_grade("task", "work", "ps1", noether)
        grade.manual_score, grade.needs_manual_grade = 8.0, False
        gradebook.db.commit()
    wait_for(lambda: campus.grades()["ML101"]["Problem set 1"]["noether"] == 8.0, "the score is in the LMS", 60)


def test_a_click_inside_the_page_of_an_lms_goes_on_in_a_window(
    campus: Campus, teacher: tuple[Browser, requests.Response], browser: WebDriver
) -> None:
    window = Window(browser)
    window.go(campus.lms)
    window.click("#person-noether")
    window.find("#course-ML101")
    window.go(campus.lms + EMBEDDING)
    window.driver.switch_to.frame(window.find("iframe"))
    window.click_to_new_tab("button")
    window.until(lambda: window.url == f"{campus.system.base}/services/courses/ml101/", "the course's page opens")
    assert "Introduction to Machine Learning" in window.text()


def test_where_the_authority_is_unknown_a_click_is_refused_with_a_sentence(stranger: Campus) -> None:
    stranger.system.apply(stranger.platform)
    browser = stranger.visitor("hopper")
    page = stranger.click(browser, PS1)
    assert page.status_code == 503 and LAUNCH_SENTENCES["keyset_unreachable"]["en"] in html.unescape(page.text)
    assert not any(cookie.name.startswith("jupyterhub-hub-login") for cookie in browser.session.cookies)
    assert (
        f"keyset {stranger.lms}/mod/lti/certs.php: ClientConnectorCertificateError" in stranger.system.log.read_text()
    )
    assert stranger.system.as_hub("GET", "courses") == []


def test_where_the_authority_is_unknown_the_roster_is_not_read_and_says_why(stranger: Campus) -> None:
    # Launches need no keyset when the LMS's key is pasted.
    platform = copy.deepcopy(stranger.platform)
    (registration,) = platform["registrations"]
    keyset = requests.get(registration.pop("keyset_url"), timeout=20, verify=str(stranger.authority)).json()
    registration["public_key"] = public_key(keyset)
    stranger.system.apply(platform)
    stranger.system.end()  # a hub remembers for a minute how an LMS is registered
    stranger.system.start()
    check_login_initiation(stranger)
    teacher = stranger.visitor("hopper")
    page = stranger.click(teacher, COURSE_PAGE)
    assert page.url == f"{stranger.system.base}/services/courses/ml101/", page.text
    told = stranger.system.as_hub("POST", "courses/ml101/roster/sync")
    assert told["error"] == "lms_certificate", told
    page = teacher.go("/services/courses/ml101/roster")
    assert SCORE_SENTENCES["lms_certificate"]["en"] in html.unescape(page.text)
