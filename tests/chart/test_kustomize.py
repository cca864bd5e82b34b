"""config/kubernetes/ as kubectl renders it: releases that are told apart, pods that a restricted namespace takes."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from jupyterhub_courses.service.cluster import CoursesCluster
from tests.conftest import ROOT, left_out

OVERLAYS = {
    "sqlite": ("jupyterhub", "course"),
    "postgresql": ("jupyterhub", "course"),
    "staging": ("jupyterhub-staging", "staging"),
    "k3s": ("jupyterhub", "course"),
}


def rendered(overlay: str) -> list[dict[str, Any]]:
    """The objects of an overlay."""
    return rendered_folder(ROOT / "config" / "kubernetes" / "overlays" / overlay)


def rendered_folder(folder: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization."""
    kubectl = shutil.which("kubectl") or left_out("kubectl", "https://kubernetes.io/docs/tasks/tools/")
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def one(objects: list[dict[str, Any]], kind: str, name: str = "courses") -> dict[str, Any]:
    """The object of that kind and name."""
    return next(each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name)


def test_every_overlay_is_tested(root):
    assert {path.parent.name for path in root.glob("config/kubernetes/overlays/*/kustomization.yaml")} == set(OVERLAYS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_namespace_and_prefix_stand_everywhere(overlay):
    namespace, prefix = OVERLAYS[overlay]
    objects = rendered(overlay)
    policy = one(objects, "ValidatingAdmissionPolicy", f"courses-service.{prefix}")["spec"]
    assert policy["matchConditions"][0]["expression"].endswith(f"'system:serviceaccount:{namespace}:courses'")
    variables = {each["name"]: each["expression"] for each in policy["variables"]}
    assert (variables["prefix"], variables["release"]) == (f"'{prefix}'", f"'{namespace}'")
    binding = one(objects, "ValidatingAdmissionPolicyBinding", f"courses-service.{prefix}")
    assert binding["spec"]["policyName"] == f"courses-service.{prefix}"
    for kind, name in (("ClusterRoleBinding", f"courses-service.{prefix}"), ("RoleBinding", "courses")):
        assert [each["namespace"] for each in one(objects, kind, name)["subjects"]] == [namespace]
    assert one(objects, "ConfigMap")["data"]["JUPYTERHUB_COURSES_NAMESPACE_PREFIX"] == prefix
    servers = one(objects, "NetworkPolicy")["spec"]["ingress"][0]["from"][1]["namespaceSelector"]["matchLabels"]
    assert servers["jupyterhub-courses/instance"] == prefix


def test_two_releases_share_no_object():
    def names(overlay: str) -> set[tuple[str, str, str]]:
        namespaced = [
            (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
            for each in rendered(overlay)
        ]
        return set(namespaced)

    assert names("sqlite") & names("staging") == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_services_pod_fits_a_restricted_namespace(overlay):
    pod = one(rendered(overlay), "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {
        "type": "RuntimeDefault"
    }
    assert not any(name in pod for name in ("hostNetwork", "hostPID", "hostIPC"))
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    kinds = {next(iter(set(volume) - {"name"})) for volume in pod["volumes"]}
    assert kinds <= {"persistentVolumeClaim", "secret", "configMap", "emptyDir"}


def test_several_replicas_have_one_database_and_one_key():
    objects = rendered("postgresql")
    deployment = one(objects, "Deployment")["spec"]
    environment = {each["name"]: each for each in deployment["template"]["spec"]["containers"][0]["env"]}
    assert deployment["replicas"] > 1 and "JUPYTERHUB_COURSES_DATABASE_URL" in environment
    assert one(objects, "PersistentVolumeClaim")["spec"]["accessModes"] == ["ReadWriteMany"]


def test_on_k3s_the_service_asks_for_volumes_that_its_storage_makes(monkeypatch):
    told = one(rendered("k3s"), "ConfigMap")["data"]
    assert CoursesCluster().shared_access_mode == "ReadWriteMany"
    for name in set(told) - set(one(rendered("sqlite"), "ConfigMap")["data"]):
        monkeypatch.setenv(name, told[name])
    assert CoursesCluster().shared_access_mode == "ReadWriteOnce"


def test_a_single_replica_never_meets_its_successor():
    deployment = one(rendered("sqlite"), "Deployment")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})


def test_no_role_reads_secrets_or_binds_beyond_a_course():
    roles = [each for each in rendered("sqlite") if each["kind"] == "ClusterRole"]
    bound = {each["roleRef"]["name"] for each in rendered("sqlite") if each["kind"] == "ClusterRoleBinding"}
    assert bound == {"courses-service"}
    rules = next(each["rules"] for each in roles if each["metadata"]["name"] == "courses-service")
    assert not any("secrets" in rule["resources"] for rule in rules)
    bind = [rule for rule in rules if "bind" in rule["verbs"] or "escalate" in rule["verbs"]]
    assert [sorted(rule["resourceNames"]) for rule in bind] == [["courses-hub-in-course", "courses-service-in-course"]]
    assert not any(
        "*" in text for role in roles for rule in role["rules"] for text in [*rule["verbs"], *rule["resources"]]
    )


def test_the_kustomization_of_the_documentation_is_a_release(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "kubernetes.md").read_text(), re.DOTALL)
    (own,) = (block for block in blocks if "kind: Kustomization" in block)
    (tmp_path / "my-hub").mkdir()
    (tmp_path / "my-hub" / "kustomization.yaml").write_text(own)
    (tmp_path / "jupyterhub-courses" / "config").mkdir(parents=True)
    shutil.copytree(ROOT / "config" / "kubernetes", tmp_path / "jupyterhub-courses" / "config" / "kubernetes")
    objects = rendered_folder(tmp_path / "my-hub")
    settings = one(objects, "ConfigMap")["data"]
    assert settings["JUPYTERHUB_COURSES_PUBLIC_URL"] == "https://hub.example.org/"
    container = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example.org/courses-service:1"
    assert one(objects, "ValidatingAdmissionPolicy", "courses-service.course")


def test_the_patches_of_the_documentation_let_the_service_read_what_they_name_and_no_more(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "kubernetes.md").read_text(), re.DOTALL)
    (patches,) = (yaml.safe_load(block) for block in blocks if "resourceNames" in block)
    up = "/".join([".."] * len(tmp_path.resolve().parts[1:]))
    base = f"{up}{ROOT}/config/kubernetes/overlays/sqlite"
    own = {"namespace": "jupyterhub", "resources": [base], "patches": patches}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    objects, before = rendered_folder(tmp_path), one(rendered("sqlite"), "Role")["rules"]
    more = one(objects, "Role")["rules"][len(before) :]
    assert {(name, verb) for rule in more for name in rule["resources"] for verb in rule["verbs"]} == {
        ("secrets", "get"),
        ("configmaps", "get"),
    }
    config = Config()
    exec(one(objects, "ConfigMap", "courses-config")["data"]["courses_config.py"], {"get_config": lambda: config})
    listed = CoursesCluster(config=config)
    secrets, config_maps = (set(rule["resourceNames"]) for rule in more)
    assert secrets == {*listed.pull_secrets, *listed.copied_secrets} and config_maps == {*listed.copied_config_maps}


def test_images_say_what_they_run(root):
    for path in root.glob("images/*/Dockerfile"):
        text = path.read_text()
        assert text.count("ARG BASE=debian:bookworm-slim\n") == 1 and "FROM $BASE AS base" in text, path
        assert re.search(r"^USER 1000:\d+$", text, re.MULTILINE) and 'ENTRYPOINT ["tini", "--"]' in text, path
        assert f"requirements/image-{path.parent.name}.txt" in text and "--require-hashes" in text, path
