"""What a cluster's courses share: names, labels, the administrator's settings and limits. Values only."""

from dataclasses import dataclass

from .names import SERVICE_NAME

MANAGER = "jupyterhub-courses"
MANAGED_BY = "app.kubernetes.io/managed-by"
COMPONENT = "app.kubernetes.io/component"
INSTANCE = "jupyterhub-courses/instance"
COURSE = "jupyterhub-courses/course"
ROLE = "jupyterhub-courses/role"
KEPT = "jupyterhub-courses/kept"
#: What we last asked for, as a digest: when it changes, what we no longer ask for has to go.
ASKED = "jupyterhub-courses/asked"
#: z2jh's hub and proxy admit pods of other namespaces by these labels (interNamespaceAccessLabels: accept).
MAY_REACH_HUB = "hub.jupyter.org/network-access-hub"
MAY_REACH_PROXY = "hub.jupyter.org/network-access-proxy-http"

EXCHANGE_PORT, SERVER_PORT, HUB_PORT, SERVICE_PORT, PROXY_PORT = 8080, 8888, 8081, 8085, 8000
EXCHANGE, GRADER, SHARED, SERVER = "ngshare", "grader", "shared", "server"
HOME = "/home/jovyan"
UID, GID = 1000, 100


@dataclass(frozen=True)
class Limits:
    """What no course's spec may go beyond; None and an empty tuple: no limit. Bytes, cores. `images`: prefixes."""

    cpu: float | None = None
    memory: int | None = None
    storage: int | None = None
    servers: int = 500
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterSettings:
    """The administrator's side of every course on a cluster. Sizes in bytes; None: what the cluster has by default."""

    exchange_image: str
    prefix: str = "course"
    release_namespace: str = "jupyterhub"
    hub_api_url: str = "http://hub.jupyterhub.svc.cluster.local:8081/hub/api"
    api_url: str = "http://courses.jupyterhub.svc.cluster.local:8085/services/courses/api/"
    hub_account: str = "hub"
    service_account: str = SERVICE_NAME
    pod_security: str = "restricted"
    image: str | None = None
    storage_class: str | None = None
    exchange_size: int = 5 * 2**30
    grader_size: int = 10 * 2**30
    shared_access_mode: str = "ReadWriteMany"
    pull_secrets: tuple[str, ...] = ()
    copied_secrets: tuple[str, ...] = ()
    copied_config_maps: tuple[str, ...] = ()
    pull_policy: str = "IfNotPresent"
    cluster_domain: str = "cluster.local"
    dns_namespace: str = "kube-system"
    dns_addresses: tuple[str, ...] = ()
    never_reached: tuple[str, ...] = ()
    limits: Limits = Limits()

    def namespace(self, slug: str) -> str:
        """The namespace of a course."""
        return f"{self.prefix}-{slug}"

    def labels(self, slug: str, component: str) -> dict[str, str]:
        """On everything that is made for a course."""
        return {MANAGED_BY: MANAGER, INSTANCE: self.prefix, COURSE: slug, COMPONENT: component}

    def exchange_url(self, slug: str) -> str:
        """The course's exchange, as pods and the service reach it."""
        return f"http://{EXCHANGE}.{self.namespace(slug)}.svc.{self.cluster_domain}:{EXCHANGE_PORT}/api/"
