"""Servers of courses as pods of a real cluster, spawned by an account that has rights in courses' namespaces only."""

import asyncio
import base64
import json
import os
import subprocess
import time
from pathlib import Path

import kubespawner.clients
import pytest
import yaml
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.config import kube_config

from jupyterhub_courses.core.sentences import SENTENCES
from jupyterhub_courses.spawner import namespaces as looking

from ..conftest import left_out
from ..hub.conftest import RunningService
from ..spawner_cluster.world import World, placement, spawner_of, start
from .hub import IMAGES

#: Whatever it is, its default command may fail: these pods run a shell.
IMAGE = IMAGES["singleuser"]
SERVE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]
POD = "jupyter-ada--ml101"
RIGHTS = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get", "create", "delete"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "list", "watch"]},
]


def kubectl(*args, stdin=None, fails=False):
    done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True, check=False)
    assert fails or done.returncode == 0, done.stderr
    return done.stdout


def apply(*objects):
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


@pytest.fixture(scope="module")
def cluster():
    """The names of a run."""
    config = os.environ.get("KUBECONFIG", "")
    if not config or not Path(config).exists():
        left_out("a Kubernetes cluster", "KUBECONFIG names one")
    return f"t{os.getpid()}"


@pytest.fixture(scope="module")
def account(cluster, tmp_path_factory):
    """A kubeconfig of an account without any right but those that a course's namespace gives it."""
    release = f"release-{cluster}"
    kubectl("create", "namespace", release)
    kubectl("-n", release, "create", "serviceaccount", "hub")
    token = kubectl("-n", release, "create", "token", "hub", "--duration", "1h").strip()
    config = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    config["users"] = [{"name": "hub", "user": {"token": token}}]
    config["contexts"] = [{"name": "hub", "context": {"cluster": config["clusters"][0]["name"], "user": "hub"}}]
    config["current-context"] = "hub"
    path = tmp_path_factory.mktemp("account") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    yield release, path
    kubectl("delete", "namespace", "--wait=false", release)


@pytest.fixture
def make_namespace(cluster, account):
    """Makes a course's namespace as the service does, as far as a pod needs it."""
    made = []

    def make(slug, *, rights=True, quota=None):
        name = f"course-{cluster}-{slug}-{len(made)}-{time.monotonic_ns() % 10**6}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        objects = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "server", "namespace": name}},
        ]
        if rights:
            api, meta = "rbac.authorization.k8s.io", {"name": "courses-hub", "namespace": name}
            subject = {"kind": "ServiceAccount", "name": "hub", "namespace": account[0]}
            role = {"apiGroup": api, "kind": "Role", "name": "courses-hub"}
            objects += [
                {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": meta, "rules": RIGHTS},
                {"apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": meta, "subjects": [subject]}
                | {"roleRef": role},
            ]
        if quota:
            objects.append(
                {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "course", "namespace": name}}
                | {"spec": {"hard": quota}}
            )
        apply(*objects)
        made.append(name)
        return name

    yield make
    if made:
        kubectl("delete", "namespace", "--wait=false", "--ignore-not-found", *made)


@pytest.fixture
async def service(free_port):
    """The stub of the courses service."""
    service = RunningService()
    service.port = free_port()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def hub(tmp_path, service, account, monkeypatch):
    """The hub as spawners know it, with that account."""
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(account[1]))
    monkeypatch.setattr(looking, "SHARED_S", 0.0)
    kubespawner.clients.load_config.cache_clear()
    world = World(tmp_path, service.port)
    world.config.KubeSpawner.image = IMAGE
    world.config.KubeSpawner.storage_capacity = "10Mi"
    world.config.Spawner.cmd = SERVE
    yield world
    world.db.close()
    kubespawner.clients.load_config.cache_clear()


async def ends(spawner):
    """The status that a poll says when the server has ended."""
    async with asyncio.timeout(60):
        while (status := await spawner.poll()) is None:
            await asyncio.sleep(0.2)
    return status


async def refused(app, spawner):
    with pytest.raises(Exception) as caught:
        await start(app, spawner)
    return caught.value.jupyterhub_message


async def test_a_server_starts_is_found_again_and_stops(hub, service, make_namespace):
    namespace = make_namespace("a")
    service.placements["ada", "ml101"] = placement(namespace)
    spawner = spawner_of(hub, "ada")
    url = await start(hub, spawner)
    pod = json.loads(kubectl("-n", namespace, "get", "pod", POD, "-o", "json"))
    assert url == f"http://{pod['status']['podIP']}:8888"
    assert pod["spec"]["serviceAccountName"] == "server" and len(pod["spec"]["volumes"]) == 1  # no token
    assert any("notebook" in event["message"] for event in spawner.events)
    assert await spawner.poll() is None
    await service.stop()
    again = spawner_of(hub, "ada")  # as after a restart of the hub
    assert await again.poll() is None
    await again.stop()
    assert kubectl("-n", namespace, "get", "pod", "-o", "name") == ""
    assert kubectl("-n", namespace, "get", "pvc", "-o", "name").strip() == "persistentvolumeclaim/home-ada"
    assert await spawner.poll() is not None


async def test_a_person_has_servers_in_the_namespaces_of_two_courses(hub, service, make_namespace):
    for slug in ("ml101", "bio"):
        service.placements["ada", slug] = placement(make_namespace(slug), course=slug)
    spawners = [spawner_of(hub, "ada", slug) for slug in ("ml101", "bio")]
    await asyncio.gather(*(start(hub, spawner) for spawner in spawners))
    assert len({spawner.namespace for spawner in spawners}) == 2
    await spawners[0].stop()
    assert await spawners[0].poll() is not None and await spawners[1].poll() is None


async def test_a_pod_that_is_deleted_or_whose_process_ends_is_noticed(hub, service, make_namespace):
    namespace = make_namespace("a")
    service.placements["ada", "ml101"] = placement(namespace)
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    kubectl("-n", namespace, "delete", "pod", POD, "--grace-period=1")
    assert await ends(spawner) in (0, 1)
    await start(hub, spawner)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": POD, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{POD}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))  # as `kubectl drain` does
    assert await ends(spawner) in (0, 1)
    hub.config.Spawner.cmd = ["sh", "-c", "sleep 3; exit 0"]
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    assert await ends(spawner) == 0


async def test_a_namespace_that_is_deleted_has_no_servers_any_more(hub, service, make_namespace):
    namespace = make_namespace("a")
    service.placements["ada", "ml101"] = placement(namespace)
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    del service.placements["ada", "ml101"]
    service.refusal = (404, {"code": "course_unknown", "message": "", "reference": "0"})
    kubectl("delete", "namespace", namespace)
    assert await ends(spawner) == 1
    await spawner_of(hub, "ada").stop()


async def test_an_api_server_that_is_away_takes_no_server_down(hub, service, make_namespace, monkeypatch):
    namespace = make_namespace("a")
    service.placements["ada", "ml101"] = placement(namespace)
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    reached = spawner.api.api_client.configuration.host
    for api in (spawner.api, looking.cluster_of(spawner.api).watching_api):
        monkeypatch.setattr(api.api_client.configuration, "host", "https://127.0.0.1:9")
    assert await spawner.poll() is None
    assert await spawner_of(hub, "ada").poll() is None
    assert SENTENCES["cluster_away"]["en"] in await refused(hub, spawner_of(hub, "ada"))
    monkeypatch.undo()
    assert spawner.api.api_client.configuration.host == reached
    assert await spawner.poll() is None


async def test_a_missing_right_is_named_in_the_log(hub, service, make_namespace, caplog):
    namespace = make_namespace("a", rights=False)
    service.placements["ada", "ml101"] = placement(namespace)
    assert SENTENCES["hub_right_missing"]["en"] in await refused(hub, spawner_of(hub, "ada"))
    assert 'cannot list resource "pods"' in caplog.text and namespace in caplog.text
    with pytest.raises(ApiException, match="403"):
        await spawner_of(hub, "ada").api.list_namespaced_pod("kube-system")


async def test_the_way_to_a_failed_start(hub, service, make_namespace):
    small = make_namespace("small", quota={"pods": "0"})
    namespace = make_namespace("a")
    hub.config.KubeSpawner.image_pull_policy = "Never"
    for where, what, code in (
        (small, {}, "quota_used_up"),
        (namespace, {"image": "registry.invalid/no/such:1"}, "image_unavailable"),
        (f"{namespace}-gone", {}, "hub_right_missing"),  # no namespace, no right to see that
        (namespace, {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "pod_refused"),
    ):
        service.placements["ada", "ml101"] = placement(where, **what)
        spawner = spawner_of(hub, "ada")
        assert SENTENCES[code]["en"] in await refused(hub, spawner), code
        await spawner.stop()


async def test_a_pod_that_finds_no_room_says_so_when_the_time_is_up(hub, service, make_namespace):
    service.placements["ada", "ml101"] = placement(make_namespace("a"), node_selector={"no.such/node": "x"})
    spawner = spawner_of(hub, "ada")
    spawner.start_timeout = 9
    assert SENTENCES["no_room"]["en"] in await refused(hub, spawner)
    await spawner.stop()


async def test_a_home_of_a_storage_class_that_does_not_exist_says_so_and_heals(hub, service, make_namespace, caplog):
    namespace = make_namespace("a")
    service.placements["ada", "ml101"] = placement(namespace, storage_class="no-such-class")
    spawner = spawner_of(hub, "ada")
    spawner.start_timeout = 9
    assert SENTENCES["home_unavailable"]["en"] in await refused(hub, spawner)
    assert "StorageClass no-such-class does not exist" in caplog.text
    await spawner.stop()
    service.placements["ada", "ml101"] = placement(namespace)
    await start(hub, spawner_of(hub, "ada"))
    claim = json.loads(kubectl("-n", namespace, "get", "pvc", "home-ada", "-o", "json"))
    assert claim["status"]["phase"] == "Bound" and claim["spec"]["storageClassName"] != "no-such-class"


async def test_a_pod_with_all_that_a_course_can_say_is_taken_as_restricted(hub, service, make_namespace):
    """By the API server's own validation and Pod Security, without running it."""
    namespace = make_namespace("a")
    service.placements["ada", "ml101"] = placement(
        namespace,
        image="r.example/course:1",
        cpu_guarantee=0.1,
        cpu_limit=2,
        mem_guarantee=2**28,
        mem_limit=2**30,
        extra_resources={"nvidia.com/gpu": "1"},
        node_selector={"gpu": "yes"},
        tolerations=[{"key": "gpu", "operator": "Exists"}],
        volumes=[{"name": "shared", "persistentVolumeClaim": {"claimName": "shared", "readOnly": True}}],
        volume_mounts=[{"name": "shared", "mountPath": "/home/jovyan/shared", "readOnly": True}],
        pull_secrets=["regcred"],
        idle_timeout=600,
    )
    spawner = spawner_of(hub, "ada")
    spawner.clear_state()
    spawner.api_token = base64.b64encode(b"x" * 30).decode()
    await spawner._place()
    await spawner.load_user_options()
    pod = await spawner.get_pod_manifest()
    checked = await spawner.api.create_namespaced_pod(namespace, pod, dry_run="All")
    assert checked.spec.containers[0].resources.limits["nvidia.com/gpu"] == "1"
    claim = await spawner.api.create_namespaced_persistent_volume_claim(
        namespace, spawner.get_pvc_manifest(), dry_run="All"
    )
    assert claim.metadata.name == "home-ada"
