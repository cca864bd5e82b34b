"""What the hub knows of the server pods in each course's namespace, at a price that does not grow with courses.

While a server of a course starts or stops its namespace is watched, by one watch of pods and one of events that all
starts of the course share. They stay for a minute after that, of no more than some namespaces: a class starts together.
Otherwise nothing is connected: who polls gets a list of the namespace's server pods, which all servers of the namespace
share for some seconds. An answer that does not come is Unknown, never "not there".
`Namespace` has what KubeSpawner expects of its reflectors: `pods`, `events`.
"""

import asyncio
import json
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.client.exceptions import ApiException
from kubespawner.clients import shared_client

from .watching import FAULTS, Keep, Watch

SHARED_S = 10.0  # a list is good for so long
FORGET_S = 20.0  # what nobody asks about for so long is not kept
LOOK_S = 10.0  # a list may take so long
LOOKS = 16  # lists at once, over all namespaces
STAY_S = 60.0  # watches stay connected after their last use
STAYING = 32  # namespaces whose watches stay without being used


class Unknown(Exception):
    """The API server gave no answer, or not this one. `status`: its HTTP status, None if it did not answer."""

    def __init__(self, error: Exception) -> None:
        self.status: int | None = getattr(error, "status", None)
        self.body = str(getattr(error, "body", None) or "")
        super().__init__(f"{type(error).__name__}{f' {self.status}' if self.status else ''}")


class Namespace:
    """One namespace's server pods and their events. `ref_key` of a pod is `namespace/name`, as in KubeSpawner."""

    def __init__(self, name: str, selector: str, cluster: "Cluster", log: Any) -> None:
        self.name, self._selector, self._cluster, self._log = name, selector, cluster, log
        self._pods: dict[str, dict[str, Any]] = {}
        self._events: dict[str, dict[str, Any]] = {}
        self._pod_watch: Watch | None = None
        self._event_watch: Watch | None = None
        self._holders = 0
        self._version: str | None = None  # the newest that was seen: nothing older is ever believed
        self._looking: asyncio.Task[None] | None = None
        self._good_until, self._failed, self._holds = float("-inf"), None, 0
        self._forgetting: asyncio.TimerHandle | None = None

    @property
    def pods(self) -> dict[str, dict[str, Any]]:
        """By `namespace/name`."""
        objects = self._pod_watch.objects if self._pod_watch else self._pods
        return {f"{self.name}/{name}": pod for name, pod in objects.items()}

    @property
    def events(self) -> list[dict[str, Any]]:
        """The latest last."""
        objects = self._event_watch.objects if self._event_watch else self._events
        return sorted(objects.values(), key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")

    def pod(self, name: str) -> dict[str, Any] | None:
        """The pod `name`, as last seen."""
        return (self._pod_watch.objects if self._pod_watch else self._pods).get(name)

    def change(self) -> "asyncio.Future[Any]":
        """While held: done as soon as something changes from now on."""
        watches = [watch for watch in (self._pod_watch, self._event_watch) if watch is not None]
        changed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        for watch in watches:
            watch.on_change(changed)
        return changed

    @asynccontextmanager
    async def held(self, *, events: bool = False) -> AsyncIterator["Namespace"]:
        """Inside, `pods` (and `events`) are what is so now. Raises Unknown if that cannot be had."""
        self._holders += 1
        self._cluster.use(self)
        self._good_until = float("-inf")
        try:
            await self._begin(events)
            yield self
        finally:
            self._holders -= 1
            if not self._holders:
                if self._is_live:
                    self._cluster.stay(self)
                else:
                    await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _begin(self, events: bool) -> None:
        if self._holders == 1 and not self._is_live:
            await self._close()  # it stayed, and broke: who starts now need not wait until it is mended
        if self._pod_watch is None:
            self._holds += 1
            self._pod_watch = self._watch("pod", {"label_selector": self._selector}, listed=True, keep=_slim)
        if events and self._event_watch is None:
            kind = {"field_selector": "involvedObject.kind=Pod"}
            self._event_watch = self._watch("event", kind, listed=False, keep=_without_managers)
        await self._until_begun(self._pod_watch)
        if events:
            await self._until_begun(self._event_watch)

    @property
    def _is_live(self) -> bool:
        return all(watch.live for watch in (self._pod_watch, self._event_watch) if watch is not None)

    async def look(self) -> None:
        """Bring `pods` up to date unless they are fresh. Raises Unknown; `pods` then stay as they were."""
        if not self._holders and not self._is_live:
            self._cluster.use(self)
            await self._close()  # it stayed, and broke
        if self._pod_watch is not None:
            await self._until_begun(self._pod_watch)
            return
        if asyncio.get_running_loop().time() >= self._good_until:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)
        if self._failed is not None:
            raise self._failed

    @staticmethod
    async def _until_begun(watch: Watch) -> None:
        try:
            await watch.begun()
        except FAULTS as error:
            raise Unknown(error) from error
        if not watch.live:
            raise Unknown(ConnectionError("watch interrupted"))

    async def _look(self) -> None:
        holds = self._holds
        version = {"resource_version": self._version, "resource_version_match": "NotOlderThan"} if self._version else {}
        try:
            async with self._cluster.turns:
                response = await self._cluster.api.list_namespaced_pod(
                    self.name, label_selector=self._selector, _preload_content=False, _request_timeout=LOOK_S, **version
                )
                body = await response.read()
            if response.status != 200:
                error = ApiException(status=response.status, reason=response.reason)
                error.body = body[:10_000].decode(errors="replace")
                raise error
            found = json.loads(body)
            if holds != self._holds:
                return  # a watch knew better meanwhile
            self._pods = {item["metadata"]["name"]: _slim(item) for item in found["items"]}
            self._version, self._failed = found["metadata"]["resourceVersion"], None
        except FAULTS as error:
            if self._failed is None:
                self._log.warning("Pods of namespace %s are not known now: %s", self.name, Unknown(error))
            self._version, self._failed = None, Unknown(error)
        self._fresh()

    def _watch(self, kind: str, selectors: dict[str, str], *, listed: bool, keep: Keep) -> Watch:
        call = getattr(self._cluster.watching_api, f"list_namespaced_{kind}")
        return Watch(call, self.name, selectors, listed=listed, keep=keep, log=self._log)

    async def end(self) -> None:
        """Close the watches, unless somebody uses them."""
        if not self._holders:
            await self._close()

    async def _close(self) -> None:
        pods, events = self._pod_watch, self._event_watch
        self._pod_watch = self._event_watch = None
        if events is not None:
            self._events = events.objects
        if pods is not None and pods.live:
            self._pods = pods.objects
            self._version, self._failed = pods.version, None
            self._fresh()
        for watch in (pods, events):
            if watch is not None:
                await watch.end()

    def _fresh(self) -> None:
        loop = asyncio.get_running_loop()
        self._good_until = loop.time() + SHARED_S
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = loop.call_later(FORGET_S, self._forget)

    def _forget(self) -> None:
        self._pods, self._events, self._forgetting = {}, {}, None


def _slim(pod: dict[str, Any]) -> dict[str, Any]:
    """What starts and polls read of a pod, and what a `get_pod_url` may: most of a pod is its spec."""
    containers = [{"name": one["name"], "ports": one.get("ports", [])} for one in pod["spec"]["containers"]]
    return {**_without_managers(pod), "spec": {"containers": containers}}


def _without_managers(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    return {**item, "metadata": metadata}


class Cluster:
    """The namespaces of one hub process."""

    def __init__(self, api: CoreV1Api) -> None:
        self.api = api
        self.turns = asyncio.Semaphore(LOOKS)
        # A client of its own: KubeSpawner's has a hundred connections, and a watch keeps one for as long as it lasts.
        settings = api.api_client.configuration.get_default_copy()
        settings.connection_pool_maxsize = 0
        self.watching_api = shared_client("CoreV1Api", ApiClient(settings))
        self._namespaces: dict[tuple[str, str], Namespace] = {}
        self._staying: dict[Namespace, asyncio.TimerHandle] = {}  # nobody uses them; the oldest first
        self._ending: set[asyncio.Task[None]] = set()

    def namespace(self, name: str, selector: str, log: Any) -> Namespace:
        """What is known of the pods with these labels in `name`; the same object for the same names."""
        key = (name, selector)
        if key not in self._namespaces:
            self._namespaces[key] = Namespace(name, selector, self, log)
        return self._namespaces[key]

    def use(self, namespace: Namespace) -> None:
        """Somebody uses its watches."""
        timer = self._staying.pop(namespace, None)
        if timer is not None:
            timer.cancel()

    def stay(self, namespace: Namespace) -> None:
        """Nobody uses its watches any more: they end in a while, or when too many others stay."""
        self.use(namespace)
        self._staying[namespace] = asyncio.get_running_loop().call_later(STAY_S, self._end, namespace)
        while len(self._staying) > STAYING:
            self._end(next(iter(self._staying)))

    def _end(self, namespace: Namespace) -> None:
        self.use(namespace)
        ending = asyncio.create_task(namespace.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


_clusters: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Cluster]]" = weakref.WeakKeyDictionary()


def cluster_of(api: CoreV1Api) -> Cluster:
    """The cluster behind a client; one for a client and an event loop."""
    known = _clusters.setdefault(asyncio.get_running_loop(), {})
    if id(api) not in known:
        known[id(api)] = Cluster(api)
    return known[id(api)]
