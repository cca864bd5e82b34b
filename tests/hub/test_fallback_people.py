"""People of a fallback later on: refreshed, kept in their state, and told of to it when their servers start."""

import re

import pytest
from jupyterhub.auth import DummyAuthenticator

from .fallback import PASSWORD, access, roles_of, start, typed

__all__ = ["start"]  # a fixture


class Directory(DummyAuthenticator):
    """Knows its people by name and keeps a state of them; `gone` have left, `seen` is whom it was asked about."""

    gone: set = set()
    seen: list = []

    async def authenticate(self, handler, data):
        name = await super().authenticate(handler, data)
        return name and {"name": name, "auth_state": {"ticket": f"of {name}"}}

    async def refresh_user(self, user, handler=None):
        self.seen.append(("refresh", user.name))
        state = await user.get_auth_state()
        if user.name in self.gone:
            return False
        return {"name": user.name, "auth_state": {**state, "refreshed": True}}

    def pre_spawn_start(self, user, spawner):
        self.seen.append(("before", user.name))

    def post_spawn_stop(self, user, spawner):
        self.seen.append(("after", user.name))


@pytest.fixture
async def directory(start, service, monkeypatch, hub_config):
    from jupyterhub import crypto

    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "0" * 64)
    crypto.CryptKeeper.clear_instance()
    Directory.gone, Directory.seen = set(), []
    service.logins["ada"] = service.access["ada-2"] = access("ada-2", "ada")
    yield await start(Directory, password=PASSWORD, enable_auth_state=True)
    crypto.CryptKeeper.clear_instance()


async def minute_later(app, browser):
    for user in app.users.values():
        user._auth_refreshed = None
    return await browser.get("/hub/home")


async def test_it_refreshes_its_own_people_by_its_own_names_and_keeps_their_state(
    directory, browser_of_app, service, platform
):
    ada, student = browser_of_app(directory), browser_of_app(directory)
    await typed(ada, "ada")
    assert await directory.users["ada-2"].get_auth_state() == {"ticket": "of ada"}
    await student.launch(platform)  # the LMS's `ada`, who has that very name at the hub
    service.access["ada"] = access("ada", None)
    assert (await minute_later(directory, ada)).status == 200
    assert (await minute_later(directory, student)).status == 200
    assert set(Directory.seen) == {("refresh", "ada")}
    assert await directory.users["ada-2"].get_auth_state() == {"ticket": "of ada", "refreshed": True}
    assert roles_of(directory, "ada-2") == {"user"}

    service.access["ada-2"] = access("ada-2", "ada", "grader")
    await minute_later(directory, ada)
    assert "course-ml101-grading" in roles_of(directory, "ada-2")

    Directory.gone = {"ada"}
    assert (await minute_later(directory, student)).status == 200
    assert (await minute_later(directory, ada)).location.startswith("/hub/login")


async def test_a_service_that_is_away_ends_no_session_and_loses_no_state(directory, browser_of_app, service):
    browser = browser_of_app(directory)
    await typed(browser, "ada")
    await service.stop()
    assert (await minute_later(directory, browser)).status == 200
    assert await directory.users["ada-2"].get_auth_state() == {"ticket": "of ada"}


async def test_somebody_who_came_by_a_link_is_not_asked_of_it(directory, browser_of_app, service):
    service.links["c" * 20] = access("ada-2", "ada")
    browser = browser_of_app(directory)
    page = await browser.get("/hub/login-link", code="c" * 20)
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert (await browser.post("/hub/login-link", **form)).status == 303
    assert (await minute_later(directory, browser)).status == 200 and Directory.seen == []
    await typed(browser_of_app(directory), "ada")
    service.links["d" * 20] = access("ada-2", "ada")
    other = browser_of_app(directory)
    page = await other.get("/hub/login-link", code="d" * 20)
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert (await other.post("/hub/login-link", **form)).status == 303
    assert await directory.users["ada-2"].get_auth_state() == {"ticket": "of ada"}


async def test_it_is_told_of_its_own_peoples_servers(directory, browser_of_app, service, platform):
    ours = directory.authenticator
    browser = browser_of_app(directory)
    await typed(browser, "ada")
    await browser_of_app(directory).launch(platform)
    service.access["ada"] = access("ada", None)
    for name in ("ada-2", "ada"):
        await ours.pre_spawn_start(directory.users[name], None)
        await ours.post_spawn_stop(directory.users[name], None)
    assert Directory.seen == [("before", "ada"), ("after", "ada")]
    await service.stop()
    await ours.pre_spawn_start(directory.users["ada-2"], None)  # a server is not refused for it
