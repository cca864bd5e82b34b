"""A real hub without its proxy's traffic, a stub of the courses service, and spawners as the hub makes them."""

from typing import Any

from jupyterhub import orm
from jupyterhub.objects import Server
from traitlets.config import Config

from jupyterhub_courses.hub import configure_cluster

from ..hub.service import TOKEN


def config(tmp_path: Any, service_port: int, port: Any, chp: Any) -> Config:
    """As the chart leaves it, as far as a hub outside a cluster can have it, and our part."""
    c = Config()
    (tmp_path / "token").write_text(TOKEN)
    c.JupyterHub.bind_url = f"http://127.0.0.1:{port()}"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port()}"
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    c.JupyterHub.cookie_secret = b"0" * 32
    c.JupyterHub.load_roles = []
    c.JupyterHub.services = [
        {"name": "courses", "url": f"http://127.0.0.1:{service_port}", "api_token": "f" * 64, "oauth_no_confirm": True}
    ]
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port()}"
    c.ConfigurableHTTPProxy.pid_file = str(tmp_path / "proxy.pid")
    c.ConfigurableHTTPProxy.command = [str(chp)]
    c.KubeSpawner.namespace = "release"
    configure_cluster(
        c,
        service_url=f"http://127.0.0.1:{service_port}/services/courses/api/",
        token_file=tmp_path / "token",
    )
    c.JupyterHub.hub_connect_url = ""
    return c


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
