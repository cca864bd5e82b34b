"""A person's server on a cluster: what the spec says, and nothing of another course."""

from dataclasses import replace

import pytest

from jupyterhub_courses.adapters.kubernetes.pods import home_claim, placement

from .conftest import settings_with, spec_with


def test_a_students_server_has_what_the_course_says(everything, settings):
    placed = placement(everything, "ada", "student", settings)
    pod = placed.pod
    assert (placed.home, placed.command) == ("/home/jovyan", ("jupyterhub-singleuser",))
    assert placed.environment == {
        "DATA": "/home/jovyan/shared",
        "JUPYTERHUB_COURSES_COURSE": "ml101",
        "JUPYTERHUB_COURSES_ROLE": "student",
        "JUPYTERHUB_COURSES_API_URL": settings.api_url,
        "JUPYTERHUB_COURSES_EXCHANGE_URL": "http://ngshare.course-ml101.svc.cluster.local:8080/api/",
    }
    assert (pod.namespace, pod.image, pod.service_account) == ("course-ml101", "registry.example.org/ml101:2", "server")
    assert (pod.home_claim, pod.home_size, pod.storage_class) == ("home-ada", 3 * 2**30, "fast")
    assert (pod.cpu_guarantee, pod.cpu_limit, pod.mem_guarantee, pod.mem_limit) == (0.25, 2, 512 * 2**20, 2**31)
    assert pod.extra_resources == {"nvidia.com/gpu": "1"} and pod.node_selector == {"example.org/pool": "gpu"}
    assert pod.tolerations == (
        {"key": "gpu", "operator": "Exists"},
        {"key": "pool", "operator": "Equal", "value": "teaching", "effect": "NoSchedule"},
    )
    assert pod.idle_timeout == 7200
    assert pod.labels["app.kubernetes.io/component"] == "server" and pod.labels["jupyterhub-courses/role"] == "student"


def test_the_graders_server_has_its_own_volume_and_size_and_writes_the_shared_one(everything, settings):
    placed = placement(everything, "grader-ml101", "grader", settings)
    assert (placed.pod.home_claim, placed.pod.home_size, placed.pod.mem_limit) == ("grader", 7 * 2**30, 2**32)
    assert placed.environment["JUPYTERHUB_COURSES_COURSE_DIR"] == "/home/jovyan/ml101"
    assert placed.environment["JUPYTERHUB_COURSES_AUTOGRADE"] == "apart"
    assert placed.pod.volume_mounts == ({"name": "shared", "mountPath": "/home/jovyan/shared", "readOnly": False},)


def test_the_graders_server_is_told_what_its_course_starts_from_and_students_are_not(settings):
    spec = spec_with(start_from={"git": "https://git.example.org/ml101.git", "path": "course"})
    told = placement(spec, "grader-ml101", "grader", settings).environment["JUPYTERHUB_COURSES_START_FROM"]
    assert told == '{"git":"https://git.example.org/ml101.git","path":"course"}'
    assert "JUPYTERHUB_COURSES_START_FROM" not in placement(spec, "ada", "student", settings).environment


def test_a_student_cannot_write_the_shared_volume(everything, settings):
    pod = placement(everything, "ada", "student", settings).pod
    assert pod.volumes[0]["persistentVolumeClaim"]["readOnly"] and pod.volume_mounts[0]["readOnly"]


def test_a_course_that_says_nothing_leaves_all_to_the_administrator():
    pod = placement(spec_with(), "ada", "student", settings_with()).pod
    left = (pod.image, pod.home_size, pod.storage_class, pod.cpu_limit, pod.mem_limit, pod.volumes, pod.profiles)
    assert left == (None, None, None, None, None, (), ())


def test_a_variable_cannot_be_one_of_the_courses_own(everything, settings):
    """The spec refuses them; should one get here all the same, ours wins."""
    sly = everything.model_copy(update={"variables": {"JUPYTERHUB_COURSES_ROLE": "grader"}})
    assert placement(sly, "ada", "student", settings).environment["JUPYTERHUB_COURSES_ROLE"] == "student"


def test_a_profile_changes_image_and_size_and_nothing_else(everything, settings):
    small, gpu = placement(everything, "ada", "student", settings).pod.profiles
    assert (small["default"], gpu["default"]) == (True, False)
    assert small["kubespawner_override"] == {}
    assert gpu["kubespawner_override"] == {"image": "registry.example.org/gpu:1", "mem_limit": 8 * 2**30}


def test_profiles_of_two_courses_never_have_the_same_slug(everything, settings):
    def slugs(spec):
        return {one["slug"] for one in placement(spec, "ada", "student", settings).pod.profiles}

    assert not slugs(everything) & slugs(everything.model_copy(update={"slug": "ml102"}))


@pytest.mark.parametrize("username", ["ada", "ada.lovelace", "ada@x.org", "a_b", "a-b", "_", "x" * 64, "ada--1"])
def test_a_homes_claim_is_a_name_of_kubernetes_and_of_one_person(username):
    import re

    claim = home_claim(username)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", claim), claim
    others = {home_claim(other) for other in ("ada", "ada-lovelace", "ada-x-org", "a-b", "x" * 40) if other != username}
    assert claim not in others


def test_the_release_says_where_hub_and_service_are(everything, settings):
    elsewhere = replace(settings, api_url="http://courses.other.svc/api/", cluster_domain="example.internal")
    told = placement(everything, "ada", "student", elsewhere).environment
    assert told["JUPYTERHUB_COURSES_API_URL"] == "http://courses.other.svc/api/"
    assert told["JUPYTERHUB_COURSES_EXCHANGE_URL"].startswith("http://ngshare.course-ml101.svc.example.internal:")
