"""An LMS's addresses of Dynamic Registration: its configuration, and its registration endpoint.

Whoever has a registration link names these addresses, also such inside the network of the hub (an LMS often is
there): so no redirect is followed, time and size are bounded, and nothing of an answer is shown or logged. Moodle
answers JSON and HTML alike, whatever is asked for; it is judged by core/registrations.py.
"""

from collections.abc import Mapping

from ...core.answers import Answer
from .http import LmsHttp

LIMIT_S = 20.0  # Moodle makes an entry in one second; a site under load takes longer


class RegistrationClient:
    """See above. Tokens go nowhere but into the request's header."""

    def __init__(self, http: LmsHttp) -> None:
        self._http = http

    async def configuration(self, url: str) -> Answer:
        """https://www.imsglobal.org/spec/lti-dr/v1p0#openid-configuration"""
        return await self._http.request("GET", url, {"Accept": "application/json"})

    async def entry(self, url: str, token: str) -> Answer:
        """The present entry, where the token is one for updating it."""
        return await self._http.request("GET", url, _headers(token))

    async def send(self, url: str, token: str, body: bytes) -> Answer:
        """Register, or replace the entry of an updating token (Moodle knows no PUT)."""
        return await self._http.request("POST", url, {**_headers(token), "Content-Type": "application/json"}, body)


def _headers(token: str) -> Mapping[str, str]:
    return {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
