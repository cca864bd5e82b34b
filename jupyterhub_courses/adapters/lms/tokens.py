"""Access tokens of LMSs: one for each (registration, set of scopes), shared, renewed before it ends.

Client credentials with a signed assertion:
https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens-with- oauth-2-0-client-credentials-grant.
A token that an LMS refuses is dropped by `reject`; callers then ask once more. After a change of keys the old one is
tried where the new one is refused, as long as it is kept: an LMS may have a public key pasted, or an old copy of the
keyset.
"""

import asyncio
import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

import jwt

from ...core.addresses import trusted
from ...core.answers import Answer, LmsFailure, Outcome, Scope, Verdict, common_outcome
from ...core.records import Registration
from .http import LmsHttp
from .keys import ToolKey

LIFETIME = 3600.0  # where the LMS does not say
ASSERTION_LIFETIME = 60
#: Moodle refuses an assertion from the future; this much is taken back for clocks that differ a little.
BACKDATED = 5


@dataclass(frozen=True)
class _Token:
    value: str
    renew_at: float  # epoch seconds


class Keys(Protocol):
    """The tool's keys: the one that signs, then those that still count."""

    def usable(self) -> tuple[ToolKey, ...]: ...


class Tokens:
    """The tokens of this process."""

    def __init__(self, http: LmsHttp, keys: Keys) -> None:
        self._http, self._keys = http, keys
        self._taken: dict[int, str] = {}  # registration -> kid that its LMS took last
        self._tokens: dict[tuple[int, frozenset[str]], _Token] = {}
        self._asking: dict[tuple[int, frozenset[str]], asyncio.Task[_Token]] = {}

    async def get(self, registration: Registration, scopes: Iterable[str]) -> str:
        """A token good for a while. Raises LmsFailure: token_refused, address_not_trusted, or how the LMS is
        away.
        """
        which = (registration.id, frozenset(scopes))
        token = self._tokens.get(which)
        if token is not None and self._http.now().timestamp() < token.renew_at:
            return token.value
        task = self._asking.get(which)
        if task is None:
            task = self._asking[which] = asyncio.create_task(self._ask(registration, which[1]))
            task.add_done_callback(lambda done: self._asked(which, done))
        # Shielded: the task is shared, and one caller that is cancelled must not take it from the others.
        return (await asyncio.shield(task)).value

    def reject(self, registration: Registration, scopes: Iterable[str], value: str) -> None:
        """The LMS does not take this token any more. Another one, got meanwhile, stays."""
        which = (registration.id, frozenset(scopes))
        if (token := self._tokens.get(which)) is not None and token.value == value:
            del self._tokens[which]

    def key_for(self, registration_id: int) -> ToolKey:
        """The key to sign with for a registration: the one that its LMS took last, as long as that counts."""
        keys = self._keys.usable()
        return next((key for key in keys if key.kid == self._taken.get(registration_id)), keys[0])

    async def trial(self, registration: Registration, scopes: frozenset[str]) -> tuple[Answer, bool]:
        """What the LMS answers to a request for a token, and whether it takes a retired key only. Keeps nothing."""
        first: Answer | None = None
        for key in self._keys.usable():
            answer = await self._signed(registration.token_url or "", registration, scopes, key)
            if answer.ok or answer.fault:
                return answer, first is not None and answer.ok
            first = first or answer
        assert first is not None  # there is always a key
        return first, False

    def _asked(self, which: tuple[int, frozenset[str]], task: asyncio.Task[_Token]) -> None:
        self._asking.pop(which, None)
        if not task.cancelled() and task.exception() is None:
            self._tokens[which] = task.result()

    async def _ask(self, registration: Registration, scopes: frozenset[str]) -> _Token:
        url = trusted(registration.token_url, registration)
        if url is None:
            reason = "address_not_trusted" if registration.token_url else "token_refused"
            raise LmsFailure(Outcome(Verdict.RETRY, reason, Scope.COLUMN))
        refusal: LmsFailure | None = None
        for key in self._keys.usable():
            try:
                token = self._read(await self._signed(url, registration, scopes, key))
            except LmsFailure as failure:
                refusal = refusal or failure
                if failure.outcome.reason != "token_refused":
                    break
            else:
                self._taken[registration.id] = key.kid
                return token
        assert refusal is not None  # there is always a key
        raise refusal

    async def _signed(self, url: str, registration: Registration, scopes: frozenset[str], key: ToolKey) -> Answer:
        offset = self._http.clock_offset(url)
        answer = await self._post(url, registration, scopes, key)
        if answer.status == 400 and abs(self._http.clock_offset(url) - offset) > BACKDATED:
            # Its Date header has just told us that our clocks differ.
            answer = await self._post(url, registration, scopes, key)
        return answer

    async def _post(self, url: str, registration: Registration, scopes: frozenset[str], key: ToolKey) -> Answer:
        issued = math.floor(self._http.now().timestamp() + self._http.clock_offset(url)) - BACKDATED
        claims = {
            "iss": registration.client_id,
            "sub": registration.client_id,
            "aud": url,
            "iat": issued,
            "exp": issued + BACKDATED + ASSERTION_LIFETIME,
            "jti": secrets.token_urlsafe(16),
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, key.private, "RS256", headers={"kid": key.kid}),
            "scope": " ".join(sorted(scopes)),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return await self._http.request("POST", url, headers, urlencode(form).encode())

    def _read(self, answer: Answer) -> _Token:
        data = answer.json() if answer.ok else None
        value = data.get("access_token") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise LmsFailure(_token_trouble(answer))
        try:
            lifetime = float(data.get("expires_in") or LIFETIME)
        except (TypeError, ValueError):
            lifetime = LIFETIME
        if not 0 < lifetime <= 86400:
            lifetime = LIFETIME
        return _Token(value, self._http.now().timestamp() + lifetime - min(60.0, lifetime / 10))


def _token_trouble(answer: Answer) -> Outcome:
    outcome = common_outcome(answer)
    if outcome.scope is Scope.PLATFORM and not answer.ok:
        return outcome
    if answer.status >= 500:
        return Outcome(Verdict.RETRY, "lms_error", Scope.COLUMN, answer.retry_after)
    # Everything else is a registration that does not fit: one of them must not stop the platform's others.
    return Outcome(Verdict.RETRY, "token_refused", Scope.COLUMN, answer.retry_after)
