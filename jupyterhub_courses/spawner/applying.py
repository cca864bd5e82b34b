"""What a placement makes of KubeSpawner's traits: the course's spec above what the administrator configured.

Pure: `traits_of` gets the values that stand now and returns those that shall. What the course does not say stays as the
administrator set it; lists and tables are added to.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.placements import HUBS_VARIABLES, PodPlacement

#: The traits that `traits_of` reads and may give anew.
PLACED = (
    "image",
    "service_account",
    "storage_capacity",
    "storage_class",
    "storage_access_modes",
    "cpu_guarantee",
    "cpu_limit",
    "mem_guarantee",
    "mem_limit",
    "extra_resource_guarantees",
    "extra_resource_limits",
    "node_selector",
    "tolerations",
    "volumes",
    "volume_mounts",
    "common_labels",
    "image_pull_secrets",
)
#: What a course's profile may set: nothing that moves the pod, names its rights or reaches other people's volumes.
PROFILE_KEYS = frozenset(
    ("image", "cpu_guarantee", "cpu_limit", "mem_guarantee", "mem_limit", "extra_resource_guarantees")
    + ("extra_resource_limits", "node_selector", "tolerations", "environment", "default_url")
)
HOME_CLAIM = "{pvc_name}"  # KubeSpawner's (and the chart's) way to say "the person's own"
HOME_VOLUME = "home"


def traits_of(pod: PodPlacement, home: str, admin: Mapping[str, Any]) -> dict[str, Any]:
    """Values by trait. `admin`: the values of PLACED as configured; `home`: where the person's volume is mounted."""
    volumes, mounts = _storage(pod, home, admin)
    return {
        **_given(
            image=pod.image,
            storage_capacity=None if pod.home_size is None else str(pod.home_size),
            storage_class=pod.storage_class,
            storage_access_modes=list(pod.access_modes) or None,
        ),
        **_bounds("cpu", pod.cpu_guarantee, pod.cpu_limit, admin),
        **_bounds("mem", pod.mem_guarantee, pod.mem_limit, admin),
        "service_account": verbatim(pod.service_account),
        "extra_resource_guarantees": {**admin["extra_resource_guarantees"], **pod.extra_resources},
        "extra_resource_limits": {**admin["extra_resource_limits"], **pod.extra_resources},
        "node_selector": {**admin["node_selector"], **pod.node_selector},
        "tolerations": [*entries(admin["tolerations"]), *pod.tolerations],
        "volumes": volumes,
        "volume_mounts": mounts,
        "common_labels": {**admin["common_labels"], **pod.labels},
        "image_pull_secrets": _secrets([*admin["image_pull_secrets"], *pod.pull_secrets]),
    }


def profiles_of(pod: PodPlacement, tolerations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The course's `profile_list`: listed choices only, and only of PROFILE_KEYS.

    tolerations: those of the pod so far, since KubeSpawner replaces lists.
    """
    tolerations = list(tolerations)
    made = []
    for profile in pod.profiles:
        options = {}
        for name, option in profile.get("profile_options", {}).items():
            choices = {key: _bounded(choice, tolerations) for key, choice in option.get("choices", {}).items()}
            if choices:
                options[name] = {**{k: v for k, v in option.items() if k != "unlisted_choice"}, "choices": choices}
        made.append({**_bounded(profile, tolerations), **({"profile_options": options} if options else {})})
    return made


def entries(value: Any) -> list[Any]:
    """The entries of a trait that is a list, or a table that KubeSpawner sorts by its keys."""
    return [value[key] for key in sorted(value)] if isinstance(value, Mapping) else list(value or ())


def verbatim(value: Any) -> Any:
    """`value` so that KubeSpawner's templates leave it as it is."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, Mapping):
        return {key: verbatim(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [verbatim(item) for item in value]
    return value


def _bounded(part: Mapping[str, Any], tolerations: list[dict[str, Any]]) -> dict[str, Any]:
    """A profile or a choice whose override keeps to PROFILE_KEYS and off the hub's own variables."""
    override = {key: value for key, value in part.get("kubespawner_override", {}).items() if key in PROFILE_KEYS}
    if "environment" in override:
        own = {k: v for k, v in override["environment"].items() if not k.startswith(HUBS_VARIABLES)}
        override["environment"] = verbatim(own)
    if "tolerations" in override:
        override["tolerations"] = [*tolerations, *entries(override["tolerations"])]
    return {**part, "kubespawner_override": override}


def _storage(pod: PodPlacement, home: str, admin: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Volumes and mounts: the administrator's, unless the course has one of that name or at that path, and its own."""
    volumes, mounts = list(map(verbatim, pod.volumes)), list(map(verbatim, pod.volume_mounts))
    names = {volume["name"] for volume in volumes}
    paths = {_path(mount) for mount in mounts}
    own = [volume for volume in entries(admin["volumes"]) if volume["name"] not in names]
    known = {volume["name"] for volume in own}
    own_mounts = [
        mount for mount in entries(admin["volume_mounts"]) if mount["name"] in known and _path(mount) not in paths
    ]
    home_volume = next((volume["name"] for volume in own if claim_of(volume) == HOME_CLAIM), None)
    if home_volume is None:
        home_volume = HOME_VOLUME if HOME_VOLUME not in names | known else "courses-home"
        own.append({"name": home_volume, "persistentVolumeClaim": {"claimName": HOME_CLAIM}})
    if not any(_path(mount) == home for mount in own_mounts if mount["name"] == home_volume):
        own_mounts = [mount for mount in own_mounts if _path(mount) != home]
        own_mounts.append({"name": home_volume, "mountPath": verbatim(home)})
    return [*own, *volumes], [*own_mounts, *mounts]


def claim_of(volume: Mapping[str, Any]) -> str | None:
    """The name of the claim that a volume is, in either of the two notations that KubeSpawner takes."""
    for kind, name in (("persistentVolumeClaim", "claimName"), ("persistent_volume_claim", "claim_name")):
        if kind in volume:
            found: str | None = volume[kind].get(name, volume[kind].get("claim_name"))
            return found
    return None


def _path(mount: Mapping[str, Any]) -> str:
    return str(mount.get("mountPath", mount.get("mount_path", ""))).rstrip("/") or "/"


def _bounds(kind: str, guarantee: float | None, limit: float | None, admin: Mapping[str, Any]) -> dict[str, Any]:
    """Guarantee and limit; where the course names only one, the administrator's other one is made to fit."""
    own, bound = admin[f"{kind}_guarantee"], admin[f"{kind}_limit"]
    if limit is not None and guarantee is None and own is not None and own > limit:
        guarantee = limit
    if guarantee is not None and limit is None and bound and bound < guarantee:
        limit = guarantee
    return _given(**{f"{kind}_guarantee": guarantee, f"{kind}_limit": limit})


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _secrets(references: Iterable[Any]) -> list[dict[str, str]]:
    names = (reference if isinstance(reference, str) else reference["name"] for reference in references)
    return [{"name": name} for name in dict.fromkeys(names)]
