"""One watch of one kind of object in one namespace, for as long as somebody needs it.

It is up to date from `begun()` on, and never gives up: a connection that ends is taken up where it was, a version
that is too old begins anew. Only a first answer that is a no is an error, and it is the caller's.
"""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import aiohttp
from kubernetes_asyncio.client.exceptions import ApiException

TURN_S = 40  # a connection that died unnoticed is noticed after this and the pause below
PAUSE_S = 8
FIRST_S = 10  # for the first answer
DELAYS_S = (0.2, 0.5, 1.0, 3.0, 8.0)
Keep = Callable[[dict[str, Any]], dict[str, Any]]
FAULTS = (ApiException, aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError)


class Watch:
    """The objects by name, as the API server tells them.

    call: `list_namespaced_…` of a client. listed: begin with a list, so that what is missing is known to be missing;
    otherwise what is there comes as the first events. keep: what of each object is kept.
    """

    def __init__(
        self, call: Any, namespace: str, selectors: dict[str, str], *, listed: bool, keep: Keep, log: Any
    ) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.version: str | None = None  # of the newest of them
        self.live = False  # what `objects` says is so now
        self._call, self._namespace, self._selectors, self._log = call, namespace, selectors, log
        self._listed, self._keep = listed, keep
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tell_whom: set[asyncio.Future[None]] = set()
        self._task = asyncio.create_task(self._run())

    async def begun(self) -> None:
        """Wait for the first answer. Raises what the call raised, if that is a no."""
        await asyncio.shield(self._begun)

    def on_change(self, told: "asyncio.Future[None]") -> None:
        """`told` is done at the next change."""
        self._tell_whom.add(told)

    async def end(self) -> None:
        """Close the connection."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self._begun.done():
            self._begun.set_exception(ConnectionError("ended"))
        self._begun.exception()  # seen
        self._tell()

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._turn()
                failures = 0
                await asyncio.sleep(DELAYS_S[0])  # a server that closes at once is not asked at once
            except FAULTS as error:
                self.live = False
                if not self._begun.done():
                    self._begun.set_exception(error)
                    return
                if getattr(error, "status", None) == 410:  # the version is too old by now
                    self.version = None
                else:
                    said = f"{type(error).__name__} {getattr(error, 'status', '')}".strip()
                    self._log.warning("Watch of namespace %s: %s; going on", self._namespace, said)
                await asyncio.sleep(DELAYS_S[min(failures, len(DELAYS_S) - 1)] * random.uniform(0.5, 1.5))
                failures += 1

    async def _turn(self) -> None:
        if self.version is None and self._listed:
            await self._list()
        limit = aiohttp.ClientTimeout(total=None, sock_connect=FIRST_S, sock_read=TURN_S + PAUSE_S)
        more = {"resource_version": self.version} if self.version is not None else {}
        response = await self._request(
            watch=True, allow_watch_bookmarks=True, timeout_seconds=TURN_S, _request_timeout=limit, **more
        )
        try:
            if self.version is None:
                self.objects.clear()
            self._now_live()
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    self._take(json.loads(line))
        finally:
            response.close()

    async def _list(self) -> None:
        response = await self._request(_request_timeout=FIRST_S)
        found = json.loads(await response.read())
        # At once: whoever looks meanwhile must not believe that nothing is there.
        self.objects.clear()
        self.objects.update({item["metadata"]["name"]: self._keep(item) for item in found["items"]})
        self.version = found["metadata"]["resourceVersion"]
        self._now_live()

    async def _request(self, **more: Any) -> aiohttp.ClientResponse:
        response = await self._call(self._namespace, _preload_content=False, **self._selectors, **more)
        if response.status != 200:
            body = (await response.content.read(10_000)).decode(errors="replace")
            response.close()
            error = ApiException(status=response.status, reason=response.reason)
            error.body = body
            raise error
        return response

    def _take(self, event: dict[str, Any]) -> None:
        item = event["object"]
        if event["type"] == "ERROR":
            raise ApiException(status=item.get("code"), reason=item.get("reason"))
        self.version = item["metadata"]["resourceVersion"]
        if event["type"] == "DELETED":
            self.objects.pop(item["metadata"]["name"], None)
        elif event["type"] != "BOOKMARK":
            self.objects[item["metadata"]["name"]] = self._keep(item)
        self._tell()

    def _now_live(self) -> None:
        self.live = True
        if not self._begun.done():
            self._begun.set_result(None)
        self._tell()

    def _tell(self) -> None:
        told, self._tell_whom = self._tell_whom, set()
        for one in told:
            if not one.done():
                one.set_result(None)
