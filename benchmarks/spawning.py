"""Spawners of both kinds as a hub makes them: our CourseSpawner, and plain KubeSpawner in the hub's own namespace.

Both get what z2jh's chart gives: a claim a person, a limit of memory, events.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import UserDict
from kubespawner import KubeSpawner
from traitlets.config import Config

from jupyterhub_courses.hub import configure_cluster
from jupyterhub_courses.spawner.cluster import CourseSpawner

RELEASE = "release"  # the hub's own namespace
IMAGE = "localhost/courses-singleuser:1"


@dataclass(frozen=True)
class Side:
    """`service_url`, `token_file`: of the courses service, which ours asks."""

    name: str
    service_url: str
    token_file: str

    @property
    def is_ours(self) -> bool:
        return self.name == "ours"

    def config(self) -> Config:
        """What the hub's file would say."""
        c = Config()
        c.KubeSpawner.namespace, c.KubeSpawner.image = RELEASE, IMAGE
        c.KubeSpawner.storage_pvc_ensure, c.KubeSpawner.storage_capacity = True, "10Gi"
        c.KubeSpawner.cpu_guarantee, c.KubeSpawner.mem_guarantee = 0.01, "32M"
        c.JupyterHub.hub_connect_url = "http://hub:8081"
        if self.is_ours:
            configure_cluster(c, service_url=self.service_url, token_file=Path(self.token_file))
        else:
            c.KubeSpawner.volumes = [{"name": "volume", "persistentVolumeClaim": {"claimName": "claim-{user_server}"}}]
            c.KubeSpawner.volume_mounts = [{"name": "volume", "mountPath": "/home/jovyan"}]
        return c


class HubOf:
    """What spawners know of a hub whose database is `url`; without the hub's web server."""

    def __init__(self, side: Side, url: str = "sqlite:///:memory:") -> None:
        self.config = side.config()
        self.db = orm.new_session_factory(url)()
        hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/", connect_url="http://hub:8081")
        settings = {"config": self.config, "hub": hub, "allow_named_servers": True, "base_url": "/"}
        settings["spawner_class"] = CourseSpawner if side.is_ours else KubeSpawner
        self.users = UserDict(lambda: self.db, settings)

    def spawner(self, username: str, server: str) -> Any:
        """A new one, from the database alone."""
        if orm.User.find(self.db, username) is None:
            self.db.add(orm.User(name=username))
            self.db.commit()
        user = self.users[username]
        if server not in user.orm_spawners:
            self.db.add(orm.Spawner(name=server, user=user.orm_user))
            self.db.commit()
        user.spawners[server] = spawner = user._new_spawner(server)
        return spawner

    async def start(self, spawner: Any) -> str:
        """As `User.spawn` does, up to where the hub would ask the server itself."""
        server = orm.Server(base_url=f"{spawner.user.base_url}{spawner.name}/")
        self.db.add(server)
        self.db.commit()
        spawner.server = Server(orm_server=server)
        spawner.user_options = {}
        spawner.clear_state()
        spawner.api_token = "0" * 32
        url = await spawner.start()
        spawner.orm_spawner.state = spawner.get_state()
        self.db.commit()
        return str(url)


async def forget_reflectors() -> None:
    """As in a hub process that has just begun."""
    reflectors = list(KubeSpawner.reflectors.values())
    KubeSpawner.reflectors.clear()
    for reflector in reflectors:
        await reflector.stop()
