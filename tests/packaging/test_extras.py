"""An image installs its own extra and nothing else; the hub's extra fits z2jh's hub image as it is.

The environments are made from the lock's versions by uv; a machine without a network and without uv's cache leaves them
out by name.
"""

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import left_out

# What has to be importable, to the last module below it, where nothing but the extra is installed.
PARTS = {
    "hub": ["authenticator", "hub", "spawner", "adapters.courses_api.hub", "adapters.lms.keysets"],
    "service": ["service", "usecases", "cli", *map("adapters.{}".format, ["store", "lms", "hub_api", "processes"])],
    "singleuser": ["singleuser", "exchange", "adapters.gradebook", "adapters.courses_api.server"],
    "exchange": ["adapters.exchange_server"],
}
_IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    module = importlib.import_module(f"jupyterhub_courses.{name}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), module.__name__ + "."):
        if not found.name.endswith((".__main__", ".env")):  # scripts, which run when they are imported
            importlib.import_module(found.name)
"""
# What would be a burden, or a danger, in each image.
NOT_IN = {
    "hub": {"jupyterlab", "nbgrader", "ngshare", "notebook", "asyncpg", "aiosqlite"},
    "service": {"jupyterlab", "nbgrader", "ngshare", "jupyterhub-kubespawner", "jupyterhub-ltiauthenticator"},
    "singleuser": {"ngshare", "jupyterhub-kubespawner", "jupyterhub-ltiauthenticator", "asyncpg"},
    "exchange": {"jupyterlab", "nbgrader", "jupyterhub-kubespawner", "jupyterhub-ltiauthenticator", "asyncpg"},
}
_OFFLINE = re.compile(r"offline|dns error|failed to fetch|connect|timed out", re.IGNORECASE)


@pytest.fixture(scope="module")
def uv() -> str:
    return shutil.which("uv") or left_out("uv", "`make test` brings it")


def run(*command: str | Path) -> str:
    """What the command printed; a network that is not there leaves the test out."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)
    if done.returncode and _OFFLINE.search(done.stderr) and "uv" in Path(command[0]).name:
        left_out("a package index", "for environments of one extra each")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def names(requirements: str) -> dict[str, str]:
    """Name -> version of every `name==version` line."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", requirements, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.fixture(scope="module")
def pins(root) -> dict[str, str]:
    return names((root / "requirements" / "z2jh-hub.txt").read_text())


def test_the_hub_extra_admits_every_pin_of_z2jhs_hub_image(root, pins):
    setup = ConfigParser()
    setup.read(root / "setup.cfg")
    wanted = setup["options.extras_require"]["hub"] + setup["options"]["install_requires"]
    for requirement in map(Requirement, (line for line in wanted.splitlines() if line and not line.startswith("#"))):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is None or requirement.specifier.contains(pin), f"{requirement} moves {pin}"


def test_the_oldest_hubs_lock_is_z2jhs_hub_image(root, pins):
    lock = names((root / "requirements" / "hub55.txt").read_text())
    assert {name: lock[name] for name in pins} == pins


def test_the_hub_extra_resolves_beside_z2jhs_pins_on_its_python(root, pins, uv):
    constraints = root / "requirements" / "z2jh-hub.txt"
    command = [uv, "pip", "compile", "--quiet", "--python-version=3.14", f"--constraints={constraints}", "--extra=hub"]
    resolved = names(run(*command, root / "setup.cfg"))
    assert {name: resolved[name] for name in pins} == pins


@pytest.mark.parametrize("extra", sorted(PARTS))
def test_an_extra_alone_is_enough_for_its_part(extra, root, uv, tmp_path):
    wheels = sorted((root / "dist").glob("*.whl")) or left_out("our wheel", "`make test` builds it")
    python = tmp_path / "env" / "bin" / "python"
    run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, tmp_path / "env")
    # The lock's versions without its hashes: constraints with hashes would ask for every line.
    lock = tmp_path / "lock.txt"
    pinned = names((root / "requirements" / "demo.txt").read_text())
    lock.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()))
    wheel = f"jupyterhub-courses[{extra}] @ {wheels[-1].as_uri()}"
    run(uv, "pip", "install", "--quiet", "--python", python, f"--constraints={lock}", wheel)
    installed = set(names(run(uv, "pip", "freeze", "--python", python)))
    assert installed & NOT_IN[extra] == set()
    run(python, "-I", "-c", _IMPORT_ALL, *PARTS[extra])
