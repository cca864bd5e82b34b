"""What `configure` makes of a jupyterhub_config.py, and that a hub really starts the courses service with it."""

import runpy
import stat
import sys

from traitlets.config import Config

from jupyterhub_courses.hub import configure, proxy_command

from .service import admission


def configured(folder, **more):
    c = Config()
    configure(c, data_dir=folder, **more)
    return c


def test_secrets_are_made_once_and_their_owner_alone_reads_them(tmp_path):
    first, again = configured(tmp_path / "d"), configured(tmp_path / "d")
    assert first.ConfigurableHTTPProxy.auth_token == again.ConfigurableHTTPProxy.auth_token
    for name in ("hub-token", "proxy-token"):
        path = tmp_path / "d" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(path.read_text().strip()) == 64
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o700
    assert (tmp_path / "d" / "service-url").read_text() == "http://127.0.0.1:8085/services/courses\n"


def test_everything_listens_on_loopback_below_one_prefix(tmp_path):
    c = configured(tmp_path, base_url="/jupyter", port=9000, service_port=9002)
    assert c.JupyterHub.bind_url == "http://127.0.0.1:9000/jupyter/"
    assert c.JupyterHub.default_url == "/jupyter/services/courses/"
    assert c.CoursesConnection.service_url == "http://127.0.0.1:9002/jupyter/services/courses/api/"
    for url in (c.JupyterHub.hub_bind_url, c.ConfigurableHTTPProxy.api_url, c.JupyterHub.services[0]["url"]):
        assert url.startswith("http://127.0.0.1:")


def test_admins_are_who_the_configuration_names(tmp_path):
    assert configured(tmp_path).CoursesLTI13Authenticator.admin_users == set()
    assert configured(tmp_path, admins=["ada"]).CoursesLTI13Authenticator.admin_users == {"ada"}


def test_the_example_is_a_configuration_that_works(tmp_path, root, monkeypatch):
    monkeypatch.chdir(tmp_path)
    c = Config()
    runpy.run_path(str(root / "config" / "jupyterhub_config.py"), {"get_config": lambda: c})
    assert c.JupyterHub.services[0]["name"] == "courses"
    assert c.CoursesLTI13Authenticator.admin_users == {"your-hub-username"}


async def test_the_services_token_may_do_what_it_needs_and_no_more(hub, browser_of):
    browser = browser_of()

    async def status(method, path, **more):
        headers = {"Authorization": f"token {'f' * 64}"}
        async with browser.session.request(method, f"{browser.base}/hub/api{path}", headers=headers, **more) as answer:
            return answer.status

    assert await status("POST", "/users/grader-ml101") == 201
    assert await status("GET", "/users/grader-ml101") == 200
    assert await status("GET", "/users?state=active") == 200
    assert await status("DELETE", "/users/grader-ml101/servers/ml101", json={}) in (404, 204)
    assert await status("POST", "/users/boss", json={"admin": True}) == 403
    assert await status("PATCH", "/users/grader-ml101", json={"admin": True}) == 403
    assert await status("POST", "/users/grader-ml101/tokens") in (403, 404)
    assert await status("POST", "/users/grader-ml101/servers/ml101") in (403, 404)
    assert await status("POST", "/groups/new") in (403, 404)
    assert await status("GET", "/proxy") == 403


async def test_which_of_many_names_are_users_is_told_to_the_service_alone(hub, browser_of, platform, service):
    service.admission = admission("ada")
    await browser_of().launch(platform)
    browser = browser_of()

    async def asked(body, token="f" * 64):
        headers = {"Authorization": f"token {token}"} if token else {}
        url = f"{browser.base}/hub/api/courses/taken-names"
        async with browser.session.post(url, headers=headers, json=body) as answer:
            return answer.status, (await answer.json()).get("taken")

    assert await asked({"names": ["ada", "nobody", "x" * 48]}) == (200, ["ada"])
    assert await asked({"names": []}) == (200, [])
    for wrong in (None, [], {}, {"names": "ada"}, {"names": [1]}, {"names": ["x" * 49]}, {"names": ["x"] * 501}):
        assert (await asked(wrong))[0] == 400
    assert (await asked({"names": ["ada"]}, token=""))[0] == 403
    assert (await asked({"names": ["ada"]}, token=hub.users["ada"].new_api_token()))[0] == 403
    service.admission = admission("root-of-hub")  # an admin's own token is none of a service
    await browser_of().launch(platform, sub="1")
    assert (await asked({"names": ["ada"]}, token=hub.users["root-of-hub"].new_api_token()))[0] == 403


def test_the_proxy_is_found_without_a_path_to_it(monkeypatch, tmp_path):
    monkeypatch.delenv("CONFIGURABLE_HTTP_PROXY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert proxy_command() is None
    own = tmp_path / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"
    own.parent.mkdir(parents=True)
    own.touch(mode=0o755)
    assert proxy_command() == [str(own)]
    monkeypatch.setenv("CONFIGURABLE_HTTP_PROXY", "/opt/proxy --log-level error")
    assert proxy_command() == ["/opt/proxy", "--log-level", "error"]
