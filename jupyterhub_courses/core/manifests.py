"""What a course is on a cluster: every object in its namespace but servers and homes, as pure functions.

Promises: the same spec and settings give the same objects, each with our labels and a digest of what we ask for, in
the order in which they can be made; a spec beyond the administrator's limits gives a HostProblem with its field.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from . import quantities
from .autograding import LIVE_MAX
from .cluster import ASKED, EXCHANGE, GRADER, KEPT, SERVER, SHARED, ClusterSettings, Limits
from .exchange_manifests import claim, exchange
from .hosts import HostProblem
from .policies import policies
from .specs import CourseSpec

Manifest = dict[str, Any]
HUB_RIGHTS, SERVICE_RIGHTS = "courses-hub-in-course", "courses-service-in-course"
_POD_SECURITY = "pod-security.kubernetes.io"
_COMPONENTS = {EXCHANGE: EXCHANGE, GRADER: GRADER, SHARED: SHARED}


def course_manifests(spec: CourseSpec, token: str, settings: ClusterSettings) -> list[Manifest]:
    """All objects of a course, its namespace first. Raises HostProblem where the spec asks for too much."""
    beyond = list(beyond_limits(spec, settings.limits))
    if beyond:
        raise HostProblem(" ".join(beyond))
    objects = [
        *_rights(settings),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": SERVER},
            "automountServiceAccountToken": False,
        },
        _quota(spec, settings),
        _limit_range(),
        *policies(spec, settings),
        *_volumes(spec, settings),
        *exchange(spec, token, settings),
    ]
    return [namespace(spec.slug, settings), *(_ours(spec.slug, one, settings) for one in objects)]


def namespace(slug: str, settings: ClusterSettings, kept: bool = False) -> Manifest:
    """The namespace of a course; `kept`, when the course is gone and its volumes are not."""
    level = {f"{_POD_SECURITY}/enforce": settings.pod_security, f"{_POD_SECURITY}/enforce-version": "latest"}
    labels = {**settings.labels(slug, "course"), **level, **({KEPT: "true"} if kept else {})}
    name = settings.namespace(slug)
    return _asked({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def beyond_limits(spec: CourseSpec, limits: Limits) -> Iterator[str]:
    """A sentence for each field that asks for more than the administrator allows."""
    sizes = [("", spec.cpu, spec.memory), ("grader.", spec.grader.cpu, spec.grader.memory)]
    sizes += [(f"profiles[{n}].", one.cpu, one.memory) for n, one in enumerate(spec.profiles, 1)]
    for where, cpu, memory in sizes:
        for field, asked, most in (
            ("cpu", cpu and (cpu.limit or cpu.guarantee), limits.cpu),
            ("memory", memory and (memory.limit or memory.guarantee), limits.memory),
        ):
            if asked and most is not None and asked > most:
                yield f"{where}{field}: {_shown(asked)} is more than the administrator allows ({_shown(most)})."
    shared = spec.shared.size if spec.shared else None
    for field, size in (("storage", spec.storage), ("grader.storage", spec.grader.storage), ("shared.size", shared)):
        if size and limits.storage is not None and size > limits.storage:
            yield f"{field}: {_shown(size)} is more than the administrator allows ({_shown(limits.storage)})."
    if spec.quota.servers is not None and spec.quota.servers > limits.servers:
        yield f"quota.servers: {spec.quota.servers} is more than the administrator allows ({limits.servers})."
    images = [("environment.image", spec.environment.image)]
    images += [(f"profiles[{n}].image", one.image) for n, one in enumerate(spec.profiles, 1)]
    for field, image in images:
        if image and limits.images and not image.startswith(limits.images):
            yield f"{field}: the administrator does not allow the image {image}."


def _shown(number: float) -> str:
    return quantities.size(int(number)) if number >= 2**20 else f"{number:g}"


def _rights(settings: ClusterSettings) -> Iterator[Manifest]:
    bound = [
        ("courses-service", SERVICE_RIGHTS, settings.service_account),
        ("courses-hub", HUB_RIGHTS, settings.hub_account),
    ]
    for name, role, account in bound:
        yield {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": settings.release_namespace}],
        }


def _quota(spec: CourseSpec, settings: ClusterSettings) -> Manifest:
    servers = spec.quota.servers or settings.limits.servers
    hard = {
        # Beside the servers: the exchange, and autograding's pods.
        "pods": str(servers + 1 + LIVE_MAX),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    if spec.quota.cpu is not None:
        hard["requests.cpu"] = quantities.cores(spec.quota.cpu)
    if spec.quota.memory is not None:
        hard["requests.memory"] = quantities.size(spec.quota.memory)
    if spec.quota.storage is not None:
        hard["requests.storage"] = quantities.size(spec.quota.storage)
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "course"}, "spec": {"hard": hard}}


def _limit_range() -> Manifest:
    """What a pod is counted as that says nothing: a quota on requests refuses those otherwise."""
    limit = {"type": "Container", "defaultRequest": {"cpu": "10m", "memory": "64Mi"}}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "course"}, "spec": {"limits": [limit]}}


def _volumes(spec: CourseSpec, settings: ClusterSettings) -> Iterator[Manifest]:
    storage_class = spec.storage_class or settings.storage_class
    yield claim(GRADER, spec.grader.storage or settings.grader_size, "ReadWriteOnce", storage_class)
    if spec.shared is not None:
        own_class = spec.shared.storage_class or storage_class
        yield claim(SHARED, spec.shared.size, settings.shared_access_mode, own_class)


def _ours(slug: str, manifest: Manifest, settings: ClusterSettings) -> Manifest:
    name = manifest["metadata"]["name"]
    labels = settings.labels(slug, _COMPONENTS.get(name, "course"))
    metadata = {"name": name, "namespace": settings.namespace(slug), "labels": labels}
    return _asked({**manifest, "metadata": metadata})


def _asked(manifest: Manifest) -> Manifest:
    """With the digest of itself. A Secret's is left out: digests of its content do not belong in plain sight."""
    text = json.dumps({**manifest, "stringData": None}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": {ASKED: digest}}}
