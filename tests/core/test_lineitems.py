"""Columns: which one an assignment uses, how it is named, and what it still needs."""

from dataclasses import replace

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
    step,
)
from jupyterhub_courses.core.records import Registration

REGISTRATION = Registration(1, 1, "lab", "https://lms.invalid", "c", ("1",), "", None, None, None)
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
    assert choose([other, plain, bound], "ps1", "11") is bound
    assert choose([other, plain, bound], "ps1", None) is plain
    assert choose([other], "ps1", "11") is None


def test_a_change_repeats_everything_that_shall_stay() -> None:
    data = {"id": "u", "label": "L", "scoreMaximum": 10, "resourceId": "r", "tag": "t", "resourceLinkId": "1"}
    item = lineitem_of(data)
    assert item is not None
    assert replace(item, maximum=20.0).as_json() == {**data, "scoreMaximum": 20}


@pytest.mark.parametrize("data", [None, [], {}, {"id": 7}, {"id": ""}, "x"])
def test_what_is_no_line_item_is_none(data: object) -> None:
    assert lineitem_of(data) is None


@given(st.text(min_size=1, max_size=400), st.text(min_size=1, max_size=400))
def test_names_of_any_length_stay_apart_and_in_bounds(one: str, other: str) -> None:
    assert len(label_of(one)) <= LABEL_MAX
    assert len(resource_id_of(one)) <= RESOURCE_ID_MAX
    assert (resource_id_of(one) == resource_id_of(other)) == (one == other)
