"""Spawners as the hub makes them, from its database and its configuration, without the hub's own web server."""

from typing import Any

from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import UserDict
from traitlets.config import Config

from jupyterhub_courses.hub import configure_cluster
from jupyterhub_courses.spawner.cluster import CourseSpawner

from ..hub.service import TOKEN


class World:
    """What spawners know of a hub: `db`, `users`, `config`. The courses service listens on `service_port`."""

    def __init__(self, tmp_path: Any, service_port: int) -> None:
        self.config = c = Config()
        (tmp_path / "token").write_text(TOKEN)
        c.KubeSpawner.namespace = "release"
        c.JupyterHub.hub_connect_url = "http://hub:8081"
        url = f"http://127.0.0.1:{service_port}/services/courses/api/"
        configure_cluster(c, service_url=url, token_file=tmp_path / "token")
        self.db = orm.new_session_factory("sqlite:///:memory:")()
        hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/", connect_url=c.JupyterHub.hub_connect_url)
        settings = {
            "config": c,
            "hub": hub,
            "spawner_class": CourseSpawner,
            "allow_named_servers": True,
            "base_url": "/",
        }
        self.users = UserDict(lambda: self.db, settings)


def person(app: Any, name: str) -> Any:
    """The hub's user of that name."""
    if orm.User.find(app.db, name) is None:
        app.db.add(orm.User(name=name))
        app.db.commit()
    return app.users[name]


def spawner_of(app: Any, name: str, server: str = "ml101") -> Any:
    """A new spawner from the database alone, as a hub makes it when it starts."""
    user = person(app, name)
    if server not in user.orm_spawners:
        app.db.add(orm.Spawner(name=server, user=user.orm_user))
        app.db.commit()
    spawner = user._new_spawner(server)
    user.spawners[server] = spawner
    return spawner


async def start(app: Any, spawner: Any, **options: Any) -> str:
    """Start as `User.spawn` does, up to the point where the hub would ask the server itself."""
    user = spawner.user
    server = orm.Server(base_url=f"{user.base_url}{spawner.name}/")
    app.db.add(server)
    app.db.commit()
    spawner.server = Server(orm_server=server)
    spawner.user_options = options
    spawner.clear_state()
    spawner.api_token = "0" * 32
    url = await spawner.start()
    spawner.orm_spawner.state = spawner.get_state()
    app.db.commit()
    return url


def placement(namespace: str, username: str = "ada", course: str = "ml101", **pod: Any) -> dict[str, Any]:
    """What the service answers."""
    return {
        "username": username,
        "course": course,
        "role": "student",
        "home": "/home/jovyan",
        "command": ["jupyterhub-singleuser"],
        "environment": {"JUPYTERHUB_COURSES_COURSE": course, "JUPYTERHUB_API_TOKEN": "forged"},
        "pod": {
            "namespace": namespace,
            "image": None,
            "service_account": "server",
            "home_claim": f"home-{username}",
            "labels": {"app.kubernetes.io/managed-by": "jupyterhub-courses", "jupyterhub-courses/course": course},
            **pod,
        },
    }
