"""The hub's client of the courses service.

Promises: one kept-alive session, 5 s for a call, answers bounded; a dead, slow or broken service is
ServiceDown, a "no" with its reason is Refused, and nothing else comes out. Not tornado's client: in z2jh
that one is curl-based, with few connections that it shares with the hub's calls to the proxy.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp

from ...core.addresses import host_of
from ...core.goals import Goal
from ...core.lti11 import SignedForm, form_as_json
from ...core.placements import Placement
from ...core.roles import Role

LIMIT_S = 5.0
TURNS, TURN_S = 32, 30.0  # admissions that the service is asked for at once, and how long the others wait for a turn
BODY_MAX = 1024 * 1024
T = TypeVar("T")


class ServiceDown(Exception):
    """The service did not answer, or not with anything that makes sense. Trying again shortly may help."""


class Refused(Exception):
    """The service said no: `code` (core/sentences.py), English `message`, `reference` of its log, HTTP `status`."""

    def __init__(self, code: str, message: str, reference: str, status: int) -> None:
        super().__init__(f"{status} {code} (reference {reference})")
        self.code, self.message, self.reference, self.status = code, message, reference, status


@dataclass(frozen=True)
class Registration:
    """One client id at one platform, as far as a login needs it."""

    platform: str
    issuer: str
    client_id: str
    deployment_ids: frozenset[str]
    authorize_url: str
    keyset_url: str | None
    public_key: str | None


@dataclass(frozen=True)
class Access:
    """What a person may in the hub: roles as an authenticator returns them."""

    username: str
    roles: list[dict[str, Any]] = field(hash=False)
    login: str | None = None  # what the hub's own login calls them


@dataclass(frozen=True)
class Start:
    """Where the people of one LMS begin; `url` is http(s), or None where no address is known."""

    name: str
    url: str | None


@dataclass(frozen=True)
class Arrival:
    """Somebody who was admitted, and to what."""

    access: Access
    course: str
    role: Role
    ready: bool
    goal: Goal


class CoursesClient:
    """Calls of the hub. `url` ends in `/api/`; made and closed inside one event loop."""

    def __init__(self, url: str, token: str, limit_s: float = LIMIT_S) -> None:
        self._url = url.rstrip("/") + "/"
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"token {token}"},
            timeout=aiohttp.ClientTimeout(total=limit_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=30),
        )

        self._turns = asyncio.Semaphore(TURNS)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def registration(self, issuer: str, client_id: str | None) -> Registration | None:
        """The registration of a login; without a client id the issuer's only one. None: there is none."""
        query = {"issuer": issuer} | ({"client_id": client_id} if client_id else {})
        data = await self._found("registrations", query)
        return None if data is None else _shaped(_registration, data)

    async def put_registration(self, registration: dict[str, Any]) -> None:
        """Make the registration known (idempotent)."""
        await self._call("PUT", "registrations", body=registration)

    async def admit(self, launch: dict[str, Any]) -> Arrival:
        """Admit the person of a verified launch (core/launches.py, launch_as_json)."""
        return _shaped(_arrival, await self._admission("admissions", launch))

    async def admit_signed(self, form: SignedForm) -> tuple[Arrival, bool]:
        """Admit the person of a form of LTI 1.1; and whether a page of the LMS itself sent it."""
        return _shaped(_signed, await self._admission("admissions/lti11", form_as_json(form)))

    async def access(self, username: str) -> Access | None:
        """What the person may now. None: not one of ours."""
        data = await self._found(f"persons/{quote(username, safe='')}/access")
        return None if data is None else _shaped(_access, data)

    async def continuation(self, arrival: Arrival, proven: bool) -> str:
        """A code with which this person goes on in another window (usecases/continuing.py)."""
        wanted: dict[str, Any] = {"username": arrival.access.username, "course": arrival.course}
        wanted |= {"role": arrival.role.value, "ready": arrival.ready, "goal": arrival.goal.as_json(), "proven": proven}
        return _shaped(_code, await self._call("POST", "continuations", body=wanted))

    async def go_on(self, code: str, sure: bool) -> tuple[Arrival, bool]:
        """Who goes on with `code`, and whether it was spent for that; if not, the person is to be asked first."""
        return _shaped(_continued, await self._call("POST", "continuations/spend", body={"code": code, "sure": sure}))

    async def starts(self) -> tuple[Start, ...]:
        """Where the people of each LMS begin."""
        return _shaped(_starts, await self._call("GET", "starts"))

    async def admit_login(self, login: str) -> Access:
        """Admit somebody whom the hub's own login calls `login`."""
        return _shaped(_access, await self._call("POST", "local-admissions", body={"login": login}))

    async def look_at_link(self, code: str) -> str:
        """Whom a one-time link logs in; it still works afterwards."""
        return _shaped(_username, await self._call("POST", "login-links/look", body={"code": code}))

    async def admit_by_link(self, code: str) -> Access:
        """Use a one-time link up."""
        return _shaped(_access, await self._call("POST", "login-links/admissions", body={"code": code}))

    async def placement(self, username: str, server: str) -> Placement:
        """Where and how the person's server of the course runs."""
        wanted = {"username": username, "server": server}
        return _shaped(Placement.from_json, await self._call("POST", "placements", body=wanted))

    async def _admission(self, path: str, body: Any) -> Any:
        """A storm waits here for its turn: in the service each would wait for all others, and come too late."""
        try:
            async with asyncio.timeout(TURN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise ServiceDown("too many are being admitted") from None
        try:
            return await self._call("POST", path, body=body)
        finally:
            self._turns.release()

    async def _found(self, path: str, query: dict[str, str] | None = None) -> Any:
        try:
            return await self._call("GET", path, query=query)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    async def _call(self, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None) -> Any:
        # Every call may be made twice: admissions and placements too are levels, not events. A kept-alive
        # connection that the service closed meanwhile shows as a reset, so one more try costs nothing.
        for last in (False, True):
            try:
                url = self._url + path
                async with self._session.request(method, url, params=query, json=body) as response:
                    return _answer(response.status, await _bounded(response))
            except (aiohttp.ServerDisconnectedError, ConnectionResetError, aiohttp.ClientOSError) as error:
                if last or isinstance(error, aiohttp.ClientConnectorError):
                    raise ServiceDown(type(error).__name__) from None
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
                raise ServiceDown(type(error).__name__) from None
        raise AssertionError("unreachable")


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_MAX:
            raise ServiceDown("answer too large")
    return bytes(body)


def _answer(status: int, body: bytes) -> Any:
    try:
        data = json.loads(body) if body else None
    except ValueError:
        raise ServiceDown(f"answered {status} without JSON") from None
    if 200 <= status < 300:
        return data
    if not isinstance(data, dict) or not isinstance(code := data.get("code"), str):
        raise ServiceDown(f"answered {status} without a code")
    raise Refused(code, str(data.get("message", "")), str(data.get("reference", ""))[:32], status)


def _shaped(make: Callable[[Any], T], data: Any) -> T:
    try:
        return make(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServiceDown(f"answer not understood: {type(error).__name__}") from None


def _username(data: dict[str, Any]) -> str:
    return str(data["username"])


def _code(data: dict[str, Any]) -> str:
    if not isinstance(data["code"], str):
        raise TypeError("code: no text")
    return data["code"]


def _continued(data: dict[str, Any]) -> tuple[Arrival, bool]:
    return _arrival(data["admission"]), data["spent"] is True


def _signed(data: dict[str, Any]) -> tuple[Arrival, bool]:
    return _arrival(data["admission"]), data["proven"] is True


def _registration(data: dict[str, Any]) -> Registration:
    return Registration(
        platform=str(data["platform"]),
        issuer=str(data["issuer"]),
        client_id=str(data["client_id"]),
        deployment_ids=frozenset(map(str, data["deployment_ids"])),
        authorize_url=str(data["authorize_url"]),
        keyset_url=data.get("keyset_url") or None,
        public_key=data.get("public_key") or None,
    )


def _access(data: dict[str, Any]) -> Access:
    roles = [dict(role) for role in data["roles"] if isinstance(role["name"], str)]
    login = data.get("login")
    return Access(str(data["username"]), roles, login and str(login))


def _starts(data: list[dict[str, Any]]) -> tuple[Start, ...]:
    return tuple(Start(str(one["name"]), one["url"] if host_of(one.get("url")) else None) for one in data)


def _arrival(data: dict[str, Any]) -> Arrival:
    return Arrival(
        access=_access(data),
        course=str(data["course"]),
        role=Role(data["role"]),
        ready=data["ready"] is True,
        goal=Goal.from_json(data["goal"]),
    )
