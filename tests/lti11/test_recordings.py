"""What a real Moodle sent and answered (10-lti11.json), against the code that reads and writes it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from jupyterhub_courses.adapters.lms.oauth1 import authorization, is_signed
from jupyterhub_courses.core.answers import Answer, Scope, Verdict
from jupyterhub_courses.core.lti11 import SignedForm, check_form, fields_of, launch_from_form, signature_of
from jupyterhub_courses.core.outcomes import outcome_of_replace, read_message, replace_message, result_of_read
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.refusals import LaunchRefused
from jupyterhub_courses.core.roles import Role, role_from_claims
from jupyterhub_courses.core.scores import Desired, Result, Sent, shows

MOODLE = "http://127.0.0.1:8081"
#: note of an exchange -> verdict, reason, scope of what we make of the answer
VERDICTS = {
    "signed over the service URL": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "replaceResult 0.8": (Verdict.DELIVERED, "", Scope.SCORE),
    "replaceResult again": (Verdict.DELIVERED, "", Scope.SCORE),
    "replaceResult with resultData": (Verdict.DELIVERED, "", Scope.SCORE),
    "replaceResult 0": (Verdict.DELIVERED, "", Scope.SCORE),
    "replaceResult with many digits": (Verdict.DELIVERED, "", Scope.SCORE),
    "score above 1": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "score below 0": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "score with a comma": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "score empty": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "sourcedid not JSON": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "sourcedid of another user": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "sourcedid of an activity that does not exist": (Verdict.REFUSED, "activity_not_graded", Scope.SCORE),
    "wrong secret": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "unknown consumer key": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "body changed after signing": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "no oauth_body_hash": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "timestamp ten minutes old": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "a message": (Verdict.DELIVERED, "", Scope.SCORE),
    "the same nonce": (Verdict.DELIVERED, "", Scope.SCORE),
    "Content-Type application/x-www-form-urlencoded": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "no Authorization": (Verdict.RETRY, "consumer_refused", Scope.COLUMN),
    "not XML": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "an operation Moodle does not know": (Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
    "the teacher's own sourcedid": (Verdict.DELIVERED, "", Scope.SCORE),
}
#: Exchanges of another kind: reading is the next test's, and we never delete.
OTHERS = ("readResult", "deleteResult", "readResult after deleting")


@pytest.fixture(scope="session")
def recorded(vectors: Path) -> dict[str, Any]:
    return dict(json.loads((vectors / "10-lti11.json").read_text(encoding="utf-8")))


@pytest.fixture
def registration(recorded: dict[str, Any]) -> Registration:
    return Registration(
        1, 1, "moodle", MOODLE, recorded["consumer_key"], (), "", None, None, None, recorded["shared_secret"]
    )


def forms(recorded: dict[str, Any]) -> list[tuple[str, SignedForm]]:
    return [
        (one["note"], SignedForm(one["request"]["url"], fields_of(one["request"]["body"].encode())))
        for one in recorded["launches"]
    ]


def answer_of(exchange: dict[str, Any]) -> Answer:
    response = exchange["response"]
    return Answer(response["status"], response["headers"]["content-type"], response["body"].encode())


def of(recorded: dict[str, Any], note: str) -> dict[str, Any]:
    return next(one for one in recorded["outcomes"] if one["note"].startswith(note))


def test_the_recorded_launches_are_signed_by_the_recorded_secret(recorded, registration):
    assert len(recorded["launches"]) == 3
    for note, form in forms(recorded):
        signature = signature_of(form)
        assert is_signed(form, signature, recorded["shared_secret"]), note
        assert not is_signed(form, signature, recorded["shared_secret"] + "x"), note
        elsewhere = SignedForm(form.url.replace("http://", "https://"), form.fields)
        assert not is_signed(elsewhere, signature, recorded["shared_secret"]), note
        check_form(form, signature, signature.timestamp + 2)


def test_every_changed_byte_of_a_recorded_launch_breaks_its_signature(recorded, registration):
    (_, form), *_ = forms(recorded)
    signature = signature_of(form)
    for place, (name, value) in enumerate(form.fields):
        if name == "oauth_signature":
            continue
        fields = (*form.fields[:place], (name, value + " "), *form.fields[place + 1 :])
        assert not is_signed(SignedForm(form.url, fields), signature, recorded["shared_secret"]), name
        without = (*form.fields[:place], *form.fields[place + 1 :])
        assert not is_signed(SignedForm(form.url, without), signature, recorded["shared_secret"]), name


def test_a_recorded_launch_is_refused_ten_minutes_later(recorded):
    (_, form), *_ = forms(recorded)
    signature = signature_of(form)
    for seconds, code in ((301, "token_expired"), (-301, "token_from_future")):
        with pytest.raises(LaunchRefused) as caught:
            check_form(form, signature, signature.timestamp + seconds)
        assert caught.value.code == code


def test_what_moodle_said_of_the_person_and_the_place_arrives(recorded, registration):
    student, teacher, ungraded = (launch_from_form(form, registration) for _, form in forms(recorded))
    assert (student.sub, student.context_id, student.context_label) == ("5", "4", "dl101")
    assert (student.issuer, student.client_id, student.resource_link_id) == (MOODLE, "lab-consumer-key", "52")
    assert student.names["name"] == "Ada Lovelace" and student.login_name == "student1"
    assert student.assignment == "ps1" and ungraded.assignment is None
    roles = [role_from_claims(launch.roles) for launch in (student, teacher, ungraded)]
    assert roles == [Role.STUDENT, Role.INSTRUCTOR, Role.STUDENT]
    assert student.result is not None and ungraded.result is None
    assert student.result.url == f"{MOODLE}/mod/lti/service.php"
    assert json.loads(student.result.sourcedid)["data"]["userid"] == "5"


def test_every_recorded_answer_is_judged(recorded):
    judged = set()
    for exchange in recorded["outcomes"]:
        if exchange["note"] in OTHERS:
            continue
        (known,) = [name for name in VERDICTS if exchange["note"].startswith(name) and _closest(name, exchange["note"])]
        outcome = outcome_of_replace(answer_of(exchange))
        assert (outcome.verdict, outcome.reason, outcome.scope) == VERDICTS[known], exchange["note"]
        judged.add(known)
    assert judged == set(VERDICTS)


def _closest(name: str, note: str) -> bool:
    return name == max((one for one in VERDICTS if note.startswith(one)), key=len)


def test_a_recorded_reading_is_read(recorded):
    found = result_of_read(answer_of(of(recorded, "readResult")))
    assert found == Result(0.8, 1.0) and shows(found, 8, 10)
    emptied = result_of_read(answer_of(of(recorded, "readResult after deleting")))
    assert emptied == Result(None, 1.0)
    assert result_of_read(answer_of(of(recorded, "wrong secret"))) is None


def test_what_we_send_is_what_moodle_took(recorded):
    """Byte for byte: the number of the message, the sourcedid and the score are the recording's."""
    when = datetime(2026, 11, 22, tzinfo=UTC)
    for note, desired in (("replaceResult 0.8", Desired(8, 10, when)), ("replaceResult 0", Desired(0, 10, when))):
        exchange = of(recorded, f"{note} of" if note.endswith("8") else note)
        if note == "replaceResult 0":
            exchange = next(one for one in recorded["outcomes"] if one["note"] == note)
        body = exchange["request"]["body"]
        number = _between(body, "imsx_messageIdentifier")
        assert replace_message(_between(body, "sourcedId"), desired, number).decode() == body, note
    body = of(recorded, "readResult")["request"]["body"]
    number = _between(body, "imsx_messageIdentifier")
    assert read_message(_between(body, "sourcedId"), number).decode() == body


def test_we_sign_as_what_moodle_took_was_signed(recorded):
    for note in ("replaceResult 0.8", "readResult", "replaceResult again"):
        request = of(recorded, note)["request"]
        assert request["headers"]["content-type"] == "application/xml"
        told = header(request["headers"]["authorization"])
        address = request["url"].replace(":8081", "")  # outcomes_note
        ours = header(
            authorization(
                address,
                request["body"].encode(),
                recorded["consumer_key"],
                recorded["shared_secret"],
                int(told["oauth_timestamp"]),
                told["oauth_nonce"],
            )
        )
        assert ours == told, note


def test_a_score_that_was_delivered_is_known_to_be(recorded):
    sent = Sent(8, 10, None, 1)
    assert shows(result_of_read(answer_of(of(recorded, "readResult"))), sent.score, sent.maximum)


def header(text: str) -> dict[str, str]:
    pairs = dict(re.findall(r'(\w+)="([^"]*)"', text))
    pairs.pop("realm", None)
    return {name: unquote(value) for name, value in pairs.items()}


def _between(text: str, tag: str) -> str:
    found = re.search(f"<{tag}>(.*?)</{tag}>", text)
    assert found is not None
    return found[1]


def test_a_form_is_read_as_the_browser_wrote_it(recorded):
    for one in recorded["launches"]:
        assert dict(fields_of(one["request"]["body"].encode())) == one["request"]["form"]
        assert dict(parse_qsl(one["request"]["body"], keep_blank_values=True)) == one["request"]["form"]
