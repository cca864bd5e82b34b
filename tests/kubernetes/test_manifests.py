"""What a course is on a cluster, as text that a person can read: everything.yaml and nothing.yaml.

A wanted change makes the test fail with the place of the new text; whoever made it reads the difference and copies it.
"""

import json
from pathlib import Path

import pytest
import yaml

from jupyterhub_courses.core.cluster import COURSE, INSTANCE, MANAGED_BY, Limits
from jupyterhub_courses.core.comparing import is_ours, key
from jupyterhub_courses.core.hosts import HostProblem
from jupyterhub_courses.core.manifests import course_manifests, namespace

from .conftest import TOKEN, settings_with, spec_with

HERE = Path(__file__).parent


def by_key(spec, settings):
    return {key(one): one for one in course_manifests(spec, TOKEN, settings)}


def assert_is(name, manifests, tmp_path):
    text = yaml.safe_dump_all(json.loads(json.dumps(manifests)), sort_keys=False)
    (tmp_path / name).write_text(text)
    assert text == (HERE / name).read_text(), f"the new text is {tmp_path / name}"


def test_a_course_that_asks_for_everything(everything, settings, tmp_path):
    assert_is("everything.yaml", course_manifests(everything, TOKEN, settings), tmp_path)


def test_a_course_that_asks_for_nothing(settings, tmp_path):
    assert_is("nothing.yaml", course_manifests(spec_with(), TOKEN, settings), tmp_path)


def test_every_object_is_ours_and_in_the_courses_namespace(everything, settings):
    space, *others = course_manifests(everything, TOKEN, settings)
    assert space["metadata"]["name"] == "course-ml101"
    for one in (space, *others):
        assert is_ours(one, "ml101", settings), key(one)
        assert not is_ours(one, "ml102", settings)
    assert {one["metadata"]["namespace"] for one in others} == {"course-ml101"}


def test_another_release_makes_other_namespaces_and_labels(everything):
    staging = settings_with(prefix="staging", release_namespace="hub-staging")
    space = course_manifests(everything, TOKEN, staging)[0]
    assert space["metadata"]["name"] == "staging-ml101"
    labels = space["metadata"]["labels"]
    assert (labels[MANAGED_BY], labels[INSTANCE], labels[COURSE]) == ("jupyterhub-courses", "staging", "ml101")


def test_the_exchanges_token_is_in_the_secret_alone(everything, settings):
    for one in course_manifests(everything, TOKEN, settings):
        assert (TOKEN in json.dumps(one)) == (one["kind"] == "Secret"), key(one)


def test_another_token_makes_another_pod_of_the_exchange(everything, settings):
    def template(token):
        made = {key(one): one for one in course_manifests(everything, token, settings)}
        return made["Deployment", "ngshare"]["spec"]["template"]

    assert template("a" * 64) != template("b" * 64) and template("a" * 64) == template("a" * 64)


def test_the_exchange_runs_once_without_rights_and_writes_its_volume_alone(settings):
    deployment = by_key(spec_with(), settings)["Deployment", "ngshare"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_no_load_balancer_and_no_port_of_a_node_can_be_had(settings):
    hard = by_key(spec_with(), settings)["ResourceQuota", "course"]["spec"]["hard"]
    assert (hard["services.loadbalancers"], hard["services.nodeports"]) == ("0", "0")


def test_kept_volumes_leave_a_namespace_that_says_so(settings):
    labels = namespace("ml101", settings, kept=True)["metadata"]["labels"]
    assert labels["jupyterhub-courses/kept"] == "true"
    assert "jupyterhub-courses/kept" not in namespace("ml101", settings)["metadata"]["labels"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"cpu": 8}, "cpu: 8 is more than the administrator allows (4)."),
        ({"memory": "5G"}, "memory: 5Gi is more than the administrator allows (4Gi)."),
        ({"grader": {"memory": "5G"}}, "grader.memory: 5Gi is more than the administrator allows (4Gi)."),
        ({"storage": "11G"}, "storage: 11Gi is more than the administrator allows (10Gi)."),
        ({"shared": {"size": "11G"}}, "shared.size: 11Gi is more than the administrator allows (10Gi)."),
        ({"quota": {"servers": 51}}, "quota.servers: 51 is more than the administrator allows (50)."),
        (
            {"environment": {"image": "evil.example/x"}},
            "environment.image: the administrator does not allow the image evil.example/x.",
        ),
        (
            {"profiles": [{"title": "Big", "cpu": 5, "image": "ok.example/../x"}]},
            "profiles[1].cpu: 5 is more than the administrator allows (4).",
        ),
    ],
)
def test_a_spec_beyond_the_administrators_limits_is_refused_with_its_field(asked, told):
    limits = Limits(cpu=4, memory=4 * 2**30, storage=10 * 2**30, servers=50, images=("ok.example/",))
    with pytest.raises(HostProblem) as caught:
        course_manifests(spec_with(**asked), TOKEN, settings_with(limits=limits))
    assert str(caught.value) == told
