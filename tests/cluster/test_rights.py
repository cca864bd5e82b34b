"""What hub, service and servers may do on the cluster, to the last verb; and what is refused whatever RBAC says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
import requests

from .kube import APPLY, Kube
from .release import Release

NO_PODS = """
  - target: {kind: Deployment, name: courses}
    patch: |
      - {op: replace, path: /spec/replicas, value: 0}
"""
#: As docs/kubernetes.md lets the service copy one.
COPIES_ONE = """
  - target: {kind: Role, name: courses}
    patch: |
      - op: add
        path: /rules/-
        value: {apiGroups: [""], resources: [secrets], resourceNames: [registry], verbs: [get]}
"""
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = (
    "namespaces", "pods", "pods/log", "pods/exec", "pods/attach", "pods/portforward", "services", "secrets", "events",
    "configmaps", "persistentvolumeclaims", "persistentvolumes", "serviceaccounts", "serviceaccounts/token", "nodes",
    "resourcequotas", "limitranges", "apps:deployments", "apps:statefulsets", "apps:daemonsets", "batch:jobs",
    "networking.k8s.io:networkpolicies", "networking.k8s.io:ingresses", "storage.k8s.io:storageclasses",
    "rbac.authorization.k8s.io:roles", "rbac.authorization.k8s.io:rolebindings", "coordination.k8s.io:leases",
    "rbac.authorization.k8s.io:clusterroles", "rbac.authorization.k8s.io:clusterrolebindings",
    "admissionregistration.k8s.io:validatingadmissionpolicies",
)  # fmt: skip
WATCHED = ("get", "list", "watch", "create", "delete")
KEPT = ("get", "list", "create", "patch", "delete")
#: Everywhere: to compare all courses by one list a kind. The rest of its rights it gives itself course by course.
SERVICE_ANYWHERE = {
    "namespaces": KEPT,
    "rbac.authorization.k8s.io:rolebindings": ("get", "list", "create", "patch"),
    **dict.fromkeys(
        (
            "serviceaccounts", "services", "persistentvolumeclaims", "resourcequotas", "limitranges", "pods",
            "apps:deployments", "networking.k8s.io:networkpolicies",
        ),
        ("get", "list"),
    ),
}  # fmt: skip
SERVICE_IN_COURSE = {
    **SERVICE_ANYWHERE,
    **dict.fromkeys(
        (
            "serviceaccounts", "services", "persistentvolumeclaims", "resourcequotas", "limitranges",
            "apps:deployments", "networking.k8s.io:networkpolicies",
            "rbac.authorization.k8s.io:rolebindings",
        ),
        KEPT,
    ),
    "pods": ("get", "list", "create", "delete"),
    "events": ("get", "list"),
    **dict.fromkeys(("secrets", "configmaps"), ("create", "patch", "delete")),
}  # fmt: skip
HUB_IN_COURSE = {
    **dict.fromkeys(("pods", "persistentvolumeclaims", "services"), WATCHED),
    "events": ("get", "list", "watch"),
}
#: account, where -> all that it may. Of the hub's own namespace z2jh's chart decides.
MAY = {
    ("service", "course"): SERVICE_IN_COURSE,
    ("service", "release"): {**SERVICE_ANYWHERE, "coordination.k8s.io:leases": ("create",)},
    ("service", "elsewhere"): SERVICE_ANYWHERE,
    ("service", "everywhere"): SERVICE_ANYWHERE,
    ("hub", "course"): HUB_IN_COURSE,
    ("hub", "elsewhere"): {},
    ("hub", "everywhere"): {},
    ("server", "course"): {},
    ("server", "release"): {},
    ("server", "elsewhere"): {},
    ("server", "everywhere"): {},
}


def binding(name: str, role: str, *accounts: str, kind: str = "ClusterRole") -> dict:
    """A RoleBinding; accounts as `namespace:name`."""
    subjects = [
        {"kind": "ServiceAccount", "name": account.partition(":")[2], "namespace": account.partition(":")[0]}
        for account in accounts
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": subjects,
    }


#: Admission judges these requests like others, and nothing is stored.
DRY, OURS = "dryRun=All", "fieldManager=jupyterhub-courses&force=true"


class World:
    """A release without pods, one course of it, and namespaces that are not its."""

    def __init__(self, kube: Kube, release: Release) -> None:
        self.kube, self.release = kube, release
        self.course, self.elsewhere = f"{release.prefix}-one", f"{release.namespace}-else"

    def namespaces(
        self, method: str, name: str = "", body: dict | None = None, content: str = "", query: str = DRY
    ) -> requests.Response:
        """What the service asks about a namespace; unless `query` says otherwise, nothing comes of it."""
        path = f"/api/v1/namespaces{f'/{name}' if name else ''}?{query}"
        path += f"&{OURS}" if content == APPLY else ""
        return self.kube.ask(method, path, body, self.release.service, content or "application/json")

    def bind(self, namespace: str, body: dict, query: str = DRY) -> requests.Response:
        """The service gives rights in a namespace."""
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{body['metadata']['name']}"
        return self.kube.ask("PATCH", f"{path}?{query}&{OURS}", body, self.release.service, APPLY)


@pytest.fixture(scope="module")
def world(kube, root, tmp_path_factory) -> Iterator[World]:
    release = Release(kube, root, tmp_path_factory.mktemp("rights"), NO_PODS + COPIES_ONE)
    world = World(kube, release)
    try:
        release.begin()
        kube.run("create", "namespace", world.elsewhere)
        made = world.namespaces("POST", body=release.course("one"), query="")
        assert made.status_code == 201, made.text
        for name, role, account in (
            ("courses-service", "courses-service-in-course", release.service),
            ("courses-hub", "courses-hub-in-course", release.hub),
        ):
            bound = world.bind(world.course, binding(name, role, account), query="")
            assert bound.ok, bound.text
        yield world
    finally:
        kube.run("delete", "namespace", "--wait=false", "--ignore-not-found", world.elsewhere)
        release.end()


@pytest.mark.parametrize(("account", "where"), MAY)
def test_an_account_may_do_exactly_what_the_table_says(account, where, world):
    names = {"service": world.release.service, "hub": world.release.hub, "server": f"{world.course}:server"}
    own, places = world.release.namespace, {"course": world.course, "elsewhere": world.elsewhere}
    place = {**places, "release": own, "everywhere": ""}[where]
    asked = list(product(RESOURCES, VERBS))
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda one: world.kube.may(names[account], one[1], one[0], place), asked)
        may = {one for one, allowed in zip(asked, answers, strict=True) if allowed}
    wanted = {(resource, verb) for resource, verbs in MAY[account, where].items() for verb in verbs}
    assert may == wanted


def refused(answer: requests.Response, *words: str) -> None:
    """It was refused, with these words."""
    assert answer.status_code in (403, 422), f"{answer.status_code}: {answer.text}"
    assert all(word in answer.json()["message"] for word in words), answer.json()["message"]


POLICY = "ValidatingAdmissionPolicy"


def test_the_service_makes_no_namespace_of_another_name(world):
    body = world.release.course("two")
    body["metadata"]["name"] = f"other-{world.release.prefix}"
    refused(world.namespaces("POST", body=body), POLICY, "namespaces of its own only")


@pytest.mark.parametrize(
    "lacks", ["app.kubernetes.io/managed-by", "jupyterhub-courses/instance", "jupyterhub-courses/course"]
)
def test_the_service_makes_no_namespace_without_its_labels(lacks, world):
    body = world.release.course("two")
    del body["metadata"]["labels"][lacks]
    refused(world.namespaces("POST", body=body), POLICY)


def test_the_service_makes_no_namespace_of_another_release(world):
    body = world.release.course("two")
    body["metadata"]["labels"]["jupyterhub-courses/instance"] = "course"
    refused(world.namespaces("POST", body=body), POLICY)


def test_the_service_adopts_no_namespace_that_somebody_else_made(world):
    name = f"{world.release.prefix}-taken"
    world.kube.run("create", "namespace", name)
    try:
        refused(world.namespaces("PATCH", name, world.release.course("taken"), APPLY), POLICY)
        refused(world.namespaces("DELETE", name), POLICY)
    finally:
        world.kube.run("delete", "namespace", "--wait=false", name)


def test_the_service_lets_no_namespace_of_its_own_go_to_another(world):
    for label, value in (("jupyterhub-courses/instance", "course"), ("app.kubernetes.io/managed-by", None)):
        change = {"metadata": {"labels": {label: value}}}
        refused(world.namespaces("PATCH", world.course, change, "application/merge-patch+json"), POLICY)


@pytest.mark.parametrize("name", ["elsewhere", "kube-node-lease", "release"])
def test_the_service_deletes_and_changes_no_other_namespace(name, world):
    name = {"elsewhere": world.elsewhere, "release": world.release.namespace}.get(name, name)
    change = {"metadata": {"labels": {"jupyterhub-courses/instance": world.release.prefix}}}
    refused(world.namespaces("PATCH", name, change, "application/merge-patch+json"), POLICY)
    refused(world.namespaces("DELETE", name), POLICY)


@pytest.mark.parametrize("role", ["courses-service-in-course", "courses-hub-in-course"])
@pytest.mark.parametrize("where", ["elsewhere", "kube-system", "release"])
def test_the_service_gives_nobody_rights_outside_its_courses(role, where, world):
    namespace = {"elsewhere": world.elsewhere, "release": world.release.namespace}.get(where, where)
    account = {"courses-service-in-course": world.release.service}.get(role, world.release.hub)
    refused(world.bind(namespace, binding("more", role, account)), POLICY)


def test_the_service_binds_no_role_but_its_two(world):
    for role in ("cluster-admin", "admin", "view"):
        refused(world.bind(world.course, binding("more", role, world.release.service)))


def test_the_service_binds_no_account_but_the_two_each_to_its_role(world):
    service, hub = world.release.service, world.release.hub
    for role, accounts in (
        ("courses-service-in-course", [hub]),
        ("courses-hub-in-course", [f"{world.course}:server"]),
        ("courses-hub-in-course", [hub, f"{world.course}:server"]),
        ("courses-service-in-course", ["default:courses"]),
        ("courses-service-in-course", []),
    ):
        refused(world.bind(world.course, binding("more", role, *accounts)), POLICY, "nothing else")
    anybody = binding("more", "courses-hub-in-course", hub)
    anybody["subjects"] = [{"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}]
    refused(world.bind(world.course, anybody), POLICY)
    assert world.bind(world.course, binding("courses-hub", "courses-hub-in-course", hub)).ok
    assert world.bind(world.course, binding("courses-service", "courses-service-in-course", service)).ok


def test_the_service_writes_in_its_course_and_reads_no_secret_elsewhere(world):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ngshare"}, "stringData": {"token": "t"}}
    path = "/api/v1/namespaces/{}/secrets"
    made = world.kube.ask("POST", path.format(world.course), secret, world.release.service)
    assert made.status_code == 201, made.text
    for namespace in (world.elsewhere, world.release.namespace):
        refused(world.kube.ask("GET", path.format(namespace), account=world.release.service))
        refused(world.kube.ask("POST", path.format(namespace), secret, world.release.service))


def test_the_service_reads_the_secret_that_it_is_to_copy_and_no_other_and_no_copy(world):
    own = world.release.namespace
    for namespace, name in product((own, world.course), ("registry", "other")):
        world.kube.run("create", "secret", "generic", name, "-n", namespace, "--from-literal=a=b")
    path = "/api/v1/namespaces/{}/secrets/{}"
    service, hub = world.release.service, world.release.hub
    assert world.kube.ask("GET", path.format(own, "registry"), account=service).status_code == 200
    for account, namespace, name in (
        (service, own, "other"),
        (service, world.course, "registry"),
        (hub, own, "registry"),
        (hub, world.course, "registry"),
    ):
        refused(world.kube.ask("GET", path.format(namespace, name), account=account), "cannot get")
    refused(world.kube.ask("DELETE", path.format(own, "registry"), account=service), "cannot delete")
    copy = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "registry"}, "stringData": {"a": "c"}}
    for namespace, answer in ((world.course, 200), (world.elsewhere, 403), (own, 403)):
        query = f"{path.format(namespace, 'registry')}?{DRY}&{OURS}"
        assert world.kube.ask("PATCH", query, copy, service, APPLY).status_code == answer, namespace


def test_others_are_not_held_by_the_policy(world):
    name = f"{world.release.prefix}-theirs"
    world.kube.run("create", "namespace", name)
    world.kube.run("label", "namespace", name, "some=label")
    world.kube.run("delete", "namespace", "--wait=false", name)
