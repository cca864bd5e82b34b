"""A real hub with its proxy, our authenticator and spawner, a stub of the courses service and an LMS that signs."""

import html
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from traitlets.config import Config

from jupyterhub_courses.hub import configure

from .platform import Platform
from .service import TOKEN, Service, admission


@dataclass
class Answer:
    """A page as a browser got it."""

    status: int
    headers: Any
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def code(self) -> str:
        found = re.search(r'data-code="(\w+)"', self.text)
        return found[1] if found else ""

    @property
    def reference(self) -> str:
        found = re.search(r"<code>([0-9a-f]{8})</code>", self.text)
        return found[1] if found else ""

    @property
    def sentence(self) -> str:
        found = re.search(r'<p class="lead">(.*?)</p>', self.text, re.DOTALL)
        return html.unescape(found[1]) if found else ""

    @property
    def fields(self) -> dict[str, str]:
        """The page's own form: hidden fields."""
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.text))


class Browser:
    """One browser: keeps cookies, follows no redirect by itself.

    shown, site: what it says of its requests: that a window shows the answer, and that another site's page asked.
    """

    def __init__(self, base: str, language: str = "en") -> None:
        self.base, self.shown, self.site = base, "document", "cross-site"
        self.session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Accept-Language": language, "Accept": "text/html,*/*;q=0.8"},
        )

    async def get(self, url: str, **query: str) -> Answer:
        return await self._request("GET", url, params=query)

    async def post(self, url: str, **form: str) -> Answer:
        return await self._request("POST", url, data=form)

    async def _request(self, method: str, url: str, **more: Any) -> Answer:
        url = url if url.startswith("http") else self.base + url
        said = {"Sec-Fetch-Dest": self.shown, "Sec-Fetch-Site": self.site}
        headers = {name: value for name, value in said.items() if value}
        async with self.session.request(method, url, allow_redirects=False, headers=headers, **more) as response:
            return Answer(response.status, response.headers, await response.text())

    async def begin(self, platform: Platform, **changes: str) -> Answer:
        """Login initiation, as the LMS makes the browser do it."""
        platform.target = f"{self.base}/hub"
        form = {
            "iss": platform.issuer,
            "login_hint": "secret-hint-5",
            "target_link_uri": platform.target,
            "client_id": platform.client_id,
            "lti_deployment_id": platform.deployment_id,
            **changes,
        }
        return await self.post("/hub/lti13/oauth_login", **{k: v for k, v in form.items() if v})

    async def launch(self, platform: Platform, **changes: Any) -> Answer:
        """A whole launch with `changes` in the claims."""
        asked = authentication_request(await self.begin(platform))
        token = platform.sign(platform.claims(asked["nonce"], **changes))
        return await self.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])


def authentication_request(answer: Answer) -> dict[str, str]:
    """The query that the tool sends to the LMS."""
    assert answer.status == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


@pytest.fixture
async def platform(free_port: Any) -> AsyncIterator[Platform]:
    """The LMS."""
    platform = Platform()
    app = web.Application()
    app.router.add_get("/keys", platform.keyset)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    platform.url = f"http://127.0.0.1:{port}"
    yield platform
    await runner.cleanup()


def registration_of(platform: Platform) -> dict[str, Any]:
    """As the service knows the LMS."""
    return {
        "platform": "lab",
        "issuer": platform.issuer,
        "client_id": platform.client_id,
        "deployment_ids": [platform.deployment_id],
        "authorize_url": "https://lms.example/auth?x=1",
        "token_url": None,
        "keyset_url": f"{platform.url}/keys",
        "public_key": None,
    }


class RunningService(Service):
    """The stub with its port; `stop` and `start` make it come and go."""

    port: int
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        self.runner = web.AppRunner(self.application(), shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None


@pytest.fixture
async def service(platform: Platform, free_port: Any) -> AsyncIterator[RunningService]:
    """The stub of the courses service; knows the LMS and admits `ada` as a student."""
    service = RunningService()
    service.port = free_port()
    service.registrations[platform.issuer, platform.client_id] = registration_of(platform)
    service.admission = admission("ada")
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def hub_config(tmp_path: Path, service: RunningService, free_port: Any, chp: Path) -> Config:
    """What `configure` makes of a jupyterhub_config.py, with the stub in the service's place."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "hub-token").write_text(TOKEN)
    c = Config()
    configure(
        c,
        data_dir=data,
        port=free_port(),
        hub_port=free_port(),
        proxy_api_port=free_port(),
        service_port=service.port,
        admins={"root-of-hub"},
    )
    c.JupyterHub.services = [
        {"name": "courses", "url": f"http://127.0.0.1:{service.port}", "api_token": "f" * 64, "oauth_no_confirm": True}
    ]
    c.ConfigurableHTTPProxy.debug = False
    return c


@pytest.fixture
async def hub(hub_app: Any, hub_config: Config, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Any]:
    """The running hub (pytest-jupyterhub's MockHub), with its proxy."""
    caplog.set_level(logging.DEBUG)
    app = await hub_app(config=hub_config)
    yield app
    await end(app)


async def end(app: Any) -> None:
    """Stop servers, proxy and connections of a hub."""
    for user in list(app.users.values()):
        for name, spawner in list(user.spawners.items()):
            if spawner.active:
                await user.stop(name)
    app.proxy.stop()
    await app.authenticator.close()


@pytest.fixture
async def browser_of_app() -> AsyncIterator[Any]:
    """Makes browsers that look at a hub: `browser_of_app(app)`, `browser_of_app(app, "de")`."""
    made: list[Browser] = []

    def make(app: Any, language: str = "en") -> Browser:
        made.append(Browser(app.bind_url.rstrip("/"), language))
        return made[-1]

    yield make
    for browser in made:
        await browser.session.close()


@pytest.fixture
def browser_of(hub: Any, browser_of_app: Any) -> Any:
    """Makes browsers that look at `hub`: `browser_of()`, `browser_of("de")`."""
    return lambda language="en": browser_of_app(hub, language)
