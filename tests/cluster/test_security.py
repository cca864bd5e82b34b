"""What code in a student's server can reach, tried from inside pods of two courses that the service has made.

Network policies are worth what the cluster's network makes of them: a deny-all that denies comes first, and a cluster
that does not enforce leaves those tests out by name. What keeps people apart without policies is tested everywhere.
"""

import json
from collections.abc import Iterator

import pytest

from tests.conftest import left_out

from ..support.system import wait_for
from .hub import IMAGES, RESTRICTED
from .kube import Kube
from .release import Release

pytestmark = pytest.mark.timeout(600)  # a hub and two courses are made first
#: Prints the status that each address answers, or the name of what went wrong.
LOOK = """
import json, sys, urllib.error, urllib.request, ssl
anyone = ssl._create_unverified_context()
told = {}
for address in sys.argv[1:]:
    try:
        told[address] = urllib.request.urlopen(address, timeout=4, context=anyone).status
    except urllib.error.HTTPError as error:
        told[address] = error.code
    except OSError as error:
        told[address] = "not reached"
print(json.dumps(told))
"""
COURSES = ("alpha", "beta")
API_SERVER = "https://kubernetes.default.svc/api/v1/namespaces/default/secrets"


class World:
    """Two courses, a pod as a student's server in each, and one that belongs to nobody."""

    def __init__(self, kube: Kube, release: Release) -> None:
        self.kube, self.release = kube, release
        self.nowhere = f"{release.namespace}-nowhere"

    def namespace(self, course: str) -> str:
        return f"{self.release.prefix}-{course}"

    def exchange(self, course: str) -> str:
        return f"http://ngshare.{self.namespace(course)}.svc.cluster.local:8080/"

    def server(self, course: str, pod: str = "grader") -> str:
        """The address of a pod that serves as a single-user server does."""
        return f"http://{self.kube.get(self._path(course, pod))['status']['podIP']}:8888/"

    def _path(self, course: str, pod: str) -> str:
        return f"/api/v1/namespaces/{self.namespace(course)}/pods/{pod}"

    def is_made(self, course: str) -> bool:
        """Whether its exchange serves."""
        there = self.kube.get(f"/apis/apps/v1/namespaces/{self.namespace(course)}/deployments/ngshare")
        return bool(there and there.get("status", {}).get("readyReplicas"))

    def make_server(self, course: str, name: str) -> None:
        """A pod that the policies take for a server of the course."""
        namespace = self.namespace(course)
        labels = self.release.course(course)["metadata"]["labels"]
        self.kube.apply(pod(namespace, name, {**labels, "app.kubernetes.io/component": "server"}, "server"))

    def ready(self, namespace: str, *names: str) -> None:
        """Wait for pods."""
        self.kube.run("wait", "-n", namespace, "--for=condition=Ready", "--timeout=100s", *(f"pod/{n}" for n in names))

    def look(self, namespace: str, name: str, *addresses: str) -> dict[str, int | str]:
        """What a pod gets from addresses."""
        told = self.kube.run("exec", "-n", namespace, name, "--", "python3", "-c", LOOK, *addresses)
        return json.loads(told)

    def run(self, course: str, name: str, code: str) -> str:
        """What Python says in a pod."""
        return self.kube.run("exec", "-n", self.namespace(course), name, "--", "python3", "-c", code).strip()


def pod(namespace: str, name: str, labels: dict[str, str], account: str = "default") -> dict:
    """A pod that serves at 8888, with as little rights as a server has."""
    container = {
        "name": "main",
        "image": IMAGES["service"],
        "command": ["python3", "-m", "http.server", "8888", "--directory", "/srv/courses"],
        "readinessProbe": {"tcpSocket": {"port": 8888}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {"serviceAccountName": account, "securityContext": RESTRICTED, "containers": [container]}
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": {**labels, "hub.jupyter.org/network-access-hub": "true"},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def world(kube, release) -> Iterator[World]:
    world = World(kube, release)
    try:
        courses = [{"slug": slug, "title": slug} for slug in COURSES]
        release.admin(["jupyterhub-courses", "apply", "/dev/stdin"], stdin=json.dumps({"courses": courses}))
        for course in COURSES:
            wait_for(lambda course=course: world.is_made(course), f"{course} is made")
            for name in ("student", "grader"):
                world.make_server(course, name)
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.nowhere}})
        kube.run("wait", "-n", world.nowhere, "--for=create", "--timeout=30s", "serviceaccount/default")
        kube.apply(pod(world.nowhere, "one", {}), pod(world.nowhere, "other", {}))
        world.ready(world.nowhere, "one", "other")
        for course in COURSES:
            world.ready(world.namespace(course), "student", "grader")
        yield world
    finally:
        kube.run("delete", "namespace", "--wait=false", "--ignore-not-found", world.nowhere)


@pytest.fixture(scope="module")
def enforced(world) -> None:
    """The cluster enforces policies: what one pod reached of another, it no longer does under a deny-all."""
    path = f"/api/v1/namespaces/{world.nowhere}/pods/other"
    address = f"http://{world.kube.get(path)['status']['podIP']}:8888/"
    assert world.look(world.nowhere, "one", address) == {address: 200}
    world.kube.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "deny", "namespace": world.nowhere},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        }
    )
    try:
        wait_for(lambda: world.look(world.nowhere, "one", address) == {address: "not reached"}, "deny", 10.0)
    except AssertionError:
        left_out("enforced network policies", "a network plugin that enforces them; this cluster's let a deny-all pass")
    finally:
        world.kube.run("delete", "networkpolicy", "-n", world.nowhere, "deny")


def test_a_server_has_no_token_of_the_cluster(world):
    code = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    assert world.run("alpha", "student", code) == "False"


def test_the_api_server_gives_nothing_to_a_server(world):
    assert world.look(world.namespace("alpha"), "student", API_SERVER)[API_SERVER] in (401, 403, "not reached")


@pytest.mark.parametrize("course", COURSES)
def test_an_exchange_asks_who_is_there(course, world):
    address = f"{world.exchange(course)}api/courses"
    assert world.look(world.namespace("alpha"), "student", address)[address] in (401, 403, "not reached")


def test_a_course_takes_no_pod_with_more_rights(world):
    bad = pod(world.namespace("alpha"), "bad", {})
    bad["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    answer = world.kube.ask("POST", f"/api/v1/namespaces/{world.namespace('alpha')}/pods?dryRun=All", bad)
    assert answer.status_code == 403 and "PodSecurity" in answer.json()["message"]


def test_a_server_reaches_its_own_exchange(world):
    health = f"{world.exchange('alpha')}healthz"
    assert world.look(world.namespace("alpha"), "student", health) == {health: 200}


def test_a_server_reaches_no_other_courses_exchange(world, enforced):
    health = f"{world.exchange('beta')}healthz"
    assert world.look(world.namespace("alpha"), "student", health) == {health: "not reached"}
    assert world.look(world.namespace("beta"), "student", health) == {health: 200}


def test_a_server_reaches_no_other_server(world, enforced):
    addresses = world.server("alpha"), world.server("beta")
    assert set(world.look(world.namespace("alpha"), "student", *addresses).values()) == {"not reached"}


def test_a_server_reaches_neither_the_api_server_nor_the_metadata_address(world, enforced):
    addresses = API_SERVER, "http://169.254.169.254/latest/meta-data/"
    assert set(world.look(world.namespace("alpha"), "student", *addresses).values()) == {"not reached"}


def test_nobody_outside_reaches_into_a_course(world, enforced):
    addresses = world.server("alpha"), f"{world.exchange('alpha')}healthz"
    assert set(world.look(world.nowhere, "one", *addresses).values()) == {"not reached"}
