"""`/hub/login`: where somebody starts who is not logged in; a page in two languages, and never an error."""

import html
import re

import pytest

from jupyterhub_courses.adapters.courses_api.hub import ServiceDown, Start
from jupyterhub_courses.adapters.courses_api.starts import AGAIN_S, REMEMBER_S, Starts
from jupyterhub_courses.core.sentences import SENTENCES

NAMES = [
    {"name": "zeta", "url": "https://zeta.example/my?x=1&y=2"},
    {"name": "<b>Alma Mater</b>", "url": "http://alma.example/"},
    {"name": "Beta (no address)", "url": None},
    {"name": "Evil", "url": "javascript:alert(1)"},
]


def starts(answer):
    """[(name, address or None)] as the page shows them."""
    listed = re.search(r'<ul[^>]*id="courses-starts">(.*?)</ul>', answer.text, re.DOTALL)
    rows = re.findall(r"<li.*?</li>", listed[1], re.DOTALL) if listed else []
    found = []
    for row in rows:
        address = re.search(r'href="([^"]*)"', row)
        text = re.sub(r"<[^>]+>", "", row).strip()
        found.append((html.unescape(text), address and html.unescape(address[1])))
    return found


async def test_the_page_names_the_lmss_sorted_escaped_and_with_web_addresses_alone(hub, browser_of, service):
    service.starts = NAMES
    for path in ("/hub/login", "/hub/login?next=%2Fhub%2Fuser%2Fada%2Fml101%2F"):
        answer = await browser_of().get(path)
        assert answer.status == 200 and answer.code == "start_in_lms"
        assert starts(answer) == [
            ("<b>Alma Mater</b>", "http://alma.example/"),
            ("Beta (no address)", None),
            ("Evil", None),
            ("zeta", "https://zeta.example/my?x=1&y=2"),
        ]
        assert "<b>Alma" not in answer.text and "javascript:alert" not in answer.text
        assert "<form" not in answer.text


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("fault", ["down", "starting", "nonsense"])
async def test_without_the_service_the_page_still_says_what_to_do(hub, browser_of, service, language, fault):
    if fault == "down":
        await service.stop()
    elif fault == "starting":
        service.starting = True
    else:
        service.starts = {"no": "list"}
    answer = await browser_of(language).get("/hub/login")
    assert answer.status == 200 and starts(answer) == []
    assert SENTENCES["start_in_lms"][language] in html.unescape(answer.text)


@pytest.mark.parametrize("path", ["/hub/home", "/hub/spawn/ada/ml101", "/hub/admin"])
async def test_whoever_types_an_address_of_the_hub_comes_to_that_page(hub, browser_of, service, path):
    service.starts = NAMES
    browser = browser_of()
    answer = await browser.get(path)
    for _ in range(4):
        if answer.status in (301, 302, 303):
            answer = await browser.get(answer.location)
    assert answer.status == 200 and len(starts(answer)) == 4


async def test_an_expired_session_comes_to_that_page_and_the_log_holds_no_query(hub, browser_of, service, caplog):
    service.starts = NAMES
    browser = browser_of()
    browser.session.cookie_jar.update_cookies({"jupyterhub-hub-login": "2|1:0|expired"})
    answer = await browser.get("/hub/login", next="/hub/user/ada/ml101/?secret=5")
    assert answer.status == 200 and len(starts(answer)) == 4
    assert "secret" not in caplog.text


async def test_a_form_that_nobody_offered_is_not_taken(hub, browser_of, service):
    service.starts = NAMES
    browser = browser_of()
    token = re.search(r'"?xsrf_token"?:\s*"([^"]+)"', (await browser.get("/hub/login")).text)
    answer = await browser.post("/hub/login", username="ada", password="x", _xsrf=token[1] if token else "")
    assert answer.status in (403, 405) and answer.code == "start_in_lms"
    assert "jupyterhub-hub-login" not in {cookie.key for cookie in browser.session.cookie_jar}
    assert "ada" not in {user.name for user in hub.users.values()}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_the_service_is_asked_once_a_minute_and_a_fault_keeps_what_is_known():
    clock, asked = Clock(), []

    async def ask():
        asked.append(clock.now)
        if len(asked) == 2:
            raise ServiceDown("away")
        return (Start("b", None), Start("A", None))

    memory = Starts(ask, clock)
    for clock.now in (0.0, REMEMBER_S - 1, REMEMBER_S, REMEMBER_S + AGAIN_S - 1, REMEMBER_S + AGAIN_S):
        assert [start.name for start in await memory.all()] == ["A", "b"]
    assert asked == [0.0, REMEMBER_S, REMEMBER_S + AGAIN_S]


@pytest.mark.parametrize("target", ["%2F%7F%2Fx", "%2F%0D%0AX-Odd:%20y", "%2F%09%2Fx", "%2Fx%00", "%1F%2Fx"])
async def test_somebody_logged_in_goes_home_where_no_address_is_named(hub, browser_of, platform, service, target):
    """What no header can carry was an error of the hub."""
    browser = browser_of()
    assert (await browser.launch(platform)).status == 303
    home = (await browser.get("/hub/login")).headers["Location"]
    answer = await browser.get(f"/hub/login?next={target}")
    assert (answer.status, answer.headers["Location"]) == (302, home) and "X-Odd" not in answer.headers
