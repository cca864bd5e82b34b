"""The settings of a service whose courses live on a cluster, and the host that they make.

Their defaults are what z2jh's chart and config/kubernetes give; a course's own spec goes first, within the limits.
"""

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from traitlets import Enum, Float, Int, List, TraitError, Unicode, validate
from traitlets import default as default_value
from traitlets.config import Configurable

from ..adapters.kubernetes import ClusterHost, KubernetesApi, Lease
from ..core import copies, notation
from ..core.cluster import ClusterSettings, Limits
from ..core.names import is_slug

_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_IN_POD = "KUBERNETES_SERVICE_HOST"


class CoursesCluster(Configurable):
    """Courses on a cluster: a namespace each."""

    namespace_prefix = Unicode(
        help="Namespaces of courses are called PREFIX-SLUG. Another release on the same cluster needs another prefix. "
        "Changing it leaves the old namespaces alone. Default: the environment's JUPYTERHUB_COURSES_NAMESPACE_PREFIX, "
        "else `course`."
    ).tag(config=True)
    release_namespace = Unicode(
        help="Namespace in which hub, proxy and this service run. Default: the one that this runs in."
    ).tag(config=True)
    exchange_image = Unicode(
        help="Image of the courses' exchange (images/ngshare). A new one restarts all exchanges. Default: the "
        "environment's JUPYTERHUB_COURSES_EXCHANGE_IMAGE, else `localhost/courses-ngshare:1`."
    ).tag(config=True)
    image = Unicode(
        help="Image of servers whose course names none. Empty (default): what the hub's own settings say."
    ).tag(config=True)
    pull_policy = Enum(
        ["IfNotPresent", "Always", "Never"], "IfNotPresent", help="When the exchange's image is pulled. Default: once."
    ).tag(config=True)
    pull_secrets = List(
        Unicode(),
        help="Pull secrets of the release's namespace, copied into every course's and used by all its pods. Default: "
        "none; images are public.",
    ).tag(config=True)
    copied_secrets = List(
        Unicode(),
        help="More Secrets of the release's namespace to be copied into every course's, for settings of servers that "
        "name them. Each needs a right to read it. Default: none.",
    ).tag(config=True)
    copied_config_maps = List(
        Unicode(), help="ConfigMaps of the release's namespace to be copied likewise. Default: none."
    ).tag(config=True)
    storage_class = Unicode(
        help="StorageClass of courses' volumes. Empty (default): the cluster's default. Volumes that exist keep theirs."
    ).tag(config=True)
    exchange_size = Unicode("5G", help="Bytes of an exchange's volume. Volumes grow with it, none shrinks.").tag(
        config=True
    )
    grader_size = Unicode(
        "10G", help="Bytes of a grader's volume, where the course's grader.storage says nothing; it never shrinks."
    ).tag(config=True)
    shared_access_mode = Enum(
        ["ReadWriteMany", "ReadWriteOnce"],
        help="Access mode of a course's shared volume. ReadWriteOnce keeps all servers of the course on one node. "
        "Default: the environment's JUPYTERHUB_COURSES_SHARED_ACCESS_MODE, else ReadWriteMany.",
    ).tag(config=True)
    pod_security = Enum(
        ["restricted", "baseline", "privileged"],
        "restricted",
        help="Pod Security level of courses' namespaces; others let servers do more than a notebook needs.",
    ).tag(config=True)
    hub_account = Unicode("hub", help="ServiceAccount of the hub, which gets rights on pods in each course.").tag(
        config=True
    )
    service_account = Unicode(
        "courses", help="ServiceAccount of this service, which gets rights in each course; others get none."
    ).tag(config=True)
    cluster_domain = Unicode(
        "cluster.local", help="Domain of the cluster's own names; wrong, and no exchange is reached."
    ).tag(config=True)
    dns_namespace = Unicode(
        "kube-system", help="Namespace of the cluster's DNS; servers may ask no other (ports 53)."
    ).tag(config=True)
    dns_addresses = List(
        Unicode(), help="Addresses of DNS outside of pods, such as 169.254.20.10 of NodeLocal DNSCache. Default: none."
    ).tag(config=True)
    never_reached = List(
        Unicode(),
        help="Ranges of addresses that no course's egress may reach, beside the clouds' metadata and the API server's "
        "address in the cluster: others that it has. Default: none.",
    ).tag(config=True)
    cpu_max = Float(0.0, help="Most cores that a course may give a server; 0 (default): no limit.").tag(config=True)
    memory_max = Unicode(help="Most memory, such as 16G, that a course may give a server. Default: no limit.").tag(
        config=True
    )
    storage_max = Unicode(help="Largest volume, such as 100G, that a course may ask for. Default: no limit.").tag(
        config=True
    )
    servers_max = Int(500, help="Servers of one course at once, and the most that its quota may allow.").tag(
        config=True
    )
    images_allowed = List(
        Unicode(), help="Beginnings of images that courses may name, such as `registry.example.org/`. Default: any."
    ).tag(config=True)

    @default_value("namespace_prefix")
    def _namespace_prefix(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_NAMESPACE_PREFIX", "") or "course"

    @default_value("exchange_image")
    def _exchange_image(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_EXCHANGE_IMAGE", "") or "localhost/courses-ngshare:1"

    @default_value("shared_access_mode")
    def _shared_access_mode(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_SHARED_ACCESS_MODE", "") or "ReadWriteMany"

    @default_value("release_namespace")
    def _release_namespace(self) -> str:
        try:
            return _OWN_NAMESPACE.read_text().strip()
        except OSError:
            return "jupyterhub"

    @validate("namespace_prefix")
    def _valid_prefix(self, proposal: Any) -> str:
        if not is_slug(proposal.value) or len(proposal.value) > 20:
            raise TraitError(
                "namespace_prefix: a lowercase letter, then letters, digits and single hyphens, at most 20"
            )
        return str(proposal.value)

    @validate("exchange_size", "grader_size", "memory_max", "storage_max")
    def _valid_size(self, proposal: Any) -> str:
        try:
            notation.parse_bytes(proposal.value or 1)
        except ValueError as error:
            raise TraitError(f"{proposal.trait.name}: {error}") from None
        return str(proposal.value)

    @validate("never_reached", "dns_addresses")
    def _valid_ranges(self, proposal: Any) -> list[str]:
        try:
            return [notation.network(one) for one in proposal.value]
        except ValueError as error:
            raise TraitError(f"{proposal.trait.name}: {error}") from None

    @validate("pull_secrets", "copied_secrets", "copied_config_maps")
    def _valid_copies(self, proposal: Any) -> list[str]:
        kind = "ConfigMap" if proposal.trait.name == "copied_config_maps" else "Secret"
        for name in proposal.value:
            if problem := copies.unfit(kind, name):
                raise TraitError(f"{proposal.trait.name}: {problem}")
        return list(proposal.value)

    def settings(self, hub_api_url: str, api_url: str) -> ClusterSettings:
        """As a value; both addresses as pods in courses' namespaces reach them."""
        limits = Limits(
            cpu=self.cpu_max or None,
            memory=_bytes(self.memory_max),
            storage=_bytes(self.storage_max),
            servers=self.servers_max,
            images=tuple(self.images_allowed),
        )
        return ClusterSettings(
            exchange_image=self.exchange_image,
            prefix=self.namespace_prefix,
            release_namespace=self.release_namespace,
            hub_api_url=hub_api_url,
            api_url=api_url,
            hub_account=self.hub_account,
            service_account=self.service_account,
            pod_security=self.pod_security,
            image=self.image or None,
            storage_class=self.storage_class or None,
            exchange_size=notation.parse_bytes(self.exchange_size),
            grader_size=notation.parse_bytes(self.grader_size),
            shared_access_mode=self.shared_access_mode,
            pull_secrets=tuple(self.pull_secrets),
            copied_secrets=tuple(self.copied_secrets),
            copied_config_maps=tuple(self.copied_config_maps),
            pull_policy=self.pull_policy,
            cluster_domain=self.cluster_domain,
            dns_namespace=self.dns_namespace,
            dns_addresses=tuple(self.dns_addresses),
            never_reached=(*self.never_reached, *_api_server()),
            limits=limits,
        )

    def host(
        self, hub_api_url: str, api_url: str, assignments: Callable[[int], Awaitable[set[str]]], has_replicas: bool
    ) -> ClusterHost:
        """The host, on the cluster that this runs in, else on the one that KUBECONFIG names.

        `has_replicas`: other processes may serve the same store, and one of them reconciles.
        """
        kubeconfig = None if _IN_POD in os.environ else os.environ.get("KUBECONFIG", "~/.kube/config")
        api = KubernetesApi(kubeconfig)
        identity = os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"
        lease = Lease(api, self.release_namespace, identity) if has_replicas else None
        return ClusterHost(self.settings(hub_api_url, api_url), api, assignments, lease)


def _api_server() -> tuple[str, ...]:
    """The API server's address in the cluster that this runs in."""
    try:
        return (notation.network(os.environ[_IN_POD]),)
    except (KeyError, ValueError):  # not in a pod, or a name
        return ()


def _bytes(text: str) -> int | None:
    return notation.parse_bytes(text) if text else None
