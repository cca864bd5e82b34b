"""An open websocket in the graders' server ends with the role of whoever opened it."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest
from jupyterhub import orm, roles

from .service import admission
from .test_server import opened, placement

SINGLEUSER = str(Path(sys.executable).parent / "jupyterhub-singleuser")
SERVER = "/user/grader-ml101/ml101/"

#: Our extension without nbgrader, which is not where the oldest hub is tested; linked after the hub's, like ours.
OURS = """
import asyncio
from jupyterhub_courses.singleuser.logins import let_each_window_log_in

def _link_jupyter_server_extension(app):
    let_each_window_log_in(app)

async def _start_jupyter_server_extension(app):
    app.looking = asyncio.create_task(app.identity_provider.connections.run())

def _load_jupyter_server_extension(app):
    pass

def _jupyter_server_extension_points():
    return [{"module": "ours"}]
"""


@pytest.fixture
def hub_config(hub_config):
    """Clocks of a second or two, so that losing a role can be waited for."""
    hub_config.CoursesLTI13Authenticator.auth_refresh_age = 1
    hub_config.Spawner.args = ["--HubOAuth.cache_max_age=2"]
    return hub_config


@pytest.fixture
async def teacher(hub, browser_of, platform, service, tmp_path):
    """Tara, in the graders' server with a real Jupyter server in it."""
    user = orm.User(name="grader-ml101")
    hub.db.add(user)
    hub.db.commit()
    roles.assign_default_roles(hub.db, entity=user)
    hub.users.add(user)
    (tmp_path / "ours.py").write_text(OURS)
    (tmp_path / "jupyter_server_config.py").write_text("c.ServerApp.jpserver_extensions = {'ours': True}\n")
    own = {"PYTHONPATH": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    own["JUPYTERHUB_SINGLEUSER_APP"] = "jupyter-server"
    where = placement(tmp_path / "g", username="grader-ml101", role="grader", command=[SINGLEUSER], environment=own)
    service.placements["grader-ml101", "ml101"] = where
    service.admission = admission("tara", "instructor")
    service.access["tara"] = access("instructor")
    browser = browser_of()
    await opened(browser, await browser.launch(platform))
    answer = await browser.get(SERVER + "files/none")  # a page, which leads to the login; the API does not
    async with asyncio.timeout(30):
        while answer.status in (302, 303):
            answer = await browser.get(answer.location)
    assert answer.status == 404, answer.text
    return browser


def access(role):
    told = admission("tara", role)
    return {name: told[name] for name in ("username", "admin", "roles")}


def events(browser):
    headers = {"Sec-Fetch-Mode": "websocket"}
    return browser.session.ws_connect(
        browser.base + SERVER + "api/events/subscribe", origin=browser.base, headers=headers
    )


async def test_it_is_closed_once_the_role_is_gone_and_not_before(teacher, service):
    async with events(teacher) as page:
        with pytest.raises(asyncio.TimeoutError):
            await page.receive(timeout=5)  # several looks
        service.access["tara"] = access("student")
        told = await page.receive(timeout=60)
        assert (told.type, told.data) == (aiohttp.WSMsgType.CLOSE, 1008), told
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await events(teacher)
