"""HTTP towards LMSs: one kept-alive session, every request limited in time and size, never redirected.

An answer comes back as a value, also when there is none (`Answer.fault`); nothing here raises for what an LMS
does. Whom we may ask is decided by the callers (core.addresses): an endpoint must lie on a host of its
registration.
"""

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from ...core.answers import Answer
from ...core.retries import clock_offset, http_date, retry_after_seconds
from .resolving import LmsResolver

SMALL, LARGE = 256 * 1024, 32 * 1024 * 1024  # bytes of a body: a score's answer, a roster
#: The slowest LMS measured takes 0.5 s a score under load; a roster of thousands some seconds.
TOTAL, CONNECT = 30.0, 5.0
PHRASE_MAX = 200


class LmsHttp:
    """A shared session. Use as `async with`, or `close()` it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), total: float = TOTAL) -> None:
        self.now = now
        self._timeout = aiohttp.ClientTimeout(total=total, connect=CONNECT)
        self._session: aiohttp.ClientSession | None = None
        self._offsets: dict[str, float] = {}
        self._told: dict[str, float] = {}

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limit: int = SMALL,
    ) -> Answer:
        """Ask. The body of the answer is at most `limit` bytes, else the fault is `too_large`."""
        try:
            # `encoded`: an address is sent exactly as the LMS wrote it; quoting it anew would change `%2F`
            # and `%3A`.
            async with self._open().request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                self._note_clock(url, response.headers.get("Date"))
                content = await response.content.read(limit + 1)
                while len(content) <= limit and (more := await response.content.read(limit + 1 - len(content))):
                    content += more
                return Answer(
                    status=response.status,
                    content_type=response.headers.get("Content-Type", "")[:PHRASE_MAX],
                    body=content[:limit],
                    reason=(response.reason or "")[:PHRASE_MAX],
                    link=", ".join(response.headers.getall("Link", []))[:8192],
                    retry_after=retry_after_seconds(response.headers.get("Retry-After"), self.now()),
                    fault="too_large" if len(content) > limit else "",
                )
        except (TimeoutError, aiohttp.ServerTimeoutError):
            return Answer(0, fault="timeout")
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError):
            return Answer(0, fault="certificate")
        except aiohttp.ClientConnectorError:
            return Answer(0, fault="unreachable")
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(0, fault="broken")

    def clock_offset(self, url: str) -> float:
        """Seconds by which the clock of this address's host is ahead of ours, as its last answer said."""
        return self._offsets.get(urlsplit(url).netloc, 0.0)

    def told_offset(self, url: str) -> float | None:
        """The same as it was told, however small or large; None when this address's host has not said its time."""
        return self._told.get(urlsplit(url).netloc)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> "LmsHttp":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # One TLS context for all: making one costs 57 ms.
            connector = aiohttp.TCPConnector(
                limit=0, ssl=ssl.create_default_context(), keepalive_timeout=30.0, resolver=LmsResolver()
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "jupyterhub-courses", "Accept-Encoding": "identity"},
                requote_redirect_url=False,
                trust_env=False,
            )
        return self._session

    def _note_clock(self, url: str, date: str | None) -> None:
        told = http_date(date)
        if told is not None:
            self._told[urlsplit(url).netloc] = (told - self.now()).total_seconds()
        offset = clock_offset(date, self.now())
        if offset is not None:
            self._offsets[urlsplit(url).netloc] = offset
