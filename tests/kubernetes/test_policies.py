"""Who reaches whom: what no rule of a course may ever allow."""

from ipaddress import ip_address, ip_network

import pytest
import yaml

from jupyterhub_courses.core.hosts import HostProblem
from jupyterhub_courses.core.policies import policies
from jupyterhub_courses.service.cluster import CoursesCluster

from .conftest import settings_with, spec_with

METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fe80::1")


def servers(spec, settings=None):
    return next(one for one in policies(spec, settings or settings_with()) if one["metadata"]["name"] == "servers")


def reaches(policy, address):
    """Whether a rule lets `address` be reached by its number."""
    for rule in policy["spec"].get("egress", ()):
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            inside = ip_address(address) in ip_network(block["cidr"])
            if inside and not any(ip_address(address) in ip_network(one) for one in block.get("except", ())):
                return True
    return False


def test_everything_is_denied_that_no_rule_allows():
    deny = policies(spec_with(), settings_with())[0]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_servers_reach_no_address_outside_where_the_course_asks_for_none():
    assert not any("ipBlock" in peer for rule in servers(spec_with())["spec"]["egress"] for peer in rule["to"])


def test_no_rule_selects_pods_of_another_course():
    """Every peer is in this namespace, in the release's with a label, or DNS."""
    for policy in policies(spec_with(egress=True), settings_with(release_namespace="jupyterhub")):
        rules = [*policy["spec"].get("egress", ()), *policy["spec"].get("ingress", ())]
        for peer in (peer for rule in rules for peer in rule.get("to", rule.get("from"))):
            if "namespaceSelector" in peer:
                (name,) = peer["namespaceSelector"]["matchLabels"].values()
                assert name == "kube-system" or (name == "jupyterhub" and peer["podSelector"]["matchLabels"])


@pytest.mark.parametrize("address", ["10.96.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", *METADATA])
def test_the_internet_is_not_the_cluster_nor_the_clouds_metadata(address):
    policy = servers(spec_with(egress=True))
    assert not reaches(policy, address)
    assert reaches(policy, "151.101.0.223") and reaches(policy, "2a04:4e42::223")


@pytest.mark.parametrize("address", METADATA)
def test_a_listed_range_around_the_clouds_metadata_leaves_it_out(address):
    wide = "::/0" if ":" in address else "0.0.0.0/0"
    assert not reaches(servers(spec_with(egress={"to": [{"cidr": wide}]})), address)


def test_the_api_servers_public_address_is_left_out_where_the_administrator_names_it():
    settings = settings_with(never_reached=("203.0.113.7/32",))
    assert not reaches(servers(spec_with(egress=True), settings), "203.0.113.7")
    with pytest.raises(HostProblem, match=r"203\.0\.113\.7/32 may not be reached"):
        policies(spec_with(egress={"to": [{"cidr": "203.0.113.7/32"}]}), settings)


@pytest.mark.parametrize("egress", [False, True, {"to": [{"cidr": "10.0.0.0/8"}, {"cidr": "0.0.0.0/0"}]}])
def test_the_api_servers_address_in_the_cluster_is_never_reached(egress, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    settings = CoursesCluster().settings("http://hub/hub/api", "http://courses/api/")
    for policy in policies(spec_with(egress=egress), settings):
        assert not any(reaches(policy, address) for address in ("10.96.0.1", *METADATA))
    with pytest.raises(HostProblem, match="may not be reached"):
        policies(spec_with(egress={"to": [{"cidr": "10.96.0.1/32"}]}), settings)


def test_the_service_itself_reaches_no_clouds_metadata(root):
    policy = yaml.safe_load((root / "config/kubernetes/base/network.yaml").read_text())
    assert not any(reaches(policy, address) for address in METADATA) and reaches(policy, "151.101.0.223")


def test_a_listed_private_address_is_reached_on_its_ports_alone():
    policy = servers(spec_with(egress={"to": [{"cidr": "10.1.2.0/24", "ports": [5432]}]}))
    rule = policy["spec"]["egress"][-1]
    assert {(port["port"], port["protocol"]) for port in rule["ports"]} == {(5432, "TCP"), (5432, "UDP")}
    assert reaches(policy, "10.1.2.9") and not reaches(policy, "10.1.3.9")


def test_the_exchange_answers_servers_and_the_service_alone_and_asks_the_hub_alone():
    exchange = policies(spec_with(egress=True), settings_with())[2]["spec"]
    peers = [peer["podSelector"]["matchLabels"] for peer in exchange["ingress"][0]["from"]]
    assert peers == [{"app.kubernetes.io/component": "server"}, {"app.kubernetes.io/name": "courses"}]
    assert [port["port"] for rule in exchange["egress"] for port in rule["ports"]] == [8081, 53, 53]
