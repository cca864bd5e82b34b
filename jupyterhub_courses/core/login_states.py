"""The `state` of one login: what the tool sends through the LMS and gets back, sealed.

Promises: nobody without the key makes one; it is worth something for ten minutes, and only in the browser
that holds the launch's cookie (its secret's hash is sealed in); the nonce of the login follows from the state
and the key, and the store keeps it from being used twice (adapters/store/once.py). Each launch has a cookie of
its own, so several tabs work at once.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass

from .refusals import LaunchRefused

STATE_SECONDS = 600
STATE_MAX = 4096
COOKIE_PREFIX = "courses-launch-"


@dataclass(frozen=True)
class LoginState:
    """One attempt to log in. `attempt` is random and public; `binding` is the hash of the browser's secret."""

    attempt: str
    issuer: str
    client_id: str
    issued: int  # epoch seconds
    binding: str

    @property
    def cookie_name(self) -> str:
        """The cookie that holds the browser's secret; sorts by time of issue."""
        return f"{COOKIE_PREFIX}{self.issued:010x}-{self.attempt}"


def new_state(issuer: str, client_id: str, attempt: str, secret: str, now: float) -> LoginState:
    """A fresh state; `attempt` and `secret` are random text from the caller."""
    return LoginState(attempt, issuer, client_id, int(now), _hash("binding", attempt, secret))


def nonce_of(state: LoginState, key: bytes) -> str:
    """The nonce that the id_token of this login has to carry."""
    return hmac.digest(key, b"courses launch nonce " + state.attempt.encode(), "sha256").hex()


def is_bound(state: LoginState, secret: str) -> bool:
    """Whether the browser that holds `secret` began this login."""
    return hmac.compare_digest(state.binding, _hash("binding", state.attempt, secret))


def seal(state: LoginState, key: bytes) -> str:
    """The state as URL-safe text with a seal."""
    body = _encode(json.dumps(asdict(state), separators=(",", ":")).encode())
    return f"{body}.{_encode(_mac(key, body))}"


def unseal(text: str, key: bytes, now: float) -> LoginState:
    """The inverse. Raises LaunchRefused: state_invalid (not ours, or changed), state_expired."""
    body, _, mac = text.partition(".")
    if len(text) > STATE_MAX or not text.isascii() or not hmac.compare_digest(mac, _encode(_mac(key, body))):
        raise LaunchRefused("state_invalid")
    state = LoginState(**json.loads(_decode(body)))  # what we sealed ourselves needs no further check
    if not state.issued - 60 <= now < state.issued + STATE_SECONDS:
        raise LaunchRefused("state_expired")
    return state


def _mac(key: bytes, body: str) -> bytes:
    return hmac.digest(key, b"courses launch state " + body.encode(), "sha256")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
