"""Replays what was recorded with Moodle 4.5.6 against the LMS of the demo, to keep it from being a fiction.

One LMS plays a file from its first exchange to its last, with its clock at the recording's; only addresses,
tokens and the line items' numbers differ, and are translated. What is not replayed is listed, with the
reason, in NOT_REPLAYED.
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from .lab import Lab, Reply, forms, recorded_site, running_lms

RECORDED_BASE = "http://127.0.0.1:8081"
RECORDED_NOW = 1795310743.9  # 2026-11-22T01:25:43Z: when 04-scores was recorded
LTI = "https://purl.imsglobal.org/spec/lti/claim/"

# Files and parts of exchanges that are left out, and why.
NOT_REPLAYED = {
    "07-dynamic-registration.json": "the scenario names the tool; registration needs a Moodle",
    "09-substitution.json": "only its odd ones (the last test here); the rest needs profiles",
    "10-lti11.json": "the demo's LMS speaks LTI 1.3 only",
}
UNSTABLE_HEADERS = {
    "transfer-encoding",
    "connection",
    "content-length",
}  # of the web server in front, not of Moodle
Recording = Callable[[str], Any]


@pytest.fixture
def recording(vectors: Path) -> Recording:
    """Reads a recording by name. Without recordings the test is left out, by name."""
    return lambda name: json.loads((vectors / f"{name}.json").read_text(encoding="utf-8"))


class Translation:
    """Between the recording's addresses and line item numbers and ours; learns from what is created."""

    def __init__(self, lab: Lab, token: str):
        self.lab, self.token = lab, token
        self.items = {"2": _only_item(lab)}  # recorded -> ours

    def to_ours(self, url: str) -> str:
        def item(match: re.Match[str]) -> str:
            return f"/lineitems/{self.items.get(match[1], match[1])}/"

        return re.sub(r"/lineitems/(\d+)/", item, url.removeprefix(RECORDED_BASE))

    def to_theirs(self, text: str) -> str:
        back = {ours: theirs for theirs, ours in self.items.items()}

        def item(match: re.Match[str]) -> str:
            return match[1] + back.get(match[2], match[2])

        text = text.replace(self.lab.base, RECORDED_BASE)
        return re.sub(r"(/lineitems/|for item |Grade item )(\d+)", item, text)

    def learn(self, recorded: dict[str, Any], reply: Reply) -> None:
        if recorded["status"] == 201:
            theirs, ours = (re.search(r"/lineitems/(\d+)/", one["id"]) for one in (recorded["body"], reply.json()))
            assert theirs and ours
            self.items[theirs[1]] = ours[1]


def _only_item(lab: Lab) -> str:
    found = lab.control("GET", "gradebook?detail=1")["ml101"]["JupyterHub"]["student1"]["item"]
    return str(found)


def play(translation: Translation, exchange: dict[str, Any]) -> Reply:
    request = exchange["request"]
    headers = dict(request["headers"])
    if "authorization" in headers and "Bearer 0000" not in headers["authorization"]:
        headers["authorization"] = f"Bearer {translation.token}"
    body = request.get("body")
    if isinstance(body, dict):  # recorded decoded; only one was sent with line breaks, as its note says
        body = json.dumps(body, indent=1 if "line breaks" in exchange.get("note", "") else None)
    return translation.lab.send(request["method"], translation.to_ours(request["url"]), headers, body)


def compare(translation: Translation, exchange: dict[str, Any], reply: Reply) -> None:
    recorded, note = exchange["response"], exchange.get("note")
    translation.learn(recorded, reply)
    assert (reply.status, translation.to_theirs(reply.reason)) == (recorded["status"], recorded["reason"]), note
    for name in set(recorded["headers"]) - UNSTABLE_HEADERS:
        ours = reply.headers[name].encode("latin-1").decode()
        # The recorder read the broken Link header as it should be read.
        assert translation.to_theirs(ours) == recorded["headers"][name], note
    assert ("link" in reply.headers) == ("link" in recorded["headers"]), note
    compare_bodies(translation.to_theirs(reply.body), recorded["body"], note)


def compare_bodies(ours: str, recorded: Any, note: str | None) -> None:
    if recorded == "" or (isinstance(recorded, str) and "nginx" in recorded):
        assert ours == recorded, note
    elif isinstance(recorded, str):  # Moodle's page, of which the recording has the beginning
        assert ours[: ours.index("<link") if "<link" in ours else ours.index("</title>")][:80] == recorded[:80], note
    else:
        assert without_secrets(json.loads(ours)) == without_secrets(recorded), note


def without_secrets(value: Any) -> Any:
    """Blanks what is random: access tokens, and launch id and hash in a result's sourcedid."""
    text = json.dumps(value)
    text = re.sub(r'("access_token": ")[0-9a-f]{32}"', r'\1…"', text)
    text = re.sub(r'(launchid\\": ?)\d+', r"\1…", text)
    text = re.sub(r'(hash\\": ?\\")[0-9a-f]{64}', r"\1…", text)
    return json.loads(text)


def test_every_recording_is_replayed_or_named(vectors: Path) -> None:
    replayed = {f"{n}.json" for n in ("01-launch", "02-token", "03-lineitems", "04-scores", "05-results", "06-nrps")}
    replayed |= {"claims-student.json", "claims-teacher.json", "08-deep-linking.json"}
    assert {path.name for path in vectors.glob("*.json")} == replayed | set(NOT_REPLAYED)


def test_the_services_answer_as_recorded(tmp_path: Path, recording: Recording) -> None:
    """03 to 06 are one story: line items, scores to them, their results, members."""
    with running_lms(tmp_path) as lab:
        lab.now = RECORDED_NOW
        translation = Translation(lab, lab.token())
        played = 0
        for name in ("03-lineitems", "04-scores", "05-results", "06-nrps"):
            for exchange in recording(name):
                compare(translation, exchange, play(translation, exchange))
                compare_gradebook(translation, exchange)
                played += 1
        assert played == 15 + 21 + 6 + 5


def compare_gradebook(translation: Translation, exchange: dict[str, Any]) -> None:
    """After a score: what Moodle's grade_grades held, and what ours shows."""
    row = exchange.get("gradebook_row")
    if row is None:
        return
    item = translation.items[re.search(r"/lineitems/(\d+)/", exchange["request"]["url"])[1]]  # type: ignore[index]
    student = f"student{int(exchange['request']['body']['userId']) - 4}"
    columns = translation.lab.control("GET", "gradebook?detail=1")["ml101"].values()
    cell = next(column[student] for column in columns if str(column[student]["item"]) == item)
    modified = datetime.fromtimestamp(cell["modified"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert cell["score"] == (None if row["finalgrade"] is None else float(row["finalgrade"])), exchange["note"]
    assert (modified, cell["comment"]) == (row["timemodified_utc"], row["feedback"]), exchange["note"]
    assert cell["overridden"] == (row["overridden"] != "0") and cell["max"] == float(row["rawgrademax"])


@pytest.mark.parametrize("index", range(6))
def test_the_token_endpoint_answers_as_recorded(lms: Lab, recording: Recording, index: int) -> None:
    """The recorded assertion's claims, signed anew: the recording's key is nobody's any more."""
    exchange = recording("02-token")[index]
    form = dict(parse_qsl(exchange["request"]["body"]))
    payload = form["client_assertion"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    lms.now = 1795310742.0  # when it was recorded
    reply = lms.ask_token(claims, form["scope"])
    recorded = exchange["response"]
    assert (reply.status, reply.reason, reply.type) == (
        recorded["status"],
        recorded["reason"],
        recorded["headers"]["content-type"],
    )
    assert without_secrets(reply.json()) == without_secrets(recorded["body"])


@pytest.mark.parametrize("person", ["teacher1", "teacher2", "student1"])
def test_a_launch_is_as_recorded(lms: Lab, recording: Recording, person: str) -> None:
    recorded = recording("01-launch")[person]
    lms.now = float(recorded["claims"]["iat"])
    lms.sign_in(person)
    login = lms.begin_launch()
    theirs = recorded["login_request"]
    assert list(login) == list(theirs)
    hint, their_hint = json.loads(login["lti_message_hint"]), json.loads(theirs["lti_message_hint"])
    assert list(hint) == list(their_hint) and re.fullmatch(r"ltilaunch1_\d+", hint["launchid"])
    ignored = {"iss": "", "lti_message_hint": ""}
    assert login | ignored == theirs | ignored and login["iss"] == lms.base
    asked = {name: recorded["auth_request"][name] for name in ("nonce", "state", "redirect_uri")}
    form = forms(lms.authorize(login, **asked).body)["ltiAuthForm"]
    assert form["action"] == asked["redirect_uri"] and form["method"] == "post"
    assert form["fields"]["state"] == asked["state"]
    compare_claims(lms, lms.verified(form["fields"]["id_token"]), recorded["claims"])


@pytest.mark.parametrize(("name", "person"), [("claims-student", "student1"), ("claims-teacher", "teacher1")])
def test_claims_are_as_recorded_on_another_day(lms: Lab, recording: Recording, name: str, person: str) -> None:
    recorded = recording(name)
    lms.now = float(recorded["iat"])
    claims = lms.launch(person)
    recorded["nonce"] = "a-nonce"
    compare_claims(lms, claims, recorded, in_order=False)


def compare_claims(lms: Lab, ours: dict[str, Any], theirs: dict[str, Any], in_order: bool = True) -> None:
    if in_order:
        assert list(ours) == list(theirs)
    item = _only_item(lms)
    text = json.dumps(ours).replace(lms.base, RECORDED_BASE).replace(f"/lineitems/{item}/", "/lineitems/2/")
    assert comparable(json.loads(text)) == comparable(theirs)


def comparable(claims: dict[str, Any]) -> dict[str, Any]:
    claims = json.loads(re.sub(r"sesskey=\w{10}", "sesskey=…", json.dumps(without_secrets(claims))))
    assert re.fullmatch(r"[0-9a-f]{32}", claims[LTI + "tool_platform"].pop("guid"))
    return claims


def test_variables_are_replaced_as_recorded(recording: Recording, tmp_path: Path) -> None:
    """The odd ones of 09-substitution.json: a variable is the whole value or nothing."""
    recorded = recording("09-substitution")
    odd = recorded["launches"][0]["odd"]
    sent = {name: value for name, value in recorded["sent_odd"].items() if "backslash" not in name}
    with running_lms(tmp_path / "other", recorded_site(custom=sent)) as lab:
        custom = lab.launch("student1")[LTI + "custom"]
    assert {name: custom[name].replace("5", "61") for name in sent} == {name: odd[name] for name in sent}
