"""Copies of Secrets and ConfigMaps of the release's namespace in the courses': what to write, what to take away. Pure.

What a course has of them is not looked at: the service may read no Secret there. The course's namespace remembers in an
annotation which copies it has, of which version of the original; a version says nothing about what is in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .cluster import EXCHANGE, ClusterSettings
from .comparing import Key, key

Manifest = Mapping[str, Any]
COPIED: Final = "jupyterhub-courses/copied"
#: What an original hands on. Not its annotations: `kubectl apply` keeps a Secret's content in one.
_PARTS: Final = {"Secret": ("type", "data"), "ConfigMap": ("data", "binaryData")}
#: Never copied: what others make in each namespace, and the secrets of hub and exchange.
_RESERVED: Final = {"Secret": (EXCHANGE, "hub"), "ConfigMap": ("kube-root-ca.crt",)}
_CLUSTERS_TOKEN: Final = "kubernetes.io/service-account-token"
#: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True)
class Change:
    """What a course's namespace lacks: `write` from the originals, `take_away` what nobody lists any more."""

    write: tuple[Key, ...]
    take_away: tuple[Key, ...]

    @property
    def is_none(self) -> bool:
        """Whether every copy is as it should be."""
        return not (self.write or self.take_away)


def asked(settings: ClusterSettings) -> tuple[Key, ...]:
    """All that is to be copied, each once."""
    secrets = dict.fromkeys((*settings.pull_secrets, *settings.copied_secrets))
    return (
        *(("Secret", name) for name in secrets),
        *(("ConfigMap", name) for name in dict.fromkeys(settings.copied_config_maps)),
    )


def unfit(kind: str, name: str) -> str:
    """Why an object of this name is never copied; empty where it may be."""
    if name in _RESERVED[kind]:
        return f"the {kind} {name} is never copied"
    return "" if _NAME.fullmatch(name) else f"{name!r} is no name of a {kind}"


def amiss(what: Key, original: Manifest | None, settings: ClusterSettings) -> str:
    """A sentence on an original that cannot be copied; empty where it can."""
    kind, name = what
    if original is None:
        return f"The {kind} {name} does not exist in the namespace {settings.release_namespace}; it cannot be copied."
    if kind == "Secret" and original.get("type") == _CLUSTERS_TOKEN:
        return f"The Secret {name} holds a token of the cluster itself; it is not copied."
    return ""


def copy(original: Manifest, slug: str, settings: ClusterSettings) -> dict[str, Any]:
    """The copy in a course's namespace."""
    kind, name = key(original)
    parts = {part: original[part] for part in _PARTS[kind] if original.get(part) is not None}
    metadata = {"name": name, "namespace": settings.namespace(slug), "labels": settings.labels(slug, "copy")}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **parts}


def version(original: Manifest) -> str:
    """Another one with every change of the original."""
    return str(original["metadata"]["resourceVersion"])


def change(wanted: tuple[Key, ...], originals: Mapping[Key, Manifest], has: Mapping[Key, str]) -> Change:
    """From what a namespace has. An original that is not there now leaves its copies as they are."""
    write = tuple(one for one in wanted if one in originals and has.get(one) != version(originals[one]))
    return Change(write, tuple(one for one in has if one not in wanted))


def remembered(namespace: Manifest) -> dict[Key, str]:
    """What a course's namespace has: (kind, name) -> version of the original; an empty one where it is not done."""
    text = (namespace["metadata"].get("annotations") or {}).get(COPIED, "")
    found = re.findall(r"(Secret|ConfigMap)/([^\s=]+)=(\S*)", text)
    return {(kind, name): version for kind, name, version in found}


def memory(namespace: Manifest, has: Mapping[Key, str]) -> dict[str, Any]:
    """The namespace with what it is to remember. Its uid: one that is gone must not come back by this."""
    metadata = {name: namespace["metadata"][name] for name in ("name", "uid")}
    text = " ".join(f"{kind}/{name}={version}" for (kind, name), version in sorted(has.items()))
    annotations = {"annotations": {COPIED: text}} if has else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {**metadata, **annotations}}
