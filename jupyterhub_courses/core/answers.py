"""What an LMS's answer means: Answer -> Outcome, for every LMS recorded, with their oddities.

An answer's reason phrase and body are never kept or logged: Moodle echoes the request, a person's data, in
them. What is kept is one of the codes of score_sentences.py.
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

#: The reason of what an LMS no longer has: a column, and what else is asked for by its address.
COLUMN_GONE: Final = "column_gone"


@dataclass(frozen=True)
class Answer:
    """An answer, or none: `status` 0 with `fault` timeout, unreachable, certificate, broken, too_large."""

    status: int
    content_type: str = ""
    body: bytes = b""
    reason: str = ""  # the phrase of the status line; to look at, never to keep
    link: str = ""
    retry_after: float | None = None
    fault: str = ""

    @property
    def ok(self) -> bool:
        """2xx, and whole."""
        return 200 <= self.status < 300 and not self.fault

    def json(self) -> Any:
        """The body as JSON; None when it is something else. The content type is not asked: Moodle sends
        text/html.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Verdict(Enum):
    """What to do next."""

    DELIVERED = "delivered"
    STALE = "stale"  # perhaps the LMS holds something newer: read back
    REFRESH_TOKEN = "refresh_token"
    RETRY = "retry"
    REFUSED = "refused"
    GONE = "gone"


class Scope(Enum):
    """What the trouble is about, so that one broken thing holds up nothing else."""

    SCORE = "score"
    COLUMN = "column"  # this line item, or the registration it belongs to
    PLATFORM = "platform"


@dataclass(frozen=True)
class Outcome:
    """A verdict with its reason's code. `in_doubt`: the LMS may have acted although it did not say so."""

    verdict: Verdict
    reason: str = ""
    scope: Scope = Scope.SCORE
    retry_after: float | None = None
    in_doubt: bool = False


class LmsFailure(Exception):
    """Something other than a score could not be asked of an LMS."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


DELIVERED = Outcome(Verdict.DELIVERED)
_FAULTS = {
    "timeout": "lms_timeout",
    "unreachable": "lms_unreachable",
    "certificate": "lms_certificate",
    "broken": "lms_unreachable",
    "too_large": "lms_nonsense",
}
#: Moodle's phrase for a user it will not grade: unknown, not enrolled, a teacher. Its stale answer is always
#: 409.
_MOODLE_REFUSED = "Incorrect score received"


def outcome_of_score(answer: Answer) -> Outcome:
    """What became of a posted score."""
    if answer.ok:
        return _accepted(answer)
    if answer.status == 409:
        return Outcome(Verdict.STALE, "newer_in_lms")
    if answer.status == 400:
        if answer.reason.startswith(_MOODLE_REFUSED):
            return Outcome(Verdict.REFUSED, "not_in_lms")
        return Outcome(Verdict.STALE, "refused_by_lms")  # Open edX says 400 to a timestamp that is not newer
    return common_outcome(answer)


def _accepted(answer: Answer) -> Outcome:
    body = answer.body.strip()
    if not body or body == b"{}":
        return DELIVERED
    if body == b"[]":  # Moodle: refused, with the status of a success
        return Outcome(Verdict.REFUSED, "refused_by_lms")
    if isinstance(answer.json(), dict):  # AGS lets a platform answer with {"resultUrl": …}
        return DELIVERED
    # A login or maintenance page with status 200.
    return Outcome(Verdict.RETRY, "lms_nonsense", Scope.PLATFORM, answer.retry_after, in_doubt=True)


def common_outcome(answer: Answer) -> Outcome:
    """What any answer that is no success means, whatever was asked."""
    status, after = answer.status, answer.retry_after
    if answer.fault:
        reason = _FAULTS.get(answer.fault, "lms_unreachable")
        return Outcome(Verdict.RETRY, reason, Scope.PLATFORM, after, in_doubt=True)
    if status in (401, 403):  # Open edX: 403 for an expired token too
        return Outcome(Verdict.REFRESH_TOKEN, "token_no_access", Scope.COLUMN)
    if status in (404, 410):
        return Outcome(Verdict.GONE, COLUMN_GONE, Scope.COLUMN)
    if status in (408, 425, 429, 503):
        return Outcome(Verdict.RETRY, "lms_busy", Scope.PLATFORM, after, in_doubt=True)
    if status >= 500:
        return Outcome(Verdict.RETRY, "lms_error", Scope.SCORE, after, in_doubt=True)
    if 300 <= status < 400 or status < 300:
        return Outcome(Verdict.RETRY, "lms_nonsense", Scope.PLATFORM, after, in_doubt=True)
    return Outcome(Verdict.REFUSED, "refused_by_lms")
