"""Copies of the release's Secrets and ConfigMaps: what is written, what is taken away, what never gets out."""

import logging

import pytest
from traitlets import TraitError

from jupyterhub_courses.adapters.kubernetes.client import ApiProblem
from jupyterhub_courses.adapters.kubernetes.copies import Copies
from jupyterhub_courses.core import copies
from jupyterhub_courses.core.manifests import course_manifests
from jupyterhub_courses.service.cluster import CoursesCluster

from .conftest import TOKEN, settings_with, spec_with

REGISTRY, PIP = ("Secret", "registry"), ("ConfigMap", "pip")
CONTENT = "aGlkZGVu"
SPACE = {"kind": "Namespace", "metadata": {"name": "course-ml101", "uid": "u1"}}


def original(what, version="1", **more):
    kind, name = what
    metadata = {
        "name": name,
        "namespace": "jupyterhub",
        "resourceVersion": version,
        "labels": {"app": "other"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": CONTENT},
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": CONTENT}, **more}


class Api:
    """Originals, one namespace with its copies, and answers that a real one gives rarely."""

    def __init__(self, *originals):
        self.originals = {(one["kind"], one["metadata"]["name"]): one for one in originals}
        self.space, self.copies, self.calls, self.answers = {**SPACE}, {}, [], []

    async def get(self, kind, name, namespace):
        self.calls.append(("get", kind, name))
        assert namespace == "jupyterhub"
        found = self.originals.get((kind, name))
        if isinstance(found, int):
            raise ApiProblem(CONTENT, found)
        return found and {key: value for key, value in found.items() if key != "kind"}

    async def apply(self, manifest, manager="jupyterhub-courses"):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        self.calls.append(("apply", kind, name))
        if kind == "Namespace":
            assert manager != "jupyterhub-courses" and manifest["metadata"]["uid"] == "u1"
            annotations = manifest["metadata"].get("annotations", {})
            self.space = {**SPACE, "metadata": {**SPACE["metadata"], "annotations": annotations}}
            return self.space
        if self.answers:
            raise ApiProblem(CONTENT, self.answers.pop(0))
        self.copies[kind, name] = manifest
        return manifest

    async def delete(self, kind, name, namespace):
        self.calls.append(("delete", kind, name))
        assert namespace == "course-ml101"
        return self.copies.pop((kind, name), None) is not None


async def brought(api, **listed):
    """What is amiss after one pass."""
    now = Copies(api, settings_with(**listed))
    await now.look()
    api.space = await now.bring("ml101", api.space)
    return now.amiss("ml101")


async def settled(api, **listed):
    now = Copies(api, settings_with(**listed))
    await now.look()
    return now.settled("ml101", api.space)


def test_a_copy_is_ours_and_has_nothing_of_the_original_but_its_content():
    copy = copies.copy(
        original(REGISTRY, type="kubernetes.io/dockerconfigjson", immutable=True), "ml101", settings_with()
    )
    assert copy == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "data": {"a": CONTENT},
        "metadata": {
            "name": "registry",
            "namespace": "course-ml101",
            "labels": settings_with().labels("ml101", "copy"),
        },
    }


@pytest.mark.parametrize("has", [{}, {REGISTRY: "12", PIP: ""}])
def test_what_a_namespace_remembers_is_read_as_it_was_written(has):
    assert copies.remembered(copies.memory(SPACE, has)) == has


def test_a_pull_secret_that_is_listed_twice_is_copied_once():
    settings = settings_with(pull_secrets=("registry",), copied_secrets=("x", "registry"), copied_config_maps=("pip",))
    assert copies.asked(settings) == (REGISTRY, ("Secret", "x"), PIP)


def test_the_exchange_pulls_with_the_pull_secrets():
    made = course_manifests(spec_with(), TOKEN, settings_with(pull_secrets=("registry",)))
    pod = next(one for one in made if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]


async def test_copies_are_written_once_and_again_when_the_original_changes():
    api = Api(original(REGISTRY), original(PIP, binaryData={"b": "AA=="}))
    listed = {"pull_secrets": ("registry",), "copied_config_maps": ("pip",)}
    assert await brought(api, **listed) == ""
    assert api.copies.keys() == {REGISTRY, PIP} and api.copies[PIP]["binaryData"] == {"b": "AA=="}
    api.calls.clear()
    assert await brought(api, **listed) == ""
    assert {verb for verb, *_ in api.calls} == {"get"}
    api.originals[PIP] = original(PIP, "2", data={"a": "new"})
    api.calls.clear()
    await brought(api, **listed)
    assert [call for call in api.calls if call[0] == "apply"] == [
        ("apply", *PIP),
        ("apply", "Namespace", "course-ml101"),
    ]
    assert api.copies[PIP]["data"] == {"a": "new"}


async def test_a_course_is_settled_while_its_copies_are_as_their_originals():
    api = Api(original(REGISTRY), original(PIP))
    pulls, both = {"pull_secrets": ("registry",)}, {"pull_secrets": ("registry",), "copied_config_maps": ("pip",)}
    assert await settled(api) and not await settled(api, **pulls)
    await brought(api, **pulls)
    assert await settled(api, **pulls) and not await settled(api, **both) and not await settled(api)
    api.originals[REGISTRY] = original(REGISTRY, "2")
    assert not await settled(api, **pulls)
    await brought(api, **pulls)
    del api.originals[REGISTRY]
    assert not await settled(api, **pulls)  # its course says what is missing


async def test_what_is_no_longer_listed_is_taken_away_and_forgotten():
    api = Api(original(REGISTRY), original(PIP))
    await brought(api, pull_secrets=("registry",), copied_config_maps=("pip",))
    await brought(api, copied_config_maps=("pip",))
    assert api.copies.keys() == {PIP} and copies.remembered(api.space).keys() == {PIP}
    await brought(api)
    assert not api.copies and copies.remembered(api.space) == {}


async def test_a_missing_original_is_named_and_the_others_are_copied():
    api = Api(original(PIP))
    said = await brought(api, pull_secrets=("registry",), copied_config_maps=("pip",))
    assert said == "The Secret registry does not exist in the namespace jupyterhub; it cannot be copied."
    assert api.copies.keys() == {PIP}


async def test_copies_stay_while_their_original_is_missing():
    api = Api(original(REGISTRY))
    await brought(api, pull_secrets=("registry",))
    del api.originals[REGISTRY]
    assert "does not exist" in await brought(api, pull_secrets=("registry",))
    assert api.copies.keys() == {REGISTRY}


@pytest.mark.parametrize(
    ("status", "words"), [(403, "may not read the Secret registry"), (500, "(500)"), (0, "(no answer)")]
)
async def test_an_original_that_cannot_be_read_is_named(status, words):
    api = Api()
    api.originals[REGISTRY] = status
    said = await brought(api, pull_secrets=("registry",))
    assert words in said and CONTENT not in said


async def test_a_token_of_the_cluster_is_never_copied():
    api = Api(original(REGISTRY, type="kubernetes.io/service-account-token"))
    assert "token of the cluster itself" in await brought(api, copied_secrets=("registry",))
    assert not api.copies


async def test_a_secret_of_another_type_takes_the_place_of_the_one_before():
    api = Api(original(REGISTRY))
    api.answers = [422]
    assert await brought(api, pull_secrets=("registry",)) == ""
    assert ("delete", *REGISTRY) in api.calls and REGISTRY in api.copies


async def test_a_copy_that_is_refused_is_named_without_the_answer_and_tried_again(caplog):
    caplog.set_level(logging.DEBUG)
    api = Api(original(REGISTRY), original(PIP))
    api.answers = [413]
    said = await brought(api, pull_secrets=("registry",), copied_config_maps=("pip",))
    assert said == "The copy of the Secret registry cannot be written (413)."
    assert api.copies.keys() == {PIP} and copies.remembered(api.space)[REGISTRY] == ""
    assert await brought(api, pull_secrets=("registry",), copied_config_maps=("pip",)) == ""
    assert CONTENT not in caplog.text and CONTENT not in str(api.space)


async def test_a_copy_whose_writing_was_cut_off_is_taken_away_when_nobody_lists_it():
    api = Api(original(REGISTRY))
    api.answers = [500]
    await brought(api, pull_secrets=("registry",))
    await brought(api)
    assert ("delete", *REGISTRY) in api.calls and copies.remembered(api.space) == {}


@pytest.mark.parametrize(
    ("trait", "name"),
    [
        ("copied_secrets", "ngshare"),
        ("copied_secrets", "hub"),
        ("pull_secrets", "Registry"),
        ("pull_secrets", "a/b"),
        ("copied_config_maps", "kube-root-ca.crt"),
        ("copied_config_maps", ""),
    ],
)
def test_names_that_cannot_be_copied_are_refused_at_start(trait, name):
    with pytest.raises(TraitError, match=trait):
        CoursesCluster(**{trait: [name]})
