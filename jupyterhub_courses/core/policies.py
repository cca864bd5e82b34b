"""Who reaches whom in a course's namespace: NetworkPolicies, as pure functions of spec and settings.

Everything is denied but what stands here. Never reached by any rule: another course, the cloud's metadata, and what
the administrator forbids (the API server's address, where it is a public one).
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from .cluster import (
    COMPONENT,
    EXCHANGE,
    EXCHANGE_PORT,
    HUB_PORT,
    PROXY_PORT,
    SERVER,
    SERVER_PORT,
    SERVICE_PORT,
    ClusterSettings,
)
from .hosts import HostProblem
from .names import SERVICE_NAME
from .specs import CourseSpec, Destination

Network = IPv4Network | IPv6Network
Manifest = dict[str, Any]

#: Link-local addresses, among them the clouds' metadata (169.254.169.254), and metadata elsewhere.
METADATA = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32")
#: Not of the internet: pods, services and nodes live here, other courses among them.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "::1/128")


def policies(spec: CourseSpec, settings: ClusterSettings) -> list[Manifest]:
    """The three of a course; autograding pods have none of their own, so everything is denied to them."""
    return [_policy("default-deny", {}, [], []), _servers(spec, settings), _exchange(settings)]


def _servers(spec: CourseSpec, settings: ClusterSettings) -> Manifest:
    hub, proxy, service = _hub(settings), _proxy(settings), _service(settings)
    outgoing = [
        _egress([hub], HUB_PORT),
        _egress([proxy], PROXY_PORT),
        _egress([service], SERVICE_PORT),
        _egress([_pods({COMPONENT: EXCHANGE})], EXCHANGE_PORT),
        _dns(settings),
        *_outside(spec, settings),
    ]
    incoming = [{"from": [hub, proxy], "ports": [_port(SERVER_PORT)]}]
    return _policy("servers", {COMPONENT: SERVER}, incoming, outgoing)


def _exchange(settings: ClusterSettings) -> Manifest:
    incoming = [{"from": [_pods({COMPONENT: SERVER}), _service(settings)], "ports": [_port(EXCHANGE_PORT)]}]
    return _policy(EXCHANGE, {COMPONENT: EXCHANGE}, incoming, [_egress([_hub(settings)], HUB_PORT), _dns(settings)])


def _outside(spec: CourseSpec, settings: ClusterSettings) -> list[Manifest]:
    forbidden = [ip_network(cidr) for cidr in (*METADATA, *settings.never_reached)]
    rules = []
    if spec.egress.internet:
        closed = forbidden + [ip_network(cidr) for cidr in PRIVATE]
        blocks = [_block(ip_network(cidr), closed) for cidr in ("0.0.0.0/0", "::/0")]
        rules.append({"to": blocks})
    rules += [_destination(destination, forbidden) for destination in spec.egress.to]
    return rules


def _destination(destination: Destination, forbidden: list[Network]) -> Manifest:
    network = ip_network(destination.cidr)
    if any(_within(network, other) for other in forbidden):
        raise HostProblem(f"egress.to: {destination.cidr} may not be reached from a course.")
    rule: Manifest = {"to": [_block(network, forbidden)]}
    if destination.ports:
        rule["ports"] = [_port(number, protocol) for number in destination.ports for protocol in ("TCP", "UDP")]
    return rule


def _block(network: Network, closed: list[Network]) -> Manifest:
    """Each exception lies strictly within the block, as the API asks."""
    inside = sorted({str(other) for other in closed if _within(other, network)})
    return {"ipBlock": {"cidr": str(network), **({"except": inside} if inside else {})}}


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _dns(settings: ClusterSettings) -> Manifest:
    there: list[Manifest] = [_in_namespace(settings.dns_namespace)]
    there += [{"ipBlock": {"cidr": str(ip_network(address))}} for address in settings.dns_addresses]
    return {"to": there, "ports": [_port(53, "UDP"), _port(53)]}


def _hub(settings: ClusterSettings) -> Manifest:
    return _in_namespace(settings.release_namespace, {"app": "jupyterhub", "component": "hub"})


def _proxy(settings: ClusterSettings) -> Manifest:
    return _in_namespace(settings.release_namespace, {"app": "jupyterhub", "component": "proxy"})


def _service(settings: ClusterSettings) -> Manifest:
    return _in_namespace(settings.release_namespace, {"app.kubernetes.io/name": SERVICE_NAME})


def _in_namespace(name: str, labels: dict[str, str] | None = None) -> Manifest:
    peer: Manifest = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    return {**peer, **_pods(labels)} if labels else peer


def _pods(labels: dict[str, str]) -> Manifest:
    return {"podSelector": {"matchLabels": labels} if labels else {}}


def _egress(to: list[Manifest], port: int) -> Manifest:
    return {"to": to, "ports": [_port(port)]}


def _port(number: int, protocol: str = "TCP") -> Manifest:
    return {"port": number, "protocol": protocol}


def _policy(name: str, pods: dict[str, str], incoming: list[Manifest], outgoing: list[Manifest]) -> Manifest:
    spec: Manifest = {**_pods(pods), "policyTypes": ["Ingress", "Egress"]}
    if incoming:
        spec["ingress"] = incoming
    if outgoing:
        spec["egress"] = outgoing
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }
