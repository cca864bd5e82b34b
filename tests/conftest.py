"""Fixtures that every part's tests share, and the closing lines that name what was left out.

What a machine lacks (PostgreSQL, Chromium, the recordings of a Moodle) leaves tests out by name; it never fails them.
"""

import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from .support import chromium, ports, postgres

ROOT = Path(__file__).resolve().parent.parent
_LEFT_OUT = "left out: "
_KEPT = {f"JUPYTERHUB_COURSES_{name}" for name in ("VECTORS", "MOODLE", "OPENEDX", "Z2JH", "SCREENSHOTS", "SCHEDULES")}


def left_out(what: str, cure: str) -> NoReturn:
    """Skip the test and have the summary name `what` is missing and how to get it."""
    pytest.skip(f"{_LEFT_OUT}{what} ({cure})")


def pytest_configure(config: pytest.Config) -> None:
    # The hub starts its proxy and servers by name: they are the ones of this environment.
    folders = [os.path.join(sys.prefix, "bin")]
    if proxy := _proxy():
        folders.insert(0, str(proxy.parent))
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    # A hub's or a server's own variables would be believed by the parts under test.
    for name in [name for name in os.environ if name.startswith(("JUPYTERHUB_", "CONFIGPROXY_", "JPY_"))]:
        if name not in _KEPT:
            del os.environ[name]


#: Folders whose tests run in one worker (pytest-xdist), longest first; the others each as a unit of their own.
#: Whole demos look for free ports before they use them, so they run one at a time.
_UNITS = (
    ("cluster",),
    ("demo", "browser", "kills"),
    ("launching", "https"),
    ("hub",),
    ("autograding",),
    ("openedx",),
    ("lti11",),
    ("security",),
    ("singleuser",),
    ("registering",),
    ("selecting",),
    ("spawner_cluster",),
    ("ways",),
    ("exchange",),
    ("delivering",),
)


def _unit(nodeid: str) -> int | str:
    folder = Path(nodeid.partition("::")[0]).parts[1]
    return next((number for number, folders in enumerate(_UNITS) if folder in folders), folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long units first, so that no worker begins one when the others are done."""

    def rank(item: pytest.Item) -> int:
        unit = _unit(item.nodeid)
        return unit if isinstance(unit, int) else len(_UNITS)

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A folder's tests share what they start. (`--dist loadgroup` of pytest-xdist 3.8 sees no group on pytest 9.)"""
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return str(_unit(nodeid))

    return ByFolder(config, log)


def _proxy() -> Path | None:
    named = os.environ.get("CONFIGURABLE_HTTP_PROXY")
    own = Path(sys.prefix, "proxy", "node_modules", ".bin", "configurable-http-proxy")
    on_path = shutil.which("configurable-http-proxy")
    for candidate in (Path(named) if named else None, own, Path(on_path) if on_path else None):
        if candidate and candidate.exists():
            return candidate
    return None


@pytest.fixture(autouse=True)
def _no_logger_is_silenced() -> Iterator[None]:
    """What silences the product's loggers (`fileConfig` does by default) fails here, not a later test of its worker."""
    yield
    loggers = logging.root.manager.loggerDict
    silent = [name for name in loggers if name.startswith("jupyterhub_courses") and logging.getLogger(name).disabled]
    for name in silent:
        logging.getLogger(name).disabled = False
    assert not silent, f"silenced: {silent}"


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder with a real Moodle's recorded answers."""
    folder = Path(os.environ.get("JUPYTERHUB_COURSES_VECTORS") or ROOT.parent / "shared" / "vectors" / "moodle")
    if not folder.is_dir():
        left_out("recordings of a Moodle", "JUPYTERHUB_COURSES_VECTORS names their folder")
    return folder


@pytest.fixture(scope="session")
def chp() -> Path:
    """The hub's proxy, configurable-http-proxy; it is on the PATH as well."""
    return _proxy() or left_out("configurable-http-proxy", "`make install` brings it")


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives loopback ports that nobody listens on."""
    return ports.free_port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server of this run alone."""
    bin = postgres.programs() or left_out("PostgreSQL", "Debian's package postgresql")
    with postgres.server(bin) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """An empty database's SQLAlchemy URL (postgresql+asyncpg://…), of this test alone."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def empty_sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied: the file of a store of this version, without content."""
    from .support.stores import migrate

    file = tmp_path_factory.mktemp("store") / "empty.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_store(empty_sqlite_store: Path, tmp_path: Path) -> str:
    """The URL of such a store, of this test alone."""
    return f"sqlite:///{shutil.copyfile(empty_sqlite_store, tmp_path / 'store.sqlite')}"


@pytest.fixture(scope="session")
def empty_postgresql_store(postgres_server: postgres.Server) -> Iterator[str]:
    """To be copied: the name of such a database on PostgreSQL."""
    from .support.stores import migrate

    with postgres_server.database() as url:
        migrate(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def postgresql_store(postgres_server: postgres.Server, empty_postgresql_store: str) -> Iterator[str]:
    """The URL of such a database, of this test alone."""
    with postgres_server.database(empty_postgresql_store) as url:
        yield url


@pytest.fixture(scope="session")
def chromium_programs() -> tuple[str, str]:
    """Chromium's and chromedriver's paths."""
    return chromium.programs() or left_out("Chromium", "Debian's packages chromium and chromium-driver")


@pytest.fixture
def browser(chromium_programs: tuple[str, str]) -> Iterator:
    """A headless Chromium with an empty profile, as a selenium WebDriver."""
    with chromium.running(*chromium_programs) as window:
        yield window


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if _LEFT_OUT in reason:
            reasons[reason.split(_LEFT_OUT, 1)[1]] += 1
    if reasons:
        terminalreporter.section("left out on this machine")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:4} without {reason}")
