"""What an administrator's settings must not say: refused when the hub starts, by the setting's name."""

import pytest
from kubernetes_asyncio.client import V1Capabilities, V1Container, V1SecurityContext
from traitlets.config import Config

from jupyterhub_courses.hub import configure_cluster
from jupyterhub_courses.spawner.settings import unfit

METADATA_BLOCK = V1Container(
    name="block-cloud-metadata",
    security_context=V1SecurityContext(privileged=True, run_as_user=0, capabilities=V1Capabilities(add=["NET_ADMIN"])),
)


def claim(name, notation="claimName"):
    kind = "persistentVolumeClaim" if notation == "claimName" else "persistent_volume_claim"
    return {"name": "data", kind: {notation: name}}


@pytest.mark.parametrize(
    ("values", "setting", "what"),
    [
        ({"image_pull_secrets": ["regcred"]}, "imagePullSecrets", 'Secret "regcred"'),
        ({"image_pull_secrets": [{"name": "regcred"}]}, "singleuser.image.pullSecrets", 'Secret "regcred"'),
        ({"service_account": "robot"}, "singleuser.serviceAccountName", 'ServiceAccount "robot"'),
        ({"volumes": [claim("d")]}, "singleuser.storage.extraVolumes", 'PersistentVolumeClaim "d"'),
        ({"volumes": {"x": claim("d", "claim_name")}}, "extraVolumes", 'PersistentVolumeClaim "d"'),
        ({"volumes": {"home": {**claim("s"), "name": "home"}}}, "singleuser.storage.static.pvcName", '"s"'),
        ({"volumes": [{"name": "c", "configMap": {"name": "cm"}}]}, "extraVolumes", 'ConfigMap "cm"'),
        (
            {"volumes": {"files": {"name": "files", "secret": {"secretName": "singleuser"}}}},
            "singleuser.extraFiles",
            'Secret "singleuser"',
        ),
        (
            {"volumes": [{"name": "p", "projected": {"sources": [{"secret": {"name": "s"}}]}}]},
            "extraVolumes",
            'Secret "s"',
        ),
        (
            {"environment": {"KEY": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}}},
            "singleuser.extraEnv",
            'Secret "s"',
        ),
        (
            {"init_containers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "cm"}}]}]},
            "singleuser.initContainers",
            'ConfigMap "cm"',
        ),
        ({"extra_pod_config": {"serviceAccountName": "robot"}}, "singleuser.extraPodConfig", '"robot"'),
        ({"extra_pod_config": {"imagePullSecrets": [{"name": "s"}]}}, "singleuser.extraPodConfig", 'Secret "s"'),
        (
            {"profile_list": [{"kubespawner_override": {"volumes": [claim("d")]}}]},
            "singleuser.profileList",
            'PersistentVolumeClaim "d"',
        ),
        ({"init_containers": [METADATA_BLOCK]}, "singleuser.cloudMetadata.blockWithIptables", "Set it to false"),
        ({"privileged": True}, "KubeSpawner.privileged", "is on"),
        ({"uid": 0}, "singleuser.uid", "root"),
        ({"allow_privilege_escalation": True}, "singleuser.allowPrivilegeEscalation", "is on"),
        ({"container_security_context": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "container_security", "SYS_ADMIN"),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "extraVolumes", "hostPath"),
        ({"extra_pod_config": {"hostNetwork": True}}, "singleuser.extraPodConfig", "hostNetwork"),
        (
            {"extra_containers": [{"name": "r", "securityContext": {"runAsUser": 0}}]},
            "singleuser.extraContainers",
            "root",
        ),
    ],
)
def test_settings_that_cannot_work_are_named(values, setting, what):
    (said,) = unfit(values)
    assert setting in said and what in said
    c = Config()
    c.KubeSpawner.update(values)
    with pytest.raises(ValueError, match="cannot have courses") as refused:
        configure_cluster(c)
    assert said in str(refused.value)


def test_a_pull_secret_that_every_course_has_may_be_named():
    assert unfit({"image_pull_secrets": ["regcred"]}, ["regcred"]) == []
    assert unfit({"volumes": [claim("regcred")]}, ["regcred"]) != []  # a claim is no Secret


def test_copies_that_every_course_has_may_be_named_and_no_other_kind_of_their_name():
    secret = {"volumes": [{"name": "files", "secret": {"secretName": "x"}}]}
    config_map = {"init_containers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "x"}}]}]}
    assert unfit(secret, ["x"]) == unfit(config_map, [], ["x"]) == []
    assert unfit(secret, [], ["x"]) and unfit(config_map, ["x"]) and unfit({"service_account": "x"}, ["x"], ["x"])


@pytest.mark.parametrize(
    ("values", "cure"),
    [
        ({"image_pull_secrets": ["x"]}, 'cluster(c, pull_secrets=["x"]) and in c.CoursesCluster.pull_secrets'),
        ({"volumes": [{"name": "v", "secret": {"secretName": "x"}}]}, "c.CoursesCluster.copied_secrets"),
        ({"volumes": [{"name": "v", "configMap": {"name": "x"}}]}, "c.CoursesCluster.copied_config_maps"),
    ],
)
def test_who_is_refused_reads_how_to_have_it_copied(values, cure):
    (said,) = unfit(values)
    assert cure in said and said.endswith("of the service.")
    for other in ({"service_account": "x"}, {"volumes": [claim("x")]}):
        assert unfit(other)[0].endswith("Take it out.")


def test_a_hub_that_knows_the_copies_starts():
    c = Config()
    c.KubeSpawner.update(
        image_pull_secrets=["registry"],
        volumes=[{"name": "files", "secret": {"secretName": "license"}}, {"name": "p", "configMap": {"name": "pip"}}],
    )
    configure_cluster(c, pull_secrets=["registry"], copied_secrets=["license"], copied_config_maps=["pip"])
    assert c.JupyterHub.spawner_class == "jupyterhub_courses.spawner.cluster.CourseSpawner"


@pytest.mark.parametrize(
    "values",
    [
        {"volumes": {"v": claim("{pvc_name}")}},
        {"volumes": [{"name": "e", "emptyDir": {}}]},
        {"uid": 1000, "allow_privilege_escalation": False, "privileged": False},
        {"allow_privilege_escalation": None},
        {"environment": {"A": "b", "C": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}}},
        {"init_containers": [{"name": "i", "image": "busybox", "command": ["true"]}]},
        {"image_pull_secrets": [], "service_account": None, "extra_pod_config": {}, "profile_list": []},
        {"profile_list": lambda spawner: []},
    ],
)
def test_settings_that_work_are_left_alone(values):
    assert unfit(values) == []
