"""Secrets and ConfigMaps of the release's namespace in every course's, on a real cluster."""

import base64
import json
import os
import secrets

import pytest

from jupyterhub_courses.adapters.store.database import Database

from .reconciling import Reconciler

DOCKER = "kubernetes.io/dockerconfigjson"
HIDDEN = f"hidden-{secrets.token_hex(8)}"


def docker(password: str = HIDDEN) -> dict:
    """What `kubectl create secret docker-registry registry` makes."""
    auths = {"auths": {"registry.example.org": {"username": "u", "password": password}}}
    return secret("registry", {".dockerconfigjson": json.dumps(auths)}, DOCKER)


def secret(name: str, data: dict, kind: str = "Opaque") -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data}


def config_map(text: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "pip"}, "data": {"pip.conf": text}}


@pytest.fixture
async def world(kube, tmp_path):
    """Makes reconcilers one after the other over one store, as a service that starts anew with other settings."""
    mark = secrets.token_hex(3)
    release, prefix = f"release-{mark}", f"t{mark}"
    kube.run("create", "namespace", release)
    database = Database(f"sqlite:///{tmp_path / 'courses.sqlite'}")
    await database.migrate()
    made = []

    def world(**listed):
        made.append(Reconciler(database, os.environ["KUBECONFIG"], prefix=prefix, release_namespace=release, **listed))
        return made[-1]

    world.release = release
    yield world
    for one in made:
        await one.close()
    await database.close()
    kube.run("delete", "namespace", "--wait=false", release)


def put(kube, namespace, *manifests):
    kube.apply(*({**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in manifests))


async def test_what_is_listed_is_in_every_course_follows_its_original_and_goes_when_it_is_not_listed(
    kube, world, caplog
):
    put(kube, world.release, docker(), secret("license", {"key": HIDDEN}), config_map("one"))
    listed = {"pull_secrets": ("registry",), "copied_secrets": ("license",), "copied_config_maps": ("pip",)}
    one = world(**listed)
    for slug in ("a", "b"):
        await one.make(slug)
    for slug in ("a", "b"):
        await one.until_state(slug, "ready", "^$")
        copy = await one.get("Secret", "registry", slug)
        assert copy["type"] == DOCKER and HIDDEN in base64.b64decode(copy["data"][".dockerconfigjson"]).decode()
        assert (await one.get("ConfigMap", "pip", slug))["data"] == {"pip.conf": "one"}
        assert await one.get("Secret", "license", slug)
        deployment = await one.get("Deployment", "ngshare", slug)
        assert deployment["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    one.api.sent.clear()
    await one.provisioner.pass_once()
    assert {verb for verb, _ in one.api.sent} == {"list", "get"} and len(one.api.sent) == 13  # whatever the courses

    put(kube, world.release, docker("another"), config_map("two"))
    await one.provisioner.pass_once()
    for slug in ("a", "b"):
        copy = await one.get("Secret", "registry", slug)
        assert "another" in base64.b64decode(copy["data"][".dockerconfigjson"]).decode()
        assert (await one.get("ConfigMap", "pip", slug))["data"] == {"pip.conf": "two"}

    kube.run("delete", "secret", "-n", world.release, "license")  # a Secret of another type under the same name
    put(kube, world.release, secret("license", {"username": "u", "password": HIDDEN}, "kubernetes.io/basic-auth"))
    await one.provisioner.pass_once()
    assert (await one.get("Secret", "license", "a"))["type"] == "kubernetes.io/basic-auth"

    other = world(copied_config_maps=("pip",))
    await other.provisioner.pass_once()
    for slug in ("a", "b"):
        left = await other.other.list("Secret", namespace=one.settings.namespace(slug))
        assert {live["metadata"]["name"] for live in left} == {"ngshare"}
        assert await other.get("ConfigMap", "pip", slug)
    texts = [text for _, text in await other.events("a")]
    assert HIDDEN not in caplog.text and HIDDEN not in str(texts)
    space = await other.other.get("Namespace", one.settings.namespace("a"))
    assert HIDDEN not in str(space)


async def test_a_missing_original_is_named_and_comes_when_it_is_there(kube, world):
    put(kube, world.release, config_map("one"))
    one = world(pull_secrets=("registry",), copied_config_maps=("pip",))
    await one.make("ml101")
    sentence = f"^The Secret registry does not exist in the namespace {world.release}; it cannot be copied\\.$"
    await one.until_state("ml101", "ready", sentence)
    assert await one.get("ConfigMap", "pip", "ml101")
    put(kube, world.release, docker())
    await one.until_state("ml101", "ready", "^$")
    assert await one.get("Secret", "registry", "ml101")


async def test_a_broken_course_names_what_is_missing_beside_its_cause(kube, world):
    one = world(pull_secrets=("registry",), exchange_image="localhost/no-such-image:1")
    await one.make("ml101")
    await one.until_state("ml101", "degraded", r"^The image \S+ cannot be pulled\. The Secret registry does not exist")


async def test_a_course_whose_volumes_are_kept_keeps_no_copy_and_has_them_again_when_it_is_back(kube, world):
    put(kube, world.release, docker(), config_map("one"))
    one = world(pull_secrets=("registry",), copied_config_maps=("pip",))
    await one.make("ml101")
    await one.until_state("ml101", "ready", "^$")
    await one.delete("ml101")
    await one.until_gone("ml101")
    assert await one.get("Secret", "registry", "ml101") is None
    assert await one.get("ConfigMap", "pip", "ml101") is None
    await one.make("ml101")
    await one.until_state("ml101", "ready", "^$")
    assert await one.get("Secret", "registry", "ml101") and await one.get("ConfigMap", "pip", "ml101")
