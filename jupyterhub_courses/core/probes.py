"""What a test of a platform found: judged from what its LMS answered, step by step, pure.

A step is right, wrong, or can't be seen from here (`look`): then the finding says where to look. Of an answer's body
nothing is kept but an OAuth error's own word, cut short.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from .addresses import host_of
from .answers import Answer
from .probe_sentences import STEPS, TEXTS
from .records import Registration

#: Launches are refused from 30 s on (the authenticator's clock_leeway), and an LMS's own clock drifts on.
CLOCK_MAX = 20.0
WORD_MAX = 80
_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
_UNQUOTED = re.compile(r'^\s*\{\s*"error"\s*:\s*"(.{1,1000}?)"\s*\}\s*$', re.DOTALL)
#: What this hub asks for, and what it needs it for.
SCOPES = {
    "lineitem": _AGS + "lineitem",
    "result.readonly": _AGS + "result.readonly",
    "score": _AGS + "score",
    "contextmembership.readonly": "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
}


class State(StrEnum):
    """How a step stands."""

    OK = "ok"
    WRONG = "wrong"
    LOOK = "look"


@dataclass(frozen=True)
class Finding:
    """One step's result; `code` is one of probe_sentences.TEXTS."""

    step: str
    state: State
    code: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    def title(self, language: str = "en") -> str:
        """What was tested."""
        return STEPS[self.step].get(language) or STEPS[self.step]["en"]

    def text(self, language: str = "en") -> str:
        """What was found, and what to do."""
        texts = TEXTS[self.code]
        return (texts.get(language) or texts["en"]).format(**self.values)


@dataclass(frozen=True)
class Tested:
    """All findings of one registration."""

    client_id: str
    findings: tuple[Finding, ...]


def addresses(registration: Registration) -> Finding:
    """Whether what was registered are addresses at all, and safe ones."""
    urls = {
        "authorize_url": registration.authorize_url,
        "token_url": registration.token_url,
        "keyset_url": registration.keyset_url,
    }
    for name, url in urls.items():
        if url and host_of(url) is None:
            return Finding("addresses", State.WRONG, "address_malformed", {"name": name})
    for name, url in urls.items():
        if url and urlsplit(url).scheme == "http" and not _loopback(url):
            return Finding("addresses", State.WRONG, "address_plain", {"name": name})
    return Finding("addresses", State.OK, "addresses_ok")


def keyset(answer: Answer, usable: int | None) -> Finding:
    """`usable`: how many keys of it can check a launch; None when it is no keyset."""
    found = _unanswered("keyset", answer)
    if found is not None:
        return found
    if answer.status != 200:
        return Finding("keyset", State.WRONG, "keyset_status", {"status": str(answer.status)})
    if usable is None:
        return Finding("keyset", State.WRONG, "keyset_none")
    if not usable:
        return Finding("keyset", State.WRONG, "keyset_empty")
    return Finding("keyset", State.OK, "keyset_ok", {"number": str(usable)})


def pasted(readable: bool) -> Finding:
    """A key that was pasted instead of a keyset's address."""
    return Finding("keyset", State.OK if readable else State.WRONG, "pasted_ok" if readable else "pasted_unreadable")


def login(answer: Answer) -> Finding:
    """What the address of logins answers to a request without a launch: anything but "there is nothing"."""
    found = _unanswered("login", answer)
    if found is not None:
        return found
    if answer.status in (404, 410) or answer.status >= 500:
        return Finding("login", State.WRONG, "login_status", {"status": str(answer.status)})
    return Finding("login", State.OK, "login_ok")


def redirect(launched: bool, address: str) -> Finding:
    """Moodle and Open edX check the redirect address inside a launch alone: asked without one, they answer the same
    to a right and to a wrong one. A launch that arrived is the proof.
    """
    if launched:
        return Finding("redirect", State.OK, "redirect_seen", {"address": address})
    return Finding("redirect", State.LOOK, "redirect_unseen", {"address": address})


def clock(offset: float | None) -> Finding:
    """`offset`: seconds by which the LMS's clock is ahead; None when no answer told."""
    if offset is None:
        return Finding("clock", State.LOOK, "clock_unknown")
    if abs(offset) > CLOCK_MAX:
        code = "clock_ahead" if offset > 0 else "clock_behind"
        return Finding("clock", State.WRONG, code, {"seconds": str(round(abs(offset)))})
    return Finding("clock", State.OK, "clock_ok")


def token(registration: Registration, answers: Mapping[str, Answer], old_key: bool, keyset_address: str) -> Finding:
    """`answers`: to a request for each scope alone. `old_key`: the LMS takes a retired key only."""
    values = {"client_id": registration.client_id, "keyset": keyset_address}
    if any(_granted(answer) for answer in answers.values()):
        return Finding("token", State.LOOK if old_key else State.OK, "token_old_key" if old_key else "token_ok")
    if any(_error(answer) == "invalid_scope" or _token(answer) for answer in answers.values()):
        return Finding("token", State.OK, "token_ok")  # it knows us, and gives none of these rights
    answer = next(iter(answers.values()))
    found = _unanswered("token", answer)
    if found is not None:
        return found
    return Finding("token", State.WRONG, _refusal(answer), {**values, **_words(answer)})


def scopes(answers: Mapping[str, Answer], known: bool) -> list[Finding]:
    """One finding a scope; none where the LMS did not take us at all (`known`)."""
    if not known:
        return []
    return [
        Finding(f"scope_{name}", State.OK, "scope_granted")
        if _granted(answers[name], SCOPES[name])
        else Finding(f"scope_{name}", State.WRONG, f"missing_{name}")
        for name in SCOPES
    ]


def deployments(registration: Registration) -> Finding:
    """Launches of other deployments are refused, so none at all refuses everybody."""
    if not registration.deployment_ids:
        return Finding("deployments", State.WRONG, "deployments_none")
    named = ", ".join(registration.deployment_ids[:10]) + (" …" if len(registration.deployment_ids) > 10 else "")
    return Finding("deployments", State.OK, "deployments_ok", {"deployments": named})


def is_right(findings: Iterable[Finding]) -> bool:
    """Nothing is wrong; some things may have to be looked at."""
    return all(finding.state is not State.WRONG for finding in findings)


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")


def _unanswered(step: str, answer: Answer) -> Finding | None:
    return Finding(step, State.WRONG, f"fault_{answer.fault}") if answer.fault else None


def _error(answer: Answer) -> str:
    """The `error` of an OAuth answer (RFC 6749 5.2); Moodle has whole sentences there, with quotes that end them."""
    data = answer.json()
    if not isinstance(data, dict):
        found = _UNQUOTED.search(answer.body[:4096].decode("utf-8", "replace"))
        return found[1] if found else ""
    error = data.get("error")
    return error if isinstance(error, str) else ""


def _token(answer: Answer) -> dict[str, Any] | None:
    data = answer.json() if answer.ok else None
    return data if isinstance(data, dict) and isinstance(data.get("access_token"), str) else None


def _granted(answer: Answer, scope: str | None = None) -> bool:
    """Whether there is a token, and, where the answer says for what, for `scope`."""
    data = _token(answer)
    if data is None:
        return False
    said = data.get("scope")
    if not isinstance(said, str):
        return True
    return bool(said.strip()) if scope is None else scope in said.split()


def _words(answer: Answer) -> dict[str, str]:
    word = "".join(c if c.isprintable() else " " for c in _error(answer))[:WORD_MAX]
    return {"status": str(answer.status), "error": word or "-"}


#: In the order of looking: what an LMS's refusal says -> what it means. Moodle: lib/php-jwt's own sentences.
_REFUSALS = (
    ("invalid_client", "token_client"),
    ("prior to", "token_clock"),
    ("expired token", "token_clock"),
    ("kid", "token_key"),
    ("signature", "token_key"),
    ("key", "token_key"),
    ("invalid_grant", "token_key"),
)


def _refusal(answer: Answer) -> str:
    error = _error(answer).lower()
    if error:
        return next((code for word, code in _REFUSALS if word in error), "token_refused")
    if answer.status == 404:
        return "token_page"
    return "token_status"
