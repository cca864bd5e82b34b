"""What the tests of `fallback` share: a hub that has one, and somebody who fills its form in."""

import html
import re

import pytest

from .conftest import end
from .service import admission

PASSWORD = "an-open-sesame"


def access(username, login, role="student"):
    names = ("username", "admin", "roles")
    return {name: admission(username, role)[name] for name in names} | {"login": login}


def logged_in(browser):
    return "jupyterhub-hub-login" in {cookie.key for cookie in browser.session.cookie_jar if cookie.value}


def roles_of(app, username):
    return {role.name for role in app.users[username].orm_user.roles}


async def typed(browser, username, password=PASSWORD, **more):
    """Name and password, typed into the login page's form."""
    page = await browser.get("/hub/login", **more)
    form = re.search(r'<form action="([^"]+)".*?name="_xsrf" value="([^"]+)"', page.text, re.DOTALL)
    assert form, page.text
    return await browser.post(html.unescape(form[1]), username=username, password=password, _xsrf=form[2])


@pytest.fixture
async def start(hub_app, hub_config, service):
    """Start the hub with a fallback: `start(cls, setting=…)` for settings of that class."""
    apps = []

    async def go(cls, **settings):
        hub_config.CoursesLTI13Authenticator.fallback = cls
        for name, value in settings.items():
            hub_config[cls.__name__ if isinstance(cls, type) else "DummyAuthenticator"][name] = value
        apps.append(await hub_app(config=hub_config))
        return apps[-1]

    for login in ("ada", "bob"):
        service.logins[login] = service.access[login] = access(login, login)
    service.logins["root-of-hub"] = access("root-of-hub", "root-of-hub")
    yield go
    for app in apps:
        await end(app)
