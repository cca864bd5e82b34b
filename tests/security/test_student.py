"""A student with a shell in their own server and its token in hand, and with a browser at the hub."""

import json
import os

import pytest
import requests

from ..support.system import body, with_token
from .conftest import FILES, quiz, state

BOBS = "/user/bob/ml101/"
GRADERS = "/user/grader-ml101/ml101/"


def test_may_open_own_server(world):
    assert body(world.ada.browser.get("/user/ada/ml101/courses/status"))["course"] == "ml101"


def test_may_read_own_scores(world, tokens):
    for answer in (
        world.api("GET", "courses/ml101/scores", tokens.ada),
        world.ada.browser.get("/services/courses/api/courses/ml101/scores"),
    ):
        assert answer.ok, answer.text
        assert quiz(answer) == {"ada": 7} and {one["username"] for one in body(answer)} == {"ada"}


def test_may_read_own_submissions_and_feedback(world, tokens):
    listed = body(world.ngshare("GET", "submissions/ml101/ps1/bob", tokens.bob))
    assert len(listed["submissions"]) == 1
    moment = listed["submissions"][0]["timestamp"]
    assert world.ngshare("GET", f"feedback/ml101/ps1/bob?timestamp={moment}", tokens.bob).status_code == 200


@pytest.mark.parametrize("path", ["", "lab", "api/contents", "api/sessions", "courses/status", "terminals/websocket/1"])
@pytest.mark.parametrize("server", [BOBS, GRADERS])
def test_may_not_open_the_servers_of_others_in_a_browser(world, server, path):
    page = world.ada.browser.get(server + path, allow_redirects=True)
    assert page.status_code == 403, (page.url, page.text[:300])


@pytest.mark.parametrize("owner", ["bob", "grader-ml101"])
def test_may_not_open_the_servers_of_others_with_the_own_servers_token(world, tokens, owner):
    for base in (f"{world.system.base}/user/{owner}/ml101/", world.server_url(owner)):
        for path in ("api/contents", "api/terminals", "formgrader/api/assignments", "courses/status"):
            answer = with_token("GET", base + path, tokens.ada)
            assert answer.status_code in (302, 403, 404) and '"writable"' not in answer.text, (base, path, answer.text)
            assert "/hub/api/oauth2/authorize" in answer.headers.get("Location", "/hub/api/oauth2/authorize")
        made = with_token("POST", base + "api/terminals", tokens.ada)
        assert made.status_code == 403, made.text[:200]


@pytest.mark.parametrize("owner", ["bob", "grader-ml101"])
def test_may_not_start_or_stop_the_servers_of_others(world, tokens, owner):
    running = world.system.server(owner, "ml101")
    server = f"/hub/api/users/{owner}/servers/ml101"
    for method in ("POST", "DELETE"):
        assert world.ada.browser.api(method, server).status_code in (403, 404)
        assert with_token(method, world.system.base + server, tokens.ada).status_code in (403, 404)
    assert world.ada.browser.go(f"/hub/spawn/{owner}/ml101").status_code in (403, 404)
    assert world.system.server(owner, "ml101") == running


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["users", "users/bob", "users/bob/tokens", "users/grader-ml101/tokens", "proxy"])
def test_may_do_nothing_at_the_hub_with_the_own_servers_token(world, tokens, method, path):
    answer = with_token(method, world.system.hub_api + path, tokens.ada, json={"name": "x", "admin": True})
    assert answer.status_code in (403, 404, 405), answer.text


@pytest.mark.parametrize("path", ["users/ada/tokens", "users/ada/servers/stats", "users/ada/server", "shutdown"])
def test_a_servers_token_makes_no_further_tokens_and_servers(world, tokens, path):
    answer = with_token("POST", world.system.hub_api + path, tokens.ada, json={})
    assert answer.status_code in (403, 404), answer.text


@pytest.mark.parametrize("path", ["shares/ada/ml101", "share-codes/ada/ml101"])
def test_may_not_share_a_server_and_so_run_scripts_in_a_teachers_browser(world, tokens, path):
    """Every page of a server has the origin of the hub: whoever opened Ada's would act for her with all they may."""
    world.ada.browser.go("/hub/home")
    wish = {"user": "grace", "scopes": ["access:servers!server=ada/ml101"]}
    assert world.ada.browser.api("POST", f"/hub/api/{path}", json=wish).status_code in (403, 404)
    assert with_token("POST", world.system.hub_api + path, tokens.ada, json=wish).status_code in (403, 404)


def test_may_not_become_an_admin(world):
    browser = world.ada.browser
    browser.go("/hub/home")
    for path in ("/hub/api/users/ada", "/hub/api/users/eve"):
        assert browser.api("PATCH", path, json={"admin": True}).status_code in (403, 404)
        assert browser.api("POST", path, json={"admin": True}).status_code in (403, 404)
    assert browser.get("/hub/admin").status_code == 403


@pytest.mark.parametrize("name", ["stats", "ml101-2", "nowhere", ""])
def test_may_not_start_a_server_of_a_course_they_are_not_in(world, name):
    browser = world.ada.browser
    browser.go("/hub/home")
    path = f"/hub/api/users/ada/servers/{name}" if name else "/hub/api/users/ada/server"
    wishes = {"home": "/", "course": name, "role": "grader", "cmd": ["sh"], "for_user": "grader-ml101"}
    assert browser.api("POST", path, json=wishes).status_code in (400, 403, 404)
    assert browser.go(f"/hub/spawn/ada/{name}?role=grader&for_user=bob").status_code >= 400
    assert world.system.server("ada", name or "-") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "submissions/ml101/ps1"),
        ("GET", "submissions/ml101/ps1/bob"),
        ("GET", "submission/ml101/ps1/bob"),
        ("GET", "submission/ml101/ps1/bob?student=ada&user=ada"),
        ("GET", "feedback/ml101/ps1/bob?timestamp=2026-01-01 00:00:00.000000 UTC"),
        ("POST", "feedback/ml101/ps1/ada"),
        ("GET", "students/ml101"),
        ("POST", "student/ml101/eve"),
        ("DELETE", "student/ml101/bob"),
        ("POST", "students/ml101"),
        ("POST", "instructor/ml101/ada"),
        ("DELETE", "instructor/ml101/grader-ml101"),
        ("POST", "assignment/ml101/ps9"),
        ("DELETE", "assignment/ml101/ps1"),
        ("DELETE", "course/ml101"),
        ("POST", "course/mine"),
    ],
)
def test_may_do_nothing_of_others_at_the_exchange(world, tokens, method, path):
    claims = {"X-Exchange-Person": "grader-ml101", "X-Exchange-Admin": "yes", "Cookie": "user=grader-ml101"}
    fields = {"files": FILES, "instructors": '["ada"]', "students": "[]", "user": "grader-ml101", "first_name": ""}
    fields |= {"last_name": "", "email": "", "timestamp": "2026-01-01 00:00:00.000000 UTC"}
    answer = world.ngshare(method, path, tokens.ada, data=fields, headers=claims)
    assert answer.status_code in (403, 404, 405) and body(answer)["success"] is False, answer.text
    listed = body(world.ngshare("GET", "submissions/ml101/ps1", tokens.grader))["submissions"]
    assert [one["student_id"] for one in listed] == ["bob"]


def test_may_not_submit_as_another(world, tokens):
    sent = world.ngshare("POST", "submission/ml101/ps1?user=bob&student=bob", tokens.ada, data={"files": FILES})
    listed = body(world.ngshare("GET", "submissions/ml101/ps1", tokens.grader))["submissions"]
    assert body(sent)["success"] and sorted(one["student_id"] for one in listed) == ["ada", "bob"]


@pytest.mark.parametrize("token", ["ada", "bob"])
def test_may_not_use_another_courses_exchange(world, token):
    """Bob studies in both: his server's token speaks for the course of that server alone."""
    for path in ("courses", "assignments/stats", "submissions/stats/ps1/bob"):
        answer = with_token("GET", world.foreign_exchange + path, world.tokens[token])
        assert (answer.status_code, body(answer)["code"]) == (403, "token-foreign"), answer.text


def test_may_not_use_the_exchange_without_a_token(world):
    for headers in ({}, {"X-Exchange-Person": "grader-ml101", "X-Exchange-Admin": "yes"}, {"Authorization": "token x"}):
        answer = requests.get(world.exchange + "courses", headers=headers, timeout=20)
        assert answer.status_code == 401, answer.text


SCHEMES = ["token ", "Bearer ", "token\t", "bearer\t", "TOKEN  "]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "path",
    [
        "courses",
        "courses/stats",
        "courses/stats/scores",
        "courses/ml101/roster",
        "courses/ml101/scores?all=1",
        "courses/ml101/scores?all=0&all=1",
        "courses/ml101/deliveries",
        "courses/ml101/deliveries/progress",
        "platforms",
        "registrations?issuer=x",
        "persons/bob/access",
    ],
)
def test_may_not_read_beyond_own_rows_with_the_own_servers_token(world, tokens, path, scheme):
    """Bob is a member of stats, too: as a person he may read there, by this token he may not."""
    answer = world.api("GET", path, tokens.bob, scheme)
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "websocket"}])
def test_a_token_in_an_address_is_worth_no_more_than_in_a_header(world, tokens, headers):
    url = f"{world.system.direct}api/courses/stats/scores?token={tokens.bob}"
    assert requests.get(url, headers=headers, timeout=20).status_code in (401, 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "courses/ml101/scores"),
        ("POST", "courses/ml101/scores/retry"),
        ("PUT", "courses/ml101/scores/choice"),
        ("POST", "courses/ml101/roster/sync"),
        ("DELETE", "courses/ml101?confirm=ml101"),
        ("POST", "apply"),
        ("POST", "admissions"),
        ("POST", "placements"),
        ("PUT", "registrations"),
    ],
)
def test_may_change_nothing_at_the_service(world, tokens, method, path):
    person = world.ada.token()
    for token in (tokens.ada, person):
        answer = world.api(method, path, token, json=state(ada=10))
        assert answer.status_code == 403, answer.text
    world.ada.browser.go("/services/courses/ml101/")
    answer = world.ada.browser.api(method, f"/services/courses/api/{path}", json=state(ada=10))
    assert answer.status_code == 403, answer.text
    assert quiz(world.api("GET", "courses/ml101/scores", tokens.ada)) == {"ada": 7}


@pytest.mark.parametrize("page", ["deliveries", "deliveries.csv", "roster"])
def test_sees_no_page_of_the_teachers(world, page):
    assert world.ada.browser.get(f"/services/courses/ml101/{page}", allow_redirects=True).status_code == 403


@pytest.mark.parametrize("path", ["stats/", "stats/opening", "stats/state", "nowhere/", "ml101-2/"])
def test_is_not_told_whether_another_course_exists(world, path):
    page = world.ada.browser.get(f"/services/courses/{path}", allow_redirects=True)
    assert page.status_code == 403 and "Course STATS" not in page.text


@pytest.mark.parametrize("path", ["ml101/deliveries.csv", "api/courses/ml101/deliveries"])
def test_without_a_login_nobody_sees_how_scores_stand(world, path):
    answer = requests.get(f"{world.system.base}/services/courses/{path}", allow_redirects=False, timeout=20)
    assert answer.status_code in (302, 401) and "bob" not in answer.text


def test_has_no_formgrader(world):
    assert world.ada.browser.get("/user/ada/ml101/formgrader").status_code == 404


def test_the_proxy_takes_no_routes_from_a_server(world, tokens):
    url = f"http://127.0.0.1:{world.system.ports['proxy_port']}/api/routes"
    for token in (tokens.ada, "", "x"):
        assert with_token("GET", url, token).status_code == 403
        assert with_token("POST", url + "/user/bob/ml101", token, json={"target": "http://x"}).status_code == 403


def test_a_servers_environment_holds_its_own_token_alone(world):
    """What an `env` in the student's shell shows; the files of the one system user are another matter (docs)."""
    pid = world.system.server("ada", "ml101")
    environment = world.system.environment(pid)
    own = environment["JUPYTERHUB_API_TOKEN"]
    held = {v for n, v in environment.items() if "TOKEN" in n or "SECRET" in n or "KEY" in n} - {own}
    assert not held - {""} and own not in os.environ.values()
    shared = (world.system.data / "hub-token").read_text().strip()
    assert not any(shared in value for value in environment.values())
    assert not any(name.startswith(("CONFIGPROXY_", "EXCHANGE_", "JUPYTERHUB_CRYPT")) for name in environment)
    assert json.dumps(environment).count(own) == len([v for v in environment.values() if v == own])
