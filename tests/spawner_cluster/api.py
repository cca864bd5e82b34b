"""An API server as far as a spawner asks it, from memory, with switches for faults.

A real one is asked in tests/cluster.
"""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

Fault = Callable[[str, str, str], tuple[int, str] | None]


@dataclass
class Api:
    """`fault(verb, resource, namespace)` may answer instead; `asked`: every request; `watching`: open watches."""

    fault: Fault | None = None
    starts: bool = True  # whether a new pod runs at once
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    watching: Counter[tuple[str, str]] = field(default_factory=Counter)
    most_watching: int = 0
    pods: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    claims: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    events: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    port: int = 0
    runner: web.AppRunner | None = None
    listing: asyncio.Event | None = None  # while there and not set, a list waits for it
    _version: Any = field(default_factory=lambda: itertools.count(100))
    _past: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    _queues: list[tuple[str, str, asyncio.Queue[Any]]] = field(default_factory=list)

    async def start(self) -> None:
        app = web.Application()
        path = "/api/v1/namespaces/{namespace}/{resource}"
        app.router.add_get(path, self._get)
        app.router.add_post(path, self._create)
        app.router.add_delete(path + "/{name}", self._delete)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """The API server is away."""
        if self.runner is not None:
            self.break_watches()
            await self.runner.cleanup()
            self.runner = None

    def kubeconfig(self) -> str:
        cluster = {"server": f"http://127.0.0.1:{self.port}"}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "x",
                "clusters": [{"name": "x", "cluster": cluster}],
                "users": [{"name": "x", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            }
        )

    def count(self, verb: str, resource: str = "pods") -> int:
        return sum(1 for asked in self.asked if asked[:2] == (verb, resource))

    # -- what happens on the cluster

    def put(self, resource: str, namespace: str, item: dict[str, Any], kind: str = "MODIFIED") -> dict[str, Any]:
        item["metadata"]["resourceVersion"] = str(next(self._version))
        item["metadata"].setdefault("uid", f"uid-{item['metadata']['resourceVersion']}")
        item["metadata"]["namespace"] = namespace
        getattr(self, resource)[namespace, item["metadata"]["name"]] = item
        self._tell(resource, namespace, kind, item)
        return item

    def remove(self, namespace: str, name: str) -> None:
        pod = self.pods.pop((namespace, name))
        pod["metadata"]["resourceVersion"] = str(next(self._version))
        self._tell("pods", namespace, "DELETED", pod)

    def run(self, namespace: str, name: str, **status: Any) -> None:
        """The pod's status from now on: it runs, or what `status` says."""
        pod = self.pods[namespace, name]
        ready = [{"name": "notebook", "ready": True, "state": {"running": {}}}]
        pod["status"] = status or {"phase": "Running", "podIP": "10.0.0.7", "containerStatuses": ready}
        self.put("pods", namespace, pod)

    def break_watches(self, error: dict[str, Any] | None = None) -> None:
        """Close all watches, after an ERROR if one is given."""
        for _, _, queue in self._queues:
            if error:
                queue.put_nowait({"type": "ERROR", "object": error})
            queue.put_nowait(None)

    def _tell(self, resource: str, namespace: str, kind: str, item: dict[str, Any]) -> None:
        event = {"type": kind, "object": json.loads(json.dumps(item))}
        self._past.append((resource, namespace, event))
        for wanted, where, queue in self._queues:
            if (wanted, where) == (resource, namespace):
                queue.put_nowait(event)

    # -- requests

    def _asked(self, request: web.Request, verb: str) -> web.Response | None:
        resource, namespace = request.match_info["resource"], request.match_info["namespace"]
        self.asked.append((verb, resource, namespace))
        answer = self.fault(verb, resource, namespace) if self.fault else None
        if answer is None:
            return None
        status, message = answer
        return web.json_response({"kind": "Status", "message": message, "code": status}, status=status)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        resource, namespace = request.match_info["resource"], request.match_info["namespace"]
        watch = "watch" in request.query
        refused = self._asked(request, "watch" if watch else "list")
        if refused is not None:
            return refused
        items = [item for (where, _), item in getattr(self, resource).items() if where == namespace]
        if watch:
            return await self._watch(request, resource, namespace, items)
        answer = {"items": json.loads(json.dumps(items)), "metadata": {"resourceVersion": str(next(self._version))}}
        if self.listing is not None:
            await self.listing.wait()
        return web.json_response(answer)

    async def _watch(
        self, request: web.Request, resource: str, namespace: str, items: list[dict[str, Any]]
    ) -> web.StreamResponse:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        since = int(request.query.get("resourceVersion") or 0)
        for item in () if since else items:
            queue.put_nowait({"type": "ADDED", "object": json.loads(json.dumps(item))})
        for wanted, where, event in self._past if since else ():
            if (wanted, where) == (resource, namespace) and _version_of(event) > since:
                queue.put_nowait(event)
        entry = (resource, namespace, queue)
        self._queues.append(entry)
        self.watching[resource, namespace] += 1
        self.most_watching = max(self.most_watching, self.watching.total())
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while (event := await queue.get()) is not None:
                line = json.dumps(event).encode() + b"\n"
                await response.write(line[:20])  # a line need not come at once
                await response.write(line[20:])
        except ConnectionError:
            pass
        finally:
            self._queues.remove(entry)
            self.watching[resource, namespace] -= 1
        return response

    async def _create(self, request: web.Request) -> web.Response:
        resource, namespace = request.match_info["resource"], request.match_info["namespace"]
        refused = self._asked(request, "create")
        if refused is not None:
            return refused
        item = await request.json()
        known = self.pods if resource == "pods" else self.claims
        name = item["metadata"]["name"]
        if (namespace, name) in known:
            body = {"kind": "Status", "message": f"{resource} {name} already exists", "reason": "AlreadyExists"}
            return web.json_response({**body, "code": 409}, status=409)
        if resource != "pods":
            self.claims[namespace, name] = item
            return web.json_response({"metadata": {"name": name}}, status=201)
        item["status"] = {"phase": "Pending"}
        self.put("pods", namespace, item, "ADDED")
        if self.starts:
            self.run(namespace, name)
        return web.json_response({"metadata": {"name": name}}, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        refused = self._asked(request, "delete")
        if refused is not None:
            return refused
        if (namespace, name) not in self.pods:
            return web.json_response({"kind": "Status", "message": "not found", "code": 404}, status=404)
        self.remove(namespace, name)
        return web.json_response({"kind": "Status", "status": "Success"})


def _version_of(event: dict[str, Any]) -> int:
    return int(event["object"]["metadata"]["resourceVersion"])
