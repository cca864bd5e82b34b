"""`courses`: a person's server of a course as a pod in the course's own namespace.

The courses service says where and how. What the administrator configured for KubeSpawner stays the default below the
course's spec. How pods are watched, polled and stopped is pods.py's.
"""

import copy

from traitlets import default

from ..adapters.courses_api.hub import Refused, ServiceDown
from ..core.cluster import GID, GRADER, SERVER, UID
from . import hardening, settings
from .applying import PLACED, profiles_of, traits_of, verbatim
from .placed import PlacedSpawner
from .pods import PodSpawner

CHECKED = (*settings.NAMING, *settings.SECURITY)


class CourseSpawner(PlacedSpawner, PodSpawner):
    """Start servers of courses as pods."""

    _placed = None  # of the last start in this process

    def __init__(self, *args, **kwargs):
        self._configured = {}  # values of traits before a placement or a profile changed them
        super().__init__(*args, **kwargs)

    # -- what the administrator need not say ---------------------------------------------------------------------

    @default("uid")
    def _default_uid(self):
        return UID

    @default("gid")
    def _default_gid(self):
        return GID

    @default("fs_gid")
    def _default_fs_gid(self):
        return GID

    @default("component_label")
    def _default_component_label(self):
        return SERVER  # the network policies of the courses select it

    @default("storage_capacity")
    def _default_storage_capacity(self):
        return "10Gi"  # the chart's default

    @default("delete_pvc")
    def _default_delete_pvc(self):
        return False  # a server that is forgotten is no reason to erase somebody's work

    # -- the placement -------------------------------------------------------------------------------------------

    def _set(self, name, value):
        """Set a trait until the next start."""
        if name not in self._configured:
            self._configured[name] = copy.deepcopy(getattr(self, name))
        setattr(self, name, value)

    def _apply_overrides(self, spawner_override):
        """A profile's or a group's values, until the next start. KubeSpawner changes tables in place."""
        for name in spawner_override:
            self._set(name, copy.deepcopy(getattr(self, name)))
        super()._apply_overrides(spawner_override)

    def clear_state(self):
        """Before each start and after each end: nothing of the last one is left."""
        configured, self._configured = self._configured, {}
        for name, value in configured.items():
            setattr(self, name, value)
        self._placed = None
        super().clear_state()

    async def _place(self):
        """Ask for the placement and take it over. Raises what refuses the start."""
        placement = await self._placement()
        pod = placement.pod
        if pod is None:
            raise self._refused("server_misplaced", cause="the service places servers on one machine, not on a cluster")
        unfit = settings.unfit({name: getattr(self, name) for name in CHECKED}, pod.pull_secrets)
        if unfit:
            raise self._refused("server_misplaced", cause=" ".join(unfit))
        if (self.namespace, self.pvc_name) != (pod.namespace, pod.home_claim):
            self.namespace, self.pvc_name, self._pvc_exists = pod.namespace, pod.home_claim, False
        self.dns_name = self.dns_name_template.format(namespace=self.namespace, name=self.pod_name)
        if pod.profiles:
            self._set("profile_list", [])
        self._placed = placement
        if not self.cmd:
            self._set("cmd", list(placement.command))
        if not self.notebook_dir:
            self._set("notebook_dir", verbatim(placement.home))
        self._set("storage_pvc_ensure", True)

    async def load_user_options(self):
        """The administrator's profile, the placement, the course's profile; what is no choice of these is ignored."""
        pod = self._placed.pod
        if not pod.profiles:
            await self._load_choice()
        for name, value in traits_of(pod, self._placed.home, {name: getattr(self, name) for name in PLACED}).items():
            self._set(name, value)
        if pod.profiles:
            self._set("profile_list", profiles_of(pod, self.tolerations))
            await self._load_choice()

    async def _load_choice(self):
        chosen, self.user_options = self.user_options, self.user_options or {}
        try:
            await super().load_user_options()
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
            self.log.warning("Options of %s ignored: %s", self._log_name, type(error).__name__)
            self.user_options = {}
            await super().load_user_options()
        finally:
            self.user_options = chosen

    async def get_options_form(self):
        """The course's profiles, where there is a choice; no page otherwise."""
        try:
            placement = await self._ask()
        except (Refused, ServiceDown):
            return ""  # the start says why
        profiles = profiles_of(placement.pod, ()) if placement.pod else []
        if not profiles:
            return await super().get_options_form() if self.profile_list else ""
        if len(profiles) == 1 and not profiles[0].get("profile_options"):
            return ""
        return self._render_options_form(profiles)

    def get_env(self):
        """What the hub and the administrator set, then the placement's; the latter cannot touch the hub's variables."""
        environment = super().get_env()
        if self._placed is None:
            return environment
        return {**self._without_hubs(environment, self._placed.environment), "HOME": self._placed.home}

    def get_args(self):
        """As configured, and the course's idle time-out: idle kernels go first, for they keep a server up."""
        idle = self._placed.pod.idle_timeout if self._placed and self._placed.pod else None
        if not idle:
            return super().get_args()
        return [
            *super().get_args(),
            f"--ServerApp.shutdown_no_activity_timeout={idle}",
            f"--MappingKernelManager.cull_idle_timeout={idle}",
            "--MappingKernelManager.cull_connected=True",
            f"--TerminalManager.cull_inactive_timeout={idle}",
        ]

    async def get_pod_manifest(self):
        """KubeSpawner's pod, which runs with no more rights than it needs."""
        pod = await super().get_pod_manifest()
        uid, gid = (None if callable(value) else value for value in (self.uid, self.gid))
        return hardening.harden(pod, uid, gid)

    def get_pvc_manifest(self):
        """KubeSpawner's claim, under a label of its own: it says that its pods and volumes are the same."""
        claim = super().get_pvc_manifest()
        claim.metadata.labels["app.kubernetes.io/component"] = "home"
        return claim

    def get_service_manifest(self, owner_reference, port):
        """KubeSpawner's Service, where `services_enabled` asks for one; not an object that the reconciler misses."""
        service = super().get_service_manifest(owner_reference, port)
        service.metadata.labels["app.kubernetes.io/managed-by"] = "kubespawner"
        return service

    async def _course_is_gone(self):
        """Whether the hub may not look because there is nothing left: rights end with their namespace."""
        try:
            await self.connection.open().client.placement(self.user.name, self.name)
        except Refused as refusal:
            return refusal.code in ("course_unknown", "course_deleting")
        except ServiceDown:
            return False
        return False

    async def delete_forever(self):
        """The volume stays, unless the administrator said otherwise; the graders' is the course's in any case."""
        if self.pvc_name != GRADER:
            await super().delete_forever()
