"""The demo's folder: which ports were used, and the files that its parts read, written anew at every start.

`<folder>` itself is the service's data directory; what belongs to the demo alone lies in `<folder>/demo/`.
"""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.specs import CoursesFile
from .worlds import Site, World

COURSE = Path(__file__).parent / "course"
COURSE_CONFIG = """# One point less for every day begun that work is late.
c = get_config()  # noqa: F821
c.AssignLatePenalties.plugin_class = "jupyterhub_courses.demo.late.PointADay"
"""
HUB_HOST = "127.0.0.1"  # the LMSs are http://localhost:…: another site to a browser, as between real hosts


class InUse(Exception):
    """Another demo runs in this folder."""


@dataclass(frozen=True)
class Folder:
    path: Path

    @property
    def own(self) -> Path:
        return self.path / "demo"

    @property
    def state(self) -> Path:
        return self.own / "state.json"

    def make(self) -> None:
        for folder in (self.path, self.own, self.own / "logs", self.own / "hub", self.own / "lms"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process. Raises InUse."""
        self.make()
        with (self.own / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InUse(f"A demo runs in {self.path} already; end it with Ctrl-C first.") from None
            yield

    def forget(self) -> None:
        """Remove everything that a demo made here, and nothing else. The caller holds the lock."""
        # Whoever is killed while writing leaves the text that would have taken the old one's place.
        for name in (*MADE_BY_SERVICE, *map(_fresh, MADE_BY_SERVICE), "demo"):
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def ports(self) -> dict[str, int]:
        """What the last start used."""
        try:
            ports = json.loads(self.state.read_text())["ports"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return {str(name): port for name, port in ports.items() if isinstance(port, int)}

    def remember(self, ports: Mapping[str, int]) -> None:
        write(self.state, json.dumps({"ports": dict(ports)}, indent=1))


MADE_BY_SERVICE = (
    "courses", "courses.sqlite", "courses.sqlite-wal", "courses.sqlite-shm", "keys", "hub-token",
    "service-url", "jupyterhub.sqlite", "cookie-secret", "proxy-token", "proxy.pid", "pids.json",
)  # fmt: skip


def _fresh(name: str) -> str:
    return f"{name}.new"


def write(path: Path, text: str) -> None:
    """Write a private file whole: a reader sees the old text or the new one."""
    fresh = path.with_name(_fresh(path.name))
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


def hub_url(ports: Mapping[str, int]) -> str:
    return f"http://{HUB_HOST}:{ports['hub']}"


def lms_url(site: Site, ports: Mapping[str, int]) -> str:
    return f"http://localhost:{ports[site.name]}"


def scenario(site: Site, ports: Mapping[str, int]) -> dict[str, Any]:
    """What the LMS of a site reads."""
    hub = hub_url(ports)
    return {
        "name": site.title,
        "tool": {
            "login_url": f"{hub}/hub/lti13/oauth_login",
            "redirect_uris": [f"{hub}/hub/lti13/oauth_callback"],
            "keyset_url": f"{hub}/services/courses/jwks.json",
            "target_link_uri": f"{hub}/hub/lti13/oauth_callback",
        },
        "client_id": site.client_id,
        "deployment_id": site.deployment_id,
        "people": [person.as_json(site.name) for person in site.people],
        "courses": [course.as_json() for course in site.courses],
    }


def courses_file(folder: Folder, world: World, ports: Mapping[str, int]) -> dict[str, Any]:
    """The platforms of the demo; its courses are made by their teachers' first launches."""
    platforms = []
    for site in world.sites:
        base = lms_url(site, ports)
        registration = {
            "client_id": site.client_id,
            "deployment_ids": [site.deployment_id],
            "authorize_url": f"{base}/mod/lti/auth.php",
            "token_url": f"{base}/mod/lti/token.php",
            "keyset_url": f"{base}/mod/lti/certs.php",
        }
        creation = {"mode": "on", "limit": 50, "start_from": {"folder": str(folder.own / "course")}}
        platforms.append(
            {"name": site.name, "issuer": base, "registrations": [registration], "course_creation": creation}
        )
    CoursesFile.model_validate({"platforms": platforms})
    return {"platforms": platforms, "courses": []}


def hub_config(folder: Folder, ports: Mapping[str, int], mark: tuple[str, str]) -> str:
    """The configuration file that the hub of the demo reads."""
    return f"""# Written by `jupyterhub-courses demo` at every start; changes are lost.
from jupyterhub_courses.hub import configure

c = get_config()  # noqa: F821
configure(
    c,
    data_dir={str(folder.path)!r},
    port={ports["hub"]},
    hub_port={ports["hub-api"]},
    proxy_api_port={ports["proxy-api"]},
    service_port={ports["service"]},
    keep_servers=False,
)
c.Spawner.environment = {{**(c.Spawner.get("environment") or {{}}), {mark[0]!r}: {mark[1]!r}}}
"""


def write_files(folder: Folder, world: World, ports: Mapping[str, int], mark: tuple[str, str]) -> None:
    """Everything the parts read."""
    for site in world.sites:
        write(folder.own / f"{site.name}.json", json.dumps(scenario(site, ports), indent=1))
    write(folder.own / "jupyterhub_config.py", hub_config(folder, ports, mark))
    # JSON is YAML too: `jupyterhub-courses check` reads this file like any other
    write(folder.own / "courses.yaml", json.dumps(courses_file(folder, world, ports), indent=1))
    template = folder.own / "course"
    shutil.copytree(COURSE, template, dirs_exist_ok=True)
    write(template / "nbgrader_config.py", COURSE_CONFIG)
