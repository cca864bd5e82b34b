"""The cluster of the tests, which KUBECONFIG names."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyterhub_courses.adapters.store.database import Database
from tests.conftest import left_out

from . import hub
from .classroom import Classroom
from .kube import Kube, program
from .reconciling import Reconciler
from .release import Release


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A courses file takes back what the one before declared, so tests in one classroom come one after the other."""
    items.sort(key=lambda item: "classroom" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """The cluster, as its administrator reaches it."""
    kube = Kube(program() or left_out("a Kubernetes cluster", "KUBECONFIG names one, kubectl is on the PATH"))
    yield kube
    kube.close()


@pytest.fixture(scope="session")
def release(kube, root, tmp_path_factory) -> Iterator[Release]:
    """Hub, proxy and service, ready."""
    release = Release(kube, root, tmp_path_factory.mktemp("story"))
    try:
        release.begin()
        kube.apply(*hub.manifests(release.namespace))
        for name in ("proxy", "courses", "hub"):
            kube.run("rollout", "status", "-n", release.namespace, f"deployment/{name}", "--timeout=110s")
        yield release
    finally:
        release.end()


@pytest.fixture(scope="session")
def classroom(kube, release) -> Iterator[Classroom]:
    """Two courses, with a student's server running in each."""
    classroom = Classroom(kube, release)
    try:
        classroom.begin()
        yield classroom
    finally:
        classroom.end()


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    path = os.environ.get("KUBECONFIG", "")
    if not Path(path or "/nonexistent").exists() or not shutil.which("kubectl"):
        left_out("a Kubernetes cluster", "KUBECONFIG names one, kubectl is on the PATH")
    return path


@pytest.fixture
async def reconciler_with(kubeconfig, tmp_path):
    made = []

    async def reconciler_with(**settings):
        database = Database(f"sqlite:///{tmp_path / f'{len(made)}.sqlite'}")
        await database.migrate()
        made.append((database, Reconciler(database, kubeconfig, **settings)))
        return made[-1][1]

    yield reconciler_with
    for database, reconciler in made:
        await reconciler.close()
        await database.close()


@pytest.fixture
async def reconciler(reconciler_with):
    return await reconciler_with()
