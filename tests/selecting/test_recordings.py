"""What a real Moodle sent and took (vectors/moodle/08-deep-linking.json), beside what is understood and sent here."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jupyterhub_courses.core.admissions import Launch, Message, launch_from_json
from jupyterhub_courses.core.launches import Expected, check_claims, launch_as_json, launch_from_claims
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.roles import Role, role_from_claims
from jupyterhub_courses.core.selections import (
    MAXIMUM,
    TITLE_MAX,
    Assignment,
    content_item,
    options_of,
    picked,
    response_claims,
)
from jupyterhub_courses.core.specs import Material

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"


@pytest.fixture(scope="module")
def recorded(vectors: Path) -> dict[str, Any]:
    return json.loads((vectors / "08-deep-linking.json").read_text(encoding="utf-8"))


def understood(recorded: dict[str, Any], claims: dict[str, Any]) -> Launch:
    """The launch that these claims are to the service, after the hub has checked and passed it on."""
    tool, target = recorded["tool"], urlsplit(claims[LTI + "target_link_uri"])
    more = {"host": target.netloc, "base_url": "/"} if "host" in Expected.__dataclass_fields__ else {}
    expected = Expected(claims["iss"], tool["client_id"], claims["nonce"], [tool["deployment_id"]], **more)
    check_claims(claims, expected, claims["iat"] + 1)
    launch = launch_from_claims(claims, tool["client_id"], base_url="https://hub.example.org/")
    return launch_from_json(launch_as_json(launch, "moodle"))


def answer(recorded: dict[str, Any]) -> dict[str, Any]:
    """What is answered to the recorded request when everything there can be is chosen."""
    launch = understood(recorded, recorded["request"][1]["claims"])
    assert launch.selection is not None
    materials = (Material(git="https://git.example.org/notes.git", branch="main", path="week1", title="t" * 255),)
    assignments = [Assignment("ps1", 7.5), Assignment("ps2", 500), Assignment("ps3", 20), Assignment("a" * 100)]
    options = options_of(assignments, set(), materials, "Machine Learning")
    keys = [option.key for option in options]
    paths = {key: "week2/lab.ipynb" for key in keys if key.startswith("materials:")}
    picks = picked(options, keys, paths, materials, launch.selection.accept_multiple)
    items = [content_item(pick, launch.base_url, launch.selection.accept_lineitem) for pick in picks]
    lms = Registration(1, 1, "moodle", launch.issuer, launch.client_id, ("2",), "", None, None, None)
    return response_claims(lms, launch.deployment_id, launch.selection, items, 1795314640, "nonce")


def test_a_request_is_understood(recorded: dict[str, Any]) -> None:
    claims = recorded["request"][1]["claims"]
    launch = understood(recorded, claims)
    assert launch.message is Message.DEEP_LINKING and launch.resource_link_id is None
    assert role_from_claims(launch.roles) is Role.INSTRUCTOR
    assert launch.context_id == "4" and launch.lineitem_url is None
    asked = launch.selection
    assert asked is not None
    assert asked.return_url == claims[DL + "deep_linking_settings"]["deep_link_return_url"]
    assert (asked.data, asked.accept_multiple, asked.accept_lineitem) == (None, True, True)


def test_a_look_at_a_submission_is_understood(recorded: dict[str, Any]) -> None:
    launch = understood(recorded, recorded["submission_review"]["claims"])
    assert launch.message is Message.SUBMISSION_REVIEW
    assert (launch.assignment, launch.for_user, launch.resource_link_id) == ("ps1", "5", "4")
    assert launch.lineitem_url is not None


def test_a_made_activity_is_understood_with_its_column(recorded: dict[str, Any]) -> None:
    launch = understood(recorded, recorded["launch"]["claims"])
    assert (launch.message, launch.assignment) == (Message.RESOURCE_LINK, "ps1")
    assert launch.lineitem_url is not None and "/lineitems/7/" in launch.lineitem_url


def test_the_answer_has_the_shape_that_moodle_took(recorded: dict[str, Any]) -> None:
    ours, theirs = answer(recorded), recorded["created"][0]["response_jwt"]["claims"]
    assert ours.keys() == theirs.keys()
    for name in ("iss", "aud", LTI + "deployment_id", LTI + "message_type", LTI + "version"):
        assert ours[name] == theirs[name], name
    honoured = theirs[DL + "content_items"][0]
    for item in ours[DL + "content_items"]:
        assert item["type"] == honoured["type"] and item.keys() <= honoured.keys()
        assert item.get("lineItem", {}).keys() <= honoured["lineItem"].keys()


def test_nothing_in_the_answer_is_what_moodle_refused(recorded: dict[str, Any]) -> None:
    refused = {
        error for one in recorded["created"] for saved in one["saved"] for error in saved["answer"].get("errors", [])
    }
    assert refused == {"Invalid grade value. This must be an integer between 1 and 100", "Maximum of 255 characters"}
    items = answer(recorded)[DL + "content_items"]
    maxima = [item["lineItem"]["scoreMaximum"] for item in items if "lineItem" in item]
    assert maxima == [100, 100, 100, 20]  # of a name of 100 letters, of 7.5, of 500, of 20
    assert all(isinstance(one, int) and 1 <= one <= MAXIMUM for one in maxima)
    assert all(len(item["title"]) <= TITLE_MAX for item in items)
    # A line break would begin another parameter, markup would go, and only texts come back as they were sent.
    texts = [text for item in items for pair in item.get("custom", {}).items() for text in pair]
    assert all(isinstance(text, str) and text.isprintable() and "<" not in text for text in texts)


def test_moodles_teacher_would_see_no_error_in_the_answer_so_there_is_none(recorded: dict[str, Any]) -> None:
    lost = [one["note"] for one in recorded["other_answers"] if "alerts" in one["response"]["body"]]
    assert len(lost) == 2  # errormsg alone, and errormsg beside an item: nothing is taken
    assert not [name for name in answer(recorded) if name.startswith(DL) and name != DL + "content_items"]
