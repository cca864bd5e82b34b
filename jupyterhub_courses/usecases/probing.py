"""Testing a platform: every step of a launch and of a score's way, as far as it can be seen without a person.

Promises: what does not depend on each other runs at once; a test ends within `SECONDS`, whatever the LMS does, and says
what it did not get to; nothing that an LMS answers is kept but the findings; one platform is tested once at a time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ..core import probes
from ..core.answers import Answer
from ..core.platforms import Known
from ..core.probes import SCOPES, Finding, State, Tested
from ..core.records import Registration

log = logging.getLogger(__name__)
SECONDS = 28.0
#: Registrations of one platform that are tested at a time; each asks its LMS seven things.
AT_ONCE = 4
T = TypeVar("T")


class ProbesPort(Protocol):
    """Asking an LMS without a person. Nothing here raises for what an LMS does."""

    async def keyset(self, url: str) -> tuple[Answer, int | None]: ...
    def readable(self, public_key: str) -> bool: ...
    async def login(self, registration: Registration, redirect_uri: str) -> Answer: ...
    async def token(self, registration: Registration, scope: str) -> tuple[Answer, bool]: ...
    def clock(self, urls: Sequence[str]) -> float | None: ...


@dataclass(frozen=True)
class Own:
    """Our own addresses, as the LMS has to know them."""

    redirect_uri: str
    keyset_url: str


@dataclass(frozen=True)
class Report:
    """A test's result."""

    platform: str
    at: datetime
    tested: tuple[Tested, ...]

    @property
    def right(self) -> bool:
        """Nothing is wrong."""
        return bool(self.tested) and all(probes.is_right(one.findings) for one in self.tested)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        """The JSON object of the service's API."""
        return {
            "platform": self.platform,
            "at": self.at,
            "right": self.right,
            "registrations": [
                {
                    "client_id": one.client_id,
                    "steps": [
                        {
                            "step": f.step,
                            "title": f.title(language),
                            "state": f.state.value,
                            "code": f.code,
                            "text": f.text(language),
                        }
                        for f in one.findings
                    ],
                }
                for one in self.tested
            ],
        }


class Probing:
    """The story. `last`: each platform's last report, since this process began."""

    def __init__(self, lms: ProbesPort, clock: Callable[[], datetime], seconds: float = SECONDS) -> None:
        self._lms, self._clock, self._seconds = lms, clock, seconds
        self._running: dict[str, asyncio.Task[Report]] = {}
        self.last: dict[str, Report] = {}

    async def test(self, known: Known, own: Own) -> Report:
        """Test all registrations; whoever asks meanwhile gets the same report."""
        name = known.platform.name
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.create_task(self._test(known, own))
            task.add_done_callback(lambda _: self._running.pop(name, None))
        return await asyncio.shield(task)

    async def _test(self, known: Known, own: Own) -> Report:
        slots = asyncio.Semaphore(AT_ONCE)
        wanted = [one for one in known.registrations if not one.is_lti11]

        async def one(registration: Registration) -> Tested:
            async with slots:
                return await self._registration(registration, registration.id in known.launched, own)

        tasks = [asyncio.create_task(one(registration)) for registration in wanted]
        if tasks:
            await asyncio.wait(tasks, timeout=self._seconds)
        tested = []
        for registration, task in zip(wanted, tasks, strict=True):
            if task.done():
                tested.append(task.result())
            else:
                task.cancel()
                late = Finding("time", State.WRONG, "not_in_time", {"seconds": f"{self._seconds:g}"})
                tested.append(Tested(registration.client_id, (late,)))
        report = Report(known.platform.name, self._clock(), tuple(tested))
        self.last[report.platform] = report
        wrong = sorted({f.code for t in tested for f in t.findings if f.state is State.WRONG})
        log.info("platform %s tested: %s", report.platform, ", ".join(wrong) or "nothing wrong")
        return report

    async def _registration(self, registration: Registration, launched: bool, own: Own) -> Tested:
        first = probes.addresses(registration)
        if first.code == "address_malformed":
            return Tested(registration.client_id, (first, probes.deployments(registration)))
        login, keys, tokens = await _together(
            self._lms.login(registration, own.redirect_uri), self._keys(registration), self._tokens(registration, own)
        )
        urls = [url for url in (registration.token_url, registration.keyset_url, registration.authorize_url) if url]
        findings = (
            first,
            probes.login(login),
            probes.redirect(launched, own.redirect_uri),
            keys,
            probes.clock(self._lms.clock(urls)),
            *tokens,
            probes.deployments(registration),
        )
        return Tested(registration.client_id, findings)

    async def _keys(self, registration: Registration) -> Finding:
        if registration.keyset_url is None:
            return probes.pasted(self._lms.readable(registration.public_key or ""))
        return probes.keyset(*await self._lms.keyset(registration.keyset_url))

    async def _tokens(self, registration: Registration, own: Own) -> list[Finding]:
        if not registration.token_url:
            return [Finding("token", State.WRONG, "token_url_missing")]
        told = await asyncio.gather(*(self._lms.token(registration, scope) for scope in SCOPES.values()))
        answers = {name: answer for name, (answer, _) in zip(SCOPES, told, strict=True)}
        token = probes.token(registration, answers, any(old for _, old in told), own.keyset_url)
        return [token, *probes.scopes(answers, known=token.state is not State.WRONG)]


async def _together(
    login: Awaitable[Answer], keys: Awaitable[Finding], tokens: Awaitable[list[Finding]]
) -> tuple[Answer, Finding, list[Finding]]:
    return await asyncio.gather(login, keys, tokens)
