"""Asking an LMS what a test of it needs to know: no person, no launch, nothing changed there."""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from urllib.parse import urlencode

from ...core.answers import Answer
from ...core.records import Registration
from ...core.refusals import LaunchRefused
from .http import LmsHttp
from .keysets import BODY_MAX, KeysetUnreachable, parse_keyset, pasted_key
from .tokens import Tokens

#: Seconds that one answer may take: launches and scores give an LMS little more.
LIMIT_S = 8.0
_ACCEPT_KEYS = {"Accept": "application/jwk-set+json, application/json"}


class Probes:
    """The adapter."""

    def __init__(self, http: LmsHttp, tokens: Tokens) -> None:
        self._http, self._tokens = http, tokens

    async def keyset(self, url: str) -> tuple[Answer, int | None]:
        """The answer, and how many usable keys it holds; None when it is no keyset."""
        answer = await self._limited(self._http.request("GET", url, _ACCEPT_KEYS, limit=BODY_MAX))
        try:
            return answer, len(parse_keyset(answer.body)) if answer.ok else None
        except KeysetUnreachable as error:
            return answer, 0 if "usable" in str(error) else None

    def readable(self, public_key: str) -> bool:
        """Whether launches can be checked with a pasted key."""
        try:
            pasted_key(public_key)
        except LaunchRefused:
            return False
        return True

    async def login(self, registration: Registration, redirect_uri: str) -> Answer:
        """What the address of logins says to a request for nobody."""
        query = {
            "response_type": "id_token",
            "scope": "openid",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": registration.client_id,
            "redirect_uri": redirect_uri,
            "login_hint": "test",
            "nonce": secrets.token_hex(8),
            "state": "test",
        }
        joint = "&" if "?" in registration.authorize_url else "?"
        url = f"{registration.authorize_url}{joint}{urlencode(query)}"
        return await self._limited(self._http.request("GET", url, {"Accept": "text/html"}, limit=BODY_MAX))

    async def token(self, registration: Registration, scope: str) -> tuple[Answer, bool]:
        """The answer to a request for a token of this scope alone, and whether a retired key had to sign it."""
        try:
            async with asyncio.timeout(2 * LIMIT_S):
                return await self._tokens.trial(registration, frozenset({scope}))
        except TimeoutError:
            return Answer(0, fault="timeout"), False

    def clock(self, urls: Sequence[str]) -> float | None:
        """Seconds by which the LMS's clock is ahead, as the first of these addresses that told it says."""
        told = (self._http.told_offset(url) for url in urls)
        return next((offset for offset in told if offset is not None), None)

    async def _limited(self, asking: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(LIMIT_S):
                return await asking
        except TimeoutError:
            return Answer(0, fault="timeout")
