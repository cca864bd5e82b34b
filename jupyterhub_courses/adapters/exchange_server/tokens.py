"""Who holds a token: the courses service itself, a person's server of this course, or nobody we let in.

Promises: a token is asked about at the hub at most once a minute, never without a time limit, and is kept
here only as a hash; the answer depends on the hub's words alone (design: a server's token speaks for its
course). A hub that does not answer is `Refusal` 503, never a guess.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

ADMIN_NAME = "courses-service"
KEEP_S = 60.0  # a stopped server's token is refused at the latest after this
KEEP_TOKENS = 4096
HUB_LIMIT_S = 5.0
HUB_ANSWER_MAX = 4 * 1024 * 1024

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}")


@dataclass(frozen=True)
class Identity:
    """The acting person, or (`admin`) the courses service. Being admin never follows from a name."""

    name: str
    admin: bool = False


@dataclass(frozen=True)
class Refusal(Exception):
    """An answer that ends a request: HTTP status, a code for programs, a sentence for people."""

    status: int
    code: str
    message: str


NO_TOKEN = Refusal(401, "token-missing", "This exchange needs the token of a server of its course.")
UNKNOWN_TOKEN = Refusal(401, "token-unknown", "The token is not, or no longer, valid. Restart your server.")
FOREIGN_TOKEN = Refusal(403, "token-foreign", "This token is not from a server of this course.")
HUB_DOWN = Refusal(503, "hub-unreachable", "The hub could not be asked who you are. Try again in a moment.")


def token_of(authorization: str | None) -> str:
    """The token in an Authorization header of the schemes `token` and `Bearer`; raises NO_TOKEN."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() not in ("token", "bearer") or not token:
        raise NO_TOKEN
    if not _TOKEN.fullmatch(token):
        raise UNKNOWN_TOKEN
    return token


def identity_of(model: Any, course: str) -> Identity:
    """The person whose server of `course` a token belongs to, from the hub's model of it; raises FOREIGN_TOKEN.

    The hub expands the scope `access:servers!server` of a server's token to `…!server=<user>/<server name>`
    (https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html). A wider scope, such as an administrator's, is no
    server's token and is refused too.
    """
    if not isinstance(model, dict) or model.get("kind") != "user" or not isinstance(model.get("name"), str):
        raise FOREIGN_TOKEN
    name, scopes = model["name"], model.get("scopes")
    if not isinstance(scopes, list) or f"access:servers!server={name}/{course}" not in scopes:
        raise FOREIGN_TOKEN
    if name == ADMIN_NAME:  # reserved: nobody may look like the service in the exchange's own records
        raise FOREIGN_TOKEN
    return Identity(name)


class Tokens:
    """Tells who holds a token; asks the hub through `session` and remembers for a minute."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hub_api_url: str,
        course: str,
        admin_token: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._url = f"{hub_api_url}/user"
        self._course = course
        self._admin_token = admin_token.encode()
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Identity | Refusal]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Identity | Refusal]] = {}

    async def identify(self, token: str) -> Identity:
        """The holder of `token`; raises Refusal."""
        if hmac.compare_digest(token.encode(), self._admin_token):
            return Identity(ADMIN_NAME, admin=True)
        key = hashlib.sha256(token.encode()).digest()
        until, answer = self._known.get(key, (0.0, HUB_DOWN))
        if self._clock() >= until:
            answer = await self._ask_once(key, token)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def _ask_once(self, key: bytes, token: str) -> Identity | Refusal:
        """One question for all who hold this token and wait; shielded, so that one who leaves spoils nothing."""
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(token))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        answer = await asyncio.shield(task)
        if answer is not HUB_DOWN:
            self._known[key] = (self._clock() + KEEP_S, answer)
            self._known.move_to_end(key)
            while len(self._known) > KEEP_TOKENS:
                self._known.popitem(last=False)
        return answer

    async def _ask(self, token: str) -> Identity | Refusal:
        limit = aiohttp.ClientTimeout(total=HUB_LIMIT_S)
        headers = {"Authorization": f"token {token}"}
        try:
            async with self._session.get(self._url, headers=headers, timeout=limit, allow_redirects=False) as response:
                if response.status in (401, 403):
                    return UNKNOWN_TOKEN
                if response.status != 200 or (response.content_length or 0) > HUB_ANSWER_MAX:
                    return HUB_DOWN
                return identity_of(await response.json(), self._course)
        except Refusal as refusal:
            return refusal
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
            return HUB_DOWN
