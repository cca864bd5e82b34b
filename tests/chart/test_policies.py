"""Who reaches whom: policies of courses, service and z2jh's chart, evaluated by cyclonus as a cluster enforces them.

The table is checked in. A change of any policy shows in it, for somebody to read:
WRITE_TABLE=1 pytest tests/chart/test_policies.py writes it anew.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyterhub_courses.adapters.kubernetes.pods import placement
from jupyterhub_courses.core.autograding import GraderPod, Run, pod_manifest
from jupyterhub_courses.core.cluster import SERVER, ClusterSettings
from jupyterhub_courses.core.manifests import course_manifests, namespace
from jupyterhub_courses.core.policies import policies
from jupyterhub_courses.core.specs import CourseSpec
from tests.conftest import ROOT, left_out

from . import z2jh

TABLE = Path(__file__).with_name("who-reaches-whom.txt")
SETTINGS = ClusterSettings(exchange_image="exchange")
COURSES = {"ml101": {"internet": True}, "algo2": {}}
RELEASE = SETTINGS.release_namespace


def spec_of(slug: str) -> CourseSpec:
    """A course as this module has it."""
    return CourseSpec.model_validate({"slug": slug, "title": slug, "egress": COURSES[slug]})


def service_labels() -> dict[str, str]:
    """Of the service's pods, as its Deployment says."""
    objects = yaml.safe_load_all((ROOT / "config/kubernetes/base/deployment.yaml").read_text())
    return next(one["spec"]["template"]["metadata"]["labels"] for one in objects if one["kind"] == "Deployment")


def course_pods(slug: str) -> Iterator[tuple[str, dict[str, str], int]]:
    """(name, labels, port) of a course's pods, with the labels that the product gives them."""
    spec, kubespawners = spec_of(slug), {"app": "jupyterhub", "component": "singleuser-server"}
    for name, username in (("student", "ada"), ("grader", f"grader-{slug}")):
        pod = placement(spec, username, name, SETTINGS).pod
        assert pod is not None
        yield name, {**kubespawners, **pod.labels}, 8888
    exchange = next(one for one in course_manifests(spec, "t", SETTINGS) if one["kind"] == "Deployment")
    yield "ngshare", exchange["spec"]["template"]["metadata"]["labels"], 8080
    ours = {name: value for name, value in SETTINGS.labels(slug, "").items() if value}
    run = Run("a-run-of-it", SETTINGS.namespace(slug), ours, 60, one_node=False)
    yield "autograde", pod_manifest(run, GraderPod("image", "node"))["metadata"]["labels"], 8888


#: (namespace, name) -> labels, address, the port that it serves.
PODS: dict[tuple[str, str], tuple[dict[str, str], str, int]] = {
    (RELEASE, "hub"): (
        {**z2jh.HUB, "app.kubernetes.io/component": "hub", **z2jh.passes(*z2jh.HUBS_PASSES)}, "10.1.0.1", 8081,
    ),
    (RELEASE, "proxy"): (
        {**z2jh.PROXY, "app.kubernetes.io/component": "proxy", **z2jh.passes(*z2jh.PROXYS_PASSES)}, "10.1.0.2", 8000,
    ),
    (RELEASE, "courses"): (service_labels(), "10.1.0.3", 8085),
    (RELEASE, "other"): ({"app": "other"}, "10.1.0.4", 9000),
    ("kube-system", "dns"): ({"k8s-app": "kube-dns"}, "10.1.1.1", 53),
    ("elsewhere", "pod"): ({"app.kubernetes.io/component": SERVER}, "10.1.2.1", 8888),
    # Not pods, but addresses that one might be at.
    ("world", "metadata"): ({}, "169.254.169.254", 80),
    ("world", "internet"): ({}, "93.184.216.34", 443),
    ("world", "api-server"): ({}, "10.96.0.1", 443),
}  # fmt: skip
for number, slug in enumerate(COURSES):
    for place, (name, labels, port) in enumerate(course_pods(slug)):
        PODS[SETTINGS.namespace(slug), name] = (labels, f"10.2.{number}.{place}", port)


@pytest.fixture(scope="module")
def cyclonus() -> str:
    return shutil.which("cyclonus") or left_out("cyclonus", "https://github.com/mattfenwick/cyclonus")


def all_policies() -> list[dict[str, Any]]:
    """Of both courses, the service's own, and those of z2jh's chart."""
    found = []
    for slug in COURSES:
        for policy in policies(spec_of(slug), SETTINGS):
            found.append({**policy, "metadata": {**policy["metadata"], "namespace": SETTINGS.namespace(slug)}})
    own = yaml.safe_load((ROOT / "config/kubernetes/base/network.yaml").read_text())
    return [
        *found,
        *({**one, "metadata": {**one["metadata"], "namespace": RELEASE}} for one in (own, *z2jh.policies())),
    ]


def model(pods: dict[tuple[str, str], tuple[dict[str, str], str, int]]) -> dict[str, Any]:
    """What cyclonus asks to be told."""
    spaces = {name: {"kubernetes.io/metadata.name": name} for name, _ in pods}
    for slug in COURSES:
        name = SETTINGS.namespace(slug)
        spaces[name] = {**spaces[name], **namespace(slug, SETTINGS)["metadata"]["labels"]}
    listed = [
        {
            "Namespace": place,
            "Name": name,
            "Labels": labels,
            "IP": address,
            "Containers": [{"Name": "c", "Port": port, "PortName": "http", "Protocol": "TCP"}],
        }
        for (place, name), (labels, address, port) in pods.items()
    ]
    probes = [{"Protocol": "TCP", "Port": port} for port in sorted({port for _, _, port in pods.values()})]
    return {"Probes": probes, "Resources": {"Namespaces": spaces, "Pods": listed}}


def reached(cyclonus: str, folder: Path, given: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Pod -> who reaches it at its port. cyclonus prints a table of all pods for each port."""
    (folder / "policies").mkdir()
    for number, policy in enumerate(given):  # of a file with several it takes the first alone
        (folder / "policies" / f"{number}.yaml").write_text(yaml.safe_dump(policy))
    (folder / "model.json").write_text(json.dumps(model(PODS)))
    command = [cyclonus, "analyze", "--mode=probe", "--policy-path=policies", "--probe-path=model.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    tables = re.findall(r"Combined:\n((?:[+|].*\n)+)", done.stdout)
    names = [f"{place}/{name}" for place, name in PODS]
    found: dict[str, set[str]] = {name: set() for name in names}
    for table in tables:
        rows = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines() if line[0] == "|"
        ]
        if len(rows) < 2:
            continue  # the table of a port that nobody serves
        columns = [cell.lower() for cell in rows[0][1:]]
        assert sorted(columns) == sorted(names) and len(rows) == len(names) + 1, table
        for source, *cells in rows[1:]:
            for target, cell in zip(columns, cells, strict=True):
                if cell == ".":
                    found[target].add(source)
    return found


def shown(found: dict[str, set[str]]) -> str:
    """The table: a line for each pod that somebody might reach."""
    ports = {f"{place}/{name}": port for (place, name), (_, _, port) in PODS.items()}
    lines = []
    for target, sources in found.items():
        others = sorted(sources - {target})
        who = "everybody" if len(others) == len(found) - 1 else ", ".join(others) or "nobody"
        lines.append(f"{target}:{ports[target]} is reached by {who}\n")
    return "".join(lines)


def test_cyclonus_is_understood_where_the_answer_is_known(cyclonus, tmp_path):
    denied = all_policies()[0]
    assert denied["metadata"]["name"] == "default-deny"
    everything = {**denied, "metadata": {"name": "deny", "namespace": RELEASE}}
    found = reached(cyclonus, tmp_path, [everything])
    assert found[f"{RELEASE}/hub"] <= {f"{RELEASE}/hub"}
    assert "elsewhere/pod" in found["course-ml101/ngshare"] and f"{RELEASE}/hub" not in found["course-ml101/ngshare"]


def test_who_reaches_whom_is_as_the_table_says(cyclonus, tmp_path):
    table = shown(reached(cyclonus, tmp_path, all_policies()))
    if os.environ.get("WRITE_TABLE"):
        TABLE.write_text(table)
    assert table == TABLE.read_text()


def test_no_course_reaches_another_whatever_the_table_says():
    for line in TABLE.read_text().splitlines():
        target, _, sources = line.partition(" is reached by ")
        for one, other in (("course-ml101/", "course-algo2/"), ("course-algo2/", "course-ml101/")):
            assert not (target.startswith(one) and other in sources), line
        if "/autograde:" in target or target.startswith("world/metadata:"):
            assert "course-" not in sources, line
        if target.startswith(("course-", "world/metadata")):
            assert "everybody" not in sources, line
        assert "autograde" not in sources, line
