"""Which assignment an activity of an LMS is for, as launches have told it."""

from datetime import UTC, datetime

import pytest

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.models import AssignmentRow
from jupyterhub_courses.adapters.store.registrations import Registrations, save_platform
from jupyterhub_courses.core.records import Link, Platform, Registration

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
LMS = "https://moodle.example.org"


@pytest.fixture
async def courses(database):
    """Two courses; ps1 of the first has activity 7 and its column, ps2 a column that we made."""
    async with database.transaction() as session:
        one = Registration(0, 0, "moodle", LMS, "abc", ("1",), f"{LMS}/auth", f"{LMS}/token", f"{LMS}/keys", None)
        await save_platform(session, Platform(0, "moodle", LMS, "on", (), 2), [one], "file", True)
    registration = await Registrations(database).find(LMS, "abc")
    courses = Courses(database)
    for slug in ("one", "two"):
        await courses.create(slug, slug, registration.platform_id, slug, {}, "page", "t" * 64, NOW)
    await courses.set_link(1, Link("ps1", "7", f"{LMS}/items/7", f"{LMS}/items", registration.id))
    async with database.transaction() as session:
        session.add(AssignmentRow(course_id=1, name="ps2", lineitem=f"{LMS}/items/8"))
    return courses


@pytest.mark.parametrize(
    ("course", "column", "link", "assignment"),
    [
        (1, f"{LMS}/items/7", None, "ps1"),
        (1, None, "7", "ps1"),
        (1, f"{LMS}/items/8", None, "ps2"),
        (1, f"{LMS}/items/8", "7", "ps2"),  # the column is what scores go to
        (1, f"{LMS}/items/9", "7", "ps1"),
        (1, f"{LMS}/items/9", "9", None),
        (1, None, None, None),
        (1, "", "", None),
        (2, f"{LMS}/items/7", "7", None),
    ],
)
async def test_an_activity_names_its_assignment_by_its_column_or_itself(courses, course, column, link, assignment):
    assert await courses.assignment_of(course, column, link) == assignment


async def test_an_activity_of_two_assignments_names_neither(courses):
    await courses.set_link(1, Link("ps3", "7", None, None, 1))
    assert await courses.assignment_of(1, None, "7") is None
