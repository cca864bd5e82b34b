"""How scores stand, a look's bookkeeping, and teachers' choices, on each database."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select, update

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.deliveries import Deliveries
from jupyterhub_courses.adapters.store.looks import Looks
from jupyterhub_courses.adapters.store.models import AssignmentRow, CourseRow, PersonRow, PlatformRow, ScoreRow
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.standings import Standings
from jupyterhub_courses.core.deliveries import Receipt
from jupyterhub_courses.core.drift import SETTLE, Choice
from jupyterhub_courses.core.looks import Reading
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.core.scores import Desired, Result, Sent
from jupyterhub_courses.core.standings import TROUBLE, State, progress

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
#: (state, reason, the LMS knows the person, the column's error) -> the word.
WORDS = [
    ("sent", "", True, "", State.DELIVERED),
    ("sent", "overridden_in_lms", True, "", State.OVERRIDDEN),
    ("kept", "overridden_in_lms", True, "", State.OVERRIDDEN),
    ("sent", "missing_in_lms", True, "", State.MISSING),
    ("due", "", True, "", State.SENDING),
    ("due", "", True, "token_refused", State.WAITING),
    ("due", "", False, "", State.STRANGER),
    ("due", "", False, "token_refused", State.STRANGER),
    ("waiting", "lms_busy", True, "", State.WAITING),
    ("waiting", "lms_busy", True, "token_refused", State.WAITING),
    ("refused", "not_in_lms", True, "", State.REFUSED),
    ("refused", "not_in_lms", True, "token_refused", State.REFUSED),
    ("sent", "", True, "token_refused", State.DELIVERED),
    ("sent", "", True, "column_gone", State.WAITING),
    ("refused", "not_in_lms", True, "column_gone", State.WAITING),
]


@pytest.fixture
async def course(database):
    """A course of an LMS: ada, bob and cy study, from there; eve came another way; tess teaches."""
    async with database.transaction() as session:
        session.add(PlatformRow(name="lab", issuer="https://lms.invalid"))
    course = await Courses(database).create("ml101", "ML", 1, "2", {}, "page", "t" * 32, NOW)
    people = People(database)
    for number, name in enumerate(("ada", "bob", "cy", "eve", "tess")):
        known = name != "eve"
        person = await people.create(Person(0, 1 if known else None, str(number) if known else None, name), NOW)
        role = Role.INSTRUCTOR if name == "tess" else Role.STUDENT
        await people.set_membership(person.id, course.id, role, "file", NOW)
    return course


async def score(database, course, username, assignment="ps1", error="", **fields):
    """A row as the outbox left it; gives its id."""
    async with database.transaction() as session:
        here = select(AssignmentRow).where(AssignmentRow.course_id == course.id, AssignmentRow.name == assignment)
        column = await session.scalar(here)
        if column is None:
            column = AssignmentRow(course_id=course.id, name=assignment, max_score=10, lineitem=COLUMN)
            session.add(column)
        column.lineitem_error = error
        await session.flush()
        person = await session.scalar(select(PersonRow).where(PersonRow.username == username))
        row = ScoreRow(assignment_id=column.id, person_id=person.id, score=4, max_score=10, graded_at=NOW)
        for name, value in fields.items():
            setattr(row, name, value)
        session.add(row)
        await session.flush()
        return row.id


COLUMN = "https://lms.invalid/7"
SENT = {"sent_score": 4, "sent_max": 10, "sent_at": NOW, "last_timestamp": 100, "state": "sent"}


@pytest.mark.parametrize(("state", "reason", "known", "error", "word"), WORDS)
async def test_a_row_a_count_and_a_filter_say_the_same_word(database, course, state, reason, known, error, word):
    await score(database, course, "ada" if known else "eve", error=error, state=state, reason=reason)
    standings = Standings(database)
    (column,) = await standings.columns(course.id)
    rows = await standings.rows(course.id, column)
    assert [row.state for row in rows if row.score is not None] == [word]
    assert (await standings.counts(course.id, [column]))["ps1"] == {word: 1, State.UNGRADED: 3}
    filtered = await standings.rows(course.id, column, only_trouble=True)
    assert [row.state for row in filtered] == ([word] if word in TROUBLE else [])


async def test_students_stand_in_the_table_before_they_are_graded_and_teachers_do_not(database, course):
    await score(database, course, "bob", **SENT)
    await score(database, course, "ada", "ps2", **SENT)
    standings = Standings(database)
    columns = await standings.columns(course.id)
    rows = await standings.rows(course.id, columns[0])
    assert [(row.username, row.state) for row in rows] == [
        ("ada", State.UNGRADED),
        ("bob", State.DELIVERED),
        ("cy", State.UNGRADED),
        ("eve", State.UNGRADED),
    ]
    assert [row.username for row in await standings.rows(course.id, columns[0], offset=1, limit=2)] == ["bob", "cy"]
    numbers = progress((await standings.counts(course.id, columns)).values())
    assert (numbers.scores, numbers.delivered, numbers.trouble) == (2, 2, 0)


async def test_an_assignment_without_a_place_in_the_lms_says_so(database, course):
    await score(database, course, "ada")
    async with database.transaction() as session:
        await session.execute(update(AssignmentRow).values(lineitem=None))
    (column,) = await Standings(database).columns(course.id)
    assert column.error == "no_column"


async def column_of(database):
    async with database.reading() as session:
        return await session.scalar(select(AssignmentRow))


async def row_of(database, row_id):
    async with database.reading() as session:
        return await session.get_one(ScoreRow, row_id)


async def test_a_delivery_asks_for_a_look_and_one_process_claims_it(database, course):
    deliveries = Deliveries(database)
    looks = Looks(database, deliveries)
    row = await score(database, course, "ada", last_timestamp=100)
    assert (await column_of(database)).look_at is None
    sent = Sent(4, 10, None, 100)
    await deliveries.record(
        [Receipt(row, Desired(4, 10, NOW), "sent", sent=sent, last_timestamp=100, at=NOW, lineitem=COLUMN)]
    )
    column = await column_of(database)
    assert column.look_at == NOW + SETTLE
    later, claimed = NOW + SETTLE, NOW + timedelta(hours=1)
    assert [await looks.claim(column.id, later, claimed) for _ in range(2)] == [True, False]
    # A delivery during the look asks for another one sooner than the look's end does.
    await deliveries.record(
        [Receipt(row, Desired(4, 10, NOW), "sent", sent=sent, last_timestamp=100, at=later, lineitem=COLUMN)]
    )
    await looks.release(column.id, claimed, NOW + timedelta(days=1))
    assert (await column_of(database)).look_at == later + SETTLE


async def test_a_look_is_stored_beside_what_was_sent_and_forgotten_with_the_next_delivery(database, course):
    deliveries = Deliveries(database)
    looks = Looks(database, deliveries)
    row = await score(database, course, "ada", **SENT)
    column = await column_of(database)
    awaited = await looks.awaited(column.id)
    assert [(one.score_id, one.user_id, one.timestamp) for one in awaited] == [(row, "0", 100)]
    await looks.record_look(column.id, [Reading(row, 100, Result(20, 100), NOW)], NOW)
    stored = await row_of(database, row)
    assert (stored.lms_score, stored.reason, stored.read_at) == (2, "overridden_in_lms", NOW)
    assert (await column_of(database)).looked_at == NOW
    await looks.record_look(column.id, [Reading(row, 99, Result(30, 100), NOW)], NOW)
    assert (await row_of(database, row)).lms_score == 2
    sent = Sent(5, 10, None, 101)
    await deliveries.record(
        [Receipt(row, Desired(4, 10, NOW), "sent", sent=sent, last_timestamp=101, at=NOW, lineitem=COLUMN)]
    )
    stored = await row_of(database, row)
    assert (stored.lms_score, stored.reason, stored.read_at) == (None, "", None)


@pytest.mark.parametrize(("state", "who"), list(product(["sent", "kept"], ["ada", None])))
async def test_ours_makes_what_is_changed_there_due(database, course, state, who):
    looks = Looks(database, Deliveries(database))
    theirs = {**SENT, "reason": "overridden_in_lms", "lms_score": 1, "read_at": NOW, "state": state}
    ada, bob = await score(database, course, "ada", **theirs), await score(database, course, "bob", **SENT)
    assert await looks.choose(course.id, "ps1", Choice.OURS, who)
    (delivery,) = await Deliveries(database).due((await column_of(database)).id, COLUMN, NOW, 9)
    assert (delivery.score_id, delivery.choice, delivery.shown) == (ada, Choice.OURS, Result(1, 10))
    assert (await row_of(database, bob)).state == "sent"
    assert await looks.choose(course.id, "ps1", None, "ada")
    (delivery,) = await Deliveries(database).due((await column_of(database)).id, COLUMN, NOW, 9)
    assert delivery.choice is (Choice.KEEP if who else Choice.OURS)


async def test_a_course_that_is_being_deleted_is_not_looked_at(database, course):
    looks = Looks(database, Deliveries(database))
    await score(database, course, "ada", **SENT)
    async with database.transaction() as session:
        await session.execute(update(AssignmentRow).values(look_at=NOW))
        await session.execute(update(CourseRow).values(state="deleting"))
    assert await looks.due_columns(NOW, 9) == []
