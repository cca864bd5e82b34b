"""A launch inside the LMS's own page: a button there opens a window, and the login happens in that window alone."""

from urllib.parse import urlsplit

import pytest

from jupyterhub_courses.core.continuations import Continuation, continuation_from_json
from jupyterhub_courses.core.frames import Shown, sent_by_own_page, shown_in
from jupyterhub_courses.core.goals import GitPlace, Goal, Kind
from jupyterhub_courses.core.launches import DEEP_LINKING
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.core.sentences import SENTENCES

from .conftest import authentication_request
from .service import admission
from .test_refusals import check

CONTINUE = "/hub/lti13/continue"
HTML = "text/html,*/*;q=0.8"


def logged_in(browser):
    return "jupyterhub-hub-login" in {cookie.key for cookie in browser.session.cookie_jar if cookie.value}


async def framed(browser, platform, *, keeps_cookie=True, **changes):
    """A launch of an activity that the LMS shows in a frame."""
    browser.shown, browser.site = "iframe", "cross-site"
    asked = authentication_request(await browser.begin(platform))
    if not keeps_cookie:
        browser.session.cookie_jar.clear()
    token = platform.sign(platform.claims(asked["nonce"], **changes))
    answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    browser.shown, browser.site = "document", "same-origin"  # whoever presses the button opens a window
    return answer


@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_launch_in_a_frame_goes_on_in_a_window(hub, browser_of, platform, service, language):
    browser = browser_of(language)
    page = await framed(browser, platform)
    assert (page.status, page.code, page.sentence) == (200, "open_window", SENTENCES["open_window"][language])
    assert 'target="_blank"' in page.text and SENTENCES["open_window_button"][language] in page.text
    assert page.headers["Content-Security-Policy"] == "frame-ancestors *"
    assert not logged_in(browser) and list(page.fields) == ["code"]
    answer = await browser.post(CONTINUE, **page.fields)
    assert answer.status == 303 and urlsplit(answer.location).path == "/hub/spawn/ada/ml101"
    assert logged_in(browser) and "ada" in (await browser.get("/hub/home")).text


async def test_the_button_works_once(hub, browser_of, platform, service, caplog):
    browser = browser_of()
    page = await framed(browser, platform)
    assert (await browser.post(CONTINUE, **page.fields)).status == 303
    stranger = browser_of()
    stranger.site = "same-origin"
    for code in (page.fields["code"], "", "made-up", "x" * 10_000):
        check(await stranger.post(CONTINUE, code=code), 400, "continue_spent", caplog, code)
    assert not logged_in(stranger)


async def test_nobody_sends_a_person_into_an_account_that_is_not_theirs(hub, browser_of, platform, service, caplog):
    """A page of somebody else posts the code of its own launch, with a hidden form or from a link."""
    page = await framed(browser_of(), platform)
    victim = browser_of()
    for site, origin in (
        ("cross-site", hub_origin(hub)),
        ("same-site", hub_origin(hub)),
        ("none", None),
        ("", "https://evil.example"),
        ("", "null"),
        ("", None),
    ):
        victim.site = site
        victim.session.headers.pop("Origin", None)
        if origin:
            victim.session.headers["Origin"] = origin
        check(await victim.post(CONTINUE, **page.fields, sure="1"), 403, "continue_foreign", caplog, (site, origin))
    assert not logged_in(victim)
    answer = await victim.get(CONTINUE, **page.fields)
    assert (answer.status, answer.code) == (405, "start_in_lms")


def hub_origin(hub):
    return "http://" + urlsplit(hub.bind_url).netloc


async def test_where_the_cookie_was_withheld_the_person_is_asked_who_they_are(hub, browser_of, platform, service):
    browser = browser_of()
    page = await framed(browser, platform, keeps_cookie=False)
    assert (page.status, page.code) == (200, "open_window")
    asked = await browser.post(CONTINUE, **page.fields)
    assert (asked.status, asked.code) == (200, "confirm_person")
    assert asked.sentence == SENTENCES["confirm_person"]["en"].format(name="ada") and not logged_in(browser)
    assert "frame-ancestors 'none'" in asked.headers["Content-Security-Policy"]  # it must not lie under other things
    assert asked.fields == {**page.fields, "sure": "1"} and "_blank" not in asked.text
    assert (await browser.post(CONTINUE, **asked.fields)).status == 303 and logged_in(browser)


async def test_in_a_whole_window_a_missing_cookie_stays_a_refusal(hub, browser_of, platform, service, caplog):
    browser = browser_of()
    asked = authentication_request(await browser.begin(platform))
    browser.session.cookie_jar.clear()
    token = platform.sign(platform.claims(asked["nonce"]))
    answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    check(answer, 400, "cookie_missing", caplog, "withheld")
    assert not service.launches and not service.waiting


async def test_another_browsers_cookie_is_refused_in_a_frame_too(hub, browser_of, platform, service, caplog):
    browser = browser_of()
    browser.shown = "iframe"
    asked = authentication_request(await browser.begin(platform))
    (name,) = {c.key for c in browser.session.cookie_jar if c.key.startswith("courses-launch-")}
    browser.session.cookie_jar.clear()
    browser.session.cookie_jar.update_cookies({name: "0" * 32})
    token = platform.sign(platform.claims(asked["nonce"]))
    answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    check(answer, 403, "state_foreign", caplog, "foreign")


async def test_a_forged_token_gets_no_button(hub, browser_of, platform, service, caplog):
    for keeps_cookie in (True, False):
        answer = await framed(browser_of(), platform, keeps_cookie=keeps_cookie, aud="other")
        check(answer, 401, "audience_wrong", caplog, keeps_cookie)
    assert not service.waiting


@pytest.mark.parametrize("keeps_cookie", [True, False])
async def test_choosing_for_the_lms_stays_in_its_frame_and_logs_nobody_in(
    hub, browser_of, platform, service, keeps_cookie
):
    service.admission = {**admission("tara", "instructor"), "goal": {"kind": "selection", "code": "c0de"}}
    settings = {"deep_link_return_url": "https://lms.example/return", "accept_types": ["ltiResourceLink"], "data": "d"}
    browser = browser_of()
    claims = {"message_type": "LtiDeepLinkingRequest", "resource_link": None, DEEP_LINKING: settings}
    answer = await framed(browser, platform, keeps_cookie=keeps_cookie, **claims)
    assert (answer.status, answer.location) == (303, "/services/courses/select?code=c0de")
    assert not logged_in(browser) and not service.waiting
    asked = service.launches[0]
    assert (asked["message"], asked["selection"]["data"]) == ("deep_linking", "d")
    assert asked["base_url"] == f"{browser.base}/"


async def test_a_review_leads_a_teacher_to_the_students_submission(hub, browser_of, platform, service):
    goal = {"kind": "review", "assignment": "ps1", "student": "bob"}
    service.admission = {**admission("tara", "instructor"), "goal": goal}
    claims = {"message_type": "LtiSubmissionReviewRequest", "for_user": {"user_id": "6"}}
    answer = await browser_of().launch(platform, **claims)
    assert answer.location.startswith("/hub/spawn/grader-ml101/ml101?next=") and "student%3Dbob" in answer.location
    assert (service.launches[0]["message"], service.launches[0]["for_user"]) == ("submission_review", "6")


async def test_materials_open_in_the_persons_own_server(hub, browser_of, platform, service):
    place = {"git": "https://git.example/book", "branch": "main", "path": "a.ipynb"}
    service.admission = {**admission("ada"), "goal": {"kind": "materials", "materials": place}}
    answer = await browser_of().launch(platform, custom={**place, "assignment": "ps1"})
    assert answer.location.startswith("/hub/spawn/ada/ml101?next=") and "git.example" in answer.location
    assert service.launches[0]["custom"] == {"assignment": "ps1", "materials": True, **place}


async def test_a_browser_that_does_not_say_where_it_shows_gets_a_page_that_looks(hub, browser_of, platform, service):
    """Over http most say nothing. A frame of the hub's own site keeps the login, and would refuse the notebook."""
    browser = browser_of()
    browser.shown = browser.site = ""
    page = await browser.launch(platform)
    assert (page.status, page.code) == (200, "look_around") and logged_in(browser)
    assert 'href="/hub/spawn/ada/ml101?next=' in page.text and "window.top === window" in page.text
    assert page.headers["Content-Security-Policy"] == "frame-ancestors *"
    other = browser_of()
    other.shown = other.site = ""
    asked = authentication_request(await other.begin(platform))
    other.session.cookie_jar.clear()
    token = platform.sign(platform.claims(asked["nonce"]))
    page = await other.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    assert page.code == "open_window"
    other.session.headers["Origin"] = hub_origin(hub)  # which every browser says
    assert (await other.post(CONTINUE, **page.fields)).code == "confirm_person" and not logged_in(other)


async def test_in_the_new_window_the_login_of_somebody_else_ends(hub, browser_of, platform, service):
    browser = browser_of()
    service.admission = admission("bob")
    await browser.launch(platform)
    service.admission = admission("ada")
    page = await framed(browser, platform)
    answer = await browser.post(CONTINUE, **page.fields)
    cookies = answer.headers.getall("Set-Cookie")
    assert any(cookie.startswith('service-courses="";') for cookie in cookies)
    assert "ada" in (await browser.get("/hub/home")).text


async def test_while_the_service_is_away_a_frame_is_asked_to_try_again(hub, browser_of, platform, service, caplog):
    browser = browser_of()
    page = await framed(browser, platform)
    await service.stop()
    check(await browser.post(CONTINUE, **page.fields), 503, "service_down", caplog, "continuing")
    await service.start()
    assert (await browser.post(CONTINUE, **page.fields)).status == 303


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"Sec-Fetch-Dest": "iframe", "Accept": HTML}, Shown.FRAME),
        ({"Sec-Fetch-Dest": "frame"}, Shown.FRAME),
        ({"Sec-Fetch-Dest": "embed"}, Shown.FRAME),
        ({"Sec-Fetch-Dest": "object"}, Shown.FRAME),
        ({"Sec-Fetch-Dest": "document", "Accept": HTML}, Shown.WINDOW),
        ({"Sec-Fetch-Dest": "empty"}, Shown.WINDOW),
        ({"Accept": HTML}, Shown.UNKNOWN),
        ({"Accept": "*/*"}, Shown.WINDOW),
        ({}, Shown.WINDOW),
    ],
)
def test_where_an_answer_is_shown(headers, shown):
    assert shown_in(headers) is shown


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://hub.example"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://hub.example"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://hub.example"}, True),
        ({"Origin": "https://HUB.example"}, True),
        ({"Origin": "https://hub.example:444"}, False),
        ({"Origin": "https://hub.example.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://[::1"}, False),
        ({}, False),
    ],
)
def test_whether_our_own_page_sent_a_form(headers, own):
    assert sent_by_own_page(headers, "hub.example") is own
    assert not sent_by_own_page(dict(headers, **{"Sec-Fetch-Site": "cross-site"}), "hub.example")


def test_a_continuation_comes_back_as_it_was_and_nothing_else_is_one():
    place = GitPlace("https://git.example/x")
    kept = Continuation("ada", "ml101", Role.STUDENT, True, Goal(Kind.MATERIALS, materials=place), False)
    assert continuation_from_json(kept.as_json()) == kept
    for odd in (None, [], {}, {**kept.as_json(), "username": 5}, {**kept.as_json(), "username": "x" * 300}):
        with pytest.raises(ValueError, match=".+"):
            continuation_from_json(odd)
    for name, odd in (("role", "king"), ("goal", {}), ("goal", {"kind": "?"}), ("goal", None), ("course", "")):
        with pytest.raises(ValueError, match=".+"):
            continuation_from_json({**kept.as_json(), name: odd})
