"""The course's spec above the administrator's settings: what becomes of KubeSpawner's traits."""

import pytest

from jupyterhub_courses.core.placements import PodPlacement
from jupyterhub_courses.spawner.applying import profiles_of, traits_of, verbatim

ADMIN = {
    "image": "admin/image:1",
    "service_account": None,
    "storage_capacity": "10Gi",
    "storage_class": None,
    "storage_access_modes": ["ReadWriteOnce"],
    "cpu_guarantee": None,
    "cpu_limit": None,
    "mem_guarantee": 2**30,
    "mem_limit": None,
    "extra_resource_guarantees": {},
    "extra_resource_limits": {"admin/thing": "1"},
    "node_selector": {"pool": "users"},
    "tolerations": [{"key": "users", "operator": "Exists"}],
    "volumes": {},
    "volume_mounts": {},
    "common_labels": {"app.kubernetes.io/managed-by": "kubespawner", "release": "hub"},
    "image_pull_secrets": [],
}
#: As the chart makes them of its defaults.
CHART_VOLUMES = {
    "volume-{user_server}": {"name": "volume-{user_server}", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
}
CHART_MOUNTS = {"volume-{user_server}": {"mountPath": "/home/jovyan", "name": "volume-{user_server}", "subPath": None}}


def traits(pod=None, **admin):
    placed = PodPlacement("course-ml101", pod.pop("image", None) if pod else None, "server", "home-ada", **(pod or {}))
    return traits_of(placed, "/home/jovyan", {**ADMIN, **admin})


def test_what_the_course_does_not_say_stays_the_administrators():
    made = traits()
    silent = {"image", "storage_capacity", "storage_class", "storage_access_modes", "mem_guarantee", "cpu_limit"}
    assert not silent & made.keys()
    assert made["node_selector"] == {"pool": "users"} and made["tolerations"] == ADMIN["tolerations"]


def test_what_the_course_says_is_above_it():
    made = traits(
        {
            "image": "course/image:2",
            "home_size": 5 * 2**30,
            "storage_class": "nfs",
            "access_modes": ("ReadWriteMany",),
            "cpu_limit": 2.0,
            "mem_limit": 4 * 2**30,
            "mem_guarantee": 2**29,
            "extra_resources": {"nvidia.com/gpu": "1"},
            "node_selector": {"gpu": "yes"},
            "tolerations": ({"key": "gpu", "operator": "Exists"},),
            "labels": {"app.kubernetes.io/managed-by": "jupyterhub-courses"},
        }
    )
    assert (made["image"], made["storage_capacity"], made["storage_class"]) == ("course/image:2", "5368709120", "nfs")
    assert made["storage_access_modes"] == ["ReadWriteMany"]
    assert (made["cpu_limit"], made["mem_limit"], made["mem_guarantee"]) == (2.0, 2**32, 2**29)
    assert made["extra_resource_guarantees"] == {"nvidia.com/gpu": "1"}
    assert made["extra_resource_limits"] == {"admin/thing": "1", "nvidia.com/gpu": "1"}
    assert made["node_selector"] == {"pool": "users", "gpu": "yes"}
    assert [one["key"] for one in made["tolerations"]] == ["users", "gpu"]
    assert made["common_labels"] == {"app.kubernetes.io/managed-by": "jupyterhub-courses", "release": "hub"}


@pytest.mark.parametrize(
    ("course", "admin", "guarantee", "limit"),
    [
        ({"mem_limit": 2**29}, {}, 2**29, 2**29),  # the chart guarantees 1G by default
        ({"mem_limit": 2**31}, {}, None, 2**31),
        ({"mem_guarantee": 2**31}, {"mem_limit": 2**30}, 2**31, 2**31),
        ({"mem_guarantee": 2**29}, {"mem_limit": 2**30}, 2**29, None),
    ],
)
def test_a_guarantee_never_exceeds_its_limit(course, admin, guarantee, limit):
    made = traits(course, **admin)
    assert (made.get("mem_guarantee"), made.get("mem_limit")) == (guarantee, limit)


@pytest.mark.parametrize("shape", [dict, list])
def test_the_charts_home_volume_is_the_home(shape):
    volumes, mounts = CHART_VOLUMES, CHART_MOUNTS
    if shape is list:
        volumes, mounts = list(volumes.values()), list(mounts.values())
    made = traits(volumes=volumes, volume_mounts=mounts)
    assert made["volumes"] == list(CHART_VOLUMES.values())
    assert made["volume_mounts"] == list(CHART_MOUNTS.values())


def test_without_the_chart_the_home_is_mounted_all_the_same():
    made = traits()
    assert made["volumes"] == [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
    assert made["volume_mounts"] == [{"name": "home", "mountPath": "/home/jovyan"}]


def test_a_home_mounted_elsewhere_is_at_the_courses_path_too():
    elsewhere = {"home": {**CHART_MOUNTS["volume-{user_server}"], "mountPath": "/work"}}
    made = traits(volumes=CHART_VOLUMES, volume_mounts=elsewhere)
    assert {mount["mountPath"] for mount in made["volume_mounts"]} == {"/work", "/home/jovyan"}
    assert len(made["volumes"]) == 1


def test_the_courses_volumes_come_beside_and_before_those_of_the_same_name_or_path():
    shared = {"name": "shared", "persistentVolumeClaim": {"claimName": "shared", "readOnly": True}}
    mount = {"name": "shared", "mountPath": "/home/jovyan/data", "readOnly": True}
    made = traits(
        {"volumes": (shared,), "volume_mounts": (mount,)},
        volumes=[{"name": "shared", "emptyDir": {}}, {"name": "scratch", "emptyDir": {}}],
        volume_mounts=[
            {"name": "shared", "mountPath": "/shared"},
            {"name": "scratch", "mountPath": "/home/jovyan/data/"},
            {"name": "scratch", "mountPath": "/scratch"},
        ],
    )
    assert {volume["name"]: volume for volume in made["volumes"]}["shared"] == shared
    paths = [one["mountPath"] for one in made["volume_mounts"]]
    assert sorted(paths) == ["/home/jovyan", "/home/jovyan/data", "/scratch"]


def test_pull_secrets_are_named_once():
    made = traits({"pull_secrets": ("regcred", "course")}, image_pull_secrets=["regcred", {"name": "other"}])
    assert made["image_pull_secrets"] == [{"name": "regcred"}, {"name": "other"}, {"name": "course"}]


def test_braces_of_a_placement_are_no_templates():
    assert verbatim({"subPath": "a{username}"}) == {"subPath": "a{{username}}"}
    mount = {"name": "shared", "mountPath": "/data", "subPath": "{username}"}
    assert traits({"volume_mounts": (mount,)})["volume_mounts"][-1]["subPath"] == "{{username}}"


def profiles(*entries):
    return profiles_of(PodPlacement("n", None, "server", "home-ada", profiles=entries), [{"key": "users"}])


def test_a_profile_sets_what_a_course_may_set_and_nothing_else():
    override = {
        "image": "big:1",
        "namespace": "kube-system",
        "service_account": "admin",
        "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
        "privileged": True,
        "environment": {"A": "{x}", "JUPYTERHUB_API_URL": "https://evil", "JPY_API_TOKEN": "x"},
        "tolerations": [{"key": "gpu"}],
    }
    (made,) = profiles({"display_name": "Big", "kubespawner_override": override})
    assert made["kubespawner_override"] == {
        "image": "big:1",
        "environment": {"A": "{{x}}"},
        "tolerations": [{"key": "users"}, {"key": "gpu"}],
    }


def test_a_choice_is_one_of_those_listed():
    option = {
        "display_name": "Image",
        "unlisted_choice": {"enabled": True, "kubespawner_override": {"image": "{value}"}},
        "choices": {"a": {"display_name": "A", "kubespawner_override": {"image": "a:1", "uid": 0}}},
    }
    only_free = {"unlisted_choice": {"enabled": True, "kubespawner_override": {"image": "{value}"}}}
    (made,) = profiles({"display_name": "P", "profile_options": {"image": option, "free": only_free}})
    assert made["profile_options"] == {
        "image": {
            "display_name": "Image",
            "choices": {"a": {"display_name": "A", "kubespawner_override": {"image": "a:1"}}},
        }
    }
