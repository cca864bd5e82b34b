"""The courses service as a grader's server sees it: send scores, fetch the roster, autograde apart.

Every call has a time limit and every answer a size limit; whoever calls decides about trying again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from ...core.specs import Material, materials_of

ANSWER_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True)
class ScoresAnswer:
    """`unknown`: usernames that the roster lacks. `stale`: a newer state was there, nothing was changed."""

    accepted: int
    unknown: tuple[str, ...]
    stale: bool


@dataclass(frozen=True)
class RosterMember:
    """A person of the course; `role` is student, grader or instructor."""

    username: str
    name: str
    given_name: str
    family_name: str
    email: str
    lms_user_id: str
    role: str
    active: bool


@dataclass(frozen=True)
class RunAnswer:
    """How a run of autograding apart is: `state` is waiting, running, done or failed; `message` says why."""

    state: str
    message: str


class CallFailed(Exception):
    """No usable answer. The text names neither persons nor tokens; `status` is None without any answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CoursesApi:
    """One course's calls with the server's own token. `url`: the service's API, `timeout`: seconds a call."""

    def __init__(self, url: str, course: str, token: str, timeout: float = 15) -> None:
        self._base = f"{url.rstrip('/')}/courses/{course}/"
        self._headers = {"Authorization": f"token {token}"}
        self._timeout = timeout

    async def put_scores(self, state: Mapping[str, Any]) -> ScoresAnswer:
        """Send the full desired state. Raises CallFailed."""
        answer = await self._call("PUT", "scores", state)
        unknown = answer.get("unknown") or []
        return ScoresAnswer(
            accepted=int(answer.get("accepted") or 0),
            unknown=tuple(str(name) for name in unknown) if isinstance(unknown, list) else (),
            stale=bool(answer.get("stale")),
        )

    async def roster(self) -> tuple[RosterMember, ...]:
        """Everybody in the course. Raises CallFailed."""
        members = (await self._call("GET", "roster")).get("members")
        if not isinstance(members, list):
            raise CallFailed("the service's roster has no members")
        return tuple(_member(member) for member in members if isinstance(member, dict))

    async def autograde_run(self, run: str, seconds: int) -> RunAnswer:
        """Have a run run for at most `seconds`, and see how it is. Raises CallFailed."""
        answer = await self._call("PUT", f"autograde-runs/{run}", {"seconds": seconds})
        return RunAnswer(str(answer.get("state")), str(answer.get("message") or ""))

    async def end_autograde_run(self, run: str) -> None:
        """Nobody waits for it any more. Raises CallFailed."""
        await self._call("DELETE", f"autograde-runs/{run}")

    async def materials(self) -> tuple[Material, ...]:
        """The repositories that the course's spec names. Raises CallFailed."""
        try:
            return materials_of(await self._call("GET", ""))
        except (ValueError, TypeError):
            raise CallFailed("the service's materials are not understood") from None

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session,
                session.request(method, (self._base + path).rstrip("/"), json=body, allow_redirects=False) as response,
            ):
                return _checked(response.status, await _bounded(response))
        except TimeoutError as error:
            raise CallFailed(f"the courses service did not answer within {self._timeout:g} s") from error
        except aiohttp.ClientError as error:
            raise CallFailed(f"the courses service can't be reached: {type(error).__name__}") from error


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for chunk in response.content.iter_chunked(65536):
        content += chunk
        if len(content) > ANSWER_LIMIT:
            raise CallFailed("the courses service's answer is too long", response.status)
    return content


def _checked(status: int, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    fields = answer if isinstance(answer, dict) else {}
    told = [str(fields[name])[:80] for name in ("code", "reference") if fields.get(name)]
    raise CallFailed(" ".join([f"the courses service answered {status}", *told]), status)


def _member(member: dict[str, Any]) -> RosterMember:
    text = {
        name: str(member.get(name) or "")
        for name in ("username", "name", "given_name", "family_name", "email", "lms_user_id", "role")
    }
    return RosterMember(**text, active=bool(member.get("active")))
