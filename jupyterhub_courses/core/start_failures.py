"""Why a server's pod does not start: what the API server answered, or what pod and events say, as a code.

Codes and their sentences: core/start_sentences.py. The detail is for the log alone; it is bounded.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

DETAIL_MAX = 500
_CLAIM_MISSING = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_CLASS_MISSING = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found', re.IGNORECASE)
#: The kubelet does not try again, or so rarely that nobody should wait for it.
_IMAGE_LOST: Final = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
_IMAGE_TRIED: Final = frozenset({"ErrImagePull", "RegistryUnavailable"})
_MISCONFIGURED: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_VOLUME_REASONS: Final = frozenset({"FailedMount", "FailedAttachVolume", "FailedBinding", "ProvisioningFailed"})


@dataclass(frozen=True)
class Cause:
    """`final`: waiting longer is no use."""

    code: str
    detail: str
    final: bool = False


def of_answer(status: int | None, body: str, doing: str) -> Cause:
    """Why the API server did not do as it was asked; `doing` says what, for the log."""
    message, reason = _status(body)
    said = f"{doing}: {status or 'no answer'} {message}".strip()
    if status is None or status >= 500 or status == 429:
        return _cause("cluster_away", said)
    if "exceeded quota" in message or "failed quota" in message:
        return _cause("quota_used_up", said)
    if "violates PodSecurity" in message:
        return _cause("pod_refused", said)
    if "being terminated" in message:
        return _cause("course_place_missing", said)
    if status == 404 and "namespace" in message:
        return _cause("course_place_missing", said)
    if status in (401, 403) and ("cannot " in message or status == 401):
        return _cause("hub_right_missing", said)
    if status in (403, 422) or reason == "Invalid":
        return _cause("pod_refused", said)
    return _cause("server_misplaced", said)


def of_pod(pod: Mapping[str, Any] | None, events: Iterable[Mapping[str, Any]]) -> Cause | None:
    """What keeps this pod from running, as far as it and its events tell; None: nothing is known to."""
    if pod is None:
        return None
    status = pod.get("status", {})
    if "deletionTimestamp" in pod.get("metadata", {}):
        return _cause("server_taken_away", f"pod is being deleted {status.get('reason', '')}", final=True)
    if status.get("phase") == "Failed":
        return _cause("server_taken_away", f"{status.get('reason', '')} {status.get('message', '')}", final=True)
    for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        found = _of_container(container)
        if found is not None:
            return found
    return _of_scheduling(status.get("conditions", ())) or _of_events(events)


def missing_claim(cause: Cause | None) -> str | None:
    """The name of the volume claim whose absence is the cause."""
    found = _CLAIM_MISSING.search(cause.detail) if cause else None
    return found[1] if found else None


def missing_class(messages: Iterable[str | None]) -> str | None:
    """The StorageClass that does not exist, of the messages of a volume claim's events."""
    found = (_CLASS_MISSING.search(message or "") for message in messages)
    return next((match[1] for match in found if match), None)


def _of_container(container: Mapping[str, Any]) -> Cause | None:
    state = container.get("state", {})
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    said = f"container {container.get('name')}: {reason} {message}"
    if reason in _IMAGE_LOST | _IMAGE_TRIED:
        return _cause("image_unavailable", f"{said} ({container.get('image')})", final=reason in _IMAGE_LOST)
    if reason in _MISCONFIGURED:
        return _cause("pod_misconfigured", said, final=reason == "CreateContainerConfigError")
    last = ended or (container.get("lastState", {}).get("terminated") or {})
    if reason == "CrashLoopBackOff" or (ended and ended.get("exitCode") != 0):
        code = "server_out_of_memory" if last.get("reason") == "OOMKilled" else "server_crashes"
        detail = f"container {container.get('name')} ended with {last.get('exitCode')} {last.get('reason', '')}"
        return _cause(code, detail, final=reason == "CrashLoopBackOff")
    return None


def _of_scheduling(conditions: Iterable[Mapping[str, Any]]) -> Cause | None:
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            message = str(condition.get("message", ""))
            if _CLAIM_MISSING.search(message):
                return _cause("home_unavailable", message)
            if "volume" in message.lower() and not re.search(r"Insufficient|untolerated taint", message):
                return _cause("home_unavailable", message)
            return _cause("no_room", message)
    return None


def _of_events(events: Iterable[Mapping[str, Any]]) -> Cause | None:
    latest = [event for event in events if event.get("type") == "Warning"][-1:]
    for event in latest:
        reason, message = str(event.get("reason", "")), str(event.get("message", ""))
        if reason in _VOLUME_REASONS:
            return _cause("home_unavailable", f"{reason}: {message}")
        if reason == "FailedScheduling":
            return _cause("home_unavailable" if "volume" in message.lower() else "no_room", message)
        if reason in ("FailedCreatePodSandBox", "Unhealthy"):
            return _cause("server_slow", f"{reason}: {message}")
    return None


def _status(body: str) -> tuple[str, str]:
    """Message and reason of a Status object; a text that is none is its own message."""
    try:
        found = json.loads(body)
        return str(found.get("message", "")), str(found.get("reason", ""))
    except (ValueError, AttributeError):
        return body, ""


def _cause(code: str, detail: str, final: bool = False) -> Cause:
    return Cause(code, " ".join(detail.split())[:DETAIL_MAX], final)
