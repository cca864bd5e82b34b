"""A course's roster on a real store: thousands at once, names that are taken, people who come meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.registrations import save_platform
from jupyterhub_courses.adapters.store.rosters import TOGETHER, Rosters
from jupyterhub_courses.core.records import Person, Place, Platform, Registration
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.core.rosters import Member, RosterChanges, roster_changes

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
MANY = 2 * TOGETHER + 7


class Hub:
    """Has some users of its own; notes how often it is asked."""

    def __init__(self):
        self.users, self.calls = {"root-user", "s17", "s17-2"}, 0

    async def taken_names(self, names):
        self.calls += 1
        return self.users & set(names)


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def rosters(database, hub):
    return Rosters(database, hub.taken_names)


@pytest.fixture
async def course(database):
    async with database.transaction() as session:
        urls = ("https://lms.example/auth", "https://lms.example/token", "https://lms.example/keys", None)
        registration = Registration(0, 0, "lms", "https://lms.example", "abc", ("1",), *urls)
        platform = Platform(0, "lms", "https://lms.example", "on", (), 2)
        await save_platform(session, platform, [registration], "file", True)
    return await Courses(database).create("ml101", "ML", 1, "2", {}, "page", "t" * 32, NOW)


def members(count=MANY, **changes):
    return [replace(Member(f"u{n}", Role.STUDENT, f"Name {n}", login_name=f"s{n}"), **changes) for n in range(count)]


async def follow(rosters, course, listed, now=NOW):
    changes = roster_changes(listed, await rosters.known_members(course.id), now)
    await rosters.apply_roster(course, changes, now)
    return changes


async def test_thousands_join_change_and_go_with_few_questions(database, rosters, course, hub):
    statements = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2].split()[0]))
    await follow(rosters, course, members())
    roster = {one.person.sub: one for one in await People(database).roster(course.id)}
    assert len(roster) == MANY and len({one.person.username for one in roster.values()}) == MANY
    assert roster["u16"].person.username == "s16" and roster["u17"].person.username == "s17-3"
    assert all((one.role, one.active, one.source) == (Role.STUDENT, True, "roster") for one in roster.values())
    assert hub.calls == 3  # the second and third for the one whose names the hub has
    # A few for each part; PostgreSQL's driver takes rows in more parts than that.
    assert len(statements) < MANY / 10

    assert not await follow(rosters, course, members())
    renamed = members(MANY - 5, name="New Name", role=Role.INSTRUCTOR)
    changes = await follow(rosters, course, renamed, NOW + timedelta(hours=1))
    assert len(changes.changed) == MANY
    roster = await People(database).roster(course.id)
    assert sum(one.active for one in roster) == MANY - 5
    assert {(one.person.name, one.role) for one in roster if one.active} == {("New Name", Role.INSTRUCTOR)}
    assert {one.person.name for one in roster if not one.active} == {f"Name {n}" for n in range(MANY - 5, MANY)}


async def test_somebody_who_launches_while_the_roster_is_read_keeps_name_and_role(database, rosters, course):
    people = People(database)
    await people.create(Person(0, 1, "u1", "ada", name="Ada"), NOW, Place(course.id, Role.GRADER))
    await people.create(Person(0, 1, "u2", "bob"), NOW)  # of another course of this LMS
    await rosters.apply_roster(course, RosterChanges(tuple(members(3))), NOW)
    roster = {one.person.sub: one for one in await people.roster(course.id)}
    assert [roster[f"u{n}"].person.username for n in range(3)] == ["s0", "ada", "bob"]
    assert [roster[f"u{n}"].role for n in range(3)] == [Role.STUDENT, Role.GRADER, Role.STUDENT]
    assert [roster[f"u{n}"].source for n in range(3)] == ["roster", "launch", "roster"]


async def test_a_launch_that_makes_the_same_person_first_only_delays_the_roster(database, course, hub):
    async def taken_names(names):
        if hub.calls == 0:
            await People(database).create(Person(0, 1, "u1", "s1"), NOW, Place(course.id, Role.STUDENT))
        return await hub.taken_names(names)

    await follow(Rosters(database, taken_names), course, members(3))
    roster = {one.person.sub: one.person.username for one in await People(database).roster(course.id)}
    assert roster == {"u0": "s0", "u1": "s1", "u2": "s2"}


async def test_a_hub_that_is_down_changes_nothing(database, rosters, course, hub, monkeypatch):
    async def taken_names(names):
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        await follow(Rosters(database, taken_names), course, members(3))
    assert await People(database).roster(course.id) == []
