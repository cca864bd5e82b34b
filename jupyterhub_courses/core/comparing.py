"""What is there against what we want: whether an object has to be applied, and why. Pure.

Fields that we do not speak of are the server's and other people's business. Where more would mean something else (a
policy's rules, a binding's subjects) the whole has to be equal; the API server replaces those whole, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import quantities
from .cluster import ASKED, COURSE, INSTANCE, MANAGED_BY, MANAGER, ClusterSettings

Manifest = Mapping[str, Any]
Key = tuple[str, str]  # kind, name
_WHOLE = {"NetworkPolicy": ("spec",), "RoleBinding": ("roleRef", "subjects"), "LimitRange": ("spec",)}
#: Made once: the API server refuses other values, and what lies in a volume must not be lost for one.
_VOLUME = "PersistentVolumeClaim"


@dataclass(frozen=True)
class Difference:
    """What to do: `apply` in order, `replace` (delete first), `prune`; `drifted` names what somebody else changed."""

    apply: tuple[Manifest, ...] = ()
    replace: tuple[Manifest, ...] = ()
    prune: tuple[Manifest, ...] = ()
    drifted: tuple[Key, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether all is as it should be."""
        return not (self.apply or self.replace or self.prune)


def key(manifest: Manifest) -> Key:
    """What tells an object from others of its namespace."""
    return manifest["kind"], manifest["metadata"]["name"]


def is_ours(live: Manifest, slug: str, settings: ClusterSettings) -> bool:
    """Whether an object carries the labels of this course of this release."""
    labels = live["metadata"].get("labels") or {}
    return (labels.get(MANAGED_BY), labels.get(INSTANCE), labels.get(COURSE)) == (MANAGER, settings.prefix, slug)


def difference(wanted: Iterable[Manifest], there: Mapping[Key, Manifest]) -> Difference:
    """From what is there to what we want. Secrets are not compared: they are never listed."""
    apply: list[Manifest] = []
    replace: list[Manifest] = []
    drifted: list[Key] = []
    asked = list(wanted)
    for manifest in asked:
        live = there.get(key(manifest))
        if manifest["kind"] == "Secret" or (manifest["kind"] == _VOLUME and live is not None and is_ending(live)):
            continue  # of a volume that ends, what is asked is asked when it is gone
        if manifest["kind"] == _VOLUME and live is not None and is_filled(live):
            manifest = _as_made(live, manifest)
        if live is None:
            apply.append(manifest)
            drifted.append(key(manifest))
        elif _digest(live) != _digest(manifest):
            (replace if _cannot_change(live, manifest) else apply).append(manifest)
        elif not _as_asked(live, manifest):
            (replace if _cannot_change(live, manifest) else apply).append(manifest)
            drifted.append(key(manifest))
    keys = {key(manifest) for manifest in asked}
    # A volume is never pruned: only a course's end with "erase" takes what people made.
    prune = [live for one, live in there.items() if one not in keys and one[0] not in (_VOLUME, "Pod")]
    return Difference(tuple(apply), tuple(replace), tuple(prune), tuple(drifted))


def _digest(manifest: Manifest) -> object:
    return (manifest["metadata"].get("annotations") or {}).get(ASKED)


def is_ending(live: Manifest) -> bool:
    """Whether it is being deleted."""
    return bool(live["metadata"].get("deletionTimestamp"))


def is_filled(claim: Manifest) -> bool:
    """Whether there is, or was, a volume to a claim, so that something may lie in it."""
    return bool((claim.get("status") or {}).get("phase") != "Pending" or claim["spec"].get("volumeName"))


def _as_made(live: Manifest, wanted: Manifest) -> Manifest:
    """A volume keeps its StorageClass and access modes, and never shrinks, whatever is asked now."""
    fixed = {name: live["spec"][name] for name in ("accessModes", "storageClassName") if name in live["spec"]}
    larger = live if requested(live) > requested(wanted) else wanted
    size = {"requests": {"storage": larger["spec"]["resources"]["requests"]["storage"]}}
    return {**wanted, "spec": {**wanted["spec"], **fixed, "resources": size}}


def _cannot_change(live: Manifest, wanted: Manifest) -> bool:
    """A binding's role, a Deployment's selector and what an empty claim asks for are fixed for life."""
    if wanted["kind"] == _VOLUME:
        return not is_filled(live) and _digest(live) != _digest(wanted)
    if wanted["kind"] == "RoleBinding":
        return bool(live.get("roleRef") != wanted["roleRef"])
    if wanted["kind"] == "Deployment":
        return bool(live["spec"].get("selector") != wanted["spec"]["selector"])
    return False


def _as_asked(live: Manifest, wanted: Manifest) -> bool:
    kind = wanted["kind"]
    if kind == _VOLUME:
        labels = covers(live["metadata"].get("labels"), wanted["metadata"]["labels"])
        return labels and requested(live) >= requested(wanted)
    whole = _WHOLE.get(kind, ())
    if any(live.get(part) != wanted[part] for part in whole):
        return False
    return covers(live, {name: value for name, value in wanted.items() if name not in whole})


def requested(claim: Manifest) -> float:
    """Bytes that a volume claim asks for."""
    return quantities.parse(claim["spec"]["resources"]["requests"]["storage"])


def covers(live: Any, wanted: Any) -> bool:
    """Whether `live` says everything that `wanted` says. Lists of named things are compared by name."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(name in live and covers(live[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        if not isinstance(live, list):
            return False
        if wanted and all(isinstance(one, Mapping) and "name" in one for one in wanted):
            named = {one.get("name"): one for one in live if isinstance(one, Mapping)}
            return all(one["name"] in named and covers(named[one["name"]], one) for one in wanted)
        return len(live) == len(wanted) and all(map(covers, live, wanted))
    return bool(live == wanted)
