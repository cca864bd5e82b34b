"""Every answer of an LMS has one meaning; a real Moodle's recorded ones have the right one."""

import json
from pathlib import Path

import pytest

from jupyterhub_courses.core.answers import Answer, Outcome, Scope, Verdict, outcome_of_score
from jupyterhub_courses.core.score_sentences import SCORE_SENTENCES


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (Answer(200), Verdict.DELIVERED, ""),
        (Answer(201, body=b"{}"), Verdict.DELIVERED, ""),  # Open edX
        (Answer(204), Verdict.DELIVERED, ""),
        (Answer(200, body=b'{"resultUrl": "https://lms.invalid/1"}'), Verdict.DELIVERED, ""),
        (Answer(200, body=b"[]"), Verdict.REFUSED, "refused_by_lms"),  # Moodle
        (Answer(200, body=b"\n[] "), Verdict.REFUSED, "refused_by_lms"),
        (Answer(200, "text/html", b"<html>please log in"), Verdict.RETRY, "lms_nonsense"),
        (Answer(200, body=b'{"resultUrl": "tru', fault="broken"), Verdict.RETRY, "lms_unreachable"),
        (Answer(200, body=b"x" * 10, fault="too_large"), Verdict.RETRY, "lms_nonsense"),
        (Answer(302), Verdict.RETRY, "lms_nonsense"),
        (Answer(400, reason='Incorrect score received{"userId"'), Verdict.REFUSED, "not_in_lms"),
        (Answer(400, reason="Bad Request"), Verdict.STALE, "refused_by_lms"),
        (Answer(401), Verdict.REFRESH_TOKEN, "token_no_access"),
        (Answer(403), Verdict.REFRESH_TOKEN, "token_no_access"),
        (Answer(404), Verdict.GONE, "column_gone"),
        (Answer(406), Verdict.REFUSED, "refused_by_lms"),
        (Answer(409), Verdict.STALE, "newer_in_lms"),
        (Answer(422), Verdict.REFUSED, "refused_by_lms"),
        (Answer(429, retry_after=7.0), Verdict.RETRY, "lms_busy"),
        (Answer(500), Verdict.RETRY, "lms_error"),
        (Answer(502), Verdict.RETRY, "lms_error"),
        (Answer(503), Verdict.RETRY, "lms_busy"),
        (Answer(0, fault="timeout"), Verdict.RETRY, "lms_timeout"),
        (Answer(0, fault="unreachable"), Verdict.RETRY, "lms_unreachable"),
        (Answer(0, fault="certificate"), Verdict.RETRY, "lms_certificate"),
    ],
)
def test_what_an_answer_to_a_score_means(answer: Answer, verdict: Verdict, reason: str) -> None:
    outcome = outcome_of_score(answer)
    assert (outcome.verdict, outcome.reason) == (verdict, reason)
    assert outcome.retry_after == answer.retry_after
    assert not reason or set(SCORE_SENTENCES[reason]) == {"en", "de"}


def test_only_an_lms_that_is_away_or_busy_stops_the_whole_platform() -> None:
    platform = {s for s in (0, 302, 429, 500, 502, 503) if _scope(s) is Scope.PLATFORM}
    assert platform == {0, 302, 429, 503}
    assert _scope(404) is _scope(401) is Scope.COLUMN


def _scope(status: int) -> Scope:
    return outcome_of_score(Answer(status, fault="" if status else "timeout")).scope


def test_a_recorded_moodles_answers_mean_what_its_gradebook_shows(vectors: Path) -> None:
    previous = None
    for record in json.loads((vectors / "04-scores.json").read_text()):
        answer, row = record["response"], record.get("gradebook_row")
        body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
        read = Answer(answer["status"], answer["headers"]["content-type"], body.encode(), answer["reason"])
        outcome = outcome_of_score(read)
        kept = row is not None and row != previous
        assert (outcome.verdict is Verdict.DELIVERED) == kept, record["note"]
        if "JSON with line breaks" in record["note"]:
            assert outcome == Outcome(Verdict.REFUSED, "refused_by_lms")
        previous = row


def test_no_reason_repeats_what_the_lms_said(vectors: Path) -> None:
    for record in json.loads((vectors / "04-scores.json").read_text()):
        answer = record["response"]
        outcome = outcome_of_score(Answer(answer["status"], reason=answer["reason"], body=b"[]"))
        assert outcome.reason in {*SCORE_SENTENCES, ""}
