"""Which assignment an activity of an LMS is for, as launches have told it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.deliveries import Deliveries
from jupyterhub_courses.adapters.store.models import AssignmentRow, PersonRow, ScoreRow
from jupyterhub_courses.adapters.store.registrations import Registrations, save_platform
from jupyterhub_courses.adapters.store.scores import Scores
from jupyterhub_courses.core.deliveries import ColumnReceipt, Intent, delivered
from jupyterhub_courses.core.gradebooks import AssignmentState, GradebookState
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


def told(assignment, number="7", item="7"):
    return Link(assignment, number, f"{LMS}/items/{item}", f"{LMS}/items", 1)


async def columns(database):
    """{assignment: its column and its activity's}, without what is before the number."""
    async with database.reading() as session:
        rows = (await session.scalars(select(AssignmentRow))).all()
    return {row.name: [url and url.rpartition("/")[2] for url in (row.lineitem, row.link_lineitem)] for row in rows}


@pytest.mark.parametrize(
    ("graded", "sent", "link", "after"),
    [
        # What an activity names now has its column, and nothing else has.
        ({"ps1", "ps3"}, "7", told("ps3"), {"ps1": [None, None], "ps3": [None, "7"]}),
        ({"ps1", "ps3"}, None, told("ps3"), {"ps1": [None, None], "ps3": [None, "7"]}),
        (set(), None, told("ps3"), {"ps1": [None, None], "ps3": [None, "7"]}),
        # Another column takes its scores: it loses nothing.
        ({"ps1"}, "9", told("ps3"), {"ps1": ["9", None], "ps3": [None, "7"]}),
        # The gradebook's new name is ps1, and the activity names the old one.
        ({"ps1"}, "7", told("ps3"), {"ps1": ["7", "7"], "ps3": [None, None]}),
        ({"ps1"}, None, told("ps3"), {"ps1": [None, "7"], "ps3": [None, None]}),
        # Two activities have one column: whose it is does not change with each click.
        ({"ps1", "ps3"}, "7", told("ps3", number="8"), {"ps1": ["7", "7"], "ps3": [None, None]}),
        ({"ps1", "ps3"}, "7", told("ps1", number="8"), {"ps1": ["7", "7"], "ps3": [None, None]}),
        # Found there before anybody clicked.
        ({"ps1", "ps3"}, "9", told("ps3", "9", "9"), {"ps1": [None, "7"], "ps3": [None, "9"]}),
        # A copied activity was clicked last, and the first one is changed: each has its own.
        ({"ps1", "ps3"}, "11", told("ps3", "11", "11"), {"ps1": [None, "7"], "ps3": [None, "11"]}),
        # An activity with its own.
        ({"ps1", "ps3"}, "7", told("ps3", "10", "10"), {"ps1": ["7", "7"], "ps3": [None, "10"]}),
    ],
)
async def test_a_column_is_one_assignments(courses, database, graded, sent, link, after):
    async with database.transaction() as session:
        session.add(AssignmentRow(course_id=1, name="ps3", in_gradebook=False))
        await session.flush()
        for row in await session.scalars(select(AssignmentRow).where(AssignmentRow.course_id == 1)):
            row.in_gradebook = row.name in graded
            if row.name == "ps1":
                row.lineitem = sent and f"{LMS}/items/{sent}"
    assert await courses.set_link(1, link)
    found = await columns(database)
    assert {name: found[name] for name in after} == after
    assert found["ps2"] == ["8", None]


async def test_what_was_sent_to_a_column_that_is_lost_is_due_again_whenever_its_receipt_comes(courses, database):
    deliveries, old = Deliveries(database), f"{LMS}/items/7"
    async with database.transaction() as session:
        session.add(PersonRow(platform_id=1, sub="7", username="ada", name="Ada", created_at=NOW))
        for name in ("ps1", "ps3"):
            if not (row := await session.scalar(select(AssignmentRow).where(AssignmentRow.name == name))):
                session.add(row := AssignmentRow(course_id=1, name=name))
            row.in_gradebook, row.max_score = True, 10
        await session.flush()
        (ps1,) = await session.scalars(select(AssignmentRow).where(AssignmentRow.name == "ps1"))
        ps1.lineitem, ps1.lineitem_registration_id = old, 1
        score = ScoreRow(assignment_id=ps1.id, person_id=1, score=4, max_score=10, graded_at=NOW)
        session.add(score)
        await session.flush()
        which = score.id
    (delivery,) = await deliveries.due(ps1.id, old, NOW, 9)
    await deliveries.begin([Intent(which, 100)])
    assert await courses.set_link(1, told("ps3"))  # while it is on its way
    assert await deliveries.due(ps1.id, old, NOW, 9) == []
    receipt = replace(delivered(delivery, 100, NOW), lineitem=old)
    await deliveries.record([receipt])
    async with database.reading() as session:
        row = await session.get_one(ScoreRow, which)
    assert (row.state, row.sent_score, row.last_timestamp, row.in_doubt) == ("due", None, 100, False)
    (delivery,) = await deliveries.due(ps1.id, "", NOW, 9)
    assert (delivery.sent, delivery.last_timestamp) == (None, 100)


@pytest.mark.parametrize(
    ("before", "after", "stored"),
    [
        ("7", "7", None),  # a trouble of the column that was lost
        ("7", "9", None),
        (None, "7", None),  # another assignment's activity has it
        (None, "8", None),  # another assignment's own
        (None, "9", "9"),
    ],
)
async def test_a_column_that_changed_meanwhile_is_not_written_over(courses, database, before, after, stored):
    (before, after) = (number and f"{LMS}/items/{number}" for number in (before, after))
    async with database.transaction() as session:
        session.add(AssignmentRow(course_id=1, name="ps3", in_gradebook=True))
    await courses.set_link(1, told("ps3"))
    async with database.reading() as session:
        which = await session.scalar(select(AssignmentRow.id).where(AssignmentRow.name == "ps1"))
    await Deliveries(database).record_column(ColumnReceipt(which, before, after, 1, "ps1", 10, moved=before != after))
    assert (await columns(database))["ps1"] == [stored, None]


async def test_the_activity_of_a_new_name_takes_no_column_away_that_it_does_not_have(courses, database):
    """Its row knows none, for the assignment has it: ps1 is called ps3 in the gradebook after somebody has clicked."""
    scores = Scores(database)
    await scores.record(1, GradebookState(1.0, (AssignmentState("ps1", 10, None, "a"),), ()), NOW)
    await courses.set_link(1, told("ps3"))
    await scores.record(1, GradebookState(2.0, (AssignmentState("ps3", 10, None, "a"),), ()), NOW)
    assert await columns(database) == {"ps2": ["8", None], "ps3": [None, "7"]}


async def test_where_two_have_one_column_who_has_scores_there_keeps_it_and_the_other_looks_no_more(courses, database):
    async with database.transaction() as session:
        items = {"lineitem": f"{LMS}/items/10", "link_lineitem": f"{LMS}/items/7", "link_registration_id": 1}
        session.add(AssignmentRow(course_id=1, name="ps3", lineitem_label="ps3", lineitem_max=10, **items))
        (ps1,) = await session.scalars(select(AssignmentRow).where(AssignmentRow.name == "ps1"))
        ps1.lineitem = f"{LMS}/items/7"
    async with database.reading() as session:
        which = await session.scalar(select(AssignmentRow.id).where(AssignmentRow.name == "ps3"))
    moving = ColumnReceipt(which, f"{LMS}/items/10", f"{LMS}/items/7", 1, None, None, moved=True)
    await Deliveries(database).record_column(moving)
    assert await columns(database) == {"ps1": ["7", "7"], "ps2": ["8", None], "ps3": ["10", None]}
