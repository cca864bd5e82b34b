"""What can be picked, what a form may say, and what the LMS is told: values in, values out."""

import pytest

from jupyterhub_courses.core.addresses import origins
from jupyterhub_courses.core.admissions import ASSIGNMENT, SelectionRequest
from jupyterhub_courses.core.goals import GitPlace
from jupyterhub_courses.core.lineitems import LABEL_MAX, RESOURCE_ID_MAX, Column, LineItem, choose, resource_id_of
from jupyterhub_courses.core.materials import allowed_place
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.selections import (
    PICKS_MAX,
    TITLE_MAX,
    Assignment,
    Sort,
    WrongPick,
    column_maximum,
    content_item,
    options_of,
    picked,
    response_claims,
)
from jupyterhub_courses.core.specs import Material

HUB = "https://hub.example.org/"
LMS = Registration(
    1,
    1,
    "moodle",
    "https://moodle.example.org",
    "client",
    ("1",),
    "https://moodle.example.org/mod/lti/auth.php",
    "https://moodle.example.org:8443/token",
    None,
    None,
)
MATERIALS = (
    Material(git="https://git.example.org/notes.git", title="Lecture notes"),
    Material(git="https://git.example.org/labs", branch="2026", path="week1/intro.ipynb"),
)
LONG = "a" * 100


def the_list(*assignments, released=(), materials=()):
    return options_of(assignments, set(released), materials, "Machine Learning")


def item_of(options, key, paths=None, materials=(), accept_lineitem=True):
    (pick,) = picked(options, [key], paths or {}, materials, False)
    return content_item(pick, HUB, accept_lineitem)


def refused(options, keys, paths=None, materials=(), multiple=True):
    with pytest.raises(WrongPick) as caught:
        picked(options, keys, paths or {}, materials, multiple)
    return caught.value.code


def test_assignments_come_as_people_count_then_materials_then_the_course():
    names = ["ps10", "ps2", "Exam", "ps1"]
    options = the_list(*map(Assignment, names), released=["ps2"], materials=MATERIALS)
    assert [o.title for o in options] == [
        "Exam",
        "ps1",
        "ps2",
        "ps10",
        "Lecture notes",
        "labs: week1/intro.ipynb",
        "Machine Learning",
    ]
    assert [o.title for o in options if o.released] == ["ps2"]
    assert len({o.key for o in options}) == len(options)


@pytest.mark.parametrize(
    ("maximum", "column"),
    [(10, 10), (1, 1), (100, 100), (7.5, 100), (0, 100), (0.5, 100), (101, 100), (500, 100), (float("inf"), 100)],
)
def test_a_column_has_a_whole_maximum_up_to_100(maximum, column):
    assert column_maximum(maximum) == column and isinstance(column_maximum(maximum), int)


def test_an_assignments_activity_names_it_and_brings_its_column():
    assert item_of(the_list(Assignment("ps1", 7.5)), "assignment:ps1") == {
        "type": "ltiResourceLink",
        "title": "ps1",
        "url": HUB,
        "custom": {"assignment": "ps1"},
        "lineItem": {
            "label": "ps1",
            "scoreMaximum": 100,
            "resourceId": "ps1",
            "submissionReview": {"reviewableStatus": ["InProgress", "Submitted", "Completed"]},
        },
    }


def test_without_line_items_there_is_no_column():
    assert "lineItem" not in item_of(the_list(Assignment("ps1")), "assignment:ps1", accept_lineitem=False)


@pytest.mark.parametrize("name", ["ps1", LONG, "x.y-z_1"])
def test_the_column_is_the_one_that_scores_are_sent_to_later(name):
    told = item_of(the_list(Assignment(name, 10)), f"assignment:{name}")["lineItem"]
    there = LineItem("u", told["label"], 10, told["resourceId"], resource_link_id="7")
    assert choose([there], Column(1, 1, name, 10, LMS, "https://moodle.example.org/lineitems")) is there
    assert len(told["label"]) <= LABEL_MAX and len(resource_id_of(name)) <= RESOURCE_ID_MAX


@pytest.mark.parametrize("name", ["Week 1", "Übung", "a+b", "<b>ps1</b>", 'ps"1', "a" * 101, "../x", "-ps1"])
def test_a_name_that_no_launch_would_take_cannot_be_picked(name):
    (option, _) = options = the_list(Assignment(name))
    assert not option.nameable and ASSIGNMENT.fullmatch(name) is None
    assert refused(options, [option.key]) == "pick_gone"


def test_materials_say_repository_branch_and_path_as_far_as_there_are_any():
    options = the_list(materials=MATERIALS)
    notes, labs = (o.key for o in options if o.sort is Sort.MATERIALS)
    assert item_of(options, notes, materials=MATERIALS) == {
        "type": "ltiResourceLink",
        "title": "Lecture notes",
        "url": HUB,
        "custom": {"git": "https://git.example.org/notes.git"},
    }
    assert item_of(options, labs, materials=MATERIALS)["custom"] == {
        "git": "https://git.example.org/labs",
        "branch": "2026",
        "path": "week1/intro.ipynb",
    }


@pytest.mark.parametrize(
    ("typed", "path", "title"),
    [
        ("week2/x.ipynb", "week2/x.ipynb", "Lecture notes: week2/x.ipynb"),
        (" /week2/ ", "week2", "Lecture notes: week2"),
        ("", "", "Lecture notes"),
        ("Übung 1.ipynb", "Übung 1.ipynb", "Lecture notes: Übung 1.ipynb"),
    ],
)
def test_a_path_inside_the_repository_may_be_typed_and_what_the_link_says_opens(typed, path, title):
    options = the_list(materials=MATERIALS)
    item = item_of(options, options[0].key, {options[0].key: typed}, MATERIALS)
    assert (item["custom"].get("path", ""), item["title"]) == (path, title)
    asked = GitPlace(item["custom"]["git"], item["custom"].get("branch", ""), item["custom"].get("path", ""))
    assert allowed_place(asked, MATERIALS) == GitPlace(MATERIALS[0].git, "", path)


@pytest.mark.parametrize("path", ["../../etc/passwd", "a/../../b", "x\ny=z", "x\0", "a" * 256])
def test_a_path_that_is_none_is_told_to_the_teacher(path):
    options = the_list(materials=MATERIALS)
    key = options[0].key
    assert refused(options, [key], {key: path}, MATERIALS) == "pick_path_wrong"


def test_materials_whose_address_a_launch_would_cut_cannot_be_picked():
    materials = (Material(git="https://git.example.org/" + "x" * 300, title="Long"),)
    (option, _) = options = the_list(materials=materials)
    assert refused(options, [option.key], materials=materials) == "pick_gone"


def test_the_courses_page_needs_no_parameters():
    item = item_of(the_list(), "course")
    assert item == {"type": "ltiResourceLink", "title": "Machine Learning", "url": HUB}


def test_titles_end_where_moodles_form_ends():
    materials = (Material(git="https://git.example.org/x", title="t" * 250),)
    options = the_list(materials=materials)
    title = item_of(options, options[0].key, {options[0].key: "week2/x.ipynb"}, materials)["title"]
    assert len(title) == TITLE_MAX and title.endswith("…")


@pytest.mark.parametrize(
    ("keys", "multiple", "code"),
    [
        ([], True, "pick_nothing"),
        (["assignment:ps1", "course"], False, "pick_one"),
        (["assignment:ps2"], True, "pick_gone"),
        (["materials:0000000000000000"], True, "pick_gone"),
        (["https://evil.invalid/repository.git"], True, "pick_gone"),
        (["assignment:ps1", "assignment:"], True, "pick_gone"),
        ([f"x{n}" for n in range(PICKS_MAX + 1)], True, "pick_too_many"),
    ],
)
def test_a_form_says_nothing_that_is_not_in_the_list(keys, multiple, code):
    assert refused(the_list(Assignment("ps1")), keys, multiple=multiple) == code


def test_what_is_picked_twice_is_one_activity():
    options = the_list(Assignment("ps1"), Assignment("ps2"))
    picks = picked(options, ["assignment:ps2", "assignment:ps1", "assignment:ps2"], {}, (), True)
    assert [pick.option.title for pick in picks] == ["ps2", "ps1"]


def test_the_answer_is_what_the_standard_asks_for_and_never_an_error():
    request = SelectionRequest("https://moodle.example.org/return", None, True, True)
    claims = response_claims(LMS, "7", request, [], 1_000_000.7, "n")
    lti, dl = "https://purl.imsglobal.org/spec/lti/claim/", "https://purl.imsglobal.org/spec/lti-dl/claim/"
    assert claims == {
        "iss": "client",
        "aud": ["https://moodle.example.org"],
        "iat": 999_970,  # not ahead of a clock that is behind ours
        "exp": 1_000_600,
        "nonce": "n",
        lti + "deployment_id": "7",
        lti + "message_type": "LtiDeepLinkingResponse",
        lti + "version": "1.3.0",
        dl + "content_items": [],
    }


@pytest.mark.parametrize("data", ["", "opaque; ü"])
def test_data_comes_back_as_it_was_given(data):
    request = SelectionRequest("https://moodle.example.org/return", data, True, True)
    claims = response_claims(LMS, "7", request, [{}], 0, "n")
    assert claims["https://purl.imsglobal.org/spec/lti-dl/claim/data"] == data


def test_frames_are_allowed_to_the_platforms_own_addresses():
    assert origins(LMS, "https://moodle.example.org/return", "http://[::1]/x", "https://a;b/") == (
        "https://moodle.example.org",
        "https://moodle.example.org:8443",
    )


@pytest.mark.parametrize(("link", "ours"), [("7", False), ("", True)])
def test_an_activitys_own_column_found_before_its_first_click_is_not_rescaled(link, ours):
    from jupyterhub_courses.core.lineitems import belongs_to_an_activity

    column = Column(1, 1, "ps1", 7.5, LMS, "https://moodle.example.org/lineitems")
    assert belongs_to_an_activity(LineItem("u", "ps1", 100, "ps1", resource_link_id=link), column) is not ours
