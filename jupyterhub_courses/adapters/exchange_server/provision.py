"""Makes a running exchange know its course and people: reads what it knows, writes only what differs.

Promises: calling it again changes nothing; a lost or half-done call is repaired by the next one; a thousand
students are a handful of requests. Needs aiohttp only, none of ngshare.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from ...core.batches import batches

REQUEST_LIMIT_S = 15.0
CHUNK = 200  # students a request: the exchange serves nobody else for about 0.4 s


class ProvisionError(Exception):
    """The exchange did not take or give what was asked; the message says which request and which status."""


@dataclass(frozen=True)
class Member:
    """A student as the exchange keeps it. Names and address may stay empty: nothing in the exchange needs them."""

    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


async def provision(
    session: aiohttp.ClientSession,
    base_url: str,
    token: str,
    course: str,
    instructors: Iterable[str],
    students: Iterable[Member],
) -> None:
    """Make the course have exactly these instructors and students. `base_url` ends with `/api/`.

    Raises ProvisionError; whatever was written before stays, and the next call goes on from there.
    """
    api = _Api(session, base_url, token)
    wanted_instructors = set(instructors)
    wanted = {member.username: member for member in students if member.username not in wanted_instructors}
    path = quote(course, safe="")

    if course not in (await api.call("GET", "courses"))["courses"]:
        fields = {"instructors": json.dumps(sorted(wanted_instructors))}
        await api.call("POST", f"course/{path}", fields, also_ok=409)
    rows = (await api.call("GET", f"instructors/{path}"))["instructors"]
    known_instructors = {row["username"] for row in rows}
    rows = (await api.call("GET", f"students/{path}"))["students"]
    known = {row["username"]: _member(row) for row in rows}

    for name in sorted(known.keys() - wanted.keys()):
        await api.call("DELETE", f"student/{path}/{quote(name, safe='')}", also_ok=404)
    for name in sorted(known_instructors - wanted_instructors):
        await api.call("DELETE", f"instructor/{path}/{quote(name, safe='')}", also_ok=404)
    for name in sorted(wanted_instructors - known_instructors):
        empty = {"first_name": "", "last_name": "", "email": ""}
        await api.call("POST", f"instructor/{path}/{quote(name, safe='')}", empty)
    await _enroll(api, path, [wanted[name] for name in sorted(wanted) if known.get(name) != wanted[name]])


async def enroll(
    session: aiohttp.ClientSession, base_url: str, token: str, course: str, students: Sequence[Member]
) -> None:
    """Make the course have these students, too. Raises ProvisionError."""
    await _enroll(_Api(session, base_url, token), quote(course, safe=""), students)


async def _enroll(api: "_Api", path: str, students: Sequence[Member]) -> None:
    for some in batches(students, CHUNK):
        rows = [vars(student) for student in some]
        await api.call("POST", f"students/{path}", {"students": json.dumps(rows)})


def _member(row: dict[str, Any]) -> Member:
    return Member(row["username"], row["first_name"] or "", row["last_name"] or "", row["email"] or "")


class _Api:
    """ngshare's REST API as the courses service: JSON out, one time limit, refusals as ProvisionError."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: str) -> None:
        self._session = session
        self._base_url = base_url
        self._headers = {"Authorization": f"token {token}"}

    async def call(
        self, method: str, path: str, fields: dict[str, str] | None = None, also_ok: int = 200
    ) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=REQUEST_LIMIT_S)
        kind = path.partition("/")[0]  # what follows can be a person's name: not for logs
        try:
            async with self._session.request(
                method, self._base_url + path, data=fields, headers=self._headers, timeout=limit
            ) as response:
                answer = await response.json()
                if response.status not in (200, also_ok):
                    said = str(answer.get("message", ""))[:200]
                    raise ProvisionError(f"{method} {kind}: {response.status} {said}")
                return dict(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise ProvisionError(f"{method} {kind}: {type(error).__name__}") from error
