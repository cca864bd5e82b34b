"""How a course on a cluster stands, from what the API server tells: ready, coming, or broken with its first cause.

Pure. Words are for a course's page: what is wrong and with what, not where in Kubernetes it was seen.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .cluster import COMPONENT, EXCHANGE
from .comparing import Key

Manifest = Mapping[str, Any]
_TEXT_MAX = 300
_CANNOT_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
_NO_CLASS = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found', re.IGNORECASE)


@dataclass(frozen=True)
class Standing:
    """`reason` is empty only where all is ready."""

    state: Literal["ready", "coming", "broken"]
    reason: str = ""


READY = Standing("ready")


def standing(there: Mapping[Key, Manifest], events: Iterable[Manifest] = ()) -> Standing:
    """Of a course's objects. `events`: the namespace's, where it is not ready."""
    ending = next((name for (kind, name), live in there.items() if _ends(live) and kind != "Pod"), None)
    if ending is not None:
        return Standing("coming", f"{ending} is being deleted and comes back after that.")
    deployment = there.get(("Deployment", EXCHANGE))
    if deployment is None:
        return Standing("coming", "The exchange (ngshare) is being made.")
    if _is_available(deployment):
        return READY
    pods = [live for (kind, _), live in there.items() if kind == "Pod" and _is_exchange(live) and not _ends(live)]
    causes = [*(cause for pod in pods for cause in _of_pod(pod)), *_of_events(events), *_of_deployment(deployment)]
    broken = next((cause for cause in causes if cause), None)
    if broken is not None:
        return Standing("broken", broken[:_TEXT_MAX])
    waits = next(filter(None, map(_unschedulable, pods)), None)
    return Standing("coming", (waits or "The exchange (ngshare) is starting.")[:_TEXT_MAX])


def _ends(live: Manifest) -> bool:
    return bool(live["metadata"].get("deletionTimestamp"))


def _is_exchange(pod: Manifest) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get(COMPONENT) == EXCHANGE)


def _is_available(deployment: Manifest) -> bool:
    status = deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return bool(seen and status.get("availableReplicas", 0) >= 1 and status.get("updatedReplicas", 0) >= 1)


def _of_pod(pod: Manifest) -> Iterable[str]:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), str(waiting.get("message", ""))
        if reason in _CANNOT_PULL:
            yield f"The image {container.get('image')} cannot be pulled."
        elif reason == "CreateContainerConfigError":
            yield f"The exchange (ngshare) cannot start: {message}."
        elif reason == "CrashLoopBackOff":
            ended = (container.get("lastState") or {}).get("terminated") or {}
            why = "out of memory" if ended.get("reason") == "OOMKilled" else f"exit code {ended.get('exitCode')}"
            yield f"The exchange (ngshare) ends again and again ({why}); its pod's log says more."


def _of_events(events: Iterable[Manifest]) -> Iterable[str]:
    for event in events:
        message = str(event.get("message", ""))
        if event.get("reason") == "ProvisioningFailed":
            no_class = _NO_CLASS.search(message)
            name = (event.get("involvedObject") or {}).get("name", "")
            yield (
                f"StorageClass {no_class[1]} does not exist."
                if no_class
                else f"The volume {name} cannot be made: {message}"
            )


def _of_deployment(deployment: Manifest) -> Iterable[str]:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            message = str(condition.get("message", ""))
            if "exceeded quota" in message:
                yield f"The course's quota is used up: {message.partition('exceeded quota: ')[2] or message}"
            else:
                yield f"The exchange's pod is refused: {message}"


def _unschedulable(pod: Manifest) -> str | None:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"The exchange (ngshare) waits for a node: {condition.get('message', '')}"
    return None
