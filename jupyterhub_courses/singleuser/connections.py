"""Open connections (kernels, terminals, events, …) of people who may no longer use this server are closed.

A page asks who somebody is with every request; a websocket only when it is opened. So the hub is asked again, with the
token that opened it, whether its person still may. The server's own person is left out: of theirs, the whole server is
stopped. A hub that does not answer closes nobody; it is asked again.
"""

import asyncio
import weakref
from collections import defaultdict
from typing import Any

from tornado.websocket import WebSocketHandler

EVERY_S = 30.0  # the hub's own clock is a minute: together well below two
HUB_S = 10.0  # that one answer may take
PARALLEL = 4
NOT_ALLOWED = 1008  # policy violation, https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1


class Connections:
    """The websockets of this server by the token that opened them. `owner`: the user whose server it is."""

    def __init__(self, hub_auth: Any, owner: str, log: Any) -> None:
        self._hub_auth, self._owner, self._log = hub_auth, owner, log
        self._opened: weakref.WeakKeyDictionary[WebSocketHandler, tuple[str, str]] = weakref.WeakKeyDictionary()

    @property
    def every(self) -> float:
        """Seconds between two looks: within the time for which the server believes what the hub said."""
        return min(EVERY_S, self._hub_auth.cache_max_age / 2 or EVERY_S)  # 0 there: for ever

    def admitted(self, handler: Any, username: str) -> None:
        """The hub let `username` open this handler; one that is no websocket asks anew each time."""
        if not isinstance(handler, WebSocketHandler) or username == self._owner:
            return
        if getattr(handler, "_token_authenticated", False):  # else a token in the request was not what let them in
            token = self._hub_auth.get_token(handler, in_cookie=False)
        else:
            token = self._hub_auth._get_token_cookie(handler)
        if token:
            self._opened[handler] = (token, username)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self.every)
            try:
                await self.look()
            except Exception:
                self._log.exception("Who may keep their connections was not found out; it is asked again")

    async def look(self) -> None:
        """Ask the hub once for each token with an open connection, and close those that it no longer lets in."""
        by_token: dict[tuple[str, str], list[WebSocketHandler]] = defaultdict(list)
        for handler, whose in list(self._opened.items()):
            if handler.ws_connection is not None:
                by_token[whose].append(handler)
        limit = asyncio.Semaphore(PARALLEL)

        async def one(token: str, username: str) -> None:
            async with limit:
                if not await self._lost(token):
                    return
            self._forget()
            handlers = by_token[token, username]
            self._log.warning("Somebody may no longer use this server: %d connections closed", len(handlers))
            for handler in handlers:
                end(handler)

        await asyncio.gather(*(one(*whose) for whose in by_token))

    def _forget(self) -> None:
        """What the hub said before: their page, which tries again at once, would get in for another minute."""
        known = self._hub_auth.cache
        self._hub_auth.cache = type(known)(known.max_age)

    async def _lost(self, token: str) -> bool:
        """Whether the hub says that the token opens this server no more; False where it does not answer."""
        try:
            async with asyncio.timeout(HUB_S):
                # Not from the cache, whose minute would come on top of the hub's.
                user = await self._hub_auth.user_for_token(token, use_cache=False, sync=False)
        except Exception as error:
            self._log.warning("The hub does not say who may keep their connections: %s", type(error).__name__)
            return False
        return user is None or not self._hub_auth.check_scopes(self._hub_auth.access_scopes, user)


def end(handler: Any) -> None:
    """Close a websocket now: what the browser still sends before it has closed its side counts no more."""
    handler.on_message = lambda *_: None
    handler.close(NOT_ALLOWED, "no longer allowed")
    handler.on_connection_close()
