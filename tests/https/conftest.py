"""Two hubs with the demo's LMS, everything over HTTPS: one trusts the private authority, the other has not heard of it.

The LMS is https://localhost:…, the hub https://127.0.0.1:…: two sites to a browser, as between real hosts.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from jupyterhub_courses.demo import processes
from jupyterhub_courses.demo.files import COURSE, Folder, courses_file, scenario
from jupyterhub_courses.demo.worlds import NORTHFIELD, World

from ..support import chromium
from ..support.ports import free_port
from ..support.system import Browser, System, wait_for
from .certificates import Certificates, issued
from .tls import ending

ML101, PS1, COURSE_PAGE = 21, 31, 33  # of the demo's world
EMBEDDING = "/embedding"
EMBEDDED = f'<title>Unit 1</title><iframe src="/mod/lti/launch.php?id={COURSE_PAGE}" width=900 height=500></iframe>'
HUB_ENDS_TLS = """
c.JupyterHub.ssl_key = {key!r}
c.JupyterHub.ssl_cert = {chain!r}
"""


@dataclass
class Campus:
    """A hub with its LMS. `authority`: what people's browsers trust."""

    system: System
    lms: str
    authority: Path
    platform: dict[str, Any]

    def visitor(self, username: str) -> Browser:
        """The browser of somebody who is signed in at the LMS."""
        browser = Browser(self.system)
        assert browser.post(f"{self.lms}/control/login?person={username}").ok
        return browser

    def click(self, browser: Browser, activity: int) -> requests.Response:
        """An activity in the LMS; the page that stays."""
        return browser.submit_forms(f"{self.lms}/mod/lti/launch.php?id={activity}", f"{self.system.base}/")

    def grades(self) -> Any:
        """The LMS's gradebook."""
        return requests.get(f"{self.lms}/control/gradebook", timeout=20, verify=str(self.authority)).json()


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority that no machine knows."""
    return issued(tmp_path_factory.mktemp("certificates"), "localhost", "127.0.0.1")


@pytest.fixture(scope="package")
def campus(certificates: Certificates, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campus]:
    """A hub whose own proxy ends TLS, told of the authority as docs/configuration.md says."""
    folder = tmp_path_factory.mktemp("campus")
    more = HUB_ENDS_TLS.format(key=str(certificates.key), chain=str(certificates.chain))
    system = System(folder, chp, more=more)
    system.environment_of_hub = {"SSL_CERT_FILE": str(certificates.authority)}
    system.base = f"https://127.0.0.1:{system.ports['port']}"
    with _running(system, certificates, folder) as campus:
        system.apply(campus.platform)
        yield campus


@pytest.fixture(scope="package")
def stranger(certificates: Certificates, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campus]:
    """A hub behind a proxy that ends TLS; nobody has told it of the authority, or of the LMS."""
    folder = tmp_path_factory.mktemp("stranger")
    system, port = System(folder, chp), free_port()
    system.base = f"https://127.0.0.1:{port}"
    with (
        ending(port, f"http://127.0.0.1:{system.ports['port']}", certificates),
        _running(system, certificates, folder) as campus,
    ):
        yield campus


@contextmanager
def _running(system: System, certificates: Certificates, folder: Path) -> Iterator[Campus]:
    """The hub, and an LMS that knows it, with its certificate; the hub does not know the LMS yet."""
    system.verify = str(certificates.authority)
    port, inside = free_port(), free_port()
    lms = f"https://localhost:{port}"
    ports = {"hub": int(system.base.rpartition(":")[2]), NORTHFIELD.name: port}
    told = folder / "scenario.json"
    told.write_text(_https(scenario(NORTHFIELD, ports)))
    command = [sys.executable, "-m", "jupyterhub_courses.demo.lms", "--port", str(inside), "--url", lms, "--control"]
    with (folder / "lms.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--state", str(folder / "lms"), "--scenario", str(told)],
            env={**os.environ, "SSL_CERT_FILE": str(certificates.authority)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=processes.ending_with_parent(),
        )
    try:
        with ending(port, f"http://127.0.0.1:{inside}", certificates, {EMBEDDING: EMBEDDED}):
            system.start()
            wait_for(lambda: requests.get(lms, timeout=5, verify=system.verify).ok, "the LMS serves")
            demo = Folder(folder)
            (platform,) = json.loads(_https(courses_file(demo, World((NORTHFIELD,)), ports)))["platforms"]
            shutil.copytree(COURSE, demo.own / "course")
            yield Campus(system, lms, certificates.authority, platform)
    finally:
        system.end()
        server.terminate()
        server.wait(20)


def _https(content: Any) -> str:
    return json.dumps(content).replace("http://", "https://")


@pytest.fixture
def browser(certificates: Certificates, chromium_programs: tuple[str, str]) -> Iterator:
    """A Chromium that trusts the authority, and keeps no cookie that one site sets inside another's page."""
    trusting = f"--ignore-certificate-errors-spki-list={certificates.authority_pin}"
    strict = {"profile.cookie_controls_mode": 1, "profile.block_third_party_cookies": True}
    with chromium.running(*chromium_programs, trusting, preferences=strict) as window:
        yield window
