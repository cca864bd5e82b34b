"""`configure(c)`: everything that a hub with courses on one machine needs, for jupyterhub_config.py.

Promises: loopback only; secrets in files that their owner alone reads, made once, so that a restart of the
hub keeps sessions and running servers; the service gets the scopes it uses and no more. It only sets traits:
lines below the call change them again, and `c.JupyterHub.services` and `load_roles` can be added to.
"""

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from traitlets.config.loader import LazyConfigValue

from .adapters.courses_api.connection import TOKEN_FILE_ENV
from .core.cluster import HUB_PORT, SERVICE_PORT
from .core.names import SERVICE_NAME

#: What the service does at the hub: ask who is there, make the graders' users, stop servers of deleted courses and of
#: people who left.
#: No smaller scope makes a user. Making an admin takes an admin all the same (jupyterhub apihandlers/users.py).
SERVICE_SCOPES = ("admin:users", "read:servers", "delete:servers")
#: A server's token: report activity, open its own server, reach the service. By its server it names its course.
SERVER_SCOPES = ("users:activity!user", "access:servers!server", f"access:services!service={SERVICE_NAME}")
#: Where OpenSSL finds the authorities that hub and service trust; the hub hands its environment to no service.
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
#: Where the chart puts the token of `hub.services.courses` in the hub's pod.
CHART_TOKEN_FILE = f"/usr/local/etc/jupyterhub/secret/hub.services.{SERVICE_NAME}.apiToken"
REFRESH_S = 60  # a demotion counts after this and the servers' own cache, together within two minutes


def configure(
    c: Any,
    *,
    data_dir: str | os.PathLike[str],
    port: int = 8000,
    hub_port: int = 8081,
    proxy_api_port: int = 8001,
    service_port: int = 8085,
    base_url: str = "/",
    public_url: str = "",
    admins: Iterable[str] = (),
    keep_servers: bool = True,
    service_environment: dict[str, str] | None = None,
) -> None:
    """Set up hub, proxy, authenticator, spawner and the courses service as a managed service.

    data_dir: folder of all state. port: what browsers use; the others are internal. base_url: public path
    prefix. public_url: the address that browsers and LMSs use, where it is not what their requests say. admins:
    hub usernames; nobody becomes one by a launch. keep_servers: whether people's servers outlive a stop of the
    hub, to be found again at its next start. service_environment: more variables for the service.
    """
    data = Path(data_dir).absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    base_url = "/" + "".join(f"{part}/" for part in base_url.split("/") if part)
    token_file = data / "hub-token"
    _secret(token_file)
    service_url = f"http://127.0.0.1:{service_port}"
    # Where the command line finds the service of this folder.
    (data / "service-url").write_text(f"{service_url}{base_url}services/{SERVICE_NAME}\n")

    hub = c.JupyterHub
    hub.bind_url = f"http://127.0.0.1:{port}{base_url}"
    if public_url:
        hub.public_url = public_url
    hub.hub_bind_url = f"http://127.0.0.1:{hub_port}"
    hub.db_url = f"sqlite:///{data / 'jupyterhub.sqlite'}"
    hub.cookie_secret_file = str(data / "cookie-secret")
    hub.cleanup_servers = keep_servers is False
    hub.authenticator_class = "jupyterhub_courses.authenticator.CoursesLTI13Authenticator"
    hub.spawner_class = "jupyterhub_courses.spawner.local.CoursesLocalSpawner"
    # A server belongs to a course: people land on their courses, and the spawner refuses the unnamed server.
    hub.allow_named_servers = True
    hub.redirect_to_server = False
    hub.default_url = f"{base_url}services/{SERVICE_NAME}/"

    c.ConfigurableHTTPProxy.command = proxy_command() or ["configurable-http-proxy"]
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_api_port}"
    c.ConfigurableHTTPProxy.auth_token = _secret(data / "proxy-token")
    c.ConfigurableHTTPProxy.pid_file = str(data / "proxy.pid")

    # The hub's 30 s are too few for a server's first start while a class comes in on a small machine.
    c.Spawner.http_timeout = c.Spawner.start_timeout = 120
    c.Spawner.poll_interval = 5  # asking a local process costs nothing, and the click after its end starts it anew

    c.CoursesConnection.service_url = f"{service_url}{base_url}services/{SERVICE_NAME}/api/"
    c.CoursesConnection.token_file = str(token_file)

    configure_access(c, admins=admins)
    hub.services = [
        {
            "name": SERVICE_NAME,
            "url": service_url,
            "command": [sys.executable, "-m", "jupyterhub_courses.service"],
            "oauth_no_confirm": True,
            "environment": {
                "JUPYTERHUB_COURSES_DATA_DIR": str(data),
                TOKEN_FILE_ENV: str(token_file),
                "JUPYTERHUB_COURSES_PUBLIC_URL": public_url,
                "JUPYTERHUB_COURSES_BIND_URL": f"http://127.0.0.1:{port}{base_url}",
                **{name: os.environ[name] for name in CERTIFICATES if name in os.environ},
                **(service_environment or {}),
            },
        }
    ]


def proxy_command() -> list[str] | None:
    """configurable-http-proxy: what the variable names, else `make install`'s, else the one on the PATH."""
    named = shlex.split(os.environ.get("CONFIGURABLE_HTTP_PROXY", ""))
    own = Path(sys.prefix) / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"
    found = str(own) if os.access(own, os.X_OK) else shutil.which("configurable-http-proxy")
    return named or ([found] if found else None)


def configure_cluster(
    c: Any,
    *,
    service_url: str = "",
    token_file: str | os.PathLike[str] = CHART_TOKEN_FILE,
    cluster_domain: str = "cluster.local",
    admins: Iterable[str] = (),
    pull_secrets: Iterable[str] = (),
    copied_secrets: Iterable[str] = (),
    copied_config_maps: Iterable[str] = (),
) -> None:
    """Set up authenticator, spawner and the way to the courses service, below what the z2jh chart configured.

    For `hub.extraConfig`; the chart's value `hub.services.courses` registers the service. service_url: of its API,
    where it is not the Service `courses` of the hub's namespace. token_file: the secret of `hub.services.courses`.
    cluster_domain: of the cluster's DNS. admins: hub usernames. pull_secrets, copied_secrets,
    copied_config_maps: as the service's CoursesCluster has them, which copies these into every course's namespace.
    Raises ValueError where a setting of the chart does not go with courses, with its name.
    """
    from .spawner.settings import unfit  # loads a client of Kubernetes, which one machine does not need

    section = {**c.Spawner, **c.KubeSpawner, **c.CourseSpawner}
    lazy = {name: _list(section, name) for name, value in section.items() if isinstance(value, LazyConfigValue)}
    wrong = unfit({**section, **lazy}, (*pull_secrets, *copied_secrets), copied_config_maps)
    wrong += [f"{name} does not go with courses. Switch it off." for name in _unsupported(c)]
    if wrong:
        raise ValueError("This hub cannot have courses as it is configured:\n" + "\n".join(f"- {one}" for one in wrong))
    hub = c.JupyterHub
    namespace = section.get("namespace") or os.environ.get("POD_NAMESPACE", "default")
    here = f"{namespace}.svc.{cluster_domain}"
    base_url = "/" + "".join(f"{part}/" for part in hub.get("base_url", "/").split("/") if part)
    hub.authenticator_class = "jupyterhub_courses.authenticator.CoursesLTI13Authenticator"
    hub.spawner_class = "jupyterhub_courses.spawner.cluster.CourseSpawner"
    hub.allow_named_servers = True
    hub.redirect_to_server = False
    hub.default_url = f"{base_url}services/{SERVICE_NAME}/"
    hub.hub_connect_url = _qualified(hub.get("hub_connect_url", f"http://hub:{HUB_PORT}"), here)
    # The chart's hub would end after five starts in a row that failed, refusals included (hub 5.5, handlers/base.py):
    # one course with a broken image must not stop all others.
    c.CourseSpawner.consecutive_failure_limit = 0
    if "http_timeout" not in section:
        # From a pod that runs to a server that answers: nodes that start a whole class take more than the hub's 30 s.
        c.CourseSpawner.http_timeout = 120
    c.CoursesConnection.service_url = service_url or (
        f"http://{SERVICE_NAME}.{here}:{SERVICE_PORT}{base_url}services/{SERVICE_NAME}/api/"
    )
    c.CoursesConnection.token_file = str(token_file)
    c.CourseSpawner.args = _list(section, "args")
    configure_access(c, admins=admins, spawner=c.CourseSpawner)


def _unsupported(c: Any) -> list[str]:
    """Settings that contradict a namespace for every course."""
    wanted = (("JupyterHub", "internal_ssl"), ("KubeSpawner", "enable_user_namespaces"))
    return [f"c.{section}.{name}" for section, name in wanted if c[section].get(name) is True]


def _qualified(url: str, here: str) -> str:
    """The address with a host name that is one in other namespaces, too."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or "." in host or ":" in host:
        return url
    return parts._replace(netloc=f"{host}.{here}" + (f":{parts.port}" if parts.port else "")).geturl()


def configure_access(c: Any, *, admins: Iterable[str] = (), spawner: Any = None) -> None:
    """Who may what: the part that is the same wherever hub, service and servers run.

    What was configured before about admins and the age of logins stays. spawner: the section of the spawner's class.
    """
    spawner = c.Spawner if spawner is None else spawner
    authenticator = c.CoursesLTI13Authenticator
    if admins or not any(
        "admin_users" in section for section in (authenticator, c.LTI13Authenticator, c.Authenticator)
    ):
        authenticator.admin_users = set(admins)
    authenticator.allow_all = True  # whom the service admits may in; nobody else gets as far
    authenticator.manage_roles = True
    authenticator.reset_managed_roles_on_startup = False
    if "auth_refresh_age" not in authenticator:
        authenticator.auth_refresh_age = REFRESH_S
    spawner.server_token_scopes = list(SERVER_SCOPES)
    spawner.args = [*_list(spawner, "args"), f"--HubOAuth.cache_max_age={REFRESH_S}"]
    c.JupyterHub.load_roles = [
        *_list(c.JupyterHub, "load_roles"),
        {"name": "user", "scopes": ["self", f"access:services!service={SERVICE_NAME}"]},
        {"name": "courses-service", "scopes": list(SERVICE_SCOPES), "services": [SERVICE_NAME]},
    ]


def _list(section: Any, name: str) -> list[Any]:
    """What was configured before as the list `name`, also where it was only added to."""
    value = section.get(name)
    return list(value.get_value([]) if isinstance(value, LazyConfigValue) else value or ())


def _secret(path: Path) -> str:
    """The secret in `path`, made at the first call; its owner alone reads it."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        path.chmod(0o600)
    return path.read_text().strip()
