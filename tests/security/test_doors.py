"""The service's doors against tricks: forged requests of other sites, odd addresses, large bodies, headers, errors."""

import http.client
import re
import time
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from ..support.system import Browser, body, with_token
from .conftest import quiz, state

API = "/services/courses/api/"
RETRY = API + "courses/ml101/scores/retry"


def raw(url: str, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, str]:
    """A request whose path nobody has tidied up."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port or 80, timeout=20)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


CHOICE = {"assignment": "quiz", "choice": "ours"}


@pytest.mark.parametrize("headers", [{}, {"X-XSRFToken": "2|forged"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_choice_without_the_xsrf_token_is_refused(world, headers):
    browser = world.grace.browser
    browser.go("/services/courses/ml101/")
    path = API + "courses/ml101/scores/choice"
    assert browser.ask("PUT", path, headers=headers, json=CHOICE).status_code in (401, 403)
    told = body(browser.get(API + "courses/ml101/deliveries?assignment=quiz"))
    assert {one["choice"] for one in told["assignments"]} == {"keep"}


@pytest.mark.parametrize("path", [RETRY, API + "courses/ml101/roster/sync", API + "apply"])
def test_a_post_without_the_xsrf_token_is_refused(world, path):
    """The teacher's browser sends its cookies with a form of another site, or of a student's server."""
    browser = world.grace.browser
    browser.go("/services/courses/ml101/")
    for headers in (
        {},
        {"X-XSRFToken": "2|forged"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    ):
        assert browser.post(path, headers=headers, json={}).status_code in (401, 403)
    assert browser.post(path, data={"_xsrf": "x"}).status_code in (401, 403)
    other = world.ada.browser.xsrf("/services/courses/")
    assert browser.post(path, headers={"X-XSRFToken": other}).status_code in (401, 403)
    assert browser.api("POST", RETRY).status_code == 200


def test_an_xsrf_token_alone_opens_nothing(world):
    stranger = Browser(world.system)
    assert (
        stranger.post(RETRY, headers={"X-XSRFToken": world.grace.browser.xsrf("/services/courses/")}).status_code == 401
    )


def test_cookies_are_out_of_reach_of_scripts_and_bound_to_their_path(world):
    world.grace.browser.go("/services/courses/")
    cookies = {(one.name, one.path): one for one in world.grace.browser.session.cookies}
    for name, path in (("jupyterhub-hub-login", "/hub/"), ("service-courses", "/services/courses/")):
        assert cookies[name, path].has_nonstandard_attr("HttpOnly")
    assert not [name for name, path in cookies if path == "/" and name != "jupyterhub-session-id"]
    assert not [one for one in cookies.values() if "token" in one.name.lower()]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_methods_are_not_overridden(world, tokens, method, header):
    for path in ("courses/ml101/scores?_method=PUT", "courses/ml101?confirm=ml101&_method=DELETE"):
        world.api(
            method, path, tokens.ada, headers={header: "PUT" if "scores" in path else "DELETE"}, json=state(ada=10)
        )
    assert quiz(world.api("GET", "courses/ml101/scores", tokens.ada)) == {"ada": 7}
    assert body(world.api("GET", "courses/ml101", tokens.ada))["state"] == "ready"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE", "put", "FOO"])
def test_other_methods_show_nothing(world, tokens, method):
    path = "/services/courses/api/courses/ml101/scores?all=1"
    status, text = raw(world.system.direct, path, method, {"Authorization": f"token {tokens.ada}"})
    assert status >= 400 and "bob" not in text, (status, text)


TRICKS = [
    "courses/ml101/../stats",
    "courses/ml101/..%2fstats",
    "courses/ml101/%2e%2e/stats",
    "courses/%6d%6c101/../stats/scores",
    "courses//stats",
    "courses/STATS",
    "courses/Ml101/roster",
    "courses/ml101%00/roster",
    "courses/ml101/roster/",
    "courses/ml101;x=1/roster",
    "courses/ml101%2froster",
    "../../hub/api/users",
    "%2e%2e/%2e%2e/hub/api/users",
    "courses/ml101/scores%3fall=1",
    "persons/..%2fada/access",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_odd_addresses_lead_nowhere(world, tokens, trick):
    headers = {"Authorization": f"token {tokens.bob}"}
    for url in (world.system.direct, world.system.base):
        status, text = raw(url, "/services/courses/api/" + trick, headers=headers)
        assert status in (302, 400, 403, 404) and "Byronovna" not in text and "Traceback" not in text, (status, text)


@pytest.mark.parametrize(
    "path",
    [
        "/services/courses/static/../templates/page.html",
        "/services/courses/static/..%2f..%2fapp.py",
        "/services/courses/static/%2e%2e/%2e%2e/app.py",
        "/services/courses/static//etc/passwd",
        "/user/ada/ml101/../../bob/ml101/api/contents",
        "/user/ada/ml101/%2e%2e/%2e%2e/grader-ml101/ml101/api/contents",
        "/user/ada/ml101/..%2f..%2fbob%2fml101/api/contents",
        "/user//bob/ml101/api/contents",
        "/USER/bob/ml101/api/contents",
    ],
)
def test_odd_addresses_lead_to_no_file_and_no_other_server(world, path):
    jar = world.ada.browser.session.cookies
    headers = {"Cookie": "; ".join(f"{one.name}={one.value}" for one in jar)}
    status, text = raw(world.system.base, path, headers=headers)
    assert status in (301, 302, 400, 403, 404) and "root:" not in text and "import " not in text, (status, text[:300])
    assert '"writable"' not in text


@pytest.mark.parametrize("trick", ["..", "%2e%2e", "..%2fbob", "bob%00", ".bob", "bob%2f..%2fada"])
def test_odd_names_are_refused_by_the_exchange(world, tokens, trick):
    for place in (f"submissions/ml101/ps1/{trick}", f"submission/ml101/{trick}/bob", f"assignment/{trick}/ps1"):
        headers = {"Authorization": f"token {tokens.ada}"}
        status, text = raw(world.exchange, f"/api/{place}", headers=headers)
        assert status in (400, 403, 404) and "Traceback" not in text and "files" not in text, (place, status, text)


def test_a_large_body_is_refused_and_not_kept(world, tokens):
    """The limit holds before it is asked who sends; a client that sends first still reads the answer."""
    large = b"x" * (2 << 20)
    for url in (world.system.direct, f"{world.system.base}/services/courses/"):
        for token in (tokens.ada, "nobodys"):
            answer = with_token("POST", f"{url}api/courses/ml101/scores/retry", token, data=large)
            assert (answer.status_code, body(answer)["code"]) == (413, "too_large"), answer.text
    huge = with_token("PUT", f"{world.system.direct}api/courses/ml101/scores", tokens.grader, data=b"x" * (65 << 20))
    assert (huge.status_code, body(huge)["code"]) == (413, "too_large")


def test_a_large_body_without_a_length_is_refused(world, tokens):
    url = f"{world.system.direct}api/courses/ml101/scores"
    parts = (b"x" * (1 << 20) for _ in range(66))
    answer = with_token("PUT", url, tokens.grader, data=parts)
    assert (answer.status_code, body(answer)["code"]) == (413, "too_large")


def test_nobody_makes_the_service_keep_a_body_by_sending_it(world, tokens):
    """What a caller may not send at all is not read into memory: 40 MB of a student's are refused by who they are."""
    answer = with_token("PUT", f"{world.system.direct}api/courses/ml101/scores", tokens.ada, data=b"x" * (40 << 20))
    assert answer.status_code == 403


@pytest.mark.parametrize("text", ["", "null", "[]", '{"taken_at": NaN}', '{"taken_at": 1e999}', "{", "[" * 50_000])
def test_nonsense_for_a_gradebook_is_a_sentence(world, tokens, text):
    answer = world.api("PUT", "courses/ml101/scores", tokens.grader, data=text)
    assert (answer.status_code, body(answer)["code"]) == (400, "bad_request"), answer.text


FOREIGN = ["https://evil.example/", "//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)", ""]
FOREIGN += ["/services/courses//evil.example", "/@evil.example:80/..//evil.example", "http:evil.example", "\\\\evil"]


@pytest.mark.parametrize("target", FOREIGN)
@pytest.mark.parametrize(
    "page", ["/services/courses/ml101/opening?next=", "/hub/login?next=", "/hub/spawn/ada/ml101?next="]
)
def test_no_page_sends_people_to_another_site(world, page, target):
    answer = world.ada.browser.get(page + requests.utils.quote(target, safe=""))
    where = answer.headers.get("Location", "/")
    seen = re.sub(r"[\t\r\n]", "", where).strip().replace("\\", "/")  # as browsers read it
    assert urlsplit(urljoin(world.system.base, seen)).netloc == urlsplit(world.system.base).netloc, where


@pytest.mark.parametrize("path", ["", "ml101/", "ml101/opening", "nowhere/", "api/courses", "api/nothing", "health"])
def test_every_answer_has_its_policies(world, path):
    answer = world.ada.browser.get(f"/services/courses/{path}")
    headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
    assert "script-src" not in policy and "unsafe-eval" not in policy
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert headers["Referrer-Policy"] == "same-origin" and "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_scripts_and_styles_are_what_they_say(world):
    answer = world.ada.browser.get("/services/courses/static/courses.js")
    assert answer.ok and answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["nowhere", "ml101/nothing", "oauth_callback", "oauth_callback?code=x&state=y", "ml101/opening?next=%ff%fe"],
)
def test_error_pages_show_a_sentence_and_no_stack_trace(world, path):
    for language in ("en", "de"):
        answer = world.ada.browser.get(f"/services/courses/{path}", headers={"Accept-Language": language})
        assert not re.search(r"Traceback|File \"|line \d+|site-packages|sqlalchemy|/tmp/", answer.text)
        assert answer.status_code < 500, answer.text


def test_names_from_an_lms_are_text_on_pages(world):
    """Shown to a teacher: a student who is called like a script."""
    script = "<script>alert(1)</script>"
    claims = world.ada.claims("ML101", sub="xss", name=script, family_name=script, given_name='"><img src=x onerror=a>')
    assert (
        Browser(world.system).launch(world.lab, **{**claims, "custom": {"username": "x" + script}}).status_code == 303
    )
    page = world.grace.browser.go("/services/courses/ml101/roster")
    assert (
        page.ok and "<script>alert" not in page.text and "<img src=x" not in page.text and "&lt;script&gt;" in page.text
    )


def test_headers_of_a_proxy_that_is_not_there_change_nothing(world):
    stranger = Browser(world.system)
    lies = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "127.0.0.1",
        "Host": "evil.example",
    }
    answer = stranger.get("/services/courses/ml101/", headers=lies)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/hub/api/oauth2/authorize?")
    assert "evil" not in answer.headers["Location"]


def test_refusals_do_not_break_the_connections_that_the_proxy_keeps(world, tokens):
    """Otherwise whoever comes next gets a 503 for somebody else's mistake."""
    url = f"{world.system.base}/services/courses/"
    for number in range(60):
        path, sent = (("", None), ("api/courses/stats", None), ("api/nothing", b"x"), ("api/apply", b"{}"))[number % 4]
        answer = with_token("POST" if sent else "GET", url + path, "nobodys", data=sent)
        assert answer.status_code in (302, 401, 404), (number, answer.status_code)
        assert requests.get(url + "health", timeout=20).status_code == 200


def test_the_service_stays_up_under_all_this(world):
    began = time.monotonic()
    assert body(world.ada.browser.get("/services/courses/health"))["ready"] and time.monotonic() - began < 5
