"""Assistants, instructors and the graders' server: the course whole, and nothing beside it."""

import re
import time

import pytest
import requests

from ..support.system import body, with_token
from .conftest import FILES, REFRESH_S, quiz, state

GRADERS = "/user/grader-ml101/ml101/"


@pytest.mark.parametrize("who", ["tara", "grace"])
def test_ta_and_instructor_may_open_the_graders_server(world, who):
    person = world.people[who]
    assert person.open("ml101", "grader-ml101", "formgrader/manage_assignments").status_code == 200
    assert body(person.browser.get(GRADERS + "courses/status"))["course"] == "ml101"


@pytest.mark.parametrize("who", ["tara", "grace"])
@pytest.mark.parametrize(
    "path",
    [
        "ml101/roster",
        "ml101/deliveries",
        "ml101/deliveries.csv",
        "ml101/",
        "api/courses/ml101/scores?all=1",
        "api/courses/ml101/deliveries",
    ],
)
def test_ta_and_instructor_may_see_roster_and_deliveries(world, who, path):
    page = world.people[who].browser.go(f"/services/courses/{path}")
    assert page.status_code == 200 and ("Course ML101" in page.text or re.search(r"\bbob\b", page.text))


@pytest.mark.parametrize("who", ["tara", "grace"])
def test_ta_and_instructor_may_retry_deliveries(world, who):
    browser = world.people[who].browser
    browser.go("/services/courses/ml101/")
    assert browser.api("POST", "/services/courses/api/courses/ml101/scores/retry").status_code == 200
    token = world.people[who].token()  # made at the hub's page of tokens, with all that the person may
    assert world.api("POST", "courses/ml101/scores/retry", token).status_code == 200


BEYOND = [
    ("DELETE", "courses/ml101?confirm=ml101"),
    ("POST", "apply"),
    ("GET", "platforms"),
    ("PUT", "courses/ml101/scores"),
    ("PUT", "registrations"),
    ("POST", "admissions"),
    ("POST", "placements"),
    ("GET", "persons/ada/access"),
    ("GET", "courses/stats"),
    ("GET", "courses/stats/roster"),
    ("GET", "courses/stats/scores?all=1"),
    ("POST", "courses/stats/scores/retry"),
    ("PUT", "courses/stats/scores/choice"),
    ("GET", "courses/stats/deliveries"),
    ("GET", "courses/stats/deliveries/progress"),
    ("POST", "courses/stats/roster/sync"),
    ("DELETE", "courses/stats?confirm=stats"),
]


@pytest.mark.parametrize("who", ["tara", "grace"])
@pytest.mark.parametrize(("method", "path"), BEYOND)
def test_ta_and_instructor_may_not_do_what_is_the_admins_or_another_courses(world, who, method, path):
    person = world.people[who]
    person.browser.go("/services/courses/ml101/")
    answer = person.browser.api(method, f"/services/courses/api/{path}", json=state(ada=10))
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("who", ["tara", "grace"])
def test_ta_and_instructor_may_not_open_servers_of_students_or_of_other_courses(world, who):
    browser = world.people[who].browser
    assert browser.get("/user/ada/ml101/lab", allow_redirects=True).status_code == 403
    assert world.people[who].open("stats", "grader-stats").status_code in (403, 404)
    browser.go("/hub/home")
    for server in ("users/ada/servers/ml101", "users/grader-stats/servers/stats"):
        assert browser.api("DELETE", f"/hub/api/{server}").status_code in (403, 404)
    for path in ("users", "groups", "services", "users/grader-ml101/tokens", "users/ada/tokens"):
        answer = browser.get(f"/hub/api/{path}")
        names = {one["name"] for one in body(answer)} if answer.ok and body(answer) else set()
        assert names <= {who, "grader-ml101"}, answer.text  # whose server they open, by name alone
    assert browser.api("POST", "/hub/api/users/grader-ml101/tokens", json={}).status_code in (403, 404)
    assert browser.api("POST", "/hub/api/users/grader-ml101/servers/other", json={}).status_code in (403, 404)


def test_a_teacher_of_one_course_is_nobody_in_another(world):
    for page in ("ml101/", "ml101/roster", "ml101/deliveries", "ml101/deliveries.csv"):
        assert world.theo.browser.get(f"/services/courses/{page}", allow_redirects=True).status_code == 403
    assert world.theo.open("ml101", "grader-ml101").status_code in (403, 404)


def test_the_graders_server_may_send_its_courses_scores_and_read_its_roster(world, tokens):
    assert body(world.api("PUT", "courses/ml101/scores", tokens.grader, json=state(1.0, ada=1))) == {"stale": True}
    roster = body(world.api("GET", "courses/ml101/roster", tokens.grader))["members"]
    assert {one["username"] for one in roster} >= {"grace", "tara", "ada", "bob"}
    assert quiz(world.api("GET", "courses/ml101/scores?all=1", tokens.grader)) == {"ada": 7, "bob": 9}


@pytest.mark.parametrize("scheme", ["token ", "bearer\t"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(one for one in BEYOND if one != ("PUT", "courses/ml101/scores")),
        ("PUT", "courses/stats/scores"),
        ("GET", "courses"),
        ("POST", "courses/ml101/scores/retry"),
        ("PUT", "courses/ml101/scores/choice"),
        ("POST", "courses/ml101/roster/sync"),
    ],
)
def test_the_graders_server_may_do_nothing_else(world, tokens, method, path, scheme):
    answer = world.api(method, path, tokens.grader, scheme, json=state(ada=10))
    assert answer.status_code == 403, answer.text


def test_the_graders_server_cannot_give_scores_to_people_who_are_not_in_the_course(world, tokens):
    """Olaf has an account, at another LMS: his name in a gradebook is a name that nobody here has."""
    world.system.as_hub("GET", "courses/ml101/scores?all=1")
    sent = world.api("PUT", "courses/ml101/scores", tokens.grader, json=state(**{"ada": 7, "bob": 9, "ada-2": 3}))
    assert body(sent) == {"accepted": 2, "unknown": ["ada-2"]}


def test_the_graders_server_may_not_use_another_courses_exchange(world, tokens):
    for method, path in (("GET", "courses"), ("GET", "students/stats"), ("POST", "assignment/stats/ps1")):
        answer = with_token(method, world.foreign_exchange + path, tokens.grader, data={"files": FILES})
        assert answer.status_code == 403 and body(answer)["code"] == "token-foreign"


@pytest.mark.parametrize("token", ["bob", "grader-ml101"])
@pytest.mark.parametrize(
    "page", ["", "ml101/", "ml101/roster", "ml101/deliveries", "ml101/deliveries.csv", "ml101/opening"]
)
def test_pages_take_no_servers_token_and_are_quick_to_say_so(world, token, page):
    """Quick: the service must not wait for a hub that waits for the service."""
    began = time.monotonic()
    answer = with_token("GET", world.system.direct + page, world.tokens[token])
    assert answer.status_code == 403 and time.monotonic() - began < 4.8, answer.text[:300]


def test_a_page_asked_with_a_persons_token_keeps_nobody_waiting(world):
    """A fresh token: whoever shows the page has to ask the hub, which asks the service what the person may."""
    token = world.bob.token()
    time.sleep(REFRESH_S + 0.5)
    began = time.monotonic()
    assert with_token("GET", world.system.direct + "ml101/", token).status_code == 200
    assert time.monotonic() - began < 4.8


def test_only_the_shared_secret_opens_the_hubs_doors(world, tokens):
    doors = [("POST", "admissions"), ("POST", "placements"), ("GET", "persons/ada/access"), ("GET", "registrations")]
    admin = world.grace.token()
    for method, path in doors:
        for token in (tokens.grader, tokens.ada, admin):
            assert world.api(method, path, token, json={}).status_code == 403
        assert (
            requests.request(method, f"{world.system.base}/services/courses/api/{path}", timeout=20).status_code == 401
        )
