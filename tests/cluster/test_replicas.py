"""The overlay `postgresql`: two replicas over one database; one of them reconciles, and another one when it ends."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from ..conftest import left_out
from ..support import postgres
from ..support.system import wait_for
from . import hub
from .kube import Kube
from .release import Release

pytestmark = pytest.mark.timeout(600)  # a hub and two services are made first


@pytest.fixture(scope="module")
def address(kube) -> str:
    """This machine's, as the cluster sees it."""
    where = kube.run("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as told:  # sends nothing
        told.connect((urlsplit(where).hostname, 9))
        found: str = told.getsockname()[0]
    if found.startswith("127."):
        left_out("PostgreSQL for pods", "an API server at an address that pods have a way back from")
    return found


@pytest.fixture(scope="module")
def database(address) -> Iterator[str]:
    """A database's URL, as pods take it."""
    bin = postgres.programs() or left_out("PostgreSQL", "Debian's package postgresql")
    with postgres.server(bin, address) as server, server.database() as url:
        parts = urlsplit(url)
        account = parts.netloc.rpartition("@")[0]
        yield urlunsplit(parts._replace(scheme="postgresql", netloc=f"{account}@{address}:{parts.port}"))


@pytest.fixture(scope="module")
def release(kube, root, tmp_path_factory, database) -> Iterator[Release]:
    """Two replicas, ready, and a hub."""
    release = Release(kube, root, tmp_path_factory.mktemp("replicas"), overlay="postgresql")
    try:
        release.begin()
        secret = {"name": "courses-database", "namespace": release.namespace}
        kube.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": {"url": database}},
            *hub.manifests(release.namespace),
        )
        for name in ("proxy", "courses", "hub"):
            kube.run("rollout", "status", "-n", release.namespace, f"deployment/{name}", "--timeout=150s")
        yield release
    finally:
        release.end()


def replicas(kube: Kube, release: Release) -> set[str]:
    """Names of the service's pods that are ready."""
    label = "app.kubernetes.io/name=courses"
    pods = kube.get(f"/api/v1/namespaces/{release.namespace}/pods?labelSelector={label}")["items"]
    return {
        pod["metadata"]["name"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"]["conditions"])
    }


def holder(kube: Kube, release: Release) -> str:
    """The replica that reconciles."""
    lease = kube.get(f"/apis/coordination.k8s.io/v1/namespaces/{release.namespace}/leases/courses")
    return (lease or {"spec": {}})["spec"].get("holderIdentity") or ""


def make(kube: Kube, release: Release, *slugs: str) -> None:
    """Courses, asked of whichever replica answers; the last of them is a new one."""
    told = json.dumps({"courses": [{"slug": slug, "title": slug} for slug in slugs]})
    release.admin(["jupyterhub-courses", "apply", "/dev/stdin"], stdin=told)
    path = f"/apis/apps/v1/namespaces/{release.prefix}-{slugs[-1]}/deployments/ngshare"
    wait_for(lambda: (kube.get(path) or {}).get("status", {}).get("readyReplicas"), f"{slugs[-1]} is made", 240)


def test_of_two_replicas_one_makes_courses_and_the_next_when_it_ends(kube, release):
    both = replicas(kube, release)
    assert len(both) == 2
    first = wait_for(lambda: holder(kube, release), "one of them reconciles", 60)
    assert first in both
    make(kube, release, "one")
    assert holder(kube, release) == first
    kube.run("delete", "pod", "-n", release.namespace, first)
    second = wait_for(lambda: (holder(kube, release) not in ("", first)) and holder(kube, release), "another does", 120)
    wait_for(lambda: len(replicas(kube, release)) == 2, "there are two again", 120)
    assert second in replicas(kube, release)
    make(kube, release, "one", "two")
    slugs = json.loads(release.admin(["jupyterhub-courses", "courses", "--json"]))
    assert {course["slug"] for course in slugs} == {"one", "two"}
