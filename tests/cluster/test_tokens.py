"""What the token of a real student's server is worth, asked from inside that server's pod."""

import base64
import json

import pytest

from .classroom import ASSIGNMENT, NOTEBOOK

pytestmark = pytest.mark.timeout(600)  # a hub, two courses and two servers are made first
FOREIGN = "This token is not from a server of this course."
FILES = json.dumps([{"path": NOTEBOOK, "content": base64.b64encode(b"{}").decode()}])
OTHERS = {"username": "bob", "server": "south", "state": "{}"}
#: method, path, fields: what somebody could want of another course's exchange.
FOREIGN_WISHES = (
    ("GET", "courses", {}),
    ("GET", "assignments/south", {}),
    ("GET", f"assignment/south/{ASSIGNMENT}", {}),
    ("POST", f"submission/south/{ASSIGNMENT}", {"files": FILES}),
    ("GET", f"submissions/south/{ASSIGNMENT}", {}),
    ("GET", f"submissions/south/{ASSIGNMENT}/bob", {}),
    ("GET", f"submission/south/{ASSIGNMENT}/bob", {}),
    ("GET", "students/south", {}),
)


def test_it_serves_its_person_at_the_courses_own_exchange(classroom):
    token, own = classroom.token("ada"), classroom.exchange("north")
    told = classroom.ask(
        "ada",
        ("GET", f"{own}assignments/north", token, {}),
        ("GET", f"{own}assignment/north/{ASSIGNMENT}", token, {}),
        ("POST", f"{own}submission/north/{ASSIGNMENT}", token, {"files": FILES}),
        ("GET", f"{own}submissions/north/{ASSIGNMENT}/ada", token, {}),
    )
    assert [status for status, _ in told] == [200] * 4, told
    assert json.loads(told[0][1])["assignments"] == [ASSIGNMENT]
    sent = json.loads(told[2][1])["timestamp"]
    assert sent in [one["timestamp"] for one in json.loads(told[3][1])["submissions"]]


def test_another_courses_exchange_refuses_it_and_says_why(classroom):
    """By the network already where policies are enforced; so the same token is tried from the other course's server,
    which reaches that exchange everywhere."""
    token, other = classroom.token("ada"), classroom.exchange("south")
    before = classroom.submissions("bob")
    wishes = [(method, other + path, token, fields) for method, path, fields in FOREIGN_WISHES]
    for one, (status, body) in zip(wishes, classroom.ask("bob", *wishes), strict=True):
        refusal = json.loads(body)
        assert (status, refusal["code"], refusal["message"]) == (403, "token-foreign", FOREIGN), (one, body)
    for one, (status, body) in zip(wishes, classroom.ask("ada", *wishes), strict=True):
        assert status == 0 or (status, json.loads(body)["message"]) == (403, FOREIGN), (one, body)
    assert classroom.submissions("bob") == before


def test_graders_work_at_the_own_exchange_is_not_for_it(classroom):
    wishes = (
        ("GET", f"submissions/north/{ASSIGNMENT}"),
        ("GET", f"submission/north/{ASSIGNMENT}/ada"),
        ("GET", "students/north"),
        ("DELETE", f"assignment/north/{ASSIGNMENT}"),
        ("DELETE", "student/north/ada"),
    )
    for one, status, body in asked(classroom, classroom.exchange("north"), wishes):
        assert status == 403 and json.loads(body)["success"] is False, (one, status, body)


def test_the_service_refuses_graders_and_others_work_to_it(classroom):
    wishes = (
        ("GET", "courses"),
        ("GET", "courses/north/roster"),
        ("GET", "courses/north/scores?all=1"),
        ("PUT", "courses/north/scores"),
        ("POST", "courses/north/scores/retry"),
        ("PUT", "courses/north/autograde-runs/mine"),
        ("DELETE", "courses/north/autograde-runs/mine"),
        ("GET", "courses/south"),
        ("GET", "courses/south/scores"),
        ("DELETE", "courses/north?confirm=north"),
        ("POST", "apply"),
        ("POST", "login-links"),
        ("POST", "placements"),
        ("GET", "persons/bob/access"),
    )
    for one, status, body in asked(classroom, classroom.service(), wishes):
        assert status == 403 and json.loads(body)["message"], (one, status, body)


def test_the_service_gives_it_its_persons_own_rows(classroom):
    address = classroom.service() + "courses/north/scores"
    assert classroom.ask("ada", ("GET", address, classroom.token("ada"), {})) == [(200, "[]")]


def test_the_hub_gives_it_nothing_beyond_its_scopes(classroom):
    wishes = (
        ("GET", "users"),
        ("GET", "users/bob"),
        ("GET", "users/grader-north"),
        ("POST", "users/eve"),
        ("POST", "users/ada/tokens"),
        ("POST", "users/bob/tokens"),
        ("POST", "users/ada/servers/south"),
        ("DELETE", "users/bob/servers/south"),
        ("GET", "services"),
        ("GET", "proxy"),
        ("POST", "shutdown"),
    )
    for one, status, body in asked(classroom, classroom.hub(), wishes, fields={}):
        assert status in (403, 404), (one, status, body)
    ((status, body),) = classroom.ask("ada", ("GET", classroom.hub() + "user", classroom.token("ada"), {}))
    assert status == 200, body
    servers = [scope for scope in json.loads(body)["scopes"] if scope.startswith("access:servers")]
    assert servers == ["access:servers!server=ada/north"]


def asked(classroom, base, wishes, fields=OTHERS):
    """(method, path), status and body of each, by the token of Ada's server from inside of it."""
    token = classroom.token("ada")
    questions = [(method, base + path, token, fields if method in ("POST", "PUT") else {}) for method, path in wishes]
    for one, (status, body) in zip(wishes, classroom.ask("ada", *questions), strict=True):
        yield one, status, body
