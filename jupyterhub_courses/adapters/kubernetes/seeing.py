"""What is there of all courses, by one list a kind: requests grow with kinds of object, not with courses.

A look serves each course once and for some seconds; a course that is looked at again is looked at alone, in its
namespace. Only objects with our labels are seen, so that nothing else can be changed or taken away. Of an object that
is as it was when its course was settled no more than that is kept: a thousand courses are a million tables and lists,
and Python's garbage collections would go through all of them.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ...core.cluster import COMPONENT, COURSE, EXCHANGE, GRADER, INSTANCE, MANAGED_BY, MANAGER, SHARED, ClusterSettings
from ...core.comparing import Key, is_ours, key
from .client import ApiProblem, KubernetesApi

FRESH_S = 20.0
Objects = dict[Key, dict[str, Any]]

_ALL = ("ResourceQuota", "LimitRange", "ServiceAccount", "RoleBinding", "NetworkPolicy", "Service", "Deployment")
#: Of these, servers, homes and autograding have many, which are not the reconciler's.
_SOME = {"PersistentVolumeClaim": f"{EXCHANGE},{GRADER},{SHARED}", "Pod": EXCHANGE}


class Unchanged(dict[str, Any]):
    """An object that is as it was, as far as that shows it."""


class Seeing:
    """The eyes of the reconciler. settled: the version in which an object of a course was as wanted, if any."""

    def __init__(
        self,
        api: KubernetesApi,
        settings: ClusterSettings,
        clock: Callable[[], float] = time.monotonic,
        settled: Callable[[str, Key], str | None] = lambda slug, key: None,
    ) -> None:
        self._api, self._settings, self._clock, self._settled = api, settings, clock, settled
        self._selector = f"{MANAGED_BY}={MANAGER},{INSTANCE}={settings.prefix}"
        self._seen: dict[str, Objects] = {}
        self._problem: ApiProblem | None = None
        self._used: set[str] = set()
        self._at = -FRESH_S

    async def look(self) -> None:
        """Look at all courses; a problem is told to whoever asks for one of them."""
        self._problem, seen = None, {}
        try:
            namespaces, *others = await asyncio.gather(
                self._api.list("Namespace", self._selector),
                *(self._api.list(*wanted, keep=self._if_changed) for wanted in self._wanted()),
            )
        except ApiProblem as problem:
            self._problem, namespaces, others = problem, [], []
        for live in namespaces:
            slug = live["metadata"]["labels"].get(COURSE, "")
            if live["metadata"]["name"] == self._settings.namespace(slug):
                seen[slug] = {key(live): live}
        for live in (live for one in others for live in one):
            slug = (live["metadata"].get("labels") or {}).get(COURSE, "")
            if slug in seen and live["metadata"]["namespace"] == self._settings.namespace(slug):
                seen[slug][key(live)] = live
        self._seen, self._used, self._at = seen, set(), self._clock()

    async def course(self, slug: str) -> Objects:
        """One course's objects, its namespace among them; empty where there is no namespace of ours."""
        if slug not in self._used and self._clock() - self._at < FRESH_S:
            self._used.add(slug)
            if self._problem is not None:
                raise self._problem
            seen = self._seen.pop(slug, {})
            if not any(isinstance(one, Unchanged) for one in seen.values()):
                return seen
        return await self.alone(slug)

    def peek(self, slug: str) -> Objects | None:
        """What the look saw of it, which still serves; None where `course` would ask or raise."""
        if slug in self._used or self._problem is not None or self._clock() - self._at >= FRESH_S:
            return None
        return self._seen.get(slug)

    def served(self, slug: str) -> None:
        """Nobody needs the look at this course any more."""
        self._used.add(slug)
        self._seen.pop(slug, None)

    async def alone(self, slug: str) -> Objects:
        """The same, looked at now."""
        self._used.add(slug)
        name = self._settings.namespace(slug)
        live = await self._api.get("Namespace", name)
        if live is None or not is_ours(live, slug, self._settings):
            return {}
        lists = await asyncio.gather(*(self._api.list(*wanted, name) for wanted in self._wanted()))
        found = [one for several in lists for one in several if is_ours(one, slug, self._settings)]
        return {key(one): one for one in [{**live, "kind": "Namespace"}, *found]}

    def _if_changed(self, live: dict[str, Any]) -> dict[str, Any]:
        metadata = live["metadata"]
        slug = (metadata.get("labels") or {}).get(COURSE, "")
        if self._settled(slug, key(live)) != metadata["resourceVersion"]:
            return live
        names = {name: metadata[name] for name in ("name", "namespace", "resourceVersion")}
        return Unchanged(kind=live["kind"], metadata={**names, "labels": {COURSE: slug}})

    def _wanted(self) -> list[tuple[str, str]]:
        some = [(kind, f"{self._selector},{COMPONENT} in ({names})") for kind, names in _SOME.items()]
        return [*((kind, self._selector) for kind in _ALL), *some]
