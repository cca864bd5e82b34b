"""The pod of a run: what it may, and what its state means."""

import json
from pathlib import Path

import pytest

from jupyterhub_courses.core.autograding import GraderPod, Run, RunState, grader_pod, pod_manifest, run_state
from jupyterhub_courses.core.sentences import SENTENCES

from .pods import GRADER, LABELS

SNAPSHOT = Path(__file__).with_name("pod.json")
RUN = Run("0123456789abcdef", "course-ml101", LABELS, 400, one_node=True)


def test_the_pod_is_as_it_was_looked_at():
    """Delete pod.json and run this to write it anew; then look at the difference."""
    pod = pod_manifest(RUN, GraderPod("example.org/lab:1", "node-1"))
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(json.dumps(pod, indent=2) + "\n")
    assert pod == json.loads(SNAPSHOT.read_text())


def test_the_pod_fits_pod_security_restricted_and_holds_nothing_to_lose():
    spec = pod_manifest(RUN, GraderPod("example.org/lab:1", "node-1"))["spec"]
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] == 1000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & spec.keys()
    [run], [collect] = spec["initContainers"], spec["containers"]
    for container in (run, collect):
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}
        assert own["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        assert not [e for e in container["env"] if "valueFrom" in e] and "envFrom" not in container
    assert all(v.keys() <= {"name", "emptyDir", "persistentVolumeClaim"} for v in spec["volumes"])


def test_a_submissions_container_sees_its_own_folder_of_the_graders_volume_and_cannot_write_there():
    spec = pod_manifest(RUN, GraderPod("example.org/lab:1", "node-1"))["spec"]
    [run], [collect] = spec["initContainers"], spec["containers"]
    given = [mount for mount in run["volumeMounts"] if mount["name"] == "grader"]
    assert given == [
        {"name": "grader", "mountPath": "/autograde/in", "subPath": f".autograde/{RUN.id}/in", "readOnly": True}
    ]
    taken = [mount for mount in collect["volumeMounts"] if mount["name"] == "grader"]
    assert [mount["subPath"] for mount in taken] == [f".autograde/{RUN.id}/out"]


def test_what_the_graders_server_runs_on_counts_for_its_runs():
    pod = {
        **GRADER,
        "spec": {
            "nodeName": "node-7",
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "registry"}],
            "runtimeClassName": "gvisor",
            "containers": [
                {"name": "sidecar", "image": "example.org/other:1"},
                {"name": "notebook", "image": "example.org/lab:2", "imagePullPolicy": "Always"},
            ],
        },
    }
    found = grader_pod([GRADER, {**pod, "metadata": {"creationTimestamp": "2026-10-02T00:00:00Z"}}])
    assert found is not None
    spec = pod_manifest(RUN, found)["spec"]
    assert {c["image"] for c in (*spec["initContainers"], *spec["containers"])} == {"example.org/lab:2"}
    assert spec["initContainers"][0]["imagePullPolicy"] == "Always"
    assert spec["imagePullSecrets"] == [{"name": "registry"}] and spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["tolerations"] == pod["spec"]["tolerations"] and spec["runtimeClassName"] == "gvisor"
    assert "node-7" in json.dumps(spec["affinity"])


def test_a_server_that_does_not_run_says_nothing():
    starting = {**GRADER, "status": {"phase": "Pending"}}
    assert grader_pod([starting]) is None and grader_pod([]) is None


def test_a_volume_of_many_nodes_leaves_the_node_open():
    many = Run("0123456789abcdef", "course-ml101", LABELS, 400, one_node=False)
    assert "affinity" not in pod_manifest(many, GraderPod("example.org/lab:1", "node-1"))["spec"]


def containers(**state: object) -> list[dict]:
    return [{"name": "run", "state": state}]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, RunState("running", "autograde_running")),
        ({"phase": "Running"}, RunState("running", "autograde_running")),
        ({"phase": "Succeeded"}, RunState("done")),
        (
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]},
            RunState("waiting", "autograde_no_room"),
        ),
        (
            {"phase": "Pending", "initContainerStatuses": containers(waiting={"reason": "ImagePullBackOff"})},
            RunState("waiting", "autograde_image"),
        ),
        (
            {"phase": "Pending", "initContainerStatuses": containers(waiting={"reason": "CreateContainerError"})},
            RunState("waiting", "autograde_not_started"),
        ),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, RunState("failed", "autograde_deadline")),
        (
            {"phase": "Failed", "reason": "Evicted", "message": 'Usage of EmptyDir volume "home" exceeds the limit'},
            RunState("failed", "autograde_storage"),
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "node pressure"}, RunState("failed", "autograde_evicted")),
        (
            {"phase": "Failed", "initContainerStatuses": containers(terminated={"reason": "OOMKilled"})},
            RunState("failed", "autograde_memory"),
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": containers(terminated={"reason": "OOMKilled", "exitCode": 0}),
            },
            RunState("failed", "autograde_memory"),
        ),
        (
            {"phase": "Failed", "reason": "OutOfcpu", "message": "Pod was rejected: Node didn't have enough resource"},
            RunState("waiting", "autograde_no_room"),
        ),
        ({"phase": "Failed", "reason": "UnexpectedAdmissionError"}, RunState("waiting", "autograde_not_started")),
        (
            {
                "phase": "Failed",
                "reason": "NodeLost",
                "initContainerStatuses": containers(terminated={"reason": "Error"}),
            },
            RunState("failed", "autograde_crashed"),
        ),
        (
            {"phase": "Failed", "initContainerStatuses": containers(terminated={"reason": "Error"})},
            RunState("failed", "autograde_crashed"),
        ),
    ],
)
def test_what_a_pods_state_means(status, expected):
    found = run_state({"status": status})
    assert found == expected
    assert not found.reason or found.reason in SENTENCES
