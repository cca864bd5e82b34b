"""The tests' LMS is the recorded Moodle; and what we send and understand is held to the same recording."""

import json
from typing import Any

import aiohttp
import pytest

from jupyterhub_courses.core.answers import Answer
from jupyterhub_courses.core.registrations import (
    CLAIMS,
    SCOPES,
    TOOL,
    our_registration,
    read_configuration,
    read_entry,
    refusal_of,
)
from jupyterhub_courses.core.sentences import SENTENCES

from .conftest import BASE
from .moodle import RECORDED, RecordedMoodle, body_of

#: What a recorded request had for a token, by its note; else a fresh one.
TOKENS: dict[str, Any] = {
    "expired": lambda m: m.token(expires=-3600),
    "token with another scope": lambda m: m.token("other"),
    "update token for": lambda m: m.token("reg-update", "999"),
    "garbage": lambda m: "not-a-jwt",
    "token signed by another key": lambda m: m.token(key="other"),
    "no Authorization": lambda m: "",
    "PUT": lambda m: m.token(),
}


def answer_of(response: dict[str, Any]) -> Answer:
    """A recorded response as our client reports it."""
    body = response["body"]
    html = isinstance(body, dict) and "html_page" in body
    raw = body if isinstance(body, str) else f"<!DOCTYPE html>{body['title']}" if html else json.dumps(body)
    return Answer(response["status"], response["headers"]["content-type"], raw.encode(), response["reason"])


async def ask(moodle: RecordedMoodle, request: dict[str, Any], token: str, body: Any) -> tuple[int, str, Any]:
    data = None if body is None else body if isinstance(body, str) else json.dumps(body)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = request["url"].replace(RECORDED, moodle.url)
    async with (
        aiohttp.ClientSession() as session,
        session.request(request["method"], url, data=data, headers=headers) as answer,
    ):
        text = await answer.text()
        return answer.status, answer.content_type, json.loads(text) if answer.content_type.endswith("json") else text


async def test_every_recorded_refusal_is_this_lmss_too(moodle: RecordedMoodle, recorded: dict[str, Any]) -> None:
    used = moodle.token()
    first = recorded["register"]["request"]
    assert (await ask(moodle, first, used, first["body"]))[0] == 200
    for one in recorded["refused"]:
        request, response = one["request"], one["response"]
        token = next((make(moodle) for note, make in TOKENS.items() if one["note"].startswith(note)), None)
        if token is None:
            token = used if "used token" in one["note"] or "token again" in one["note"] else moodle.token()
        body = body_of(recorded, request.get("body"))
        status, kind, text = await ask(moodle, request, token, body)
        expected = response["body"]
        assert (status, kind) == (response["status"], "text/html"), one["note"]
        if isinstance(expected, str):
            assert text == expected, one["note"]
        else:
            assert expected["title"] in text, one["note"]


async def test_every_recorded_entry_is_this_lmss_too(moodle: RecordedMoodle, recorded: dict[str, Any]) -> None:
    for one in [recorded["register"], *recorded["accepted_variants"]]:
        told = one["response"]["body"]
        moodle.next_type = int(told[TOOL]["deployment_id"])
        token = moodle.token(sub=told["client_id"])
        status, _, entry = await ask(moodle, one["request"], token, body_of(recorded, one["request"]["body"]))
        assert status == 200 and _sorted(entry) == _sorted(told), one["note"]


async def test_the_recorded_update_is_this_lmss_too(moodle: RecordedMoodle, recorded: dict[str, Any]) -> None:
    first, told = recorded["register"]["request"], recorded["register"]["response"]["body"]
    await ask(moodle, first, moodle.token(sub=told["client_id"]), first["body"])
    update = moodle.token("reg-update", "2")
    posts = [e for e in recorded["update"]["exchanges"] if "POST with" in e["note"] or "an update without" in e["note"]]
    assert len(posts) == 3
    for one in posts:
        told = one["response"]["body"]
        _, _, entry = await ask(moodle, one["request"], update, body_of(recorded, one["request"]["body"]))
        kept = {"logo_uri": told["logo_uri"]} if not told["logo_uri"] else {}  # Moodle keeps it without saying so
        assert _sorted({**entry, **kept}) == _sorted(told), one["note"]


def _sorted(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "scope": sorted(entry["scope"].split())}


def test_what_we_send_is_what_a_moodle_took(recorded: dict[str, Any]) -> None:
    """Field by field beside the request that the real Moodle accepted; differences are ours by intent."""
    url = recorded["openid_configuration"]["request"]["url"]
    configuration = read_configuration(url, answer_of(recorded["openid_configuration"]["response"]))
    ours, theirs = our_registration(BASE, configuration), recorded["register"]["request"]["body"]
    same = ("application_type", "response_types", "grant_types", "token_endpoint_auth_method")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert set(ours) <= set(theirs) and set(ours[TOOL]) - {"description#de"} <= set(theirs[TOOL])
    assert {name: type(ours[name]) for name in ours} == {name: type(theirs[name]) for name in ours}
    assert ours[TOOL]["claims"] == theirs[TOOL]["claims"] == list(CLAIMS)
    assert set(ours["scope"].split()) == set(theirs["scope"].split()) - {
        "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
    }
    assert [m["type"] for m in ours[TOOL]["messages"]] == [m["type"] for m in theirs[TOOL]["messages"]]
    link, deep = ours[TOOL]["messages"]
    assert set(deep) - {"label#de"} <= set(theirs[TOOL]["messages"][1])
    assert link["target_link_uri"] == deep["target_link_uri"] == ours[TOOL]["target_link_uri"] == BASE
    assert ours[TOOL]["domain"] == "hub.example.org"
    assert ours["initiate_login_uri"] == BASE + "hub/lti13/oauth_login"
    assert ours["redirect_uris"] == [BASE + "hub/lti13/oauth_callback"]
    assert ours["jwks_uri"] == BASE + "services/courses/jwks.json"


async def test_the_tests_lms_takes_what_we_send(moodle: RecordedMoodle, recorded: dict[str, Any]) -> None:
    url = recorded["openid_configuration"]["request"]["url"]
    configuration = read_configuration(url, answer_of(recorded["openid_configuration"]["response"]))
    ours = our_registration("http://127.0.0.1:8000/prefix/", configuration)
    status, _, entry = await ask(moodle, recorded["register"]["request"], moodle.token(), ours)
    assert status == 200 and entry[TOOL]["domain"] == "127.0.0.1:8000"
    assert set(SCOPES) <= set(entry["scope"].split())


def test_the_recorded_answer_is_understood(recorded: dict[str, Any]) -> None:
    entry = read_entry(answer_of(recorded["register"]["response"]))
    assert (entry.client_id, entry.deployment_id, entry.ungranted) == ("7XDGDtjRBTrC1Ol", "2", ())
    least = recorded["accepted_variants"][0]["response"]
    assert set(read_entry(answer_of(least)).ungranted) == set(SCOPES)


def test_every_recorded_refusal_has_its_sentence(recorded: dict[str, Any]) -> None:
    codes = {one["note"]: refusal_of(answer_of(one["response"])) for one in recorded["refused"]}
    assert all(refusal.code in SENTENCES for refusal in codes.values())
    assert not [note for note, refusal in codes.items() if refusal.code == "registration_lms_error"]
    expected = {
        "same registration token again": "registration_token_used",
        "no Authorization header": "registration_token_missing",
        "token with another scope": "registration_token_refused",
        "update token for a tool that does not exist": "registration_client_gone",
        "PUT": "registration_unsupported",
        "expired token": "registration_lms_page",
        "garbage token": "registration_lms_page",
        "without domain": "registration_domain_missing",
        "domain without the port": "registration_domain_differs",
        "without jwks_uri": "registration_field_missing",
        "redirect_uris: a string": "registration_redirects_refused",
        'response_types: ["code"]': "registration_field_wrong",
        "client_name longer than": "registration_lms_page",
    }
    for note, code in expected.items():
        assert {refusal.code for name, refusal in codes.items() if name.startswith(note)} == {code}, note


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_sentence_of_a_registration_is_missing_in_a_language(language: str) -> None:
    from jupyterhub_courses.core.registration_sentences import REGISTRATION_SENTENCES

    assert all(texts[language] for texts in REGISTRATION_SENTENCES.values())
