"""The cluster of the tests, which KUBECONFIG names."""

from collections.abc import Iterator

import pytest

from tests.conftest import left_out

from . import hub
from .kube import Kube, program
from .release import Release


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
