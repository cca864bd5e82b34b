"""Columns: which one an assignment uses, how it is named, and what it still needs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_courses.core.lineitems import (
    LABEL_MAX,
    RESOURCE_ID_MAX,
    Column,
    LineItem,
    Step,
    choose,
    label_of,
    lineitem_of,
    resource_id_of,
    retold,
    step,
    variants,
)
from jupyterhub_courses.core.records import Registration

REGISTRATION = Registration(1, 1, "lab", "https://lms.invalid", "c", ("1",), "", None, None, None)
DUE = datetime(2027, 3, 1, 12, tzinfo=UTC)
BASE = Column(1, 1, "ps1", 10.0, REGISTRATION, "https://lms.invalid/items")
LINK = replace(BASE, link_registration=REGISTRATION, link_lineitem="https://lms.invalid/own")
OURS = replace(BASE, lineitem="https://lms.invalid/7", label="ps1", maximum=10.0)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (BASE, Step.FIND_OR_MAKE),
        (replace(BASE, container=None), Step.NONE),
        (LINK, Step.USE_LINK),
        (replace(LINK, link_registration=None), Step.FIND_OR_MAKE),
        (replace(LINK, lineitem="https://lms.invalid/own"), Step.READY),
        (replace(LINK, lineitem="https://lms.invalid/other-activity"), Step.READY),
        (replace(LINK, lineitem="https://lms.invalid/7", label="ps1"), Step.USE_LINK),
        (OURS, Step.READY),
        (replace(OURS, max_score=20.0), Step.UPDATE),
        (replace(OURS, max_score=0.0), Step.READY),
        (replace(OURS, name="hw1"), Step.UPDATE),
        (replace(OURS, due_at=DUE), Step.UPDATE),
        (replace(OURS, due=DUE), Step.UPDATE),
        (replace(OURS, due=DUE, due_at=DUE), Step.READY),
        (replace(LINK, lineitem="https://lms.invalid/own", max_score=20.0, name="hw1", due_at=DUE), Step.READY),
        (replace(OURS, error="lms_error"), Step.READY),
        (replace(OURS, error="column_gone"), Step.BLOCKED),
        (replace(LINK, lineitem="https://lms.invalid/7", error="column_gone"), Step.USE_LINK),
        (replace(LINK, lineitem="https://lms.invalid/own", error="column_gone"), Step.BLOCKED),
    ],
)
def test_what_a_column_needs(column: Column, expected: Step) -> None:
    assert step(column) is expected


def test_the_column_bound_to_the_link_comes_first_and_others_are_not_ours() -> None:
    other, plain = LineItem("a", "x", 1, "ps2"), LineItem("b", "x", 1, "ps1")
    bound = LineItem("c", "x", 1, "ps1", resource_link_id="11")
    column = replace(LINK, name="ps1", resource_link_id="11")
    assert choose([other, plain, bound], column) is bound
    assert choose([other, plain, bound], replace(column, resource_link_id=None)) is plain
    assert choose([other], column) is None
    whose = {"b": column.assignment_id, "c": column.assignment_id + 1}
    assert choose([other, plain, bound], replace(column, taken=whose)) is plain


def test_a_change_repeats_everything_that_shall_stay() -> None:
    data = {"id": "u", "label": "L", "scoreMaximum": 10, "resourceId": "r", "tag": "t", "resourceLinkId": "1"}
    item = lineitem_of(data)
    assert item is not None
    assert replace(item, maximum=20.0).as_json() == {**data, "scoreMaximum": 20}


def test_what_a_column_says_beyond_what_we_know_is_kept_but_for_moodles_second_name_of_the_link() -> None:
    data = {"id": "u", "label": "L", "scoreMaximum": 10, "gradesReleased": False, "startDateTime": None}
    item = lineitem_of({**data, "ltiLinkId": "1", "endDateTime": "when we feel like it"})
    assert item is not None and item.due is None
    body = {"id": "u", "label": "L", "scoreMaximum": 10, "gradesReleased": False}
    assert item.as_json() == {**body, "endDateTime": "when we feel like it"}


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ("ps1", LineItem("u", "hw1", 20.0, "hw1", due=DUE)),
        ("Sheet 1", LineItem("u", "Sheet 1", 20.0, "hw1", due=DUE)),
    ],
)
def test_what_is_new_is_told_and_what_a_teacher_changed_there_stays(there: str, expected: LineItem) -> None:
    news = replace(OURS, name="hw1", max_score=20.0, due_at=DUE)
    assert retold(LineItem("u", there, 10.0, "ps1"), news) == expected
    later = DUE + timedelta(days=1)
    assert retold(LineItem("u", there, 10.0, "ps1", due=later), news).due == later
    assert retold(LineItem("u", there, 10.0, "ps1", due=DUE), replace(news, due=DUE, due_at=None)).due is None
    assert retold(LineItem("u", there, 100.0, "ps1"), replace(news, maximum=20.0)).maximum == 100.0


def test_what_an_lms_may_take_instead() -> None:
    item = LineItem("u", "ps1", 7.5, "ps1", due=DUE)
    assert [(one.maximum, one.due) for one in variants(item)] == [(7.5, DUE), (8.0, DUE), (7.5, None), (8.0, None)]
    assert variants(LineItem("u", "ps1", 8.0)) == [LineItem("u", "ps1", 8.0)]


@pytest.mark.parametrize("data", [None, [], {}, {"id": 7}, {"id": ""}, "x"])
def test_what_is_no_line_item_is_none(data: object) -> None:
    assert lineitem_of(data) is None


@given(st.text(min_size=1, max_size=400), st.text(min_size=1, max_size=400))
def test_names_of_any_length_stay_apart_and_in_bounds(one: str, other: str) -> None:
    assert len(label_of(one)) <= LABEL_MAX
    assert len(resource_id_of(one)) <= RESOURCE_ID_MAX
    assert (resource_id_of(one) == resource_id_of(other)) == (one == other)
