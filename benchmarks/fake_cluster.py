"""The cluster of cluster.py: a real API server, controllers and scheduler with fake nodes, on which pods seem to run.

Promises: only nodes that say that they are fake are touched. `Requests` counts what this process asks of the API
server, whoever in it asks.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes_asyncio.client.rest import RESTClientObject

from jupyterhub_courses.adapters.kubernetes import ApiProblem, KubernetesApi

FAKE, PODS_A_NODE = "type=kwok", 110
AT_ONCE = 16
Manifest = dict[str, Any]


class Requests(Counter[str]):
    """`verb kind` -> how many, between `with` and its end."""

    def __enter__(self) -> "Requests":
        self._request = request = RESTClientObject.request

        async def counted(this: Any, method: str, url: str, query_params: Any = None, **more: Any) -> Any:
            self[_said(method, url, query_params)] += 1
            return await request(this, method, url, query_params=query_params, **more)

        RESTClientObject.request = counted
        return self

    def __exit__(self, *_: object) -> None:
        RESTClientObject.request = self._request


def _said(method: str, url: str, query: Any) -> str:
    parts, asked = urlsplit(url), dict(query or ())
    asked.update({name: values[0] for name, values in parse_qs(parts.query).items()})
    path = parts.path.strip("/").split("/")
    path = path[2:] if path[0] == "api" else path[3:]
    if path[0] == "namespaces" and len(path) > 2:
        path = path[2:]
    verb = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}.get(method, "get")
    if method == "GET" and len(path) == 1:
        verb = "watch" if str(asked.get("watch", "")).lower() == "true" else "list"
    return f"{verb} {path[0]}"


class FakeCluster:
    """What KUBECONFIG names; made for `pods` pods by `prepare`."""

    def __init__(self) -> None:
        self.kubeconfig = os.environ["KUBECONFIG"]
        self.api = KubernetesApi(self.kubeconfig)

    async def prepare(self, pods: int) -> None:
        """Everything may run on the fake nodes. Raises SystemExit where they are too few, or a real one is there."""
        nodes = await self._nodes()
        self.nodes = [one["metadata"]["name"] for one in nodes if one["metadata"]["labels"].get("type") == "kwok"]
        if len(self.nodes) < len(nodes):
            raise SystemExit("This cluster has real nodes: the benchmark wants one of fake nodes alone.")
        if len(self.nodes) * PODS_A_NODE < pods:
            raise SystemExit(f"{pods} pods need {-(-pods // PODS_A_NODE)} fake nodes; there are {len(self.nodes)}.")
        for node in nodes:
            if node["spec"].pop("taints", None):
                await self._call("PUT", f"nodes/{node['metadata']['name']}", node)

    async def _nodes(self) -> list[Manifest]:
        return list((await self._call("GET", "nodes"))["items"])

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        client = await self.api._open()
        answer = await client.call_api(
            f"/api/v1/{path}",
            method,
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
        )
        async with answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def make(self, manifests: Iterable[Manifest]) -> None:
        """Objects that may be there already."""
        waiting = iter(manifests)

        async def worker() -> None:
            for one in waiting:
                try:
                    await self.api.create(one)
                except ApiProblem as problem:
                    if problem.status != 409:
                        raise

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    async def run_pods(self, pods: list[Manifest]) -> None:
        """Pods, each on a node already: it is not the scheduler that is measured. Waits until all seem to run."""
        for number, pod in enumerate(pods):
            pod["spec"]["nodeName"] = self.nodes[number % len(self.nodes)]
        await self.make(pods)
        for namespace in {pod["metadata"]["namespace"] for pod in pods}:
            while True:
                there = await self.api.list("Pod", namespace=namespace)
                names = {one["metadata"]["name"] for one in there if one["status"].get("phase") == "Running"}
                if all(p["metadata"]["name"] in names for p in pods if p["metadata"]["namespace"] == namespace):
                    break
                await asyncio.sleep(0.5)

    async def until_available(self, name: str, namespace: str) -> None:
        """A Deployment's pod is ready."""
        while True:
            live = await self.api.get("Deployment", name, namespace)
            if live is not None and live.get("status", {}).get("availableReplicas"):
                return
            await asyncio.sleep(0.02)


def is_there() -> bool:
    """Whether KUBECONFIG names a cluster."""
    return Path(os.environ.get("KUBECONFIG") or "/nonexistent").exists()
