"""What an administrator's settings of KubeSpawner must not say where every course has a namespace of its own.

Objects such as Secrets are in one namespace; a pod elsewhere that names one never starts. And a container that asks for
more than Pod Security `restricted` gives is refused. Both are said when the hub starts, by the setting's name, with the
chart's name for it. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from .applying import HOME_CLAIM, claim_of, entries
from .hardening import plain

#: Traits that may name objects, and how the z2jh chart calls them.
NAMING: Final[dict[str, str]] = {
    "image_pull_secrets": "imagePullSecret, imagePullSecrets, singleuser.image.pullSecrets",
    "service_account": "singleuser.serviceAccountName",
    "volumes": "singleuser.storage.extraVolumes",
    "environment": "singleuser.extraEnv",
    "init_containers": "singleuser.initContainers",
    "extra_containers": "singleuser.extraContainers",
    "extra_container_config": "hub.config.KubeSpawner.extra_container_config",
    "extra_pod_config": "singleuser.extraPodConfig",
    "profile_list": "singleuser.profileList",
}
#: Settings of the pod's own security, which must stay within `restricted`.
SECURITY: Final[dict[str, str]] = {
    "privileged": "hub.config.KubeSpawner.privileged",
    "allow_privilege_escalation": "singleuser.allowPrivilegeEscalation",
    "uid": "singleuser.uid",
    "container_security_context": "hub.config.KubeSpawner.container_security_context",
    "pod_security_context": "hub.config.KubeSpawner.pod_security_context",
}
#: Both notations that KubeSpawner takes: where a key of this kind stands, the object's name is at one of these keys.
_REFERENCES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    **dict.fromkeys(("configMap", "config_map"), ("ConfigMap", ("name",))),
    **dict.fromkeys(("configMapKeyRef", "config_map_key_ref"), ("ConfigMap", ("name",))),
    **dict.fromkeys(("configMapRef", "config_map_ref"), ("ConfigMap", ("name",))),
    "secret": ("Secret", ("secretName", "secret_name", "name")),
    **dict.fromkeys(("secretKeyRef", "secret_key_ref"), ("Secret", ("name",))),
    **dict.fromkeys(("secretRef", "secret_ref"), ("Secret", ("name",))),
    **dict.fromkeys(("nodePublishSecretRef", "node_publish_secret_ref"), ("Secret", ("name",))),
}
_VOLUMES_ALLOWED: Final = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
    + ("config_map", "downward_api", "empty_dir", "persistent_volume_claim", "name")
)
#: Settings of the service that list what is copied.
_COPIES: Final[dict[str, str]] = {"Secret": "copied_secrets", "ConfigMap": "copied_config_maps"}
_METADATA_BLOCK: Final = "block-cloud-metadata"


def unfit(values: Mapping[str, Any], secrets: Iterable[str] = (), config_maps: Iterable[str] = ()) -> list[str]:
    """Sentences that name what does not go. `values`: of traits; `secrets`, `config_maps`: every course has a copy."""
    return [*_names(values, {"Secret": frozenset(secrets), "ConfigMap": frozenset(config_maps)}), *_security(values)]


def _names(values: Mapping[str, Any], copied: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for trait, chart in NAMING.items():
        value = values.get(trait)
        if not value or callable(value):
            continue
        for kind, name, setting in _found(trait, plain(value), chart):
            if name in copied.get(kind, ()):
                continue
            cure = "Take it out"
            if kind in copied:
                own = "pull_secrets" if trait == "image_pull_secrets" else _COPIES[kind]
                cure += (
                    ", or have it copied into every course's: name it in configure_cluster(c, "
                    f'{own}=["{name}"]) and in c.CoursesCluster.{own} of the service'
                )
            yield (
                f'c.KubeSpawner.{trait} ({setting}) names the {kind} "{name}", which is in one namespace only: '
                f"servers run in the namespaces of their courses. {cure}."
            )


def _found(trait: str, value: Any, chart: str) -> Iterator[tuple[str, str, str]]:
    """(kind, name, the chart's name of the setting) of every object that `value` names."""
    if trait == "service_account":
        yield "ServiceAccount", str(value), chart
    elif trait == "image_pull_secrets":
        for entry in [value] if isinstance(value, str) else value:
            yield "Secret", entry if isinstance(entry, str) else str(entry.get("name")), chart
    elif trait == "volumes":
        for volume in entries(value):
            said = chart
            if volume.get("name") == "files" and "secret" in volume:
                said = "singleuser.extraFiles"
            elif volume.get("name") == "home":
                said = "singleuser.storage.static.pvcName"
            yield from ((kind, name, said) for kind, name in _references(volume))
    else:
        yield from ((kind, name, chart) for kind, name in _references(value))


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        claim = claim_of(value)
        if claim is not None and claim != HOME_CLAIM:
            yield "PersistentVolumeClaim", claim
        for key, part in value.items():
            kind, names = _REFERENCES.get(key, ("", ()))
            if isinstance(part, Mapping):
                yield from ((kind, str(part[name])) for name in names if part.get(name))
            if key in ("serviceAccountName", "serviceAccount", "service_account_name", "service_account") and part:
                yield "ServiceAccount", str(part)
            if key in ("imagePullSecrets", "image_pull_secrets"):
                yield from (("Secret", str(entry["name"])) for entry in part or ())
            yield from _references(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _references(part)


def _security(values: Mapping[str, Any]) -> Iterator[str]:
    own = {trait: plain(values[trait]) for trait in SECURITY if values.get(trait) and not callable(values[trait])}
    for trait in ("privileged", "allow_privilege_escalation"):
        if own.get(trait):
            yield _too_much(trait, SECURITY[trait], "is on", "Switch it off.")
    if values.get("uid") == 0:
        yield _too_much("uid", SECURITY["uid"], "is root", "Set another user id.")
    for trait in ("container_security_context", "pod_security_context"):
        for excess in _excess(own.get(trait, {})):
            yield _too_much(trait, SECURITY[trait], excess, "Take it out.")
    for trait in ("init_containers", "extra_containers"):
        for container in entries(plain(values.get(trait) or [])):
            excess = next(_excess(container.get("securityContext", container.get("security_context")) or {}), None)
            if excess and container.get("name") == _METADATA_BLOCK:
                yield (
                    f"singleuser.cloudMetadata.blockWithIptables {excess}: that does not go with Pod Security "
                    "`restricted`. Set it to false; the network policies of the courses close that address."
                )
            elif excess:
                said = f'container "{container.get("name")}" {excess}'
                yield _too_much(trait, NAMING[trait], said, "Take it out.")
    for volume in entries(plain(values.get("volumes") or [])):
        for kind in volume.keys() - _VOLUMES_ALLOWED:
            said = f'volume "{volume.get("name")}" is of kind {kind}'
            yield _too_much("volumes", NAMING["volumes"], said, "Use a claim.")
    for key in ("hostNetwork", "hostPID", "hostIPC", "host_network", "host_pid", "host_ipc"):
        if (values.get("extra_pod_config") or {}).get(key):
            yield _too_much("extra_pod_config", NAMING["extra_pod_config"], f"{key} is on", "Take it out.")


def _excess(context: Mapping[str, Any]) -> Iterator[str]:
    """What a security context (API notation or the client's) asks for beyond `restricted`."""
    if context.get("privileged"):
        yield "asks for a privileged container"
    if context.get("runAsUser", context.get("run_as_user")) == 0 or context.get("runAsNonRoot") is False:
        yield "runs as root"
    if context.get("allowPrivilegeEscalation"):
        yield "lets processes gain privileges"
    added = set((context.get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}
    if added:
        yield f"adds the capabilities {', '.join(sorted(added))}"


def _too_much(trait: str, chart: str, excess: str, cure: str) -> str:
    return f"c.KubeSpawner.{trait} ({chart}) {excess}: that does not go with Pod Security `restricted`. {cure}"
