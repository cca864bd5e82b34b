"""Why a pod does not start, from real answers of API servers and kubelets."""

import json

import pytest

from jupyterhub_courses.core.refusals import STATUS
from jupyterhub_courses.core.sentences import SENTENCES
from jupyterhub_courses.core.start_failures import missing_claim, of_answer, of_pod
from jupyterhub_courses.core.start_sentences import START_SENTENCES

QUOTA = (
    'pods "jupyter-ada--ml101" is forbidden: exceeded quota: course, requested: limits.memory=1Gi, used: '
    "limits.memory=2Gi, limited: limits.memory=2Gi"
)
SECURITY = (
    'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container '
    '"x" must set securityContext.allowPrivilegeEscalation=false)'
)
RIGHT = (
    'pods is forbidden: User "system:serviceaccount:jupyterhub:hub" cannot create resource "pods" in API group "" in '
    'the namespace "course-ml101"'
)
ENDING = 'pods "x" is forbidden: unable to create new content in namespace course-ml101 because it is being terminated'


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (403, QUOTA, "quota_used_up"),
        (403, SECURITY, "pod_refused"),
        (403, RIGHT, "hub_right_missing"),
        (401, "Unauthorized", "hub_right_missing"),
        (403, ENDING, "course_place_missing"),
        (404, 'namespaces "course-ml101" not found', "course_place_missing"),
        (403, 'pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi', "pod_refused"),
        (422, 'Pod "x" is invalid: spec.containers[0].resources.requests: Invalid value: "2Gi"', "pod_refused"),
        (429, "Too many requests, please try again later.", "cluster_away"),
        (500, "etcdserver: request timed out", "cluster_away"),
        (None, "", "cluster_away"),
        (400, "surprise", "server_misplaced"),
    ],
)
def test_answers_of_the_api_server(status, message, code):
    body = json.dumps({"kind": "Status", "message": message, "code": status}) if message else ""
    cause = of_answer(status, body, "namespace course-ml101")
    assert cause.code == code
    assert message[:60] in cause.detail


def test_a_missing_right_says_which_verb_on_what():
    detail = of_answer(403, json.dumps({"message": RIGHT}), "namespace course-ml101").detail
    assert 'cannot create resource "pods"' in detail and "course-ml101" in detail


def test_an_answer_that_is_no_status_is_kept_in_part():
    cause = of_answer(502, "<html>" + "x" * 5000, "namespace n")
    assert cause.code == "cluster_away" and len(cause.detail) <= 500


def pod(**status):
    return {"metadata": {"name": "p", "uid": "u"}, "status": {"phase": "Pending", **status}}


def waiting(reason, message="", **more):
    state = {"name": "notebook", "image": "r/x:1", "state": {"waiting": {"reason": reason, "message": message}}, **more}
    return pod(containerStatuses=[state])


def unscheduled(message):
    return pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])


def warning(reason, message):
    return [{"type": "Warning", "reason": reason, "message": message}]


GONE = 'persistentvolumeclaim "home-ada" not found'


@pytest.mark.parametrize(
    ("found", "events", "code", "final"),
    [
        (waiting("ErrImagePull"), [], "image_unavailable", False),
        (waiting("ImagePullBackOff", 'Back-off pulling image "r/x:1"'), [], "image_unavailable", True),
        (waiting("InvalidImageName"), [], "image_unavailable", True),
        (waiting("ErrImageNeverPull"), [], "image_unavailable", True),
        (waiting("CreateContainerConfigError", 'secret "s" not found'), [], "pod_misconfigured", True),
        (waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 1}}), [], "server_crashes", True),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            [],
            "server_out_of_memory",
            True,
        ),
        (unscheduled("0/3 nodes are available: 3 Insufficient memory."), [], "no_room", False),
        (unscheduled("0/1 nodes are available: 1 Too many pods."), [], "no_room", False),
        (unscheduled(GONE), [], "home_unavailable", False),
        (unscheduled("pod has unbound immediate PersistentVolumeClaims"), [], "home_unavailable", False),
        (
            unscheduled("0/1 nodes are available: 1 node(s) had volume node affinity conflict"),
            [],
            "home_unavailable",
            False,
        ),
        (pod(), warning("FailedAttachVolume", "Multi-Attach error for volume"), "home_unavailable", False),
        (pod(), warning("FailedMount", "MountVolume.SetUp failed"), "home_unavailable", False),
        (pod(phase="Failed", reason="Evicted"), [], "server_taken_away", True),
    ],
)
def test_what_pods_and_events_say(found, events, code, final):
    cause = of_pod(found, events)
    assert (cause.code, cause.final) == (code, final)


def test_a_pod_that_is_on_its_way_has_no_cause():
    assert of_pod(None, []) is None
    assert of_pod(pod(), []) is None
    assert of_pod(waiting("ContainerCreating"), [{"type": "Normal", "reason": "Pulling", "message": "x"}]) is None


def test_a_pod_that_is_being_deleted_will_not_start():
    ending = pod()
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert of_pod(ending, []).final


def test_the_claim_that_is_missing_is_known_by_name():
    assert missing_claim(of_pod(unscheduled(GONE), [])) == "home-ada"
    assert missing_claim(of_pod(unscheduled("0/3 nodes are available"), [])) is None
    assert missing_claim(None) is None


def test_every_cause_has_a_sentence_and_a_status():
    assert all(code in STATUS and set(texts) == {"en", "de"} for code, texts in START_SENTENCES.items())
    assert START_SENTENCES.items() <= SENTENCES.items()
