"""From the click in the LMS to the address that opens the notebook, through a real hub and its proxy."""

import asyncio
import logging
import re
from urllib.parse import parse_qs, urlsplit

from .conftest import authentication_request, end, registration_of
from .platform import MEMBERSHIP, Platform
from .service import admission

GRADER = "grader-ml101"


async def test_a_student_lands_in_the_assignment_of_their_own_server(hub, browser_of, platform, service):
    answer = await browser_of().launch(platform)
    assert answer.status == 303
    place = urlsplit(answer.location)
    assert (place.netloc, place.path) == ("", "/hub/spawn/ada/ml101")
    assert parse_qs(place.query) == {"next": ["/user/ada/ml101/courses/open?assignment=ps1"]}
    ada = hub.users["ada"]
    assert not ada.admin and {role.name for role in ada.orm_user.roles} == {"user"}
    launch = service.launches[0]
    assert (launch["platform"], launch["sub"], launch["context"]["label"]) == ("lab", "5", "ml101")
    assert launch["roles"] == [MEMBERSHIP + "Learner"] and launch["custom"] == {"assignment": "ps1"}


async def test_a_teacher_lands_on_the_shared_graders_server_with_the_roles_for_it(hub, browser_of, platform, service):
    service.admission = admission("tara", "instructor")
    answer = await browser_of().launch(platform, roles=[MEMBERSHIP + "Instructor"])
    assert urlsplit(answer.location).path == f"/hub/spawn/{GRADER}/ml101"
    roles = {role.name: role for role in hub.users["tara"].orm_user.roles}
    assert set(roles) == {"user", "course-ml101-grading"}
    assert f"servers!server={GRADER}/ml101" in roles["course-ml101-grading"].scopes
    # naming `user` without scopes has to leave the configured ones alone
    assert set(roles["user"].scopes) == {"self", "access:services!service=courses"}


async def test_without_an_assignment_the_course_page_opens_and_while_it_is_made_a_page_that_waits(
    hub, browser_of, platform, service
):
    browser = browser_of()
    service.admission = admission("ada", assignment=None)
    answer = await browser.launch(platform)
    assert answer.location == "/services/courses/ml101/"
    assert (await browser.get(answer.location)).text == "course page"
    service.admission = admission("ada", ready=False)
    place = urlsplit((await browser.launch(platform)).location)
    assert place.path == "/services/courses/ml101/opening"
    assert parse_qs(place.query)["next"][0].startswith("/hub/spawn/ada/ml101?next=")


async def test_several_tabs_of_one_browser_launch_at_once(hub, browser_of, platform):
    browser = browser_of()
    asked = [authentication_request(await browser.begin(platform)) for _ in range(5)]
    for query in reversed(asked):
        token = platform.sign(platform.claims(query["nonce"]))
        answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=query["state"])
        assert answer.status == 303
    assert len({query["nonce"] for query in asked}) == len({query["state"] for query in asked}) == 5


async def test_logins_that_never_come_back_do_not_fill_the_browser(hub, browser_of, platform):
    browser = browser_of()
    for _ in range(20):
        await browser.begin(platform)
    names = {cookie.key for cookie in browser.session.cookie_jar if cookie.value}
    assert len({name for name in names if name.startswith("courses-launch-")}) <= 16
    assert (await browser.launch(platform)).status == 303


async def test_the_lms_is_asked_as_the_specification_wants(hub, browser_of, platform):
    browser = browser_of()
    answer = await browser.get(
        "/hub/lti13/oauth_login",
        iss=platform.issuer,
        login_hint="5",
        lti_message_hint='{"cmid":3}',
        target_link_uri=f"{browser.base}/hub",
    )  # Open edX sends a GET, and the client id is optional where an issuer has one registration
    assert answer.location.startswith("https://lms.example/auth?x=1&")
    asked = authentication_request(answer)
    assert asked["redirect_uri"] == f"{browser.base}/hub/lti13/oauth_callback"
    assert asked["lti_message_hint"] == '{"cmid":3}' and asked["client_id"] == platform.client_id
    fixed = {"response_type": "id_token", "response_mode": "form_post", "prompt": "none", "scope": "openid"}
    assert fixed.items() <= asked.items()


async def test_the_logins_cookie_is_plain_over_http_and_partitioned_over_https(hub, browser_of, platform):
    browser = browser_of()
    cookie = (await browser.begin(platform)).headers["Set-Cookie"]
    assert re.fullmatch(
        r"courses-launch-[0-9a-f]{10}-[\w-]+=[\w-]{32}; Path=/hub/lti13/; Max-Age=600; HttpOnly", cookie
    )
    hub.authenticator.uri_scheme = "https"
    answer = await browser.begin(platform)
    assert answer.headers["Set-Cookie"].endswith("; HttpOnly; Secure; SameSite=None; Partitioned")
    assert authentication_request(answer)["redirect_uri"].startswith("https://")


async def test_a_second_person_in_the_same_browser_does_not_see_the_firsts_pages(hub, browser_of, platform, service):
    browser = browser_of()
    await browser.launch(platform)
    service.admission = admission("bob", assignment=None)
    answer = await browser.launch(platform, sub="6")
    assert any(
        cookie.startswith('service-courses="";') and "Path=/services/courses/" in cookie
        for cookie in answer.headers.getall("Set-Cookie")
    )
    assert "bob" in (await browser.get("/hub/home")).text


async def test_nobody_becomes_admin_by_a_launch_and_whom_the_configuration_names_is_one(
    hub, browser_of, platform, service
):
    service.admission = {**admission("ada"), "admin": True, "roles": [{"name": "user"}, {"name": "admin"}]}
    await browser_of().launch(platform)
    assert not hub.users["ada"].admin
    assert {role.name for role in hub.users["ada"].orm_user.roles} == {"user"}
    service.admission = admission("root-of-hub")
    await browser_of().launch(platform, sub="1")
    assert hub.users["root-of-hub"].admin
    assert {role.name for role in hub.users["root-of-hub"].orm_user.roles} == {"user", "admin"}


async def test_the_service_hears_which_name_no_user_of_the_hub_has(hub, browser_of, platform, service):
    service.admission = admission("ada")
    await browser_of().launch(platform, sub="3", custom={"username": "grace"})
    await browser_of().launch(platform, sub="3", custom={"username": "ada"})
    await browser_of().launch(platform, sub="3", custom={"username": "root"})
    assert [asked["free_name"] for asked in service.launches] == ["grace", None, "lms-root"]


async def test_only_a_verified_launch_logs_in(hub, browser_of, platform, service):
    browser = browser_of()
    page = await browser.get("/hub/login")
    assert page.status == 200 and page.code == "start_in_lms" and "<form" not in page.text
    xsrf = next(cookie.value for cookie in browser.session.cookie_jar if cookie.key == "_xsrf")
    forged = {"arrival": "x", "sub": "root-of-hub", "email": "root-of-hub", "name": "root-of-hub"}
    answer = await browser.post(f"/hub/login?_xsrf={xsrf}", **forged)
    assert answer.status == 405 and not {c.key for c in browser.session.cookie_jar} & {"jupyterhub-hub-login"}
    async with browser.session.post(
        f"{browser.base}/hub/api/users/root-of-hub/tokens", json={"auth": {**forged, "username": "root-of-hub"}}
    ) as response:
        assert response.status == 403
    assert await hub.authenticator.authenticate(None, forged) is None


async def test_without_an_lms_a_page_says_where_to_start(hub, browser_of, platform):
    for language, word in (("en", "learning platform"), ("de-CH,de;q=0.9,en;q=0.1", "Lernplattform")):
        browser = browser_of(language)
        for path in ("/hub/login", "/hub/login?next=/hub/home", "/hub/lti13/oauth_login"):
            page = await browser.get(path)
            assert (page.status, page.code) == (200, "start_in_lms") and word in page.sentence
        page = await browser.get("/hub/lti13/oauth_callback")
        assert (page.status, page.code) == (405, "start_in_lms")
        assert "/hub/login" in (await browser.get("/hub/home")).location


async def test_platforms_are_told_apart_by_issuer_and_client_id(hub, browser_of, platform, service):
    other = Platform(client_id="client-2", url=platform.url, keys=platform.keys)
    service.registrations[other.issuer, other.client_id] = {**registration_of(other), "platform": "other"}
    await browser_of().launch(other)
    assert (service.launches[0]["platform"], service.launches[0]["client_id"]) == ("other", "client-2")


async def test_a_storm_of_launches_asks_for_registration_and_keyset_once(hub, browser_of, platform, service):
    platform.delay_s = 0.1
    answers = await asyncio.gather(*(browser_of().launch(platform) for _ in range(20)))
    assert {answer.status for answer in answers} == {303}
    assert platform.fetches == 1
    assert sum(path == "registrations" for _, path in service.asked) == 1


async def test_the_configured_platform_is_made_known_once_the_service_answers(
    hub_app, hub_config, service, platform, browser_of_app, monkeypatch
):
    monkeypatch.setattr("jupyterhub_courses.authenticator.lti13.RETRY_S", 0.1)
    service.registrations.clear()
    service.starting = True
    own = hub_config.CoursesLTI13Authenticator
    own.issuer, own.client_id, own.deployment_ids = platform.issuer, {platform.client_id}, {"1"}
    own.authorize_url, own.token_url = "https://lms.example/auth", "https://lms.example/token"
    own.jwks_endpoint, own.username_key, own.platform_name = f"{platform.url}/keys", "custom_uid", "first"
    app = await hub_app(config=hub_config)
    async with asyncio.timeout(10):
        while ("PUT", "registrations") not in service.asked:
            await asyncio.sleep(0.05)
    await service.stop()
    await asyncio.sleep(0.3)  # longer than a retry: now nobody listens
    service.starting = False
    await service.start()
    async with asyncio.timeout(10):
        while not service.registrations:
            await asyncio.sleep(0.05)
    known = service.registrations[platform.issuer, platform.client_id]
    assert known["token_url"] == "https://lms.example/token" and known["deployment_ids"] == ["1"]
    assert known["keyset_url"] == f"{platform.url}/keys" and known["platform"] == "first"
    answer = await browser_of_app(app).launch(platform, custom={"uid": "u-7"})
    assert answer.status == 303 and service.launches[0]["preferred_username"] == "u-7"
    await end(app)


async def test_nothing_personal_and_no_token_is_logged(hub, browser_of, platform, caplog):
    logging.getLogger("aiohttp.access").disabled = True
    browser = browser_of()
    asked = authentication_request(await browser.begin(platform))
    token = platform.sign(platform.claims(asked["nonce"]))
    await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    await browser.get("/hub/lti13/oauth_login", iss=platform.issuer, login_hint="secret-hint-5")
    await browser.launch(platform, nonce="wrong")
    await browser.launch(platform, sub="x" * 300)
    for secret in ("secret-hint-5", "ada.secret", "Lovelace", token[:40], asked["nonce"], asked["state"][:40]):
        assert secret not in caplog.text, secret
    assert "User logged in: ada" in caplog.text  # the log was read at all
