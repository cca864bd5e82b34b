"""A fallback with pages of its own: oauthenticator, and one in the place of the hub's login page."""

import asyncio
import html
import re
import time
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest
from aiohttp import web
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler

from .fallback import logged_in, roles_of, start
from .service import admission

__all__ = ["start"]  # a fixture


class Provider:
    """A login service of OpenID Connect's shape: authorize, token, userinfo."""

    def __init__(self):
        self.codes, self.person = [], {"preferred_username": "ada", "groups": []}

    def application(self):
        app = web.Application()
        app.router.add_post("/token", self.token)
        app.router.add_get("/userinfo", self.userinfo)
        return app

    async def token(self, request):
        form = await request.post()
        self.codes.append(form["code"])
        if form["code"] != "right-code":
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = {"access_token": "t0ken-of-the-provider", "token_type": "Bearer", "scope": "openid"}
        return web.json_response({**token, "id_token": jwt.encode({"exp": time.time() + 60}, "k" * 32)})

    async def userinfo(self, request):
        assert request.headers["Authorization"] == "Bearer t0ken-of-the-provider"
        return web.json_response(self.person)


@pytest.fixture
async def provider(free_port):
    provider = Provider()
    runner = web.AppRunner(provider.application(), shutdown_timeout=0.1)
    await runner.setup()
    provider.port = free_port()
    await web.TCPSite(runner, "127.0.0.1", provider.port).start()
    yield provider
    await runner.cleanup()


@pytest.fixture
async def generic(start, provider):
    """A hub with oauthenticator's GenericOAuthenticator."""
    from oauthenticator.generic import GenericOAuthenticator

    base = f"http://127.0.0.1:{provider.port}"
    return await start(
        GenericOAuthenticator,
        client_id="hub",
        client_secret="s3cret",
        authorize_url=f"{base}/authorize",
        token_url=f"{base}/token",
        userdata_url=f"{base}/userinfo",
        username_claim="preferred_username",
        login_service="Keyring <of> Alma",
        allow_all=True,
        logout_redirect_url="https://provider.example/logout",
    )


async def asked(browser, **query):
    """Press the button; the query with which the provider is asked."""
    page = (await browser.get("/hub/login", **query)).text
    button = re.search(r"href=['\"]([^'\"]*oauth_login[^'\"]*)['\"]", page)
    assert button and 'name="password"' not in page and "Keyring &lt;of&gt; Alma" in page
    answer = await browser.get(html.unescape(button[1]))
    assert answer.status == 302 and "/authorize?" in answer.location
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


async def test_a_button_leads_through_its_own_pages(generic, browser_of_app, provider, platform, service):
    service.admission = admission("bob")
    browser = browser_of_app(generic)
    query = await asked(browser, next="/hub/home")
    await browser.launch(platform)  # somebody else, meanwhile
    assert query["redirect_uri"] == f"{browser.base}/hub/oauth_callback" and query["client_id"] == "hub"
    answer = await browser.get("/hub/oauth_callback", code="right-code", state=query["state"])
    assert (answer.status, answer.location) == (302, "/hub/home")
    assert logged_in(browser) and roles_of(generic, "ada") == {"user"} and provider.codes == ["right-code"]
    assert "bob" not in (await browser.get("/hub/home")).text
    dropped = [c for c in answer.headers.getall("Set-Cookie") if c.startswith('service-courses="";')]
    assert dropped  # the course pages' login of whoever was here before


async def test_its_checks_hold_and_its_codes_are_not_logged(generic, browser_of_app, provider, caplog):
    browser = browser_of_app(generic)
    query = await asked(browser)
    for code, state in (("right-code", "forged"), ("wrong-code", query["state"]), ("right-code", "")):
        answer = await browser.get("/hub/oauth_callback", code=code, state=state, hint="ada.secret@provider.example")
        assert answer.status >= 400 and not logged_in(browser)
    other = browser_of_app(generic)
    assert (await other.get("/hub/oauth_callback", code="right-code", state=query["state"])).status == 400
    assert "right-code" not in provider.codes
    assert "right-code" not in caplog.text and "ada.secret" not in caplog.text


async def test_what_the_service_refuses_there_is_a_page_too(generic, browser_of_app, provider, service):
    for person, status, code in (("grader-ml101", 403, "login_name_reserved"), ("ada", 503, "service_down")):
        if status == 503:
            await service.stop()
        browser = browser_of_app(generic)
        provider.person["preferred_username"] = person
        query = await asked(browser)
        answer = await browser.get("/hub/oauth_callback", code="right-code", state=query["state"])
        assert (answer.status, answer.code) == (status, code) and not logged_in(browser)


async def test_the_form_and_the_token_api_do_not_reach_it(generic, browser_of_app, provider):
    browser = browser_of_app(generic)
    query = await asked(browser)
    page = (await browser.get("/hub/login")).text
    token = re.search(r'xsrf_token"?\s*[:=]\s*"([^"]+)"', page)
    form = {"code": "right-code", "state": query["state"], "username": "ada", "_xsrf": token[1] if token else ""}
    assert (await browser.post("/hub/login?code=right-code", **form)).status in (403, 405)
    url = f"{browser.base}/hub/api/users/ada/tokens?code=right-code"
    async with aiohttp.ClientSession() as session, session.post(url, json={"auth": form}) as answer:
        assert answer.status == 403
    assert provider.codes == [] and not logged_in(browser)


async def test_logging_out_of_the_hub_stays_at_the_hub(generic, browser_of_app, platform):
    """Its logout page would send people of an LMS to a login service that they do not know."""
    browser = browser_of_app(generic)
    await browser.launch(platform)
    assert (await browser.get("/hub/logout")).location == "/hub/login"


class Badge(Authenticator):
    """Knows people by a header that a proxy sets; its page stands in the place of the hub's login page."""

    allow_all = True

    def get_handlers(self, app):
        return [(r"/login", BadgePage)]

    async def authenticate(self, handler, data):
        return data["badge"]


class BadgePage(BaseHandler):
    async def get(self):
        assert isinstance(self.authenticator.own_words(), str)
        user = await self.login_user({"badge": self.request.headers["X-Badge"]})
        self.redirect(self.get_next_url(user))


Badge.own_words = lambda self: "its pages know it as their authenticator"


async def test_a_page_in_the_place_of_the_login_page_gets_a_button(start, browser_of_app):
    app = await start(Badge)
    browser = browser_of_app(app)
    page = (await browser.get("/hub/login")).text
    assert re.search(r"href='/hub/fallback-login\?next='", page) and "Sign in with Badge" in page
    url = f"{browser.base}/hub/fallback-login?next=%2Fhub%2Fhome"
    async with browser.session.get(url, headers={"X-Badge": "ada"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/hub/home")
    assert logged_in(browser)
    async with asyncio.timeout(10):
        assert (await browser.post("/hub/login", badge="ada")).status in (403, 405)
