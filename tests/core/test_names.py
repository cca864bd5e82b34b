"""Names for courses and people."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_courses.core import names


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("ml101", "ml101"),
        ("ML 101", "ml-101"),
        ("Ärger & Müller — SS26", "arger-muller-ss26"),
        ("101", "c-101"),
        ("---", "course"),
        ("", "course"),
        ("数据科学", "course"),
        ("x" * 80, "x" * 30),
        ("ml--101-", "ml-101"),
        ("api", "api-2"),
        ("a" * 29 + "-b", "a" * 29),
    ],
)
def test_a_slug_is_made_from_the_courses_label(label, slug):
    assert names.slug_from(label, lambda _: False) == slug


def test_colliding_slugs_are_numbered_within_the_limit():
    taken = {"x" * 30}
    second = names.slug_from("x" * 40, taken.__contains__)
    assert second == "x" * 28 + "-2"
    taken.add(second)
    assert names.slug_from("x" * 40, taken.__contains__) == "x" * 28 + "-3"


@given(st.text(max_size=400), st.sets(st.sampled_from(["course", "a", "a-2", "b"])))
def test_every_slug_is_a_named_server_that_the_hub_takes(label, taken):
    slug = names.slug_from(label, taken.__contains__)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) and len(slug) <= 30
    assert names.is_slug(slug) and slug not in taken


@pytest.mark.parametrize(
    ("claims", "username"),
    [
        (["student1", "ada@lab.invalid", "Ada Lovelace"], "student1"),
        ([None, "ada.l@lab.invalid", "Ada Lovelace"], "ada-l"),
        ([None, "", "Ada Lovelace"], "ada-lovelace"),
        ([None, None, None], "person"),
        (["数", None, None], "person"),
        (["admin"], "lms-admin"),
        (["Grader-ml101"], "lms-grader-ml101"),
        (["courses"], "lms-courses"),
        (["service-courses"], "lms-service-courses"),
        (["ＡＤＭＩＮ"], "lms-admin"),
        (["Ada"], "ada"),
        (["a/../b"], "a-b"),
    ],
)
def test_a_username_is_readable_and_never_a_reserved_one(claims, username):
    assert names.username_from(claims, lambda _: False) == username


@given(st.lists(st.none() | st.text(max_size=300), max_size=3), st.sets(st.sampled_from(["person", "ada", "ada-2"])))
def test_no_claims_make_a_username_that_is_taken_reserved_or_odd(claims, taken):
    username = names.username_from(claims, taken.__contains__)
    assert username not in taken and not names.is_reserved(username)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", username) and len(username) <= names.USERNAME_MAX


def test_a_graders_username_tells_its_course():
    assert names.grader_course(names.grader_username("ml101")) == "ml101"
    assert names.grader_course("ada") is None
    assert names.grader_course("grader-") is None
