"""A server's pod fits Pod Security `restricted`: what is not said otherwise is the safe choice, in every container.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ : what the administrator configures is above these
defaults; whether that still fits is asked when the hub starts (settings.py).
"""

from typing import Any, Final

from kubernetes_asyncio.client import ApiClient

POD: Final[dict[str, Any]] = {
    "runAsNonRoot": True,
    "fsGroupChangePolicy": "OnRootMismatch",  # a home with many files is not walked at each start
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER: Final[dict[str, Any]] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def harden(pod: Any, uid: int | None, gid: int | None) -> Any:
    """The pod (V1Pod) with the defaults below what it says itself. uid, gid: whom containers run as that do not say."""
    spec = pod.spec
    spec.automount_service_account_token = False
    if spec.enable_service_links is None:
        spec.enable_service_links = False  # other Services' addresses are nobody's environment
    spec.security_context = {**POD, **_plain(spec.security_context)}
    run_as = {} if uid is None else {"runAsUser": uid}
    run_as |= {} if gid is None else {"runAsGroup": gid}
    for container in [*spec.containers, *(spec.init_containers or ())]:
        container.security_context = {**run_as, **CONTAINER, **_plain(container.security_context)}
    return pod


def _plain(context: Any) -> dict[str, Any]:
    """A security context as the API's JSON, whether it is a model of the client, a dict or nothing."""
    found = plain(context) or {}
    return {name: value for name, value in found.items() if value is not None}


def plain(value: Any) -> Any:
    """Models of the client, however deep, as the API's JSON."""
    return _client.sanitize_for_serialization(value)


class _Serializer(ApiClient):
    """Only its translation is used: it opens no connection."""

    def __init__(self) -> None:
        pass


_client = _Serializer()
