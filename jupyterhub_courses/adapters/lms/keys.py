"""The tool's own key pairs: one signs; an older one stays published, and usable, until what it signed has ended.

Promises: made at the first start; files that their owner alone reads; a change is one atomic step, so that after a
crash at any moment there is a key and every published one works; several processes on one folder see a change at
their next look. Parsed once: parsing the PEM for every signature costs 70 ms (measured), signing itself 0.7 ms.

    tool.pem                  signs
    retired-<epoch>-….pem     published until <epoch> (seconds), then removed
    .tool.pem.…               a draft; only a crash leaves one
"""

import base64
import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FILE, LOCK, DRAFT = "tool.pem", ".lock", ".tool.pem."
DRAFT_S = 3600  # a draft is in its place after a second; one this old is a crash's
BITS = 2048  # what LTI 1.3 platforms are sure to take (1EdTech Security Framework 5.1: RS256)
RETIRED = re.compile(r"retired-(\d{1,12})-[0-9a-f]{8}\.pem")
PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class ToolKey:
    """A key of this tool. `kid`: RFC 7638 thumbprint. `until`: when an old one stops counting, epoch seconds."""

    private: rsa.RSAPrivateKey = field(repr=False)
    kid: str
    public_jwk: dict[str, str] = field(hash=False)
    until: int | None = None

    def public_pem(self) -> str:
        """The public key to paste into an LMS that can't fetch the keyset."""
        return self.private.public_key().public_bytes(*PUBLIC).decode()

    def usable(self) -> tuple["ToolKey", ...]:
        """As KeyRing's, for whoever has one key for ever."""
        return (self,)


class KeyRing:
    """The keys in `directory`. `now` gives an aware time. Raises ValueError when a file holds something else."""

    def __init__(self, directory: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._directory, self._now = directory, now
        self._seen: tuple[object, ...] = ()
        self._keys: tuple[ToolKey, ...] = ()
        self._parsed: dict[bytes, ToolKey] = {}
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / FILE
        if not path.exists():
            self._begin(path)
        path.chmod(0o600)
        self.usable()

    def usable(self) -> tuple[ToolKey, ...]:
        """The key that signs, then the old ones that still count, newest first."""
        seen = self._look()
        if seen != self._seen:
            self._keys, self._seen = self._read(), seen
        now = self._now().timestamp()
        if any(key.until is not None and key.until <= now for key in self._keys):
            self._keys = tuple(key for key in self._keys if key.until is None or key.until > now)
            self.sweep()
        return self._keys

    def signing(self) -> ToolKey:
        """The key that signs."""
        return self.usable()[0]

    def jwks(self) -> dict[str, Any]:
        """The public keyset, as `/services/courses/jwks.json` answers it."""
        return {"keys": [key.public_jwk for key in self.usable()]}

    def rotate(self, keep: timedelta) -> ToolKey:
        """A new key signs from now on; the one before is kept for `keep`. Returns the new one. Takes a second."""
        draft, until = self._draft(), int((self._now() + keep).timestamp())
        with self._locked():
            # Killed after this line: the old key still signs, and its second name only goes on to publish it.
            retired = self._directory / f"retired-{until}-{secrets.token_hex(4)}.pem"
            os.link(self._directory / FILE, retired)
            os.replace(draft, self._directory / FILE)
            self._keep_names()
        return self.signing()

    def sweep(self) -> None:
        """Remove the files of keys whose time is over, and drafts that a crash left."""
        now = self._now().timestamp()
        for path in self._directory.iterdir():
            with suppress(FileNotFoundError):  # another process was quicker
                retired = RETIRED.fullmatch(path.name)
                forgotten = path.name.startswith(DRAFT) and path.stat().st_mtime + DRAFT_S <= now
                if forgotten or (retired and int(retired[1]) <= now):
                    path.unlink()

    def _look(self) -> tuple[object, ...]:
        # The folder's time may stay the same for two changes within a tick of the file system; the inode does not.
        folder, file = self._directory.stat(), (self._directory / FILE).stat()
        return folder.st_mtime_ns, file.st_ino, file.st_mtime_ns

    def _read(self) -> tuple[ToolKey, ...]:
        signing = self._parse((self._directory / FILE).read_bytes(), FILE)
        old: dict[str, ToolKey] = {}
        for path in self._directory.iterdir():
            if not (found := RETIRED.fullmatch(path.name)):
                continue
            with suppress(FileNotFoundError):  # another process swept it just now
                key = replace(self._parse(path.read_bytes(), path.name), until=int(found[1]))
                if key.kid != signing.kid and (key.until or 0) > (old[key.kid].until or 0 if key.kid in old else 0):
                    old[key.kid] = key
        return (signing, *sorted(old.values(), key=lambda key: key.until or 0, reverse=True))

    def _parse(self, pem: bytes, name: str) -> ToolKey:
        if pem not in self._parsed:
            private = serialization.load_pem_private_key(pem, password=None)
            if not isinstance(private, rsa.RSAPrivateKey):
                raise ValueError(f"{self._directory / name} holds no RSA key")
            self._parsed[pem] = _tool_key(private)
        return self._parsed[pem]

    def _begin(self, path: Path) -> None:
        draft = self._draft()
        with suppress(FileExistsError):  # of two processes one wins
            os.link(draft, path)
        draft.unlink()
        self._keep_names()

    def _draft(self) -> Path:
        """A new key, whole and on the disk, beside its place."""
        pem = rsa.generate_private_key(public_exponent=65537, key_size=BITS).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        draft = self._directory / f"{DRAFT}{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _keep_names(self) -> None:
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process changes the folder at a time; a lock ends with its process."""
        lock = os.open(self._directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def load_or_create(directory: Path) -> ToolKey:
    """The key in `directory` that signs, made if there is none. Raises ValueError as KeyRing."""
    return KeyRing(directory).signing()


def _tool_key(private: rsa.RSAPrivateKey) -> ToolKey:
    numbers = private.public_key().public_numbers()
    required = {"e": _base64(numbers.e), "kty": "RSA", "n": _base64(numbers.n)}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return ToolKey(private, kid, {**required, "kid": kid, "alg": "RS256", "use": "sig"})


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()
