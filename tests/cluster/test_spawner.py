"""Servers of courses as pods of a real cluster."""

import os
import subprocess
from pathlib import Path

import pytest

from ..conftest import left_out
from ..hub.conftest import RunningService, end
from ..spawner_cluster.world import config, placement, spawner_of, start

IMAGE = os.environ.get("JUPYTERHUB_COURSES_TEST_IMAGE", "localhost/single:1")


def kubectl(*args, stdin=None):
    done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def cluster():
    if not Path(os.environ.get("KUBECONFIG", "/nonexistent")).exists():
        left_out("a Kubernetes cluster", "KUBECONFIG names one")


@pytest.fixture
def namespaces(cluster):
    names = [f"course-t{os.getpid()}-{n}" for n in "ab"]
    for name in names:
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        kubectl("-n", name, "create", "serviceaccount", "server")
    yield names
    kubectl("delete", "namespace", "--wait=false", *names)


@pytest.fixture
async def service(free_port):
    service = RunningService()
    service.port = free_port()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def hub(hub_app, tmp_path, service, free_port, chp):
    c = config(tmp_path, service.port, free_port, chp)
    c.KubeSpawner.image = IMAGE
    c.KubeSpawner.storage_capacity = "10Mi"
    app = await hub_app(config=c)
    yield app
    await end(app)


async def test_a_server_runs_in_its_courses_namespace(hub, service, namespaces):
    service.placements["ada", "ml101"] = placement(namespaces[0])
    spawner = spawner_of(hub, "ada")
    url = await start(hub, spawner)
    assert url.startswith("http://") and url.endswith(":8888")
    assert await spawner.poll() is None
    await spawner.stop()
    assert await spawner.poll() is not None
