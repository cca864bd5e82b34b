"""An id_token's signature: from text to claims that the platform really signed.

Promises: RS256 family only, with a key of the registration; a token of more than 64 KiB, with a name twice
in an object, a `crit` header or anything that is no JSON object is refused. What the claims say is
core/launches.py's.
"""

import json
from collections.abc import Collection
from typing import Any

import jwt
from jwt.exceptions import InvalidSignatureError, PyJWTError

from ...core.refusals import LaunchRefused
from .keysets import ALGORITHMS, Keysets, pasted_key

TOKEN_MAX = 64 * 1024
KID_MAX = 512


async def verified_claims(
    token: str, keysets: Keysets, keyset_url: str | None, public_key: str | None, algorithms: Collection[str]
) -> dict[str, Any]:
    """The claims of `token`, signed by the platform of `keyset_url` (or of the pasted `public_key`).

    `algorithms`: those that an administrator allows; others than RS256, RS384, RS512 never count.
    Raises LaunchRefused.
    """
    if len(token) > TOKEN_MAX:
        raise LaunchRefused("token_too_large")
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS.intersection(algorithms):
        raise LaunchRefused("algorithm_refused")
    if kid is not None and (not isinstance(kid, str) or len(kid) > KID_MAX):
        raise LaunchRefused("key_unknown")
    if public_key:
        key = pasted_key(public_key)
    elif keyset_url:
        key = await keysets.key(keyset_url, kid)
    else:
        raise LaunchRefused("key_unknown")
    if key.alg not in (None, algorithm):
        raise LaunchRefused("algorithm_refused")
    try:
        payload = jwt.PyJWS().decode(token, key.rsa, algorithms=[algorithm])
    except InvalidSignatureError:
        raise LaunchRefused("signature_wrong") from None
    except (PyJWTError, ValueError):
        raise LaunchRefused("token_malformed") from None
    return _object(payload)


def _header(token: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise LaunchRefused("token_malformed") from None
    if "crit" in header or "b64" in header:  # RFC 7515 4.1.11: we understand none, so we must refuse
        raise LaunchRefused("token_malformed")
    return header


def _object(payload: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):  # RFC 7519 4: claim names must be unique; parsers differ in which one wins
            raise ValueError("a name twice")
        return found

    def no_constant(name: str) -> Any:
        raise ValueError(name)  # NaN and Infinity are no JSON

    try:
        claims = json.loads(payload, object_pairs_hook=once, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise LaunchRefused("token_malformed") from None
    if not isinstance(claims, dict):
        raise LaunchRefused("token_malformed")
    return claims
