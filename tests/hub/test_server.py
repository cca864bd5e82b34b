"""Servers of courses as local processes: placed by the service, refused with a sentence, ended completely."""

import asyncio
import html
import os
import sys
from pathlib import Path

import pytest

from jupyterhub_courses.core.sentences import SENTENCES
from jupyterhub_courses.spawner import processes

from .service import admission

SINGLEUSER = str(Path(sys.executable).parent / "jupyterhub-singleuser")

#: A server that is quick to start, answers like one, and has children of both kinds: in its group and outside.
QUICK = """
import http.server, os, subprocess, sys, urllib.parse
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sleep", "601"], start_new_session=True)
subprocess.Popen(["sh", "-c", "sleep 602 & sleep 0"], start_new_session=True).wait()  # an orphan

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the server")

    do_HEAD = do_GET

port = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""

PROBE = """
def _load_jupyter_server_extension(app):
    app.log.warning("remembers whose a token is for %s s", app.identity_provider.hub_auth.cache_max_age)

def _jupyter_server_extension_points():
    return [{"module": "probe"}]
"""


def placement(home, username="ada", **more):
    return {
        "username": username,
        "course": "ml101",
        "role": "student",
        "home": str(home),
        "command": [sys.executable, "-c", QUICK],
        "environment": {
            "JUPYTERHUB_COURSES_COURSE": "ml101",
            "HOME": "/nowhere",
            "PATH": "/course/bin:/usr/bin:/bin",
            "JUPYTERHUB_API_TOKEN": "forged",
        },
        "mem_limit": None,
        "cpu_limit": None,
        **more,
    }


@pytest.fixture
def home(tmp_path, service):
    """The folder of ada's server in ml101, which the service places there."""
    home = tmp_path / "homes" / "ada"
    service.placements["ada", "ml101"] = placement(home)
    return home


async def opened(browser, answer):
    """Follow the redirects of a launch up to the server."""
    async with asyncio.timeout(90):
        first = answer.location
        while True:
            while answer.status in (302, 303):
                if answer.location.startswith("/user/"):
                    return answer.location
                answer = await browser.get(answer.location)
            assert answer.status == 200, answer.text
            await asyncio.sleep(0.2)
            answer = await browser.get(first)


def environment_of(pid):
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def command_lines():
    lines = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((int(entry.name), entry.joinpath("environ").read_bytes()))
        except OSError:
            continue
    return lines


def left_of(mark):
    """The living processes of one start."""
    found = [pid for pid, environment in command_lines() if f"JUPYTERHUB_COURSES_START={mark}".encode() in environment]
    return [pid for pid in found if processes.find(pid)]


async def test_a_server_gets_its_own_environment_and_nothing_of_the_hubs(hub, browser_of, platform, home, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HUB", "s3cret")
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", "s3cret")
    browser = browser_of()
    location = await opened(browser, await browser.launch(platform))
    assert location.startswith("/user/ada/ml101/courses/open?assignment=ps1")
    assert (await browser.get(location)).text == "the server"
    spawner = hub.users["ada"].spawners["ml101"]
    environment = environment_of(spawner.pid)
    assert "s3cret" not in environment.values()
    assert environment["JUPYTERHUB_API_TOKEN"] == spawner.api_token != "forged"
    assert environment["JUPYTERHUB_COURSES_COURSE"] == "ml101"
    assert environment["PATH"] == "/course/bin:/usr/bin:/bin"
    assert environment["HOME"] == environment["JUPYTERHUB_ROOT_DIR"] == os.readlink(f"/proc/{spawner.pid}/cwd")
    assert environment["HOME"] == str(home) and home.stat().st_mode & 0o077 == 0


async def test_the_servers_token_names_its_course(hub, browser_of, platform, home):
    browser = browser_of()
    await opened(browser, await browser.launch(platform))
    token = hub.users["ada"].spawners["ml101"].api_token
    async with browser.session.get(
        f"{browser.base}/hub/api/user", headers={"Authorization": f"token {token}"}
    ) as response:
        model = await response.json()
    assert "access:servers!server=ada/ml101" in model["scopes"]
    assert "access:services!service=courses" in model["scopes"]
    assert not any(scope.startswith(("servers", "tokens", "self")) for scope in model["scopes"])


async def test_a_stop_ends_everything_that_the_server_started(hub, browser_of, platform, home):
    browser = browser_of()
    await opened(browser, await browser.launch(platform))
    spawner = hub.users["ada"].spawners["ml101"]
    mark = spawner._mark
    assert len(left_of(mark)) >= 4
    await hub.users["ada"].stop("ml101")
    assert left_of(mark) == []


async def test_a_running_server_is_found_and_ended_after_a_restart_of_the_hub_without_the_service(
    hub, browser_of, platform, service, home
):
    browser = browser_of()
    await opened(browser, await browser.launch(platform))
    user = hub.users["ada"]
    before = user.spawners["ml101"]
    await service.stop()
    after = user._new_spawner("ml101")  # as a new hub makes it, from the database alone
    assert after is not before and after.proc is None
    assert await after.poll() is None
    mark = after._mark
    before.proc.poll()
    await after.stop()
    assert left_of(mark) == []
    assert await after.poll() == 0


async def test_a_pid_that_another_process_got_is_not_our_server(hub, browser_of, platform, home):
    browser = browser_of()
    await opened(browser, await browser.launch(platform))
    spawner = hub.users["ada"].spawners["ml101"]
    other = hub.users["ada"]._new_spawner("ml101")
    other._started += 1
    assert await other.poll() == 0
    assert await spawner.poll() is None


async def test_the_real_single_user_server_starts_and_stops(hub, browser_of, platform, service, tmp_path):
    pytest.importorskip("jupyterlab")
    (tmp_path / "probe.py").write_text(PROBE)
    own = {"PYTHONPATH": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    (tmp_path / "jupyter_server_config.py").write_text("c.ServerApp.jpserver_extensions = {'probe': True}\n")
    service.placements["ada", "ml101"] = placement(tmp_path / "ada", command=[SINGLEUSER], environment=own)
    hub.config.Spawner.http_timeout = 120
    browser = browser_of()
    await opened(browser, await browser.launch(platform))
    spawner = hub.users["ada"].spawners["ml101"]
    mark = spawner._mark
    # a demotion has to reach the server's door soon
    assert "remembers whose a token is for 60 s" in (tmp_path / "ada" / ".server.log").read_text()
    await hub.users["ada"].stop("ml101")
    assert left_of(mark) == []


async def spawn(browser, path, **query):
    """The page that a start ends on."""
    answer = await browser.get(path, **query)
    async with asyncio.timeout(30):
        while answer.status in (302, 303):
            answer = await browser.get(answer.location)
    return answer


async def test_servers_that_are_refused(hub, browser_of, platform, service, home, caplog, tmp_path):
    service.placements["ada", "other"] = placement(tmp_path / "x", username="bob", course="other")
    service.placements["ada", "broken"] = placement(tmp_path / "y", course="broken", command=["/no/such/program"])
    refused = {"code": "course_not_ready", "message": "", "reference": "89abcdef"}
    for path, status, code in (
        ("/hub/spawn/ada", 403, "server_unnamed"),
        ("/hub/spawn", 403, "server_unnamed"),
        ("/hub/spawn/ada/not-mine", 403, "not_a_member"),
        ("/hub/spawn/ada/other", 500, "server_misplaced"),
        ("/hub/spawn/ada/broken", 500, "server_misplaced"),
    ):
        for language in ("en", "de"):
            browser = browser_of(language)
            await browser.launch(platform)
            answer = await spawn(browser, path)
            assert answer.status == status, (path, answer.text)
            assert SENTENCES[code][language] in html.unescape(answer.text), path
        assert f"refused: {code} (reference " in caplog.text
    browser = browser_of("de")
    await browser.launch(platform)
    service.refusal = (503, refused)
    answer = await spawn(browser, "/hub/spawn/ada/ml101")
    assert answer.status == 503 and "89abcdef" in answer.text and SENTENCES["course_not_ready"]["de"] in answer.text
    await service.stop()
    answer = await spawn(browser, "/hub/spawn/ada/ml101")
    assert answer.status == 503 and SENTENCES["service_down"]["de"] in answer.text
    assert "Traceback" not in answer.text


async def test_options_of_a_link_or_form_are_ignored(hub, browser_of, platform, home):
    browser = browser_of()
    await browser.launch(platform)
    for query in ({"opt-image": "evil", "cmd": "evil"}, {"profile": "x", "home": "/etc"}):
        answer = await spawn(browser, "/hub/spawn/ada/ml101", **query)
        assert answer.status == 200
        async with asyncio.timeout(30):
            while not hub.users["ada"].spawners["ml101"].ready:
                await asyncio.sleep(0.1)
        assert hub.users["ada"].spawners["ml101"].user_options == {}
        await hub.users["ada"].stop("ml101")


async def test_a_student_cannot_start_or_open_the_graders_server(hub, browser_of, platform, service, tmp_path):
    hub.users.add(_new_user(hub, "grader-ml101"))
    service.placements["grader-ml101", "ml101"] = placement(tmp_path / "g", username="grader-ml101", role="grader")
    student = browser_of()
    await student.launch(platform)
    assert (await spawn(student, "/hub/spawn/grader-ml101/ml101")).status == 404
    assert (await spawn(student, "/hub/user/grader-ml101/ml101/")).status in (403, 404)


async def test_a_teacher_opens_the_graders_server_without_being_asked_to_authorize(
    hub, browser_of, platform, service, tmp_path
):
    hub.users.add(_new_user(hub, "grader-ml101"))
    service.placements["grader-ml101", "ml101"] = placement(tmp_path / "g", username="grader-ml101", role="grader")
    service.admission = admission("tara", "instructor")
    teacher = browser_of()
    location = await opened(teacher, await teacher.launch(platform))
    assert location.startswith("/user/grader-ml101/ml101/courses/open")
    own = hub.users["grader-ml101"].spawners["ml101"].oauth_client_id
    hub.tornado_settings["oauth_no_confirm_list"].discard(own)
    hub.users["grader-ml101"]._new_spawner("ml101")  # as after a hub restart
    assert own in hub.tornado_settings["oauth_no_confirm_list"]


def _new_user(hub, name):
    from jupyterhub import orm, roles

    user = orm.User(name=name)
    hub.db.add(user)
    hub.db.commit()
    roles.assign_default_roles(hub.db, entity=user)
    return user
