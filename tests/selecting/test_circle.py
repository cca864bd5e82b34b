"""The whole circle over HTTP: a teacher selects content in an LMS, students click it, scores come into its column."""

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from jupyterhub_courses.demo.lms.scenario import Scenario, parse

from ..demo_lms.lab import Lab, running_lms
from ..support.system import Browser, System, body, wait_for, with_token

LTI = "https://purl.imsglobal.org/spec/lti/claim/"


def scenario(hub: str) -> Scenario:
    """An LMS with one course: Tara teaches, Ada and Bob study; nobody has added an activity."""
    people = [(3, "tara", "Tara", "Teacher"), (5, "ada", "Ada", "Lovelace"), (6, "bob", "Bob", "Boole")]
    members = [{"person": 3, "role": "editingteacher"}, *({"person": id, "role": "student"} for id in (5, 6))]
    return parse(
        {
            "name": "lab",
            "client_id": "circle",
            "deployment_id": "1",
            "tool": {
                "login_url": f"{hub}/hub/lti13/oauth_login",
                "redirect_uris": [f"{hub}/hub/lti13/oauth_callback"],
                "target_link_uri": f"{hub}/",
                "keyset_url": f"{hub}/services/courses/jwks.json",
                "custom": {"username": "$User.username"},
            },
            "people": [
                {"id": id, "username": login, "given": given, "family": family, "email": f"{login}@lab.invalid"}
                for id, login, given, family in people
            ],
            "courses": [{"id": 2, "label": "circle", "title": "Circles", "members": members}],
        }
    )


class Visitor:
    """Somebody at the LMS, in a browser of their own."""

    def __init__(self, system: System, lms: Lab, username: str) -> None:
        self.system, self.lms, self.browser = system, lms, Browser(system)
        answer = self.browser.post(f"{lms.base}/control/login?person={username}")
        assert answer.ok, answer.text

    def click(self, path: str) -> requests.Response:
        """Follow the LMS's forms to where the tool's own pages begin."""
        page = self.browser.get(self.lms.base + path)
        for _ in range(4):
            if page.status_code in (302, 303):
                place = page.headers["Location"]
                if "/services/courses/" in place or "/hub/spawn/" in place:
                    return page
                page = self.browser.get(place)
                continue
            page = self.send(page)
        raise AssertionError(f"{page.url}: {page.text[:500]}")

    def send(self, page: requests.Response, *pairs: tuple[str, str]) -> requests.Response:
        """Send the first form of a page, with more fields."""
        action = re.search(r'<form[^>]*?action="([^"]+)"', page.text)
        assert action, page.text[:500]
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
        data = [*((name, unescape(value)) for name, value in hidden), *pairs]
        return self.browser.post(requests.compat.urljoin(page.url, unescape(action[1])), data=data)

    def select(self, *keys: str) -> requests.Response:
        """Select content: the LMS's answer to what is chosen."""
        leads = self.click("/mod/lti/contentitem.php?id=1&course=2")
        page = self.browser.get(requests.compat.urljoin(self.system.base, leads.headers["Location"]))
        assert page.ok, page.text
        sending = self.send(page, *(("pick", key) for key in keys))
        assert sending.ok, sending.text
        return self.send(sending)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("circle"), chp)
    try:
        system.start()
        yield system
    finally:
        system.end()


@pytest.fixture(scope="module")
def lms(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The LMS, known to the hub; a course of it starts from a folder with three assignments."""
    start = tmp_path_factory.mktemp("start")
    for name in ("ps1", "ps2", "ps3"):
        (start / "source" / name).mkdir(parents=True)
    with running_lms(tmp_path_factory.mktemp("lms"), scenario(system.base)) as lms:
        one = {"client_id": "circle", "deployment_ids": ["1"], "keyset_url": f"{lms.base}/mod/lti/certs.php"}
        one |= {"authorize_url": f"{lms.base}/mod/lti/auth.php", "token_url": f"{lms.base}/mod/lti/token.php"}
        creation = {"mode": "on", "start_from": {"folder": str(start)}}
        platform = {"name": "lab", "issuer": lms.base, "course_creation": creation, "registrations": [one]}
        system.apply(platform)
        yield lms


@pytest.fixture(scope="module")
def activities(system: System, lms: Lab) -> dict[str, dict[str, Any]]:
    """What the teacher's first act, "Select content", has made: by the assignment it names."""
    tara = Visitor(system, lms, "tara")
    wait_for(lambda: "assignment:ps1" in listed(tara), "the course is made")
    answer = tara.select("assignment:ps1", "assignment:ps2", "course")
    assert re.findall(r'<li class="added">([^<]*)', answer.text) == ["ps1", "ps2", "Circles"]
    found = lms.control("GET", "activities")["circle"]
    return {one["custom"].get("assignment", ""): one for one in found}


def listed(visitor: Visitor) -> str:
    leads = visitor.click("/mod/lti/contentitem.php?id=1&course=2")
    return visitor.browser.get(requests.compat.urljoin(visitor.system.base, leads.headers["Location"])).text


@pytest.fixture(scope="module")
def grader(system: System, lms: Lab, activities: dict[str, Any]) -> str:
    """The token of the graders' server, whose empty gradebook has been sent."""
    tara = Visitor(system, lms, "tara")
    place = tara.click(f"/mod/lti/launch.php?id={activities['']['id']}").headers["Location"]
    assert urlsplit(place).path == "/services/courses/circle/", place
    page = tara.browser.go("/hub/spawn/grader-circle/circle?next=/user/grader-circle/circle/courses/status")
    assert page.ok, page.text[-500:]
    wait_for(lambda: body(tara.browser.get("/user/grader-circle/circle/courses/status"))["last_sent"], "it has sent")
    pid = system.server("grader-circle", "circle")
    assert pid is not None
    return system.environment(pid)["JUPYTERHUB_API_TOKEN"]


def send_scores(system: System, grader: str, **scores: float) -> None:
    """A gradebook's state: ps1 out of 7.5, ps2 out of 20; Ada's and Bob's `scores` of both."""
    now = time.time()
    graded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    maxima = {"ps1": 7.5, "ps2": 20.0}
    state = {
        "taken_at": now,
        "assignments": [{"name": name, "max_score": value, "due_at": None} for name, value in maxima.items()],
        "scores": [
            {
                "assignment": name,
                "username": who,
                "score": share * value,
                "max_score": value,
                "graded_at": graded,
                "comment": None,
            }
            for name, value in maxima.items()
            for who, share in scores.items()
        ],
    }
    answer = with_token("PUT", f"{system.direct}api/courses/circle/scores", grader, json=state)
    assert answer.status_code == 200 and body(answer)["unknown"] == [], answer.text


def test_the_activities_are_those_that_were_chosen(system: System, activities: dict[str, dict[str, Any]]) -> None:
    for name in ("ps1", "ps2"):
        assert activities[name]["title"] == name
        assert activities[name]["column"] == {"max": 100, "resource_id": name, "tag": ""}
    assert activities[""]["column"] is None
    assert {one["url"] for one in activities.values()} == {f"{system.base}/"}


def test_a_students_click_on_it_leads_to_the_notebook(system: System, lms: Lab, activities: dict[str, Any]) -> None:
    place = Visitor(system, lms, "ada").click(f"/mod/lti/launch.php?id={activities['ps1']['id']}").headers["Location"]
    assert urlsplit(place).path == "/hub/spawn/ada/circle"
    assert "courses%2Fopen%3Fassignment%3Dps1" in place


def test_scores_come_into_the_activities_own_columns_on_their_scale(
    system: System, lms: Lab, activities: dict[str, Any], grader: str
) -> None:
    """ps1 was clicked before, ps2 never: its column is found by what Deep Linking gave it, and no other is made."""
    Visitor(system, lms, "ada").click(f"/mod/lti/launch.php?id={activities['ps1']['id']}")
    Visitor(system, lms, "bob").click(f"/mod/lti/launch.php?id={activities['ps1']['id']}")
    send_scores(system, grader, ada=0.5, bob=1.0)

    def shown() -> dict[str, Any]:
        return lms.control("GET", "gradebook")["circle"]

    wanted = {"ps1": {"ada": 50, "bob": 100}, "ps2": {"ada": 50, "bob": 100}}
    wait_for(lambda: shown() == wanted, f"{wanted} in the LMS")
    columns = lms.control("GET", "gradebook?detail=1")["circle"]
    assert {name: one["ada"]["max"] for name, one in columns.items()} == {"ps1": 100, "ps2": 100}
    # A click on ps2 afterwards moves nothing.
    Visitor(system, lms, "ada").click(f"/mod/lti/launch.php?id={activities['ps2']['id']}")
    send_scores(system, grader, ada=0.25, bob=1.0)
    wanted = {"ps1": {"ada": 25, "bob": 100}, "ps2": {"ada": 25, "bob": 100}}
    wait_for(lambda: shown() == wanted, f"{wanted} in the LMS")


def test_a_second_selection_tells_that_there_is_an_activity_already(
    system: System, lms: Lab, activities: dict[str, Any]
) -> None:
    Visitor(system, lms, "ada").click(f"/mod/lti/launch.php?id={activities['ps1']['id']}")
    page = listed(Visitor(system, lms, "tara"))
    assert page.count("An activity opens this already") >= 1


def test_a_student_of_the_lms_cannot_select(system: System, lms: Lab, activities: dict[str, Any]) -> None:
    ada = Visitor(system, lms, "ada")
    login = ada.browser.get(f"{lms.base}/mod/lti/contentitem.php?id=1&course=2")
    asked = ada.send(login)
    assert asked.status_code == 302
    assert ada.browser.get(asked.headers["Location"]).status_code == 404
