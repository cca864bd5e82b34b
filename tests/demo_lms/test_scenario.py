"""A scenario's mistakes are told all at once, each with its field."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_courses.demo.lms.scenario import ScenarioError, load, parse

RIGHT: dict[str, Any] = {
    "name": "University",
    "client_id": "courses",
    "deployment_id": "1",
    "tool": {
        "login_url": "http://127.0.0.1:8000/hub/lti13/oauth_login",
        "redirect_uris": ["http://127.0.0.1:8000/hub/lti13/oauth_callback"],
        "keyset_url": "http://127.0.0.1:8000/services/courses/jwks.json",
        "target_link_uri": "http://127.0.0.1:8000/hub",
    },
    "people": [{"id": "5", "username": "ada", "given": "Ada", "family": "Lovelace", "email": "ada@demo.invalid"}],
    "courses": [
        {
            "id": "2",
            "label": "ml101",
            "title": "Machine Learning",
            "members": [{"person": "5", "role": "student"}],
            "activities": [{"id": "1", "title": "PS 1", "custom": {"assignment": "ps1"}, "graded": True, "max": 20}],
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """RIGHT with one field (dotted path) set, or removed by ..."""
    data = json.loads(json.dumps(RIGHT))
    *way, last = path.split(".")
    at = data
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return data


def test_a_right_scenario_is_read_with_defaults(tmp_path: Path) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(RIGHT))
    scenario = load(path)
    assert scenario.people[0].id == 5 and scenario.people[0].locale == "en" and scenario.tool.share_identity
    assert scenario.courses[0].activities[0].custom == {"assignment": "ps1"}
    assert asdict(scenario)["courses"][0]["members"] == ({"person": 5, "role": "student"},)


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("name", ..., "scenario.name: is missing"),
        ("colour", "red", "scenario.colour: no such field"),
        ("tool.keyset_url", ..., "scenario.tool: exactly one of keyset_url and public_key is needed"),
        ("tool.login_url", "javascript:x", "scenario.tool.login_url: an http or https address is needed"),
        ("tool.redirect_uris", [], "tool.redirect_uris: at least one is needed"),
        ("people.0.id", "ada", "scenario.people[0].id: a whole number above 0 (Moodle's ids are) is needed"),
        ("people", [RIGHT["people"][0]] * 2, "people.id: 5 is there twice"),
        ("courses.0.members.0.person", 6, "course ml101: nobody has the id 6"),
        ("courses.0.members.0.role", "boss", "scenario.courses[0].members[0].role: one of editingteacher"),
        (
            "courses.0.activities.0.max",
            7.5,
            "scenario.courses[0].activities[0].max: a whole number from 1 to 100",
        ),
        (
            "courses.0.activities.0.custom",
            {"a": 1},
            "scenario.courses[0].activities[0].custom: an object of texts",
        ),
    ],
)
def test_a_mistake_is_named_with_its_field(path: str, value: Any, error: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse(changed(path, value))
    assert any(one.startswith(error) for one in raised.value.errors), raised.value.errors


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse({"people": 5, "courses": [{"id": 0}]})
    assert len(raised.value.errors) > 5
    (tmp_path / "scenario.json").write_text("{")
    with pytest.raises(ScenarioError, match=r"scenario\.json is no JSON"):
        load(tmp_path / "scenario.json")
