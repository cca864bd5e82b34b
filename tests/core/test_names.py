"""Names for courses and people."""

import re
import unicodedata

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
        ("Select", "select-2"),
        ("course-v1:Lab+Py101+2026", "lab-py101-2026"),
        ("course-v1:", "course"),
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


@pytest.mark.parametrize("login", [*sorted(names.RESERVED_USERNAMES), "grader", "service"])
def test_any_number_of_people_may_be_called_the_same(login):
    given_out = set()
    for _ in range(3):
        given_out.add(names.username_from([login, None, None], given_out.__contains__))
    assert len(given_out) == 3 and not any(map(names.is_reserved, given_out))


LOOKALIKES = st.text(
    st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Nd", "Cf", "Zs", "Po", "Pd"]), max_size=30
)


@given(st.lists(LOOKALIKES, max_size=12))
def test_people_whose_names_look_alike_get_names_of_their_own(logins):
    """Whatever differs by case or Unicode form alone is one name to the hub, so each after the first is numbered."""
    given_out = set()
    for login in logins:
        username = names.username_from([login, None, None], given_out.__contains__)
        assert username not in given_out and username == username.casefold() and username.isascii()
        assert unicodedata.normalize("NFKC", username) == username
        given_out.add(username)


@given(LOOKALIKES)
def test_case_and_unicode_form_make_no_new_name(login):
    name = names.fold(login)
    assert names.fold(name) == name and names.fold(name.upper()) == name
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert names.fold(unicodedata.normalize(form, login)) == name


@given(st.sampled_from(sorted(names.RESERVED_USERNAMES) + ["grader-ml101", "service-x"]), st.data())
def test_no_spelling_of_a_reserved_name_gets_it(reserved, data):
    spelled = "".join(data.draw(st.sampled_from([c, c.upper(), chr(ord(c) + 0xFEE0)])) for c in reserved)
    username = names.username_from([spelled, None, None], lambda _: False)
    assert username.startswith("lms-") and not names.is_reserved(username)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_graders_name_belongs_to_one_course_and_to_no_person(label, login):
    slug = names.slug_from(label, lambda _: False)
    assert names.grader_course(names.grader_username(slug)) == slug
    assert names.username_from([login, None, None], lambda _: False) != names.grader_username(slug)


def test_a_free_name_is_found_after_a_few_however_many_people_have_none():
    """An LMS that names nobody, as Open edX by default: a university of nameless people, each asked for one by one."""
    given_out, asked = set(), []

    def taken(name):
        asked[-1] += 1
        return name in given_out

    for number in range(20_000):
        asked.append(0)
        given_out.add(names.username_from([None, None, None], taken, f"1:{number}"))
    assert len(given_out) == 20_000 and max(asked) < 25
    assert max(map(len, given_out)) <= len("person-") + 8


def test_a_first_few_of_one_name_are_numbered_in_order():
    given_out = []
    for number in range(3):
        given_out.append(names.username_from(["ada"], given_out.__contains__, str(number)))
    assert given_out == ["ada", "ada-2", "ada-3"]
