"""A placement: where and how one person's server of one course runs."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

#: How the names of the hub's own environment variables begin.
HUBS_VARIABLES = ("JUPYTERHUB_", "JPY_")


@dataclass(frozen=True)
class PodPlacement:
    """What a cluster adds: the pod beyond its command and environment. Sizes in bytes, cpu in cores, times in seconds.

    None (or an empty tuple of access modes) leaves to the hub's administrator what `c.KubeSpawner` says.
    `extra_resources` are guaranteed and limited at once, such as `{"nvidia.com/gpu": "1"}`. Volumes and their mounts
    come beside the home's. `pull_secrets` are names in `namespace`. `profiles` are KubeSpawner's `profile_list`
    entries of this course alone. After `idle_timeout` without activity the server ends itself.
    """

    namespace: str
    image: str | None
    service_account: str
    home_claim: str
    home_size: int | None = None
    storage_class: str | None = None
    access_modes: tuple[str, ...] = ()
    cpu_guarantee: float | None = None
    cpu_limit: float | None = None
    mem_guarantee: int | None = None
    mem_limit: int | None = None
    extra_resources: dict[str, str] = field(default_factory=dict, hash=False)
    node_selector: dict[str, str] = field(default_factory=dict, hash=False)
    tolerations: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    volumes: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    volume_mounts: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    labels: dict[str, str] = field(default_factory=dict, hash=False)
    pull_secrets: tuple[str, ...] = ()
    profiles: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    idle_timeout: int | None = None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "PodPlacement":
        """Of the JSON object; lists become tuples and unknown keys are ignored."""
        known: dict[str, Any] = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        tuples = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**{**known, **tuples})


@dataclass(frozen=True)
class Placement:
    """What the service tells the spawner. Paths are absolute; memory in bytes; cpu in cores; None = no limit.

    `pod` is there on a cluster only; its limits count there, not these.
    """

    username: str
    course: str
    role: str  # student | grader
    home: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    mem_limit: int | None = None
    cpu_limit: float | None = None
    pod: PodPlacement | None = None

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API; tuples in it become lists on the way."""
        return {**asdict(self), "command": list(self.command)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Placement":
        """The inverse of `as_json`; unknown keys are ignored so that a newer service can add some."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        pod = known.get("pod")
        return cls(
            **{
                **known,
                "command": tuple(known["command"]),
                "pod": PodPlacement.from_json(pod) if isinstance(pod, dict) else None,
            }
        )
