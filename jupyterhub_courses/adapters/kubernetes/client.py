"""The few calls of Kubernetes' API that the service makes, over kubernetes_asyncio's connection and credentials.

Promises: every call ends within its limit; what is worth another try gets a few; a refusal says which verb on what, in
words. Objects go and come as the plain JSON of the API.
"""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration

from ...core.cluster import MANAGER
from ...core.hosts import HostAway, HostProblem

LIMIT_S = 10.0
LIST_LIMIT_S = 30.0
TRIES = 3
PAUSE_S, PAUSE_MAX_S = 0.2, 2.0
_AGAIN = {429, 500, 502, 503, 504}
#: Said by a server that cannot do it now, whatever it is; 500 may be about what was asked.
_AWAY = _AGAIN - {500}
_TEXT_MAX = 300
Keep = Callable[[dict[str, Any]], dict[str, Any]]
AT_ONCE = 50  # objects of a list that are read before somebody else has a turn
_ITEMS, _BETWEEN, _DECODER = re.compile(r'"items"\s*:\s*\['), re.compile(r"[\s,]*"), json.JSONDecoder()

#: kind -> (path of its API, plural). Namespaces alone are not in a namespace.
KINDS = {
    "Namespace": ("api/v1", "namespaces"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "LimitRange": ("api/v1", "limitranges"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "Secret": ("api/v1", "secrets"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Service": ("api/v1", "services"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "Event": ("api/v1", "events"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies"),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "Lease": ("apis/coordination.k8s.io/v1", "leases"),
}


class ApiProblem(HostProblem):
    """A call was refused or not answered. `status` is the answer's, 0 without one; the text is for a course's page."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class ApiAway(ApiProblem, HostAway):
    """It does not answer, or says that it cannot now: nothing is known about what was asked."""


class KubernetesApi:
    """One API server: of the pod that this runs in, else of KUBECONFIG. Opened by the first call."""

    def __init__(self, kubeconfig: str | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._client: Any = None
        self.requests = 0

    async def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def list(
        self, kind: str, selector: str = "", namespace: str | None = None, keep: Keep = lambda item: item
    ) -> list[dict[str, Any]]:
        """Objects of a kind, of one namespace or of all, each with its kind; by label selector.

        keep: what of each object is kept. Objects of a list do not tell their managers.
        """
        query = {"labelSelector": selector} if selector else {}
        text = await self._call("list", kind, namespace, query=query, limit=LIST_LIMIT_S)
        version = KINDS[kind][0].removeprefix("api/").removeprefix("apis/")  # a list's items do not say it
        return [keep({"apiVersion": version, "kind": kind, **item}) async for item in _items(text)]

    async def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """One object; None where there is none."""
        try:
            return _read(await self._call("get", kind, namespace, name))
        except ApiProblem as problem:
            if problem.status == 404:
                return None
            raise

    async def apply(self, manifest: Mapping[str, Any], dry_run: bool = False, manager: str = MANAGER) -> dict[str, Any]:
        """Server-side apply as our field manager; what it asked for before and no longer does, goes."""
        metadata = manifest["metadata"]
        query = {"fieldManager": manager, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        kind, namespace, name = manifest["kind"], metadata.get("namespace"), metadata["name"]
        return _read(await self._call("patch", kind, namespace, name, query, dict(manifest)))

    async def create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """A new object; ApiProblem with status 409 where it is there already."""
        kind, namespace = manifest["kind"], manifest["metadata"].get("namespace")
        return _read(await self._call("create", kind, namespace, body=dict(manifest)))

    async def update(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """An object as it was read, changed; ApiProblem with status 409 where another was faster."""
        metadata = manifest["metadata"]
        kind, namespace, name = manifest["kind"], metadata.get("namespace"), metadata["name"]
        return _read(await self._call("update", kind, namespace, name, body=dict(manifest)))

    async def delete(
        self, kind: str, name: str, namespace: str | None = None, grace_s: int | None = None, version: str | None = None
    ) -> bool:
        """Begin an object's end; False where there is none. `version`: ApiProblem with status 409 if it is another."""
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        if version is not None:
            body["preconditions"] = {"resourceVersion": version}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        try:
            await self._call("delete", kind, namespace, name, body=body)
        except ApiProblem as problem:
            if problem.status == 404:
                return False
            raise
        return True

    async def _call(
        self,
        verb: str,
        kind: str,
        namespace: str | None,
        name: str | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        limit: float = LIMIT_S,
    ) -> str:
        """The answer's text. Creating is tried once: a lost answer must not become two. All else may be said twice."""
        what = _what(verb, kind, namespace)
        for attempt in range(1, TRIES + 1):
            again = attempt < TRIES and verb != "create"
            try:
                status, headers, text = await self._send(verb, _path(kind, namespace, name), query, body, limit)
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                if not again:
                    raise ApiAway(f"The Kubernetes API does not answer ({type(error).__name__}).") from error
                await asyncio.sleep(PAUSE_S * attempt)
                continue
            if status < 300:
                return text
            if status not in _AGAIN or not again:
                problem = ApiAway if status in _AWAY or (status == 500 and verb in ("list", "get")) else ApiProblem
                raise problem(_refusal(status, text, what), status)
            await asyncio.sleep(min(PAUSE_MAX_S, _seconds(headers.get("Retry-After")) or PAUSE_S * attempt))
        raise AssertionError("the last try returns or raises")

    async def _send(
        self, verb: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None, limit: float
    ) -> tuple[int, Mapping[str, str], str]:
        client = await self._open()
        methods = {"list": "GET", "get": "GET", "patch": "PATCH", "create": "POST", "update": "PUT", "delete": "DELETE"}
        content = "application/apply-patch+yaml" if verb == "patch" else "application/json"
        self.requests += 1
        answer = await client.call_api(
            f"/{path}",
            methods[verb],
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=limit,
        )
        async with answer:
            return answer.status, answer.headers, await answer.text()

    async def _open(self) -> Any:
        if self._client is None:
            configuration = Configuration()
            try:
                if self._kubeconfig is None:
                    config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
                else:
                    await config.load_kube_config(self._kubeconfig, client_configuration=configuration)
            except (config.ConfigException, OSError) as error:
                raise ApiProblem(f"How to reach the Kubernetes API is not known: {error}") from error
            configuration.connection_pool_maxsize = 20
            self._client = ApiClient(configuration)
        return self._client


def _read(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


async def _items(text: str) -> AsyncIterator[dict[str, Any]]:
    """A list's objects without their managers, some at a time: those of a thousand courses are no reason to wait."""
    found = _ITEMS.search(text)
    if found is None:
        return
    at = found.end()
    for number in itertools.count(1):
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if text.startswith("]", at):
            return
        item, at = _DECODER.raw_decode(text, at)
        item["metadata"].pop("managedFields", None)  # half of it
        yield item
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)


def _path(kind: str, namespace: str | None, name: str | None) -> str:
    base, plural = KINDS[kind]
    parts = [base, *(["namespaces", namespace] if namespace else []), plural, *([quote(name)] if name else [])]
    return "/".join(parts)


def _what(verb: str, kind: str, namespace: str | None) -> str:
    return f"{verb} {KINDS[kind][1]}" + (f" in {namespace}" if namespace else "")


def _refusal(status: int, text: str, what: str) -> str:
    """A Status object's message, shortened; of a missing right, which verb on what."""
    try:
        told = json.loads(text)
        message = str(told.get("message", "")) if isinstance(told, dict) else ""
    except ValueError:
        message = ""
    if status == 403 and "cannot" in message:
        return f"A right is missing: the service may not {what}."
    return f"The Kubernetes API refused to {what} ({status}): {message or text}"[:_TEXT_MAX]


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdigit() else None
