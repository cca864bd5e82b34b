"""A hub that believes in a cluster."""

from collections.abc import AsyncIterator
from typing import Any

import kubespawner.clients
import pytest
from kubernetes_asyncio.config import kube_config

from jupyterhub_courses.spawner import namespaces

from ..hub.conftest import RunningService
from .api import Api
from .world import World


@pytest.fixture
async def api(free_port: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The API server."""
    api = Api(port=free_port())
    await api.start()
    (tmp_path / "kubeconfig").write_text(api.kubeconfig())
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    kubespawner.clients.load_config.cache_clear()
    yield api
    await api.stop()
    kubespawner.clients.load_config.cache_clear()


@pytest.fixture
async def service(free_port: Any) -> AsyncIterator[RunningService]:
    """The stub of the courses service."""
    service = RunningService()
    service.port = free_port()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def hub(tmp_path: Any, service: RunningService, api: Api) -> AsyncIterator[World]:
    """The hub, as far as spawners know it."""
    world = World(tmp_path, service.port)
    yield world
    world.db.close()


@pytest.fixture
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are shared by whom asks at the same time, and no longer."""
    monkeypatch.setattr(namespaces, "SHARED_S", 0.0)


@pytest.fixture
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches end with the start or stop that needs them, as they do after a minute."""
    monkeypatch.setattr(namespaces, "STAY_S", 0.0)
