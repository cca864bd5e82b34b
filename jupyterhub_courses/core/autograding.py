"""Autograding apart: one submission's notebook in a pod of its own. Values, the pod, and what a pod's state means.

The pod promises: no token, no network name, a user that is not root and can't become it, nothing of the graders'
volume but this run's folder. Its first container runs the submission with that folder read-only and all that it
writes in the node's scratch space; when every process of it is gone, a second one, which runs nothing of the
submission, copies one bounded file into the run's folder. How the files look is `singleuser/autograde_pod.py`'s.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .cluster import COMPONENT, GID, GRADER, HOME, SERVER, UID

#: A run's id: part of a pod's name and of a path.
RUN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{6,38})[a-z0-9]")
#: Seconds that a pod may live.
SECONDS_MAX: Final = 3600
#: Pods of one course that live at once; more wait.
LIVE_MAX: Final = 8
#: Folder of all runs in the graders' home, with one folder a run: `in` is read, `out` is written.
RUNS_FOLDER: Final = ".autograde"
#: Bytes of what comes back of one notebook.
RESULT_MAX: Final = 64 * 2**20
RESULT_NAME: Final = "result.json"

AUTOGRADE: Final = "autograde"
RUN_LABEL: Final = "jupyterhub-courses/run"
_IN, _RESULT, _OUT = "/autograde/in", "/autograde/result", "/autograde/out"
_MODULE = "jupyterhub_courses.singleuser.autograde_pod"
#: What the run's container gets where the course's spec says nothing.
CPU_LIMIT: Final = 1.0
MEMORY_LIMIT: Final = 2**30
_CPU_REQUEST, _MEMORY_REQUEST = 0.1, 256 * 2**20
_SCRATCH = "2Gi"
#: In kubelet's words for a pod that wrote too much itself.
_OWN_FILES = re.compile("emptydir|ephemeral local storage", re.IGNORECASE)
_IMAGE_TROUBLE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


class QuotaUsedUp(Exception):
    """The course's quota has no room for one more pod."""


@dataclass(frozen=True)
class RunState:
    """`state`: waiting (nothing runs yet), running, done or failed; `reason`: a code of AUTOGRADING_SENTENCES."""

    state: str
    reason: str = ""


@dataclass(frozen=True)
class GraderPod:
    """What the graders' running server says about where the course's pods run."""

    image: str
    node: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict, hash=False)
    tolerations: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    runtime_class: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a course's pods are. `labels`: those of everything that is ours in `namespace`, but the component."""

    namespace: str
    labels: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Run:
    """One run. `labels`: those of everything in the course's namespace. cpu in cores, memory in bytes.

    `one_node`: the graders' volume can be used on one node at a time. `resources`, such as GPUs, and `variables` of the
    environment are those of the course's servers.
    """

    id: str
    namespace: str
    labels: Mapping[str, str] = field(hash=False)
    seconds: int
    one_node: bool
    cpu_limit: float = CPU_LIMIT
    memory_limit: int = MEMORY_LIMIT
    cpu_guarantee: float | None = None
    memory_guarantee: int | None = None
    resources: Mapping[str, int] = field(default_factory=dict, hash=False)
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)


def pod_name(run: str) -> str:
    """The name of the run's pod."""
    return f"autograde-{run}"


def grader_pod(pods: list[dict[str, Any]]) -> GraderPod | None:
    """The newest running one of the graders' pods; None while there is none."""
    running = [pod for pod in pods if pod.get("status", {}).get("phase") == "Running" and _node(pod)]
    if not running:
        return None
    spec = max(running, key=lambda pod: str(pod["metadata"].get("creationTimestamp") or ""))["spec"]
    server = next((c for c in spec["containers"] if c["name"] == "notebook"), spec["containers"][0])
    return GraderPod(
        image=server["image"],
        node=spec["nodeName"],
        pull_policy=server.get("imagePullPolicy") or "IfNotPresent",
        pull_secrets=tuple(secret["name"] for secret in spec.get("imagePullSecrets") or ()),
        node_selector=spec.get("nodeSelector") or {},
        tolerations=tuple(spec.get("tolerations") or ()),
        runtime_class=spec.get("runtimeClassName"),
    )


def _node(pod: dict[str, Any]) -> str:
    return str(pod.get("spec", {}).get("nodeName") or "")


def pod_manifest(run: Run, grader: GraderPod) -> dict[str, Any]:
    """The run's pod."""
    folder = f"{RUNS_FOLDER}/{run.id}"
    given = {"name": "grader", "mountPath": _IN, "subPath": f"{folder}/in", "readOnly": True}
    result = {"name": "result", "mountPath": _RESULT}
    execute = _container("run", grader, ("run", _IN, f"{HOME}/submission", _RESULT))
    execute["resources"] = _resources(run)
    execute["env"] += [{"name": name, "value": value} for name, value in run.variables.items()]
    execute["volumeMounts"] = [
        given,
        result,
        {"name": "home", "mountPath": HOME},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    collect = _container("collect", grader, ("collect", _RESULT, _OUT))
    collect["resources"] = {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"cpu": "1", "memory": "128Mi"},
    }
    collect["volumeMounts"] = [
        {**result, "readOnly": True},
        {"name": "grader", "mountPath": _OUT, "subPath": f"{folder}/out"},
    ]
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": run.seconds,
        "terminationGracePeriodSeconds": 1,
        "serviceAccountName": SERVER,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Nobody to ask: names of hosts are not resolved either, whatever enforces the network policies.
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": GID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # Of a pod's init containers every process is gone before its containers start.
        "initContainers": [execute],
        "containers": [collect],
        "volumes": [
            {"name": "grader", "persistentVolumeClaim": {"claimName": GRADER}},
            *({"name": name, "emptyDir": {"sizeLimit": _SCRATCH}} for name in ("result", "home", "tmp")),
        ],
    }
    if grader.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in grader.pull_secrets]
    if grader.node_selector:
        spec["nodeSelector"] = dict(grader.node_selector)
    if grader.tolerations:
        spec["tolerations"] = [dict(toleration) for toleration in grader.tolerations]
    if grader.runtime_class:
        spec["runtimeClassName"] = grader.runtime_class
    if run.one_node:
        spec["affinity"] = _on_node(grader.node)
    labels = {**run.labels, COMPONENT: AUTOGRADE, RUN_LABEL: run.id}
    metadata = {"name": pod_name(run.id), "namespace": run.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(name: str, grader: GraderPod, arguments: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": name,
        "image": grader.image,
        "imagePullPolicy": grader.pull_policy,
        # Instead of the image's entry point, which may want to prepare a server.
        "command": ["python3", "-m", _MODULE, *arguments],
        "workingDir": _RESULT,
        "env": [{"name": "HOME", "value": HOME}, {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def _resources(run: Run) -> dict[str, dict[str, str]]:
    cpu = run.cpu_guarantee or min(_CPU_REQUEST, run.cpu_limit)
    memory = run.memory_guarantee or min(_MEMORY_REQUEST, run.memory_limit)
    extra = {name: str(count) for name, count in run.resources.items()}
    return {
        "requests": {"cpu": f"{round(cpu * 1000)}m", "memory": str(memory), **extra},
        "limits": {"cpu": f"{round(run.cpu_limit * 1000)}m", "memory": str(run.memory_limit), **extra},
    }


def _on_node(node: str) -> dict[str, Any]:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def is_over(pod: dict[str, Any]) -> bool:
    """Whether nothing of it runs any more."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def was_rejected(pod: dict[str, Any]) -> bool:
    """Whether its node refused it, such as when two schedulers gave away the same room: nothing of it ever ran."""
    status = pod.get("status", {})
    own = status.get("reason") not in (None, "DeadlineExceeded", "Evicted")
    return status.get("phase") == "Failed" and own and not _containers(status)


def run_state(pod: dict[str, Any]) -> RunState:
    """How a run is, as its pod shows it."""
    status = pod.get("status", {})
    containers = _containers(status)
    if status.get("phase") == "Succeeded":
        return RunState("done")
    if was_rejected(pod):
        room = str(status["reason"]).startswith("OutOf")
        return RunState("waiting", "autograde_no_room" if room else "autograde_not_started")
    # Where the kernel was killed and the program that runs it ended well, kubelet waits for ever with this.
    if status.get("phase") == "Failed" or "OOMKilled" in _ended(containers):
        return RunState("failed", _why_failed(status, containers))
    if any(c["type"] == "PodScheduled" and c["status"] == "False" for c in status.get("conditions") or ()):
        return RunState("waiting", "autograde_no_room")
    waiting = {(c.get("state", {}).get("waiting") or {}).get("reason") for c in containers}
    if waiting & _IMAGE_TROUBLE:
        return RunState("waiting", "autograde_image")
    if "CreateContainerConfigError" in waiting or "CreateContainerError" in waiting:
        return RunState("waiting", "autograde_not_started")
    return RunState("running", "autograde_running")


def _containers(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _why_failed(status: dict[str, Any], containers: list[dict[str, Any]]) -> str:
    if status.get("reason") == "DeadlineExceeded":
        return "autograde_deadline"
    if status.get("reason") == "Evicted":
        return "autograde_storage" if _OWN_FILES.search(str(status.get("message"))) else "autograde_evicted"
    return "autograde_memory" if "OOMKilled" in _ended(containers) else "autograde_crashed"


def _ended(containers: list[dict[str, Any]]) -> set[str | None]:
    return {(c.get("state", {}).get("terminated") or {}).get("reason") for c in containers}
