"""The platform's own key, kept in the state directory, and the tool's public keys, fetched and kept a while.

Promises: the platform's key is made once and parsed once (parsing a PEM costs a hundred signatures); the
tool's keyset is fetched when it is first needed and again when a signature does not fit it, as Moodle does.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tornado.httpclient import AsyncHTTPClient

KEYSET_LIMIT_S = 5


class KeysetUnreachable(Exception):
    """The tool's keyset could not be fetched."""


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.kid})

    def keyset(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "alg": "RS256",
                    "kid": self.kid,
                    "e": public["e"],
                    "n": public["n"],
                    "use": "sig",
                }
            ]
        }


def signing_key(path: Path) -> SigningKey:
    """The key in the file; made the first time, readable by the owner only."""
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # Written beside and moved: a kill in between leaves no half key.
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(10).encode() + b"\n" + pem)
        beside.rename(path)
    kid, _, pem = path.read_bytes().partition(b"\n")
    private = serialization.load_pem_private_key(pem, None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return SigningKey(kid.decode(), private)


class ToolKeys:
    """The keys that a tool's assertions may be signed with. `public_key` (PEM) replaces the keyset."""

    def __init__(self, keyset_url: str | None, public_key: str | None):
        self._url = keyset_url
        self._fixed = serialization.load_pem_public_key(public_key.encode()) if public_key else None
        self._keys: dict[str, Any] = {}

    async def key(self, kid: str | None, fresh: bool = False) -> Any | None:
        """The key of that id, or None. Raises KeysetUnreachable. `fresh`: do not trust the kept ones."""
        if self._fixed is not None:
            return self._fixed
        if kid is None:
            return None
        if fresh or kid not in self._keys:
            self._keys = await self._fetch()
        return self._keys.get(kid)

    @property
    def refetchable(self) -> bool:
        return self._fixed is None

    async def _fetch(self) -> dict[str, Any]:
        assert self._url is not None
        client = AsyncHTTPClient(force_instance=True, max_body_size=1 << 20)
        try:
            answer = await client.fetch(self._url, request_timeout=KEYSET_LIMIT_S, follow_redirects=False)
            keys = json.loads(answer.body)["keys"]
            return {key["kid"]: jwt.PyJWK(key, algorithm="RS256").key for key in keys if "kid" in key}
        except Exception as error:  # whatever a foreign server does is the same to the caller
            raise KeysetUnreachable(type(error).__name__) from error
        finally:
            client.close()
