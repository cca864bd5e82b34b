"""Basic Outcomes of LTI 1.1: the message that brings a score, and what an LMS's answer to it means.

Promises: nothing here can take a grade away: there is a message to replace a result and one to read it, and none to
delete one. An answer's words are never kept or logged. Answers are read strictly: UTF-8 only, and one that declares a
document type or an entity is not read at all, so nothing in it can grow, or point to a file or an address.
https://www.imsglobal.org/specs/ltiomv1p0/specification
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .answers import DELIVERED, Answer, Outcome, Scope, Verdict, common_outcome
from .scores import Desired, Result

MEDIA_TYPE: Final = "application/xml"
ANSWER_MAX: Final = 64 * 1024
_NAMESPACE: Final = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"
_DECLARES: Final = re.compile(r"<!(?!--|\[CDATA\[)")
#: How LMSs word that they do not know key, secret or time of a message.
_NOT_OURS: Final = re.compile(r"signature|oauth|consumer|access token|timestamp|nonce", re.IGNORECASE)


@dataclass(frozen=True)
class Status:
    """What an envelope says of the message it answers; `score`: of a result that was read."""

    code: str
    description: str
    operation: str
    score: str = ""


def replace_message(sourcedid: str, desired: Desired, number: str) -> bytes:
    """The score, as the share of the maximum that LTI 1.1 knows; `number` names the message."""
    score = f"<resultScore><language>en</language><textString>{share_of(desired)}</textString></resultScore>"
    return _message("replaceResult", sourcedid, f"<result>{score}</result>", number)


def read_message(sourcedid: str, number: str) -> bytes:
    """Ask for the grade that the LMS shows."""
    return _message("readResult", sourcedid, "", number)


def share_of(desired: Desired) -> str:
    """`0.8` of 8 out of 10, never outside 0 to 1 and never with an exponent: LMSs refuse both."""
    share = min(1.0, max(0.0, desired.score / desired.maximum))
    return f"{share:.10f}".rstrip("0").rstrip(".") or "0"


def outcome_of_replace(answer: Answer) -> Outcome:
    """What became of a score that was sent. Moodle answers everything with 200 and text/html."""
    status = status_of(answer)
    if status is None:
        return _unread(answer)
    if status.code == "success":
        return DELIVERED
    if status.code == "processing":
        return Outcome(Verdict.RETRY, "lms_busy", in_doubt=True)
    if status.code == "failure":
        return _failed(status)
    return Outcome(Verdict.REFUSED, "refused_by_lms")


def result_of_read(answer: Answer) -> Result | None:
    """The grade that is shown, of 1; its score is None where there is no grade. None: the answer does not say."""
    status = status_of(answer)
    if status is None or status.code != "success":
        return None
    try:
        score = float(status.score) if status.score else None
    except ValueError:
        return None
    return Result(score, 1.0) if score is None or 0 <= score <= 1 else None


def status_of(answer: Answer) -> Status | None:
    """The envelope's status; None of anything that is no such envelope."""
    if answer.fault or answer.status >= 500 or len(answer.body) > ANSWER_MAX:
        return None
    try:
        text = answer.body.decode("utf-8-sig").strip()
        # Text, so that no declaration in it can choose another encoding, in which a `<!` would look different.
        root = None if _DECLARES.search(text) else ElementTree.fromstring(text)
    except (ValueError, ElementTree.ParseError):
        return None
    if root is None or _local(root.tag) != "imsx_POXEnvelopeResponse":
        return None
    texts = {_local(element.tag): (element.text or "").strip() for element in root.iter()}
    code = texts.get("imsx_codeMajor", "").lower()
    if not code:
        return None
    operation = texts.get("imsx_operationRefIdentifier", "")
    return Status(code, texts.get("imsx_description", ""), operation, texts.get("textString", ""))


def _failed(status: Status) -> Outcome:
    if "replaceResult" not in status.operation and _NOT_OURS.search(status.description):
        return Outcome(Verdict.RETRY, "consumer_refused", Scope.COLUMN)
    if "does not accept grades" in status.description:  # Moodle: activity deleted, or not graded (any more)
        return Outcome(Verdict.REFUSED, "activity_not_graded")
    if status.description == "Grade replace response":  # Moodle's word of success: it could not store, as when locked
        return Outcome(Verdict.RETRY, "lms_error")
    return Outcome(Verdict.REFUSED, "refused_by_lms")


def _unread(answer: Answer) -> Outcome:
    if answer.ok:  # a login or maintenance page
        return Outcome(Verdict.RETRY, "lms_nonsense", Scope.PLATFORM, answer.retry_after, in_doubt=True)
    outcome = common_outcome(answer)
    if outcome.verdict is Verdict.REFRESH_TOKEN:
        return Outcome(Verdict.RETRY, "consumer_refused", Scope.COLUMN, answer.retry_after)
    if outcome.verdict is Verdict.GONE:  # there is no column of ours that could be gone
        return Outcome(Verdict.RETRY, "lms_error", Scope.SCORE, answer.retry_after)
    return outcome


def _message(operation: str, sourcedid: str, result: str, number: str) -> bytes:
    header = f"<imsx_version>V1.0</imsx_version><imsx_messageIdentifier>{number}</imsx_messageIdentifier>"
    record = (
        f"<resultRecord><sourcedGUID><sourcedId>{escape(sourcedid)}</sourcedId></sourcedGUID>{result}</resultRecord>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<imsx_POXEnvelopeRequest xmlns="{_NAMESPACE}"><imsx_POXHeader>'
        f"<imsx_POXRequestHeaderInfo>{header}</imsx_POXRequestHeaderInfo></imsx_POXHeader>"
        f"<imsx_POXBody><{operation}Request>{record}</{operation}Request></imsx_POXBody></imsx_POXEnvelopeRequest>"
    ).encode()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
