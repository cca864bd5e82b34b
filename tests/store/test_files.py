"""A courses file against a real store."""

from datetime import UTC, datetime

import pytest

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.files import Files
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.registrations import Registrations
from jupyterhub_courses.core.admissions import Refused
from jupyterhub_courses.usecases.applying import Applying, WrongFile

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
LMS = "https://moodle.example.org"
PLATFORM = {
    "name": "moodle",
    "issuer": LMS,
    "course_creation": "on",
    "registrations": [
        {
            "client_id": "abc",
            "deployment_ids": ["1"],
            "authorize_url": f"{LMS}/auth",
            "token_url": f"{LMS}/token",
            "keyset_url": f"{LMS}/keys",
        }
    ],
}
ML = {"slug": "ml101", "title": "Machine Learning", "lms": {"platform": "moodle", "context": "2"}}


@pytest.fixture
def applying(database):
    return Applying(Files(database), lambda: None, lambda: NOW, on_one_machine=True)


def kinds(answer):
    return {change["course"]: change["kind"] for change in answer["changes"]}


async def test_a_file_makes_platforms_courses_and_named_people(applying, database):
    people = [{"username": "ada", "name": "Ada", "role": "student"}, {"username": "tara", "role": "instructor"}]
    file = {"platforms": [PLATFORM], "courses": [ML, {"slug": "py", "title": "Python", "people": people}]}
    assert kinds(await applying.apply(file, False, NOW)) == {"ml101": "create", "py": "create"}
    assert (await Registrations(database).find(LMS, "abc")).platform == "moodle"
    course = await Courses(database).by_slug("py")
    assert {(m.person.username, m.role) for m in await People(database).roster(course.id)} == {
        ("ada", "student"),
        ("tara", "instructor"),
    }
    again = await applying.apply(file, False, NOW)
    assert kinds(again) == {"ml101": "keep", "py": "keep"}


async def test_a_dry_run_and_a_wrong_file_change_nothing(applying, database):
    await applying.apply({"platforms": [PLATFORM], "courses": [ML]}, True, NOW)
    with pytest.raises(WrongFile):
        await applying.apply({"platforms": [PLATFORM], "courses": [ML, {"slug": "Not a slug"}]}, False, NOW)
    assert await Courses(database).all() == []
    assert await Registrations(database).known() == []


async def test_a_course_that_the_file_no_longer_names_goes_and_others_stay(applying, database):
    await applying.apply({"platforms": [PLATFORM], "courses": [ML]}, False, NOW)
    await Courses(database).create("stats", "Statistics", None, None, {}, "launch", "t" * 32, NOW)
    assert kinds(await applying.apply({"courses": []}, False, NOW)) == {"ml101": "delete"}
    states = {course.slug: course.state for course in await Courses(database).all()}
    assert states == {"ml101": "deleting", "stats": "pending"}


async def test_a_person_whom_the_file_drops_is_inactive_and_keeps_the_name(applying, database):
    course = {"slug": "py", "title": "Python", "people": [{"username": "ada"}, {"username": "bob"}]}
    await applying.apply({"courses": [course]}, False, NOW)
    await applying.apply({"courses": [{**course, "people": [{"username": "bob"}]}]}, False, NOW)
    row = await Courses(database).by_slug("py")
    assert {m.person.username: m.active for m in await People(database).roster(row.id)} == {"ada": False, "bob": True}


@pytest.mark.parametrize(
    "change",
    [
        {"courses": [{**ML, "slug": "other"}]},
        {"courses": [{**ML, "lms": {"platform": "nobody", "context": "2"}}]},
        {"platforms": [{**PLATFORM, "name": "second"}], "courses": [ML]},
    ],
)
async def test_what_would_take_something_from_somebody_else_is_refused(applying, database, change):
    await applying.apply({"platforms": [PLATFORM], "courses": [ML]}, False, NOW)
    with pytest.raises(WrongFile):
        await applying.apply(change, False, NOW)
    assert [course.slug for course in await Courses(database).all()] == ["ml101"]


async def test_limits_that_one_machine_cannot_keep_are_named(applying):
    answer = await applying.apply({"courses": [{"slug": "py", "title": "Python", "memory": "2G"}]}, True, NOW)
    assert any("memory" in note for note in answer["notes"])


async def test_a_course_of_the_file_is_deleted_by_the_file_alone(applying, database):
    await applying.apply({"platforms": [PLATFORM], "courses": [ML]}, False, NOW)
    with pytest.raises(Refused):
        await applying.delete(await Courses(database).by_slug("ml101"))
