"""An LMS for these tests: signs real id_tokens, serves its keyset on loopback, and can be told to misbehave."""

import asyncio
import copy
import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


@cache
def key_pair(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of this run; the same one for the same name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """The public half as a JWK without `alg` and `use`, as Open edX sends it."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {"kty": "RSA", "n": public["n"], "e": public["e"], "kid": kid, **more}


@dataclass
class Platform:
    """One LMS. `delay_s`, `status`: how its keyset answers. `fetches`, `answers`: how often asked, how often given."""

    issuer: str = "https://lms.example"
    client_id: str = "client-1"
    deployment_id: str = "1"
    url: str = ""
    target: str = ""  # where its activities lead
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=lambda: {"k1": key_pair("k1")})
    delay_s: float = 0
    status: int = 200
    fetches: int = 0
    answers: int = 0
    more_jwks: list[dict[str, Any]] = field(default_factory=list)

    async def keyset(self, request: web.Request) -> web.Response:
        self.fetches += 1
        await asyncio.sleep(self.delay_s)
        self.answers += 1
        jwks = [*self.more_jwks, *(jwk(key, kid) for kid, key in self.keys.items())]
        return web.json_response({"keys": jwks}, status=self.status)

    def claims(self, fresh_nonce: str, /, **changes: Any) -> dict[str, Any]:
        """A student's claims as Moodle sends them; `changes` by short or full name, None takes a claim away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "5",
            "exp": now + 60,
            "iat": now,
            "nonce": fresh_nonce,
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "email": "ada.secret@lms.invalid",
            LTI + "deployment_id": self.deployment_id,
            LTI + "version": "1.3.0",
            LTI + "message_type": "LtiResourceLinkRequest",
            **({LTI + "target_link_uri": self.target} if self.target else {}),
            LTI + "roles": [MEMBERSHIP + "Learner"],
            LTI + "context": {"id": "2", "label": "ml101", "title": "Machine Learning 101"},
            LTI + "resource_link": {"id": "1", "title": "JupyterHub"},
            LTI + "custom": {"assignment": "ps1"},
        }
        for name, value in changes.items():
            full = name if name in claims or name in ("azp", "nbf") or ":" in name else LTI + name
            if value is None:
                claims.pop(full, None)
            else:
                claims[full] = copy.deepcopy(value)
        return claims

    def sign(self, claims: dict[str, Any], kid: str = "k1", algorithm: str = "RS256", **headers: Any) -> str:
        """The id_token of `claims`."""
        return jwt.encode(claims, self.keys[kid], algorithm, headers={"kid": kid, **headers})

    def sign_text(self, text: str) -> str:
        """A correctly signed token whose payload is `text`, whatever that is."""
        return jwt.PyJWS().encode(text.encode(), self.keys["k1"], "RS256", headers={"kid": "k1"})
