"""Public keys of LMSs, fetched without holding anybody up.

Promises: one fetch of a keyset at a time, however many launches wait for it; 5 s and 256 KiB at most; no
redirect followed; an unknown `kid` causes at most one fetch per interval; a keyset that was good stays in
use while its LMS does not answer; the cache is bounded. Addresses come from registrations, never from a
token. Open edX's JWKs carry neither `alg` nor `use`: both are optional here (RFC 7517 4.2, 4.4).
"""

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import aiohttp
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from ...core.refusals import LaunchRefused
from .resolving import LmsResolver

log = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "RS384", "RS512"})
KEY_BITS_MIN = 2048  # https://www.imsglobal.org/spec/security/v1p0/#key-management asks for RSA of this size
KEY_BITS_MAX = 8192  # longer ones cost the hub milliseconds each
EXPONENT_BITS_MAX = 64  # and so does an exponent of any length: everybody's is 65537, of 17 bits
BODY_MAX, KEYS_MAX, KEYSETS_MAX = 256 * 1024, 100, 5000
LIMIT_S = 5.0

Fetch = Callable[[str], Awaitable[bytes]]


class KeysetUnreachable(Exception):
    """The keyset cannot be had: no answer in time, a wrong status, or nothing usable in it."""


@dataclass(frozen=True)
class Key:
    """An RSA public key; `alg` if the JWK names one."""

    rsa: RSAPublicKey
    alg: str | None = None


@dataclass
class _Keyset:
    keys: Mapping[str | None, Key] = field(default_factory=dict)
    good_at: float | None = None  # when the keys were fetched
    tried_at: float | None = None  # when a fetch last began
    fetching: "asyncio.Task[None] | None" = None


class Keysets:
    """The cache. Times in seconds; `clock` is monotonic.

    fresh_s: so long a keyset is used without a look. interval_s: least time between two fetches caused by an
    unknown `kid` or by a failure. keep_s: so long after the last good fetch an LMS may be silent.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        fresh_s: float = 3600,
        interval_s: float = 30,
        keep_s: float = 7 * 86400,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._fresh_s, self._interval_s, self._keep_s = fresh_s, interval_s, keep_s
        self._keysets: OrderedDict[str, _Keyset] = OrderedDict()

    async def key(self, url: str, kid: str | None) -> Key:
        """The key `kid` of the keyset at `url`; without a kid the only key of the set.

        Raises LaunchRefused: key_unknown, keyset_unreachable.
        """
        keyset = self._keyset(url)
        age = None if keyset.good_at is None else self._clock() - keyset.good_at
        if age is None or age > self._keep_s:
            await self._refresh(url, keyset, wait=True)
        elif age > self._fresh_s:
            await self._refresh(url, keyset, wait=False)
        if _pick(keyset, kid) is None:
            await self._refresh(url, keyset, wait=True)
        if keyset.good_at is None or self._clock() - keyset.good_at > self._keep_s:
            raise LaunchRefused("keyset_unreachable")
        key = _pick(keyset, kid)
        if key is None:
            raise LaunchRefused("key_unknown")
        return key

    def _keyset(self, url: str) -> _Keyset:
        keyset = self._keysets.setdefault(url, _Keyset())
        self._keysets.move_to_end(url)
        while len(self._keysets) > KEYSETS_MAX:
            self._keysets.popitem(last=False)
        return keyset

    async def _refresh(self, url: str, keyset: _Keyset, *, wait: bool) -> None:
        """Begin a fetch, or join the one under way; none if the last one began within the interval."""
        if keyset.fetching is None:
            now = self._clock()
            if keyset.tried_at is not None and now - keyset.tried_at < self._interval_s:
                return
            keyset.tried_at = now
            keyset.fetching = asyncio.create_task(self._load(url, keyset))
        if wait:
            await asyncio.shield(keyset.fetching)  # a launch that is given up must not end the others' fetch

    async def _load(self, url: str, keyset: _Keyset) -> None:
        try:
            keyset.keys, keyset.good_at = parse_keyset(await self._fetch(url)), self._clock()
        except KeysetUnreachable as error:
            kept = "the last good one is kept" if keyset.good_at is not None else "launches cannot be checked"
            log.warning("keyset %s: %s; %s", url, error, kept)
        finally:
            keyset.fetching = None


def _pick(keyset: _Keyset, kid: str | None) -> Key | None:
    if kid is None and len(keyset.keys) == 1:
        return next(iter(keyset.keys.values()))
    return keyset.keys.get(kid)


def parse_keyset(body: bytes) -> dict[str | None, Key]:
    """The usable keys of a JWKS by `kid`: RSA, for signatures, long enough. Raises KeysetUnreachable if none is."""
    try:
        jwks = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeysetUnreachable("not a JSON Web Key Set") from None
    keys: dict[str | None, Key] = {}
    for jwk in jwks[:KEYS_MAX] if isinstance(jwks, list) else []:
        key = _key(jwk)
        if key is not None:
            kid = jwk.get("kid")
            keys.setdefault(kid if isinstance(kid, str) else None, key)
    if not keys:
        raise KeysetUnreachable("no usable key in it")
    return keys


def _key(jwk: Any) -> Key | None:
    if not isinstance(jwk, dict) or jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        return None
    alg = jwk.get("alg")
    if alg is not None and (not isinstance(alg, str) or alg not in ALGORITHMS):
        return None
    try:
        rsa = PyJWK({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}, algorithm="RS256").key
    except (PyJWTError, KeyError, ValueError, TypeError):
        return None
    if not isinstance(rsa, RSAPublicKey) or not KEY_BITS_MIN <= rsa.key_size <= KEY_BITS_MAX:
        return None
    return Key(rsa, alg) if rsa.public_numbers().e.bit_length() <= EXPONENT_BITS_MAX else None


@lru_cache(maxsize=1000)
def pasted_key(pem: str) -> Key:
    """The key that an administrator pasted instead of a keyset's address. Raises LaunchRefused: key_unknown."""
    try:
        rsa = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise LaunchRefused("key_unknown") from None
    if not isinstance(rsa, RSAPublicKey) or rsa.key_size < KEY_BITS_MIN:
        raise LaunchRefused("key_unknown")
    return Key(rsa)


def new_session() -> aiohttp.ClientSession:
    """A client for keysets: no cookies kept, no proxy settings taken from the environment, 5 s for everything.

    No limit for all hosts together: LMSs that hang would take the places of those that don't. A keyset is fetched once
    at a time and at most once per interval, so there are never more connections than registrations.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=LIMIT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=8, resolver=LmsResolver()),
    )


async def fetch_keyset(session: aiohttp.ClientSession, url: str) -> bytes:
    """The body at `url`. Raises KeysetUnreachable."""
    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise KeysetUnreachable(f"answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > BODY_MAX:
                    raise KeysetUnreachable("too large")
            return bytes(body)
    except TimeoutError:
        raise KeysetUnreachable(f"no answer within {LIMIT_S:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise KeysetUnreachable(type(error).__name__) from None
