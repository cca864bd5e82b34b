"""Claims of a verified token: what holds, what does not and why, and what a launch is cut down to."""

import pytest

from jupyterhub_courses.core.admissions import launch_from_json
from jupyterhub_courses.core.launch_sentences import LAUNCH_SENTENCES
from jupyterhub_courses.core.launches import AGS, NRPS, Expected, check_claims, launch_as_json, launch_from_claims
from jupyterhub_courses.core.refusals import STATUS, LaunchRefused
from jupyterhub_courses.core.sentences import SENTENCES

from .platform import Platform

NOW = 1_800_000_000
EXPECTED = Expected("https://lms.example", "client-1", "n-0", frozenset({"1", "2"}), "hub.example", "/jupyter/")


def claims(**changes):
    times = {"iat": NOW, "exp": NOW + 60}
    return Platform().claims("n-0", **{**times, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["client-1"]},
        {"aud": ["client-1", "other"], "azp": "client-1"},
        {"azp": "client-1"},
        {"deployment_id": "2"},
        {"exp": NOW - 29},
        {"exp": NOW + 0.5},
        {"iat": NOW + 30},
        {"iat": NOW - 600},
        {"nbf": NOW + 30},
        {"target_link_uri": None},
        {"target_link_uri": "https://hub.example/jupyter/hub?x=1"},
        {"message_type": "LtiDeepLinkingRequest"},
        {"message_type": "LtiSubmissionReviewRequest"},
    ],
    ids=repr,
)
def test_claims_that_hold(changes):
    check_claims(claims(**changes), EXPECTED, NOW)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://other.example"}, "issuer_wrong"),
        ({"iss": "https://lms.example/"}, "issuer_wrong"),
        ({"iss": None}, "issuer_wrong"),
        ({"iss": ["https://lms.example"]}, "issuer_wrong"),
        ({"aud": "client-2"}, "audience_wrong"),
        ({"aud": None}, "audience_wrong"),
        ({"aud": {"client-1": 1}}, "audience_wrong"),
        ({"aud": []}, "audience_wrong"),
        ({"aud": ["client-1", "other"]}, "audience_wrong"),
        ({"aud": ["client-1", "other"], "azp": "other"}, "audience_wrong"),
        ({"azp": "other"}, "audience_wrong"),
        ({"exp": NOW - 30}, "token_expired"),
        ({"exp": None}, "times_missing"),
        ({"exp": True}, "times_missing"),
        ({"exp": "never"}, "times_missing"),
        ({"exp": float("inf")}, "times_missing"),
        ({"iat": None}, "times_missing"),
        ({"iat": NOW + 31}, "token_from_future"),
        ({"iat": NOW - 631}, "token_expired"),
        ({"nbf": NOW + 31}, "token_from_future"),
        ({"nbf": "soon"}, "times_missing"),
        ({"nonce": "n-1"}, "nonce_wrong"),
        ({"nonce": None}, "nonce_wrong"),
        ({"nonce": ["n-0"]}, "nonce_wrong"),
        ({"version": "1.1.0"}, "version_unknown"),
        ({"version": None}, "version_unknown"),
        ({"deployment_id": "3"}, "deployment_unknown"),
        ({"deployment_id": 1}, "deployment_unknown"),
        ({"deployment_id": None}, "deployment_unknown"),
        ({"deployment_id": ["1"]}, "deployment_unknown"),
        ({"message_type": "LtiStartProctoring"}, "message_type_not_yet"),
        ({"message_type": "LtiUnheardOf"}, "message_type_unknown"),
        ({"message_type": None}, "message_type_unknown"),
        ({"message_type": {}}, "message_type_unknown"),
        ({"target_link_uri": "https://evil.example/jupyter/"}, "target_outside"),
        ({"target_link_uri": "https://hub.example/"}, "target_outside"),
        ({"target_link_uri": "//hub.example/jupyter/"}, "target_outside"),
        ({"target_link_uri": ["https://hub.example/jupyter/"]}, "target_outside"),
        ({"target_link_uri": ""}, "target_outside"),
    ],
    ids=repr,
)
def test_claims_that_do_not_hold(changes, code):
    with pytest.raises(LaunchRefused) as refusal:
        check_claims(claims(**changes), EXPECTED, NOW)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": None}, "sub_missing"),
        ({"sub": ""}, "sub_missing"),
        ({"sub": 5}, "sub_odd"),
        ({"sub": "x" * 256}, "sub_odd"),
        ({"sub": "x" * 10_000}, "sub_odd"),
        ({"sub": "ä"}, "sub_odd"),
        ({"sub": "a\nb"}, "sub_odd"),
        ({"sub": "a\x00"}, "sub_odd"),
        ({"context": None}, "no_context"),
        ({"context": {"label": "ml101"}}, "no_context"),
        ({"context": {"id": 2}}, "no_context"),
        ({"context": {"id": " "}}, "no_context"),
        ({"context": {"id": "c" * 256}}, "context_odd"),
        ({"context": {"id": "2\u202e"}}, "context_odd"),
        ({"context": {"id": "2\0"}}, "context_odd"),
        ({"context": "2"}, "no_context"),
        ({"resource_link": None}, "resource_link_missing"),
        ({"resource_link": {"title": "x"}}, "resource_link_missing"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_launches_that_name_nobody_or_nothing(changes, code):
    with pytest.raises(LaunchRefused) as refusal:
        launch_from_claims(claims(**changes), "client-1")
    assert refusal.value.code == code


def test_a_launch_is_bounded_whatever_the_lms_sends():
    long = "ä" * 100_000
    launch = launch_from_claims(
        claims(
            sub="x" * 255,
            name=long,
            email={"not": "text"},
            roles=[long] * 500 + [7],
            context={"id": "2", "label": long, "title": "a\x00b\x1b[31m"},
            custom={"assignment": "ps1", "username": long},
        )
        | {
            AGS: {"lineitems": "https://x/" + "y" * 5000, "lineitem": ""},
            NRPS: {"context_memberships_url": "file:///etc"},
        },
        "client-1",
    )
    assert len(launch.names["name"]) == 255 and launch.names["email"] == ""
    assert len(launch.roles) == 50 and all(len(role) <= 255 for role in launch.roles)
    assert (len(launch.context_label), launch.context_title) == (255, "ab[31m")
    assert (launch.lineitems_url, launch.lineitem_url, launch.members_url) == (None, None, None)
    assert len(str(launch_as_json(launch, "lab"))) < 30_000


def test_the_service_reads_back_what_the_hub_sends():
    more = {
        AGS: {"lineitems": "https://lms.example/items?x=1", "lineitem": "https://lms.example/items/2", "scope": ["s"]},
        NRPS: {"context_memberships_url": "https://lms.example/members"},
    }
    launch = launch_from_claims(claims(ext={"user_username": "ada"}) | more, "client-1")
    assert launch.login_name == "ada" and launch.assignment == "ps1"
    assert launch_from_json(launch_as_json(launch, "lab")) == launch


@pytest.mark.parametrize(
    ("login_claim", "changes", "name"),
    [
        ("", {"ext": {"user_username": "moodles"}, "custom": {"username": "customs"}}, "moodles"),
        ("", {"custom": {"username": "customs"}}, "customs"),
        ("custom_uid", {"custom": {"uid": "u7", "username": "customs"}}, "u7"),
        ("email", {"ext": {"user_username": "moodles"}}, "ada.secret@lms.invalid"),
        ("missing", {"ext": {"user_username": "moodles"}}, "moodles"),
        ("", {"custom": {"username": "$User.username"}}, None),
        ("custom_uid", {"custom": {"uid": "$Person.sourcedId", "username": "customs"}}, "customs"),
        ("", {}, None),
    ],
)
def test_the_login_name_comes_from_the_claim_that_the_administrator_named(login_claim, changes, name):
    assert launch_from_claims(claims(**changes), "client-1", login_claim).login_name == name


def test_a_recorded_moodle_launch_is_understood(vectors):
    import json

    for role in ("student", "teacher"):
        recorded = json.loads((vectors / f"claims-{role}.json").read_text())
        expected = Expected(recorded["iss"], recorded["aud"], recorded["nonce"], {"1"}, "127.0.0.1:8000")
        check_claims(recorded, expected, recorded["iat"] + 1)
        launch = launch_from_claims(recorded, recorded["aud"])
        assert launch.context_label == "ml101" and launch.login_name == f"{role}1"
        assert launch.lineitem_url and launch.lineitems_url and launch.members_url


def test_every_code_has_a_status_and_a_sentence_in_both_languages():
    assert not set(STATUS) - set(SENTENCES)
    assert not set(LAUNCH_SENTENCES) - set(STATUS)
    assert all(set(texts) == {"en", "de"} and all(texts.values()) for texts in LAUNCH_SENTENCES.values())
