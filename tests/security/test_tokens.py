"""Tokens that people make, and tokens that are no longer."""

import time

import pytest

from ..support.system import body, with_token
from .conftest import quiz, state

SERVICE = "access:services!service=courses"


def test_a_persons_token_may_what_the_person_may(world):
    token = world.bob.token()
    assert {one["slug"] for one in body(world.api("GET", "courses", token))} == {"ml101", "stats"}
    assert quiz(world.api("GET", "courses/ml101/scores", token)) == {"bob": 9}
    assert world.api("GET", "courses/ml101/roster", token).status_code == 403


def test_a_persons_token_for_the_service_alone_is_enough(world):
    assert len(body(world.api("GET", "courses", world.bob.token(scopes=[SERVICE])))) == 2


@pytest.mark.parametrize(
    "scopes", [["read:users:name!user"], ["users:activity!user"], ["servers!user"], ["tokens!user"]]
)
def test_a_token_that_was_made_for_something_else_opens_nothing(world, scopes):
    """Grace teaches: her roster must not lie behind a token that she made for her calendar."""
    token = world.grace.token(scopes=scopes)
    for path in ("courses", "courses/ml101", "courses/ml101/roster", "courses/ml101/scores?all=1"):
        assert world.api("GET", path, token).status_code == 401
    assert with_token("GET", f"{world.system.direct}ml101/roster", token).status_code in (302, 401)


def test_a_token_narrowed_to_a_server_is_worth_that_server(world):
    scopes = ["access:servers!server=bob/ml101", SERVICE]
    token = world.bob.token(scopes=scopes)
    assert quiz(world.api("GET", "courses/ml101/scores", token)) == {"bob": 9}
    for path in ("courses", "courses/stats/scores"):
        assert world.api("GET", path, token).status_code == 403
    both = world.bob.token(scopes=[*scopes, "access:servers!server=bob/stats"])
    assert world.api("GET", "courses/ml101/scores", both).status_code == 401


def test_no_persons_token_sends_scores(world):
    scopes = ["access:servers!server=grader-ml101/ml101", SERVICE]
    for token in (world.grace.token(), world.grace.token(scopes=scopes)):
        assert world.api("PUT", "courses/ml101/scores", token, json=state(ada=10)).status_code in (401, 403)
    assert world.ngshare("GET", "students/ml101", world.grace.token(scopes=scopes)).status_code == 403


def test_a_student_gets_no_token_with_the_rights_of_others(world):
    browser = world.ada.browser
    browser.go("/hub/home")
    for scope in (
        "access:servers!server=grader-ml101/ml101",
        "access:servers",
        "admin:users",
        "access:servers!user=bob",
    ):
        answer = browser.api("POST", "/hub/api/users/ada/tokens", json={"scopes": [scope]})
        assert answer.status_code in (400, 403), answer.text
    for role in ("admin", "course-ml101-grading", "courses-service"):
        assert browser.api("POST", "/hub/api/users/ada/tokens", json={"roles": [role]}).status_code in (400, 403)


def test_an_expired_token_opens_nothing(world):
    token = world.bob.token(expires_in=1)
    time.sleep(1.2)
    assert world.api("GET", "courses", token).status_code == 401


def test_a_revoked_token_opens_nothing_half_a_minute_later(world, revoked):
    token, revoked_at = revoked
    while world.api("GET", "courses", token).status_code == 200:
        assert time.monotonic() - revoked_at < 35
        time.sleep(0.5)
    assert world.api("GET", "courses", token).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "ä", "a b", "../../user", "null", "'; DROP TABLE people; --"])
def test_words_that_are_no_token_open_nothing(world, token):
    answer = with_token("GET", f"{world.system.direct}api/courses", token.encode().decode("latin-1"))
    assert answer.status_code in (400, 401), answer.text
