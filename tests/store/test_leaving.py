"""Servers of people who left, on a real store, with a hub that can be down."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.leaving import Departures
from jupyterhub_courses.adapters.store.models import CourseRow, MembershipRow, PersonRow
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.usecases.leaving import Leaving


class Down(Exception):
    """The hub does not answer."""


class World:
    """Hub, replica and clock in one."""

    def __init__(self):
        self.now = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
        self.running, self.lists, self.stopped = set(), 0, []
        self.down, self.slow, self.failing, self.is_leader = False, set(), set(), True
        self.before_stop = None

    async def leads(self):
        return self.is_leader

    async def active_servers(self):
        if self.down:
            raise Down
        self.lists += 1
        return sorted(self.running)

    async def stop_server(self, username, server):
        if (username, server) in self.failing:
            raise Down
        self.stopped.append((username, server))
        if (username, server) in self.slow:
            return False
        self.running.discard((username, server))
        return True


@pytest.fixture
def world():
    return World()


@pytest.fixture
def leaving(database, world):
    def made():
        return Leaving(Departures(database), Courses(database), world, world, Down, lambda: world.now)

    return made


@pytest.fixture
async def course(database, world):
    """ml101 with ada and bob, and art with ada: the servers of all run."""
    people, courses = People(database), Courses(database)
    for slug in ("ml101", "art"):
        course = await courses.create(slug, slug, None, None, {}, "page", "t" * 32, world.now)
        for name in ("ada", "bob") if slug == "ml101" else ("ada",):
            person = await people.by_username(name)
            person = person or await people.create(Person(0, None, None, name, name, "", "", ""), world.now)
            await people.set_membership(person.id, course.id, Role.STUDENT, "roster", world.now)
            world.running.add((name, slug))
    world.running |= {("grader-ml101", "ml101"), ("carol", "ml101"), ("ada", "")}


@pytest.fixture
def member(database, world):
    async def member(username, slug, active):
        whose = select(PersonRow.id).where(PersonRow.username == username).scalar_subquery()
        where = select(CourseRow.id).where(CourseRow.slug == slug).scalar_subquery()
        one = update(MembershipRow).where(MembershipRow.person_id == whose, MembershipRow.course_id == where)
        async with database.transaction() as session:
            await session.execute(one.values(active=active, updated_at=world.now))

    return member


async def rule(database, slug, **spec):
    course = await Courses(database).by_slug(slug)
    await Courses(database).change(course.id, spec=spec)


async def test_where_nobody_left_the_hub_is_not_asked(leaving, course, world):
    story = leaving()
    assert [await story.pass_once() for _ in range(3)] == [False] * 3
    assert world.lists == 0


async def test_the_server_of_that_course_is_stopped_and_no_other(leaving, course, world, member):
    await member("ada", "ml101", False)
    await leaving().pass_once()
    assert world.stopped == [("ada", "ml101")] and world.lists == 1


async def test_what_is_done_is_not_looked_at_again_and_who_leaves_later_is(leaving, course, world, member):
    story = leaving()
    await member("ada", "ml101", False)
    await story.pass_once()
    world.now += timedelta(minutes=6)
    assert await story.pass_once() is True  # the margin for replicas' clocks
    world.now += timedelta(minutes=1)
    assert await story.pass_once() is False
    world.now += timedelta(minutes=1)
    await member("bob", "ml101", False)
    await story.pass_once()
    assert world.stopped == [("ada", "ml101"), ("bob", "ml101")] and world.lists == 3


@pytest.mark.parametrize("fault", ["down", "slow", "failing", "killed"])
async def test_a_fault_in_between_loses_nothing(leaving, course, world, member, fault):
    story = leaving()
    await story.pass_once()
    await member("ada", "ml101", False)
    world.down = fault == "down"
    world.slow, world.failing = ({("ada", "ml101")} if fault == one else set() for one in ("slow", "failing"))
    if fault == "down":
        with pytest.raises(Down):
            await story.pass_once()
    elif fault == "killed":
        story = leaving()
    else:
        await story.pass_once()
    assert ("ada", "ml101") in world.running
    world.down, world.slow, world.failing = False, set(), set()
    world.now += timedelta(minutes=20)  # far beyond the margin
    await story.pass_once()
    assert world.running == {
        ("ada", ""),
        ("ada", "art"),
        ("bob", "ml101"),
        ("carol", "ml101"),
        ("grader-ml101", "ml101"),
    }


async def test_one_that_cannot_be_stopped_keeps_no_other_running(leaving, course, world, member):
    await member("ada", "ml101", False)
    await member("bob", "ml101", False)
    world.failing = {("ada", "ml101")}
    await leaving().pass_once()
    assert world.stopped == [("bob", "ml101")]


async def test_a_course_may_keep_them_and_change_its_rule(leaving, course, world, member, database):
    story = leaving()
    await rule(database, "ml101", removed_people="keep")
    await member("ada", "ml101", False)
    await member("ada", "art", False)
    await story.pass_once()
    assert world.stopped == [("ada", "art")]
    await rule(database, "ml101", removed_people="stop")
    world.now += timedelta(minutes=11)
    await story.pass_once()
    assert world.stopped == [("ada", "art"), ("ada", "ml101")]


async def test_whoever_is_back_meanwhile_keeps_the_server(leaving, course, world, member):
    await member("ada", "ml101", False)
    listing = world.active_servers

    async def back():
        await member("ada", "ml101", True)
        return await listing()

    world.active_servers = back
    await leaving().pass_once()
    assert world.lists == 1 and world.stopped == []


async def test_of_several_replicas_one_stops_and_a_call_wakes_it(leaving, course, world, member):
    world.is_leader = False
    other = asyncio.create_task(leaving().run_forever())
    await member("ada", "ml101", False)
    await asyncio.sleep(0)
    story = leaving()
    world.is_leader = True
    await member("ada", "ml101", True)
    running = asyncio.create_task(story.run_forever())
    try:
        async with asyncio.timeout(60):
            while story._seen is None:
                await asyncio.sleep(0.01)
            await member("ada", "ml101", False)
            story.wake()
            while not world.stopped:
                await asyncio.sleep(0.01)
        assert world.stopped == [("ada", "ml101")]
    finally:
        for task in (other, running):
            task.cancel()
