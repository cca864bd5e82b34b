"""How a course stands, in words, from what an API server really told (recorded shapes, shortened)."""

import pytest

from jupyterhub_courses.core.standing import READY, Standing, standing

AVAILABLE = {"observedGeneration": 2, "availableReplicas": 1, "updatedReplicas": 1}
STARTING = {"observedGeneration": 2, "unavailableReplicas": 1, "updatedReplicas": 1}
LABELS = {"app.kubernetes.io/component": "ngshare"}


def deployment(**status):
    return {"kind": "Deployment", "metadata": {"name": "ngshare", "generation": 2}, "status": status}


def pod(*, waiting=None, last=None, conditions=(), **metadata):
    state = {"waiting": waiting} if waiting else {"running": {}}
    container = {"image": "localhost/x:1", "state": state, "lastState": last or {}}
    status = {"containerStatuses": [container] if waiting else [], "conditions": list(conditions)}
    return {"kind": "Pod", "metadata": {"name": "ngshare-1", "labels": LABELS, **metadata}, "status": status}


def objects(*several):
    return {(one["kind"], one["metadata"]["name"]): one for one in several}


def test_a_course_is_ready_when_its_exchange_is():
    assert standing(objects(deployment(**AVAILABLE))) == READY


def test_a_course_without_its_exchange_is_being_made():
    assert standing({}) == Standing("coming", "The exchange (ngshare) is being made.")


def test_a_newer_deployment_than_the_controllers_have_seen_is_not_ready():
    assert standing(objects(deployment(**{**AVAILABLE, "observedGeneration": 1}))).state == "coming"


def test_an_exchange_that_only_takes_time_is_coming():
    assert standing(objects(deployment(**STARTING), pod(waiting={"reason": "ContainerCreating"}))) == Standing(
        "coming", "The exchange (ngshare) is starting."
    )


@pytest.mark.parametrize(
    ("waiting", "last", "told"),
    [
        ({"reason": "ImagePullBackOff"}, None, "The image localhost/x:1 cannot be pulled."),
        ({"reason": "ErrImagePull"}, None, "The image localhost/x:1 cannot be pulled."),
        ({"reason": "ErrImageNeverPull"}, None, "The image localhost/x:1 cannot be pulled."),
        ({"reason": "InvalidImageName"}, None, "The image localhost/x:1 cannot be pulled."),
        (
            {"reason": "CreateContainerConfigError", "message": 'secret "ngshare" not found'},
            None,
            'The exchange (ngshare) cannot start: secret "ngshare" not found.',
        ),
        (
            {"reason": "CrashLoopBackOff"},
            {"terminated": {"exitCode": 2}},
            "The exchange (ngshare) ends again and again (exit code 2); its pod's log says more.",
        ),
        (
            {"reason": "CrashLoopBackOff"},
            {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            "The exchange (ngshare) ends again and again (out of memory); its pod's log says more.",
        ),
    ],
)
def test_what_its_pod_waits_for_is_told(waiting, last, told):
    seen = objects(deployment(**STARTING), pod(waiting=waiting, last=last))
    assert standing(seen) == Standing("broken", told)


def test_a_used_up_quota_is_told():
    message = (
        'pods "ngshare-6d4" is forbidden: exceeded quota: course, requested: pods=1, used: pods=10, limited: pods=10'
    )
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    told = standing(objects(deployment(observedGeneration=2, conditions=[failure])))
    assert told == Standing(
        "broken", "The course's quota is used up: course, requested: pods=1, used: pods=10, limited: pods=10"
    )


def test_a_storage_class_that_does_not_exist_is_told():
    event = {
        "reason": "ProvisioningFailed",
        "message": 'storageclass.storage.k8s.io "fast" not found',
        "involvedObject": {"kind": "PersistentVolumeClaim", "name": "ngshare"},
    }
    unbound = {"type": "PodScheduled", "status": "False", "message": "pod has unbound immediate PersistentVolumeClaims"}
    seen = objects(deployment(**STARTING), pod(conditions=[unbound]))
    assert standing(seen, [event]) == Standing("broken", "StorageClass fast does not exist.")


def test_a_full_cluster_is_told_and_waited_for():
    full = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient memory."}
    assert standing(objects(deployment(**STARTING), pod(conditions=[full]))) == Standing(
        "coming", "The exchange (ngshare) waits for a node: 0/1 nodes are available: 1 Insufficient memory."
    )


def test_a_volume_that_somebody_deletes_is_told():
    volume = {"kind": "PersistentVolumeClaim", "metadata": {"name": "ngshare", "deletionTimestamp": "2026-03-02"}}
    assert standing(objects(deployment(**AVAILABLE), volume)).reason.startswith("ngshare is being deleted")


def test_a_pod_of_the_old_deployment_that_ends_says_nothing():
    old = pod(waiting={"reason": "ImagePullBackOff"}, deletionTimestamp="2026-03-02")
    assert standing(objects(deployment(**STARTING), old)).state == "coming"
