"""The network policies that z2jh's chart makes of chart-values/courses.yaml, described by what they allow.

They are the chart's `hub` and `proxy` with their defaults; what is ours among them is read from the values.
"""

from typing import Any

import yaml

from tests.conftest import ROOT

HUB = {"app": "jupyterhub", "component": "hub"}
PROXY = {"app": "jupyterhub", "component": "proxy"}
#: Further labels of their pods, by which the chart's policies let one in at the other.
HUBS_PASSES = ("network-access-proxy-api", "network-access-proxy-http", "network-access-singleuser")
PROXYS_PASSES = ("network-access-hub", "network-access-singleuser")
_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
_METADATA = "169.254.169.254/32"


def passes(*names: str) -> dict[str, str]:
    """Labels of a pod that the chart's policies ask for."""
    return {f"hub.jupyter.org/{name}": "true" for name in names}


def policies() -> list[dict[str, Any]]:
    """Of the release's namespace."""
    values = yaml.safe_load((ROOT / "chart-values" / "courses.yaml").read_text())
    hub, proxy = values["hub"]["networkPolicy"], values["proxy"]["chp"]["networkPolicy"]
    to_proxy = [
        {"ports": [{"port": "http"}, {"port": "https"}]},  # it is what browsers reach: from everywhere
        _admitted("network-access-proxy-http", proxy, "http"),
        _admitted("network-access-proxy-api", proxy, "api"),
    ]
    return [
        _policy("hub", HUB, [_admitted("network-access-hub", hub, "http")], [_to(PROXY, 8001)], hub),
        _policy("proxy", PROXY, to_proxy, [_to(HUB, 8081)], proxy),
    ]


def _policy(
    name: str, pods: dict[str, str], ingress: list[dict[str, Any]], to: list[dict[str, Any]], own: dict[str, Any]
) -> dict[str, Any]:
    servers = _to({"app": "jupyterhub", "component": "singleuser-server"}, 8888)
    spec = {
        "podSelector": {"matchLabels": pods},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": [*to, servers, *_outside(), *own["egress"]],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


def _admitted(label: str, own: dict[str, Any], port: str) -> dict[str, Any]:
    return {"from": _labelled(label, own), "ports": [{"port": port}]}


def _labelled(label: str, own: dict[str, Any]) -> list[dict[str, Any]]:
    """Pods with the label in this namespace; where the values say `accept`, in every other one too."""
    pods = {"podSelector": {"matchLabels": passes(label)}}
    if own["interNamespaceAccessLabels"] != "accept":
        return [pods]
    return [{**pods, "namespaceSelector": {}}, {"namespaceSelector": {"matchLabels": passes(label)}}]


def _to(pods: dict[str, str], port: int) -> dict[str, Any]:
    return {"to": [{"podSelector": {"matchLabels": pods}}], "ports": [{"port": port}]}


def _outside() -> list[dict[str, Any]]:
    """The chart's egressAllowRules, all of them on: names, the world, private addresses, the clouds' metadata."""
    private = [{"ipBlock": {"cidr": one}} for one in _PRIVATE]
    metadata = {"ipBlock": {"cidr": _METADATA}}
    names = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    world = {"ipBlock": {"cidr": "0.0.0.0/0", "except": [*_PRIVATE, _METADATA]}}
    return [
        {"to": [metadata, names, *private], "ports": [{"port": 53, "protocol": one} for one in ("UDP", "TCP")]},
        {"to": [world]},
        {"to": private},
        {"to": [metadata]},
    ]
