"""Recording a gradebook's snapshots."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.models import ScoreRow
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.scores import Scores
from jupyterhub_courses.core.gradebooks import AssignmentState, GradebookState, ScoreState
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.core.roles import Role

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
async def course(database):
    course = await Courses(database).create("ml101", "ML", None, None, {}, "page", "t" * 32, NOW)
    people = People(database)
    for username in ("ada", "bob"):
        person = await people.create(Person(0, None, None, username), NOW)
        await people.set_membership(person.id, course.id, Role.STUDENT, "file", NOW)
    return course


def snapshot(taken_at, **points):
    return GradebookState(
        taken_at,
        (AssignmentState("ps1", 10.0, NOW + timedelta(days=1)),),
        tuple(ScoreState("ps1", username, score, 10.0, NOW, None) for username, score in points.items()),
    )


async def states(database):
    async with database.reading() as session:
        return {row.id: (row.score, row.state) for row in await session.scalars(select(ScoreRow))}


async def test_a_snapshot_makes_rows_that_are_due(database, course):
    recorded = await Scores(database).record(course.id, snapshot(1.0, ada=7, bob=3.5), NOW)
    assert (recorded.accepted, recorded.unknown) == (2, ())
    assert {(v.username, v.score, v.state) for v in await Scores(database).views(course.id)} == {
        ("ada", 7, "due"),
        ("bob", 3.5, "due"),
    }


async def test_people_nobody_knows_are_named_and_the_others_kept(database, course):
    recorded = await Scores(database).record(course.id, snapshot(1.0, ada=7, eve=9), NOW)
    assert (recorded.accepted, recorded.unknown) == (1, ("eve",))


async def test_an_equal_score_is_not_due_again_and_a_changed_one_is(database, course):
    scores = Scores(database)
    await scores.record(course.id, snapshot(1.0, ada=7, bob=3), NOW)
    async with database.transaction() as session:
        await session.execute(update(ScoreRow).values(state="sent"))
    await scores.record(course.id, snapshot(2.0, ada=7, bob=4), NOW)
    assert {v.username: v.state for v in await scores.views(course.id)} == {"ada": "sent", "bob": "due"}


async def test_an_older_snapshot_that_arrives_late_changes_nothing(database, course):
    scores = Scores(database)
    await scores.record(course.id, snapshot(5.0, ada=9), NOW)
    recorded = await scores.record(course.id, snapshot(4.0, ada=1), NOW)
    assert recorded.stale
    assert [v.score for v in await scores.views(course.id)] == [9]


async def test_a_score_that_is_incomplete_again_keeps_its_row(database, course):
    scores = Scores(database)
    await scores.record(course.id, snapshot(1.0, ada=9), NOW)
    await scores.record(course.id, snapshot(2.0), NOW)
    assert [v.score for v in await scores.views(course.id)] == [9]


async def test_a_students_view_holds_own_rows_alone(database, course):
    scores = Scores(database)
    await scores.record(course.id, snapshot(1.0, ada=9, bob=2), NOW)
    assert [v.username for v in await scores.views(course.id, "ada")] == ["ada"]
