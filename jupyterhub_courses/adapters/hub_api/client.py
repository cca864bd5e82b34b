"""Users, servers and tokens of the hub, over one kept-alive session with a 5 s limit for every call.

Whose token it is gets asked of the hub with that very token and is remembered for at most 30 s, by the token's hash.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from json import loads
from typing import Any
from urllib.parse import quote

import aiohttp

from ...core.batches import batches
from ...core.names import TAKEN_NAMES_MAX, TAKEN_NAMES_PATH

LIMIT = aiohttp.ClientTimeout(total=5)
REMEMBERED = 30.0  # seconds; well below the two minutes within which a demotion has to work
REMEMBERED_MAX = 5000
BODY_MAX = 8 << 20


class HubDown(Exception):
    """The hub did not answer, or not in time."""


@dataclass(frozen=True)
class TokenModel:
    """Whom a token speaks for: a user, whether an admin, and the token's scopes."""

    name: str
    admin: bool
    scopes: frozenset[str]

    @property
    def servers(self) -> frozenset[str]:
        """Names of the person's own servers that the token is bound to; none for a token that a person made.

        A server's token carries `access:servers!server=<user>/<name>` (the hub setting `Spawner.server_token_scopes`).
        Made by a person it says `!user=<user>` instead, and beside it the servers of others that their roles open.
        """
        prefix = f"access:servers!server={self.name}/"
        return frozenset(scope.removeprefix(prefix) for scope in self.scopes if scope.startswith(prefix))

    def opens_service(self, name: str) -> bool:
        """Whether the token may be used at the hub's service `name`: one made for less speaks for nobody there."""
        return not self.scopes.isdisjoint({"access:services", f"access:services!service={name}"})


class HubApi:
    """One hub; its session is opened by the first call and closed by `close`."""

    def __init__(self, url: str, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._token, self._clock = url.rstrip("/"), token, clock
        self._session: aiohttp.ClientSession | None = None
        self._known: OrderedDict[bytes, tuple[float, TokenModel | None]] = OrderedDict()

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def user_exists(self, username: str) -> bool:
        """Whether the hub has such a user. Raises HubDown."""
        status, _ = await self._call("GET", f"/users/{quote(username, safe='')}")
        if status not in (200, 404):
            raise HubDown(f"the hub answered {status} to asking for a user")
        return status == 200

    async def taken_names(self, names: Iterable[str]) -> set[str]:
        """Which of the names are users of the hub. Raises HubDown."""
        taken: set[str] = set()
        for some in batches(sorted(names), TAKEN_NAMES_MAX):
            status, model = await self._call("POST", TAKEN_NAMES_PATH, {"names": list(some)})
            found = model.get("taken") if status == 200 and isinstance(model, dict) else None
            if not isinstance(found, list):
                raise HubDown(f"the hub answered {status} to asking for names")
            taken.update(map(str, found))
        return taken

    async def is_admin(self, username: str) -> bool:
        """Whether the hub has such a user, and it is an administrator. Raises HubDown."""
        status, model = await self._call("GET", f"/users/{quote(username, safe='')}")
        if status not in (200, 404):
            raise HubDown(f"the hub answered {status} to asking for a user")
        return status == 200 and isinstance(model, dict) and model.get("admin") is True

    async def ensure_user(self, username: str) -> None:
        """Make a user without password or role; an existing one is fine. Raises HubDown."""
        status, _ = await self._call("POST", f"/users/{quote(username, safe='')}")
        if status not in (201, 409):
            raise HubDown(f"the hub answered {status} to making a user")

    async def stop_server(self, username: str, server: str) -> bool:
        """Stop a named server; True when it is stopped or was not there, False while it is stopping."""
        path = f"/users/{quote(username, safe='')}/servers/{quote(server, safe='')}"
        status, _ = await self._call("DELETE", path, {"remove": False})
        return status in (204, 404)

    async def running_servers(self, server: str) -> list[str]:
        """The users whose server of this name runs or starts. Raises HubDown."""
        return [username for username, name in await self.active_servers() if name == server]

    async def active_servers(self) -> list[tuple[str, str]]:
        """(username, name) of every server that runs, starts or stops. Raises HubDown."""
        found: list[tuple[str, str]] = []
        offset = 0
        while True:
            status, users = await self._call("GET", f"/users?state=active&limit=200&offset={offset}")
            if status != 200 or not isinstance(users, list):
                raise HubDown(f"the hub answered {status} to listing users")
            found += [(u["name"], name) for u in users for name in u.get("servers") or ()]
            if len(users) < 200:
                return found
            offset += len(users)

    async def whose(self, token: str) -> TokenModel | None:
        """Whom a token speaks for; None for one that the hub does not know. Raises HubDown."""
        key = hashlib.sha256(token.encode()).digest()
        known = self._known.get(key)
        if known and known[0] > self._clock():
            return known[1]
        status, model = await self._call("GET", "/user", token=token)
        if status not in (200, 401, 403):
            raise HubDown(f"the hub answered {status} to a token")
        found = None
        if status == 200 and isinstance(model, dict) and model.get("kind", "user") == "user":
            found = TokenModel(str(model["name"]), bool(model.get("admin")), frozenset(model.get("scopes") or ()))
        self._known[key] = (self._clock() + REMEMBERED, found)
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return found

    async def _call(self, method: str, path: str, json: Any = None, token: str | None = None) -> tuple[int, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=LIMIT)
        headers = {"Authorization": f"token {token or self._token}"}
        try:
            async with self._session.request(
                method, self._url + path, json=json, headers=headers, allow_redirects=False
            ) as response:
                body = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    body += chunk
                    if len(body) > BODY_MAX:
                        raise HubDown("the hub's answer is too large")
                is_json = response.content_type == "application/json" and body
                return response.status, (loads(bytes(body)) if is_json else None)
        except (TimeoutError, ValueError, OSError, aiohttp.ClientError) as error:
            raise HubDown(type(error).__name__) from error
