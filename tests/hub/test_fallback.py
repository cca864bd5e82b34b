"""`fallback`: another authenticator beside the LMSs, by the hub's form or its own pages; nothing else gets in."""

import html
import re

import pytest
from ltiauthenticator.lti11.auth import LTI11Authenticator
from ltiauthenticator.lti13.auth import LTI13Authenticator
from traitlets import TraitError
from traitlets.config import Config

from jupyterhub_courses.authenticator import CoursesLTI13Authenticator
from jupyterhub_courses.core.sentences import SENTENCES

from .fallback import PASSWORD, access, logged_in, roles_of, start, typed

__all__ = ["start"]  # a fixture


@pytest.fixture
async def dummy(start):
    """A hub with the dummy authenticator, by its entry point's name."""
    return await start("dummy", password=PASSWORD)


# -- the hub's form


async def test_the_form_stands_below_the_lmss_and_logs_in(dummy, browser_of_app, service):
    service.starts = [{"name": "Alma", "url": "https://alma.example/"}]
    browser = browser_of_app(dummy)
    page = (await browser.get("/hub/login")).text
    assert page.index("https://alma.example/") < page.index('id="courses-fallback"') < page.index('name="password"')
    answer = await typed(browser, "ada", next="/hub/home")
    assert (answer.status, answer.location) == (302, "/hub/home")
    assert logged_in(browser) and roles_of(dummy, "ada") == {"user"}
    answer = await typed(browser_of_app(dummy), "bob")
    assert answer.location == "/services/courses/"


async def test_the_page_is_german_for_german_readers(dummy, browser_of_app):
    page = html.unescape((await browser_of_app(dummy, "de").get("/hub/login")).text)
    assert SENTENCES["start_in_lms"]["de"] in page and SENTENCES["fallback_title"]["de"] in page


async def test_a_wrong_password_gets_the_page_again(dummy, browser_of_app, service):
    browser = browser_of_app(dummy)
    answer = await typed(browser, "ada", "wrong")
    assert answer.status == 403 and "Invalid username or password" in answer.text and 'value="ada"' in answer.text
    assert not logged_in(browser) and ("POST", "local-admissions") not in service.asked


async def test_what_the_service_calls_them_is_who_they_are(dummy, browser_of_app, service):
    service.logins["ada"] = access("ada-2", "ada", "instructor")
    browser = browser_of_app(dummy)
    assert (await typed(browser, "ADA")).status == 302
    assert roles_of(dummy, "ada-2") == {"user", "course-ml101-grading"}
    assert "ada" not in {user.name for user in dummy.users.values()}


async def test_a_name_that_the_service_refuses_gets_its_sentence(dummy, browser_of_app):
    browser = browser_of_app(dummy)
    answer = await typed(browser, "grader-ml101")
    assert answer.status == 403 and answer.code == "login_name_reserved" and answer.reference == "feedbee5"
    assert not logged_in(browser)


async def test_without_the_service_nobody_is_let_in_and_a_page_says_so(dummy, browser_of_app, service):
    await service.stop()
    browser = browser_of_app(dummy)
    answer = await typed(browser, "ada")
    assert (answer.status, answer.code) == (503, "service_down") and not logged_in(browser)


async def test_a_configured_administrator_is_one_and_nobody_else(dummy, browser_of_app):
    browser = browser_of_app(dummy)
    await typed(browser, "root-of-hub")
    assert (await browser.get("/hub/admin")).status == 200 and roles_of(dummy, "root-of-hub") == {"user", "admin"}
    other = browser_of_app(dummy)
    await typed(other, "bob")
    assert (await other.get("/hub/admin")).status == 403


async def test_a_login_is_no_administrator_when_the_administrator_of_its_name_is_somebody_else(
    start, browser_of_app, service, hub_config
):
    hub_config.Authenticator.admin_users = {"ada"}  # the hub's `ada`, who is of an LMS
    hub_config.CoursesLTI13Authenticator.admin_users = {"ada"}
    app = await start("dummy", password=PASSWORD)
    service.logins["ada"] = access("ada-2", "ada")
    browser = browser_of_app(app)
    await typed(browser, "ada")
    assert roles_of(app, "ada-2") == {"user"} and not app.users["ada-2"].admin


async def test_its_own_rules_decide_who_may_in(start, browser_of_app, service):
    app = await start(
        "dummy",
        password=PASSWORD,
        allow_all=False,  # the hub of these tests sets it for all authenticators
        allowed_users={"Ada", "carol"},
        blocked_users={"carol"},
        username_map={"augusta": "ada"},
        admin_users={"ada"},
    )
    for name, status in (("ada", 302), ("augusta", 302), ("bob", 403), ("carol", 403), ("root-of-hub", 302)):
        assert (await typed(browser_of_app(app), name)).status == status, name
    assert roles_of(app, "ada") == {"user", "admin"} and app.users["ada"].admin


async def test_it_knows_the_hubs_administrators_so_that_their_names_are_not_anybodys(start, browser_of_app, service):
    """Its own settings name none; with the password of everybody nobody is to become one."""
    from jupyterhub.authenticators.shared import SharedPasswordAuthenticator

    passwords = {"user_password": PASSWORD, "admin_password": "a" * 32}
    app = await start(SharedPasswordAuthenticator, **passwords, allow_all=True)
    browser = browser_of_app(app)
    assert (await typed(browser, "root-of-hub")).status == 403 and not logged_in(browser)
    assert (await typed(browser_of_app(app), "ada")).status == 302 and not app.users["ada"].admin
    assert (await typed(browser, "root-of-hub", "a" * 32)).status == 302
    assert (await browser.get("/hub/admin")).status == 200


async def test_the_fallbacks_username_map_maps_nobody_of_an_lms(start, browser_of_app, platform, hub_config):
    hub_config.Authenticator.username_map = {"ada": "root-of-hub"}
    app = await start("dummy", password=PASSWORD)
    browser = browser_of_app(app)
    await browser.launch(platform)
    assert not app.users["ada"].admin and "root-of-hub" not in (await browser.get("/hub/home")).text


async def test_launches_work_as_ever_beside_it(dummy, browser_of_app, platform):
    browser = browser_of_app(dummy)
    assert (await browser.launch(platform)).status == 303 and roles_of(dummy, "ada") == {"user"}


async def test_a_login_ends_that_of_somebody_else_in_this_browser(dummy, browser_of_app, platform):
    browser = browser_of_app(dummy)
    await browser.launch(platform)
    browser.session.cookie_jar.clear(lambda cookie: cookie.key == "jupyterhub-hub-login")
    answer = await typed(browser, "bob")
    dropped = [c for c in answer.headers.getall("Set-Cookie") if c.startswith('service-courses="";')]
    assert dropped and "Path=/services/courses/" in dropped[0]


async def test_another_site_cannot_send_the_form(dummy, browser_of_app):
    browser = browser_of_app(dummy)
    await browser.get("/hub/login")
    answer = await browser.post("/hub/login", username="ada", password=PASSWORD, _xsrf="guessed")
    assert answer.status == 403 and not logged_in(browser)
    assert "Login form invalid or expired" in answer.text and 'name="password"' in answer.text


# -- nothing else gets in


CLAIMS = {
    "sub": "5",
    "email": "root-of-hub",
    "name": "root-of-hub",
    "username": "root-of-hub",
    "arrival": "root-of-hub",
    "access": "root-of-hub",
    "fallback": "root-of-hub",
    "login": "root-of-hub",
}


async def test_the_token_api_asks_no_fallback(dummy, browser_of_app, service):
    """Plain hubs ask their authenticator with the body of this request."""
    browser = browser_of_app(dummy)
    right = {"username": "root-of-hub", "password": PASSWORD}
    for auth in (right, CLAIMS, {"fallback": right}, {"fallback": {"data": right}}, {"access": access("bob", None)}):
        url = f"{browser.base}/hub/api/users/root-of-hub/tokens"
        async with browser.session.post(url, json={"auth": auth}) as answer:
            assert answer.status == 403, auth
    assert ("POST", "local-admissions") not in service.asked


async def test_form_fields_are_no_claims(dummy, browser_of_app, service):
    """The hole of plain ltiauthenticator: its `authenticate` takes the form of POST /hub/login for a verified token."""
    browser = browser_of_app(dummy)
    page = await browser.get("/hub/login")
    token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
    answer = await browser.post("/hub/login", **CLAIMS, _xsrf=token)
    assert answer.status == 403 and not logged_in(browser) and service.launches == []


@pytest.mark.parametrize(
    "cls",
    [
        LTI13Authenticator,
        LTI11Authenticator,
        CoursesLTI13Authenticator,
        "ltiauthenticator.LTIAuthenticator",
        "jupyterhub_courses.authenticator.CoursesLTI13Authenticator",
        type("Own", (LTI13Authenticator,), {}),
    ],
)
def test_an_lti_authenticator_cannot_be_the_fallback(cls):
    config = Config()
    config.CoursesLTI13Authenticator.fallback = cls
    with pytest.raises(TraitError, match=r"CoursesLTI13Authenticator\.fallback"):
        CoursesLTI13Authenticator(config=config)


def test_what_is_no_authenticator_cannot_be_the_fallback():
    for cls in (dict, "no.such.Class", "nothing-installed"):
        config = Config()
        config.CoursesLTI13Authenticator.fallback = cls
        with pytest.raises(TraitError, match="fallback"):
            CoursesLTI13Authenticator(config=config)


async def test_a_hub_does_not_start_with_an_lti_authenticator_as_fallback(hub_app, hub_config):
    hub_config.CoursesLTI13Authenticator.fallback = LTI13Authenticator
    with pytest.raises(TraitError, match=r"CoursesLTI13Authenticator\.fallback"):
        await hub_app(config=hub_config)
