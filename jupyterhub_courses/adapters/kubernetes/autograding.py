"""The pods of runs of autograding apart, in the courses' namespaces."""

from collections.abc import Mapping
from typing import Any

from ...core.autograding import Place, QuotaUsedUp
from ...core.cluster import COMPONENT, ClusterSettings
from .client import ApiProblem, KubernetesApi


class AutogradePods:
    """An absent object is None, or nothing to delete. Raises ApiProblem."""

    def __init__(self, api: KubernetesApi, settings: ClusterSettings) -> None:
        self._api, self._settings = api, settings

    def place(self, slug: str) -> Place:
        """Of a course."""
        labels = self._settings.labels(slug, "")
        del labels[COMPONENT]
        return Place(self._settings.namespace(slug), labels)

    async def pods(self, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Those with all of `labels`."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        return await self._api.list("Pod", selector, namespace)

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        """One pod."""
        return await self._api.get("Pod", name, namespace)

    async def claim(self, namespace: str, name: str) -> dict[str, Any] | None:
        """One volume claim."""
        return await self._api.get("PersistentVolumeClaim", name, namespace)

    async def create_pod(self, namespace: str, pod: dict[str, Any]) -> None:
        """Raises QuotaUsedUp. One of this name that is there already is the same run's, by another replica."""
        try:
            await self._api.create(pod)
        except ApiProblem as problem:
            if problem.status == 403 and "exceeded quota" in str(problem):
                raise QuotaUsedUp from problem
            if problem.status != 409:
                raise

    async def delete_pod(self, namespace: str, name: str) -> None:
        """At once: nothing in it is worth waiting for."""
        await self._api.delete("Pod", name, namespace, grace_s=0)
