"""Roles of people who are logged in: brought up to date each minute, kept while the service is away."""

import pytest
from jupyterhub import orm

from .platform import MEMBERSHIP
from .service import admission

GRADING = "course-ml101-grading"


def access(username, role="student"):
    return {name: admission(username, role)[name] for name in ("username", "admin", "roles")}


def roles_of(hub, username):
    return {role.name for role in hub.users[username].orm_user.roles}


@pytest.fixture
async def tara(hub, browser_of, platform, service):
    """A teacher who is logged in."""
    service.admission, service.access["tara"] = admission("tara", "instructor"), access("tara", "instructor")
    browser = browser_of()
    await browser.launch(platform, roles=[MEMBERSHIP + "Instructor"])
    assert GRADING in roles_of(hub, "tara")
    return browser


async def home(hub, browser):
    """The home page a minute later: when roles are older than `auth_refresh_age`."""
    for user in hub.users.values():
        user._auth_refreshed = None
    return await browser.get("/hub/home")


async def test_a_demotion_takes_the_roles_without_a_new_login(hub, service, tara):
    assert (await home(hub, tara)).status == 200 and GRADING in roles_of(hub, "tara")
    service.access["tara"] = access("tara")
    assert (await home(hub, tara)).status == 200
    assert roles_of(hub, "tara") == {"user"}


async def test_groups_that_an_administrator_made_stay(hub, service, tara, browser_of, platform):
    group = orm.Group(name="lecturers", users=[hub.users["tara"].orm_user])
    hub.db.add(group)
    hub.db.commit()
    assert (await home(hub, tara)).status == 200
    await browser_of().launch(platform, roles=[MEMBERSHIP + "Instructor"])
    assert [found.name for found in hub.users["tara"].orm_user.groups] == ["lecturers"]


async def test_a_course_made_later_is_reached_without_a_new_login(hub, service, browser_of, platform):
    browser = browser_of()
    await browser.launch(platform)
    service.access["ada"] = access("ada", "grader")
    await home(hub, browser)
    assert GRADING in roles_of(hub, "ada")


async def test_a_role_that_opens_something_else_now_is_brought_up_to_date(hub, service, tara):
    wanted = ["access:servers!server=grader-ml101/ml101"]
    service.access["tara"] = access("tara", "instructor") | {"roles": [{"name": GRADING, "scopes": wanted}]}
    await home(hub, tara)
    scopes = {role.name: role.scopes for role in hub.users["tara"].orm_user.roles}
    assert set(scopes) == {"user", GRADING} and scopes[GRADING] == wanted
    assert set(scopes["user"]) == {"self", "access:services!service=courses"}


@pytest.mark.parametrize("fault", ["down", "broken", "refusing", "unknown scope's"])
async def test_a_session_outlives_a_service_that_is_away_or_wrong(hub, service, tara, fault, caplog):
    if fault == "down":
        await service.stop()
    elif fault == "broken":
        service.access["tara"] = {"username": "tara", "roles": 7}
    elif fault == "refusing":
        hub.authenticator.courses.client._session.headers["Authorization"] = "token wrong"
    else:
        odd = {"name": "odd", "scopes": ["no:such:scope"]}
        known = access("tara", "instructor")
        service.access["tara"] = {**known, "roles": [odd, *known["roles"]]}
    assert (await home(hub, tara)).status == 200
    assert GRADING in roles_of(hub, "tara")
    if fault != "unknown scope's":
        assert "Roles of tara not refreshed" in caplog.text


async def test_people_who_are_not_ours_are_left_as_they_are(hub, service):
    from jupyterhub import orm, roles

    roles.create_role(hub.db, {"name": "elsewhere", "scopes": ["self"]})
    user = hub.users["user"]
    roles.grant_role(hub.db, entity=hub.db.query(orm.User).filter_by(name="user").one(), rolename="elsewhere")
    assert await hub.authenticator.refresh_user(user) is True
    assert ("GET", "persons/user/access") in service.asked
    assert "elsewhere" in roles_of(hub, "user")


async def test_admins_stay_admins(hub, service, browser_of, platform):
    service.admission, service.access["root-of-hub"] = admission("root-of-hub"), access("root-of-hub")
    browser = browser_of()
    await browser.launch(platform)
    await home(hub, browser)
    assert roles_of(hub, "root-of-hub") == {"user", "admin"} and hub.users["root-of-hub"].admin
