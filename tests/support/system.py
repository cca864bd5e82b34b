"""The whole system as an administrator starts it, and browsers in it: hub, proxy, courses service, exchanges, servers.

Promises: `System` is `jupyterhub_courses.hub.configure` on free ports in a folder of its own, and ends every process
that came of it, also what a killed hub left behind. Nothing here knows what a test wants to show.
"""

import html
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import requests

from jupyterhub_courses.demo import processes

from ..hub.platform import MEMBERSHIP, Platform
from .ports import free_port

LONG = 180.0  # seconds; a machine that is busy with other things is no failure
ROLES = {
    "student": [MEMBERSHIP + "Learner"],
    "ta": ["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant", MEMBERSHIP + "Instructor"],
    "instructor": [MEMBERSHIP + "Instructor"],
}
CONFIG = """
from jupyterhub_courses.hub import configure

c = get_config()  # noqa: F821
configure(
    c, data_dir={data!r}, port={port}, hub_port={hub_port}, proxy_api_port={proxy_port}, service_port={service_port},
    admins={admins!r},
)
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.Spawner.environment = {{{mark!r}: {data!r}}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 170
{more}
"""


def wait_for(condition: Callable[[], Any], what: str, limit: float = LONG, every: float = 0.1) -> Any:
    """What `condition` gives, once it is true; a connection that fails is not yet true."""
    deadline = time.monotonic() + limit
    while True:
        try:
            if found := condition():
                return found
        except (requests.RequestException, OSError):
            pass
        assert time.monotonic() < deadline, f"not within {limit:.0f} s: {what}"
        time.sleep(every)


class System:
    """One hub with everything below it. `more`: further lines of its configuration file.

    verify: the certificates that `base` may have, as `requests` takes them. environment_of_hub: more variables.
    """

    verify: str | bool = True

    def __init__(self, folder: Path, proxy: Path, admins: tuple[str, ...] = (), more: str = "") -> None:
        self.data = folder / "data"
        self.data.mkdir(mode=0o700, parents=True)
        names = ("port", "hub_port", "proxy_port", "service_port")
        self.ports = {name: free_port() for name in names}
        self.base = f"http://127.0.0.1:{self.ports['port']}"
        self.hub_api = f"http://127.0.0.1:{self.ports['hub_port']}/hub/api/"
        self.direct = f"http://127.0.0.1:{self.ports['service_port']}/services/courses/"
        self.log = folder / "hub.log"
        self.environment_of_hub: dict[str, str] = {}
        self._folder, self._config = folder, folder / "jupyterhub_config.py"
        mark = processes.MARK
        values = {"data": str(self.data), "proxy": str(proxy), "admins": admins, "mark": mark, "more": more}
        self._config.write_text(CONFIG.format(**values, **self.ports))
        self.hub: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the hub, which starts the rest; returns when the service is ready."""
        environment = {**os.environ, **self.environment_of_hub, processes.MARK: str(self.data)}
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self._config)]
        with self.log.open("ab") as log:
            self.hub = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_for(self.serves, f"the system is ready; its log: {self.log}")

    def serves(self) -> bool:
        """Whether hub and service answer through the proxy."""
        assert self.hub is None or self.hub.poll() is None, self.log.read_text()[-3000:]
        health = requests.get(f"{self.base}/services/courses/health", timeout=5, verify=self.verify)
        hub = requests.get(f"{self.base}/hub/health", timeout=5, verify=self.verify)
        return hub.status_code == 200 and health.status_code == 200 and health.json()["ready"]

    def end(self) -> None:
        """End everything."""
        if self.hub is not None and self.hub.poll() is None:
            self.hub.terminate()
            try:
                self.hub.wait(20)
            except subprocess.TimeoutExpired:
                self.hub.kill()
                self.hub.wait()
        processes.end(self.everything, 3)

    def everything(self) -> list[processes.Process]:
        """Every process of this system: each carries the mark, or is the child of one that does."""
        marked = processes.marked(str(self.data))
        return list({*marked, *(child for one in marked for child in processes.descendants(one.pid))})

    def pid(self, *words: str) -> int | None:
        """The process of this system whose command line and environment have all these words."""
        for one in self.everything():
            try:
                folder = Path(f"/proc/{one.pid}")
                text = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
            except OSError:
                continue
            if processes.alive(one) and all(word.encode() in text for word in words):
                return one.pid
        return None

    def service(self) -> int | None:
        """The courses service's process."""
        return self.pid("jupyterhub_courses.service")

    def exchange(self, slug: str) -> int | None:
        """A course's ngshare process."""
        return self.pid("jupyterhub_courses.adapters.exchange_server", f"EXCHANGE_COURSE={slug}\0")

    def server(self, username: str, slug: str) -> int | None:
        """A single-user server's process."""
        return self.pid("jupyterhub-singleuser", f"JUPYTERHUB_USER={username}\0", f"JUPYTERHUB_SERVER_NAME={slug}\0")

    def environment(self, pid: int) -> dict[str, str]:
        """A process's environment: what a shell in that server shows to its person."""
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        return dict(pair.partition("=")[::2] for pair in pairs if pair)

    def kill(self, pid: int | None) -> None:
        """kill -9, and wait until it is gone."""
        assert pid is not None
        victim = processes.process(pid)
        assert victim is not None
        os.kill(pid, signal.SIGKILL)
        if self.hub is not None and pid == self.hub.pid:
            self.hub.wait()
        wait_for(lambda: not processes.alive(victim), f"{pid} is killed")

    def as_hub(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the service's API with the secret of the hub, as an administrator at this machine."""
        headers = {"Authorization": f"token {(self.data / 'hub-token').read_text().strip()}"}
        answer = requests.request(method, f"{self.direct}api/{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def apply(self, *platforms: dict[str, Any]) -> None:
        """Make LMSs known."""
        self.as_hub("POST", "apply", {"platforms": list(platforms), "courses": [], "dry_run": False})


class Browser:
    """One browser at this system; keeps cookies. `get` and `post` follow no redirect."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        # A server may close a kept connection in the moment in which it is used again; browsers then ask anew.
        self.session.headers["Connection"] = "close"

    def ask(self, method: str, url: str, **more: Any) -> requests.Response:
        url = url if url.startswith("http") else self.system.base + url
        how = {"allow_redirects": False, "timeout": 120, "verify": self.system.verify}
        return self.session.request(method, url, **{**how, **more})

    def get(self, url: str, **more: Any) -> requests.Response:
        return self.ask("GET", url, **more)

    def post(self, url: str, **more: Any) -> requests.Response:
        return self.ask("POST", url, **more)

    def go(self, url: str, **more: Any) -> requests.Response:
        """Through redirects and the hub's waiting page, until a page stays."""
        page = self.get(url, allow_redirects=True, **more)
        deadline = time.monotonic() + LONG
        while page.ok and ("/hub/spawn-pending/" in page.url or "/opening" in page.url):
            assert time.monotonic() < deadline, page.url
            time.sleep(0.3)
            page = self.get(page.url, allow_redirects=True)
        return page

    def begin(self, platform: Platform, **changes: str) -> dict[str, str]:
        """Login initiation; the authentication request that the tool sends to the LMS."""
        platform.target = f"{self.system.base}/hub"
        form = {"iss": platform.issuer, "login_hint": "h", "client_id": platform.client_id}
        form |= {"target_link_uri": platform.target, **changes}
        answer = self.post("/hub/lti13/oauth_login", data=form)
        assert answer.status_code == 302, answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def launch(self, platform: Platform, signer: Platform | None = None, **claims: Any) -> requests.Response:
        """A whole launch with these claims; the answer to the id_token, which `signer` signs."""
        asked = self.begin(platform)
        token = (signer or platform).sign(platform.claims(asked["nonce"], **claims))
        return self.post("/hub/lti13/oauth_callback", data={"id_token": token, "state": asked["state"]})

    def submit_forms(self, url: str, within: str) -> requests.Response:
        """Follow an LMS's pages whose forms send themselves, until an address begins with `within`."""
        page = self.get(url, allow_redirects=True)
        for _ in range(6):
            action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
            if page.url.startswith(within) or action is None:
                break
            pairs = re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page.text)
            data = {name: html.unescape(value) for name, value in pairs}
            target = urljoin(page.url, html.unescape(action[1]))
            page = self.post(target, data=data, allow_redirects=True)
        return self.go(page.url) if page.ok else page

    def xsrf(self, path: str) -> str:
        """The XSRF cookie's value that the browser sends to `path`."""
        prepared = self.session.prepare_request(requests.Request("GET", self.system.base + path))
        found = re.search(r"_xsrf=\"?([^;\"]+)", prepared.headers.get("Cookie", ""))
        return found[1] if found else ""

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        """What a page's script asks, with the XSRF token."""
        return self.ask(method, path, headers={"X-XSRFToken": self.xsrf(path)}, **more)


class Person:
    """Somebody at an LMS, in a browser of their own."""

    def __init__(
        self, system: System, platform: Platform, sub: str, name: tuple[str, str], login: str, role: str = "student"
    ) -> None:
        self.system, self.platform, self.sub, self.role = system, platform, sub, role
        self.given, self.family = name
        self.email = f"{secrets.token_hex(3)}.{self.family.lower()}@mail.invalid"
        self.login, self.browser = login, Browser(system)
        self.username = ""
        self.launched: list[str] = []  # id_tokens that were sent

    def claims(self, course: str, **changes: Any) -> dict[str, Any]:
        """The claims of a click in the LMS's course `course`, on its page or on an assignment."""
        context = {"id": f"ctx-{course}", "label": course, "title": f"Course {course}"}
        names = {"name": f"{self.given} {self.family}", "given_name": self.given, "family_name": self.family}
        custom = {"custom": {"username": self.login}}
        claims = {"sub": self.sub, "roles": ROLES[self.role], "context": context, "email": self.email}
        return {**claims, **names, **custom, **changes}

    def launch(self, course: str, browser: Browser | None = None, **changes: Any) -> requests.Response:
        """Click; remembers the hub's username."""
        browser = browser or self.browser
        answer = browser.launch(self.platform, **self.claims(course, **changes))
        assert answer.status_code == 303, answer.text
        self.username = self.username or self._username(browser)
        return answer

    def _username(self, browser: Browser) -> str:
        page = browser.go("/services/courses/")
        found = re.search(r"<strong>([^<]+)</strong>", page.text)
        assert page.ok and found, page.text
        return html.unescape(found[1])

    def open(self, slug: str, username: str = "", path: str = "courses/status") -> requests.Response:
        """Start a server of the course, one's own or `username`'s, and go to `path` in it."""
        server = f"{quote(username or self.username)}/{slug}"
        target = quote(f"/user/{server}/{path}", safe="")
        return self.browser.go(f"/hub/spawn/{server}?next={target}")

    def token(self, **wanted: Any) -> str:
        """A token as people make one at the hub's page of tokens."""
        self.browser.go("/hub/home")
        answer = self.browser.api("POST", f"/hub/api/users/{self.username}/tokens", json={"note": "test", **wanted})
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]


def with_token(method: str, url: str, token: str, scheme: str = "token ", **more: Any) -> requests.Response:
    """A request of a program."""
    headers = {"Authorization": f"{scheme}{token}", **more.pop("headers", {})}
    return requests.request(method, url, headers=headers, allow_redirects=False, timeout=60, **more)


def registration(platform: Platform, name: str, token_url: str = "http://127.0.0.1:9/token") -> dict[str, Any]:
    """How a courses file names an LMS that signs with `platform`'s key."""
    from cryptography.hazmat.primitives import serialization

    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = next(iter(platform.keys.values())).public_key().public_bytes(*form).decode()
    one = {"client_id": platform.client_id, "deployment_ids": [platform.deployment_id], "public_key": key}
    one |= {"authorize_url": f"{platform.issuer}/auth", "token_url": token_url}
    return {"name": name, "issuer": platform.issuer, "course_creation": "on", "registrations": [one]}


def body(answer: requests.Response) -> Any:
    """The JSON of an answer, for messages too."""
    return json.loads(answer.text) if answer.text else None
