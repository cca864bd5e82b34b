"""A storm of people who log in at once: the client of launch.py.

Each has a browser of their own, that is: cookies. Signing is the LMS's work, so it happens between the two halves of
a launch, and nobody's clock runs then.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from tests.hub.platform import LTI, MEMBERSHIP, Platform

HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
REFUSED = re.compile(r'data-code="(\w+)"')
XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')


@dataclass
class Visitor:
    """One person's browser; `form`: what it will send next."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Half:
    """One of the two requests of everybody: seconds that all took, CPU seconds of hub and service in them."""

    seconds: float
    hub: float
    service: float
    slowest: float


class Storm:
    """`cpu` gives the CPU seconds used so far by (hub, service). `refused`: how often, by the refusal's code."""

    def __init__(self, base: str, cpu: Callable[[], tuple[float, float]], connections: int) -> None:
        self._base, self._cpu, self._connections = base, cpu, connections
        self.refused: Counter[str] = Counter()
        self.took: Counter[str] = Counter()  # seconds of each visitor's requests
        connector = aiohttp.TCPConnector(limit=connections)
        self._session = aiohttp.ClientSession(
            base, connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=HEADERS
        )

    async def close(self) -> None:
        await self._session.close()

    async def launches(self, platform: Platform, visitors: Sequence[Visitor], changes: Any) -> tuple[Half, Half]:
        """Everybody launches; `changes(visitor)`: their claims."""
        begun = await self._all(visitors, lambda visitor: self._begin(platform, visitor))
        for visitor in visitors:
            claims = platform.claims(visitor.form.pop("nonce"), sub=visitor.name, **changes(visitor))
            claims |= {"exp": claims["exp"] + 300, LTI + "target_link_uri": f"{self._base}/hub"}
            visitor.form["id_token"] = platform.sign(claims)
        return begun, await self._all(visitors, self._arrive)

    async def logins(self, visitors: Sequence[Visitor]) -> tuple[Half, Half]:
        """Everybody gets the hub's own form and sends it."""
        return await self._all(visitors, self._form), await self._all(visitors, self._log_in)

    async def _all(self, visitors: Sequence[Visitor], one: Callable[[Visitor], Awaitable[None]]) -> Half:
        waiting, slowest = iter(visitors), 0.0

        async def connection() -> None:
            nonlocal slowest
            for visitor in waiting:
                began = time.perf_counter()
                await one(visitor)
                took = time.perf_counter() - began
                slowest = max(slowest, took)
                self.took[visitor.name] += took

        before, began = self._cpu(), time.perf_counter()
        await asyncio.gather(*(connection() for _ in range(self._connections)))
        took, after = time.perf_counter() - began, self._cpu()
        return Half(took, after[0] - before[0], after[1] - before[1], slowest)

    async def _begin(self, platform: Platform, visitor: Visitor) -> None:
        form = {"iss": platform.issuer, "login_hint": visitor.name, "target_link_uri": f"{self._base}/hub"}
        form |= {"client_id": platform.client_id, "lti_deployment_id": platform.deployment_id}
        location, _ = await self._ask(visitor, "POST", "/hub/lti13/oauth_login", form, (302,))
        query = parse_qs(urlsplit(location).query, strict_parsing=True)
        visitor.form = {"state": query["state"][0], "nonce": query["nonce"][0]}

    async def _arrive(self, visitor: Visitor) -> None:
        await self._ask(visitor, "POST", "/hub/lti13/oauth_callback", visitor.form, (302, 303))

    async def _form(self, visitor: Visitor) -> None:
        _, page = await self._ask(visitor, "GET", "/hub/login", None, (200,))
        found = XSRF.search(page)
        assert found, page
        visitor.form = {"_xsrf": found[1], "username": visitor.name, "password": "x"}

    async def _log_in(self, visitor: Visitor) -> None:
        await self._ask(visitor, "POST", "/hub/login", visitor.form, (302,))

    async def _ask(
        self, visitor: Visitor, method: str, path: str, form: dict[str, str] | None, expected: tuple[int, ...]
    ) -> tuple[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        headers = {"Cookie": cookie} if cookie else {}
        async with self._session.request(method, path, data=form, headers=headers, allow_redirects=False) as answer:
            page = await answer.text()
            if answer.status not in expected:
                code = REFUSED.search(page)
                self.refused[code[1] if code else f"{path} {answer.status}"] += 1
            for name, morsel in answer.cookies.items():
                visitor.cookies[name] = morsel.value
            return answer.headers.get("Location", ""), page


def as_student(context: str) -> Callable[[Visitor], dict[str, Any]]:
    """Claims of a student who clicks at an assignment in a course."""
    return lambda visitor: _claims(visitor, context, "Learner", {"assignment": "ps1"})


def as_teacher(context: str) -> Callable[[Visitor], dict[str, Any]]:
    """Claims of a teacher who clicks at a course."""
    return lambda visitor: _claims(visitor, context, "Instructor", {})


def _claims(visitor: Visitor, context: str, role: str, custom: dict[str, str]) -> dict[str, Any]:
    lms = "https://lms.example/mod/lti"
    ags = {"scope": [], "lineitems": f"{lms}/{context}/lineitems", "lineitem": f"{lms}/{context}/lineitems/1"}
    return {
        "roles": [MEMBERSHIP + role],
        "context": {"id": context, "label": context, "title": f"Course {context}"},
        "custom": {**custom, "username": visitor.name},
        "name": f"{visitor.name} Lovelace",
        "email": f"{visitor.name}@lms.invalid",
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": ags,
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
            "context_memberships_url": f"{lms}/{context}/members",
            "service_versions": ["2.0"],
        },
        LTI + "launch_presentation": {"locale": "en", "document_target": "window"},
    }
