"""The reconciler on a real store, with a world that can be broken."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.files import Files
from jupyterhub_courses.adapters.store.models import MembershipRow, PersonRow
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.course_sentences import told
from jupyterhub_courses.core.hosts import HostAway, StillComing
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.usecases import provisioning
from jupyterhub_courses.usecases.provisioning import BATCH, PARALLEL, Provisioner


class Problem(Exception):
    """A problem for the course's page."""


class World:
    """Hub, host and clock in one."""

    def __init__(self):
        self.now = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
        self.users, self.made, self.rosters, self.removed = set(), [], [], []
        self.broken, self.slow, self.running = set(), set(), {}
        self.coming, self.repairs, self.looks, self.ending = set(), {}, 0, set()
        self.settles, self.lacking = set(), {}
        self.takes_two_looks, self.begun, self.begun_at_first_roster = False, [], 0
        self.is_leader, self.asked = True, asyncio.Event()
        self.may_look = asyncio.Event()
        self.may_look.set()
        self.may_enroll = asyncio.Event()
        self.may_enroll.set()
        self.is_away, self.asked_while_away, self.is_exchange_away = False, 0, False

    def answer(self):
        if self.is_away:
            self.asked_while_away += 1
            raise HostAway("no answer")

    async def ensure_user(self, username):
        self.users.add(username)

    async def running_servers(self, server):
        return list(self.running.get(server, ()))

    async def stop_server(self, username, server):
        self.running[server].discard(username)
        return True

    async def leads(self):
        self.asked.set()
        return self.is_leader

    async def look(self):
        self.looks += 1
        await self.may_look.wait()
        self.made_before_the_look = tuple(self.made)

    def settled(self, course):
        return course.slug in self.settles

    def amiss(self, course):
        return self.lacking.get(course.slug, "")

    def repaired(self, course):
        return self.repairs.pop(course.slug, [])

    async def ensure(self, course):
        self.answer()
        if self.takes_two_looks and course.slug not in self.begun:
            self.begun.append(course.slug)
            raise StillComing("the exchange is starting")
        if course.slug in self.coming:
            raise StillComing("the exchange is starting")
        if course.slug in self.slow:
            await asyncio.sleep(1)
        if course.slug in self.broken:
            raise Problem("the disk is full")
        self.made.append(course.slug)
        return 4711

    async def provision(self, course, port, students):
        if self.is_exchange_away:
            raise Problem("the exchange does not take the roster")
        self.begun_at_first_roster = self.begun_at_first_roster or len(self.begun)
        self.rosters.append((course.slug, tuple(students)))

    async def enroll(self, course, port, students):
        await self.may_enroll.wait()
        known = dict(self.rosters)[course.slug]
        self.rosters.append((course.slug, tuple(sorted({*known, *students}))))

    async def remove(self, course, erase=False):
        self.answer()
        if course.slug in self.broken:
            raise Problem("the namespace cannot be deleted")
        self.removed.append((course.slug, erase))
        return course.slug not in self.ending


@pytest.fixture
def world():
    return World()


@pytest.fixture
def provisioner(database, world):
    return Provisioner(Courses(database), People(database), world, world, Problem, lambda: world.now)


@pytest.fixture
def make(database, world):
    async def make(slug):
        return await Courses(database).create(slug, slug, None, None, {}, "page", "t" * 32, world.now)

    return make


async def state(database, slug):
    course = await Courses(database).by_slug(slug)
    return (course.state, course.reason) if course else None


async def test_whoever_has_waited_long_sees_the_course_being_made_at_once(provisioner, world, make):
    world.slow.add("a")
    course = await make("a")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await provisioner.admit(course, "ada", Role.STUDENT, 3.5) is False
    assert loop.time() - began < 0.5
    assert await provisioner.admit(course, "ada", Role.STUDENT, -60) is True  # a clock that was set back


async def test_a_course_is_made_ready_once_and_left_alone_after(provisioner, make, database, world):
    await make("ml101")
    for _ in range(3):
        await provisioner.pass_once()
    assert await state(database, "ml101") == ("ready", "")
    assert world.users == {"grader-ml101"}
    assert world.rosters == [("ml101", ())]


async def test_a_broken_course_says_why_and_delays_no_other(provisioner, make, database, world):
    world.broken.add("bad")
    await make("bad")
    await make("good")
    await provisioner.pass_once()
    assert await state(database, "bad") == ("degraded", "the disk is full")
    assert await state(database, "good") == ("ready", "")


async def test_what_a_course_lacks_that_works_is_told_beside_its_state(provisioner, make, database, world):
    await make("ml101")
    world.lacking["ml101"] = "The Secret x is missing."
    await provisioner.pass_once()
    assert await state(database, "ml101") == ("ready", "The Secret x is missing.")
    assert world.rosters == [("ml101", ())]
    world.lacking.clear()
    await provisioner.pass_once()
    assert await state(database, "ml101") == ("ready", "")


async def test_a_broken_course_is_tried_again_after_a_pause_and_heals(provisioner, make, database, world):
    world.broken.add("bad")
    await make("bad")
    await provisioner.pass_once()
    world.broken.clear()
    await provisioner.pass_once()
    assert (await state(database, "bad"))[0] == "degraded"
    world.now += timedelta(seconds=61)
    await provisioner.pass_once()
    assert await state(database, "bad") == ("ready", "")


@pytest.fixture
def join(database, world):
    async def join(course, *usernames):
        for username in usernames:
            person = await People(database).create(Person(0, None, None, username), world.now)
            await People(database).set_membership(person.id, course.id, Role.STUDENT, "launch", world.now)

    return join


@pytest.fixture
async def ready(provisioner, make, database):
    """A course that is made, and that this service knows."""
    await make("ml101")
    await provisioner.pass_once()
    return await Courses(database).by_slug("ml101")


async def test_the_exchange_has_heard_of_a_new_student_before_their_server_starts(provisioner, ready, join, world):
    await join(ready, "ada")
    assert await provisioner.admit(ready, "ada", Role.STUDENT)
    await provisioner.heard_of(ready, "ada")
    assert world.rosters[-1] == ("ml101", ("ada",))
    told = len(world.rosters)
    assert await provisioner.admit(ready, "ada", Role.STUDENT)
    await provisioner.heard_of(ready, "ada")
    assert len(world.rosters) == told


async def test_the_exchange_hears_of_a_new_student_who_starts_nothing(provisioner, ready, join, world):
    await join(ready, "ada")
    assert await provisioner.admit(ready, "ada", Role.STUDENT)
    async with asyncio.timeout(30):
        while world.rosters[-1] != ("ml101", ("ada",)):
            await asyncio.sleep(0.01)


async def test_an_exchange_that_is_down_keeps_no_server_from_starting(provisioner, ready, join, world, monkeypatch):
    monkeypatch.setattr("jupyterhub_courses.usecases.provisioning.ADMIT_LIMIT", 0.05)
    await join(ready, "ada")
    world.may_enroll.clear()
    async with asyncio.timeout(30):
        await provisioner.heard_of(ready, "ada")
    assert world.rosters == [("ml101", ())]
    world.may_enroll.set()
    await provisioner.pass_once()
    assert world.rosters[-1] == ("ml101", ("ada",))


async def test_a_class_that_launches_at_once_is_told_to_the_exchange_together(provisioner, ready, join, world):
    names = tuple(f"student-{n:02}" for n in range(20))
    await join(ready, *names)
    told = len(world.rosters)
    world.made.clear()
    assert all([await provisioner.admit(ready, name, Role.STUDENT) for name in names])
    await asyncio.gather(*(provisioner.heard_of(ready, name) for name in names))
    assert world.rosters[told:] == [("ml101", names)] and world.made == ["ml101"]


async def test_whoever_comes_while_the_exchange_is_told_of_others_is_told_next(provisioner, ready, join, world):
    world.may_enroll.clear()
    await join(ready, "ada")
    first = asyncio.create_task(provisioner.heard_of(ready, "ada"))
    while not world.may_enroll._waiters:
        await asyncio.sleep(0.01)
    await join(ready, "bob")
    second = asyncio.create_task(provisioner.heard_of(ready, "bob"))
    await asyncio.sleep(0)
    world.may_enroll.set()
    await asyncio.gather(first, second)
    assert world.rosters[-2:] == [("ml101", ("ada",)), ("ml101", ("ada", "bob"))]


async def test_a_student_who_left_is_taken_out_of_the_exchange(provisioner, make, join, database, world):
    course = await make("ml101")
    await join(course, "ada", "bob")
    await provisioner.pass_once()
    async with database.transaction() as session:
        bob = select(PersonRow.id).where(PersonRow.username == "bob").scalar_subquery()
        await session.execute(update(MembershipRow).where(MembershipRow.person_id == bob).values(active=False))
    await provisioner.pass_once()
    assert world.rosters == [("ml101", ("ada", "bob")), ("ml101", ("ada",))]


async def test_a_course_that_takes_long_lets_the_launch_wait_on_a_page(provisioner, make, database, world, monkeypatch):
    monkeypatch.setattr("jupyterhub_courses.usecases.provisioning.ADMIT_LIMIT", 0.05)
    world.slow.add("ml101")
    course = await make("ml101")
    assert not await provisioner.admit(course, "ada", Role.STUDENT)


async def test_a_deleted_courses_servers_stop_before_it_goes(provisioner, make, database, world):
    course = await make("ml101")
    await provisioner.pass_once()
    world.running["ml101"] = {"ada", "grader-ml101"}
    await Files(database).mark_deleting(course.id, world.now)
    await provisioner.pass_once()
    assert world.running["ml101"] == set()
    assert world.removed == [("ml101", False)]
    assert await state(database, "ml101") is None


async def test_what_a_pass_saw_before_does_not_undo_a_deletion(provisioner, make, database, world):
    course = await make("ml101")
    await Files(database).mark_deleting(course.id, world.now)
    await Courses(database).set_state(course.id, "ready", "", world.now)
    assert (await state(database, "ml101"))[0] == "deleting"


async def test_a_course_that_comes_up_says_what_it_waits_for_and_is_looked_at_again_without_a_pause(
    provisioner, make, database, world
):
    world.coming.add("ml101")
    await make("ml101")
    await provisioner.pass_once()
    assert await state(database, "ml101") == ("progressing", "the exchange is starting")
    for _ in range(20):
        await provisioner.look_again()
    assert await state(database, "ml101") == ("progressing", "the exchange is starting")
    world.coming.clear()
    await provisioner.look_again()
    assert await state(database, "ml101") == ("ready", "")
    assert world.looks == 1


async def test_many_courses_that_come_up_are_looked_at_together(provisioner, make, world):
    for n in range(9):
        world.coming.add(f"c{n}")
        await make(f"c{n}")
    await provisioner.pass_once()
    await provisioner.look_again()
    assert world.looks == 2


async def test_what_was_repaired_is_an_event_of_the_course(provisioner, make, database, world):
    course = await make("ml101")
    await provisioner.pass_once()
    world.repairs["ml101"] = ["NetworkPolicy servers is as it was again."]
    await provisioner.pass_once()
    newest = (await Courses(database).events(course.id))[0]
    assert newest[1:] == ("repaired", "NetworkPolicy servers is as it was again.")


async def test_a_course_is_forgotten_only_when_nothing_of_it_is_left(provisioner, make, database, world):
    course = await make("ml101")
    await provisioner.pass_once()
    world.ending.add("ml101")
    await Files(database).mark_deleting(course.id, world.now, erase=True)
    await provisioner.pass_once()
    assert (await state(database, "ml101"))[0] == "deleting"
    world.ending.clear()
    await provisioner.look_again()
    assert await state(database, "ml101") is None
    assert world.removed == [("ml101", True)] * 2


async def test_a_deletion_that_fails_says_why_and_is_tried_again(provisioner, make, database, world):
    course = await make("ml101")
    await provisioner.pass_once()
    world.broken.add("ml101")
    await Files(database).mark_deleting(course.id, world.now)
    await provisioner.pass_once()
    assert await state(database, "ml101") == ("deleting", "the namespace cannot be deleted")
    world.broken.clear()
    world.now += timedelta(seconds=61)
    await provisioner.pass_once()
    assert await state(database, "ml101") is None


async def test_a_replica_that_does_not_lead_leaves_courses_alone_but_for_a_launch_that_it_answers(
    provisioner, make, database, world
):
    course, world.is_leader = await make("ml101"), False
    working = asyncio.create_task(provisioner.run_forever())
    await world.asked.wait()
    provisioner.wake()
    world.asked.clear()
    await world.asked.wait()
    assert world.looks == 0 and world.made == []
    assert await provisioner.admit(course, "ada", Role.STUDENT) and world.made == ["ml101"]
    working.cancel()


@pytest.fixture
def reads(database):
    """Every statement that asks the store, from now on."""
    seen = []
    engine = database._readers.sync_engine

    def note(connection, cursor, statement, *_):
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("count", [1, 30])
async def test_a_pass_with_nothing_to_do_asks_the_store_for_all_courses_together(
    provisioner, make, join, world, reads, count
):
    for n in range(count):
        await join(await make(f"c{n}"), f"student-{n}")
    await provisioner.pass_once()
    world.settles = {f"c{n}" for n in range(count)}
    world.made.clear()
    reads.clear()
    await provisioner.pass_once()
    assert len(reads) == 2 and world.made == []  # the courses, and their students


@pytest.mark.parametrize("change", ["spec", "student", "state"])
async def test_a_settled_course_that_the_store_wants_otherwise_is_looked_at(
    provisioner, make, join, database, world, change
):
    course = await make("ml101")
    await provisioner.pass_once()
    world.settles = set() if change == "spec" else {"ml101"}  # of the spec the host judges
    world.made.clear()
    if change == "student":
        await join(course, "ada")
    elif change == "state":
        await Courses(database).set_state(course.id, "degraded", "the exchange does not answer", world.now)
    await provisioner.pass_once()
    assert world.made == ["ml101"] and await state(database, "ml101") == ("ready", "")


async def test_a_broken_course_is_left_alone_in_its_pause_without_asking_for_it(provisioner, make, world, reads):
    world.broken.add("bad")
    await make("bad")
    await provisioner.pass_once()
    reads.clear()
    await provisioner.pass_once()
    assert len(reads) == 2


async def test_a_new_course_does_not_wait_for_the_look_at_all_others(provisioner, make, world):
    await make("old")
    await provisioner.pass_once()
    world.made.clear()
    await make("new")
    await provisioner.pass_once()
    assert world.made_before_the_look == ("new",) and world.made == ["new", "old"]


async def test_courses_that_are_new_or_coming_up_do_not_wait_for_a_pass_that_takes_long(
    provisioner, make, database, world, monkeypatch
):
    monkeypatch.setattr(provisioning, "SOON", 0.01)
    world.coming.add("coming")
    await make("coming")
    world.may_look.clear()
    passing = asyncio.create_task(provisioner.pass_once())
    async with asyncio.timeout(10):
        while not world.looks:
            await asyncio.sleep(0.01)
        await make("new")
        provisioner.wake()
        world.coming.clear()
        while {await state(database, slug) for slug in ("new", "coming")} != {("ready", "")}:
            await asyncio.sleep(0.01)
        assert not passing.done()
        world.may_look.set()
        await passing


async def test_many_new_courses_are_looked_at_together_and_before_those_that_are_ready(provisioner, make, world):
    await make("a")
    await provisioner.pass_once()
    world.made.clear()
    for n in range(20):
        await make(f"b{n}")
    await provisioner.pass_once()
    assert world.made_before_the_look == () and len(world.made) == 21
    assert world.made.index("a") >= 20 + 1 - PARALLEL


SINCE = "The cluster has not answered since 2026-03-02 10:15 UTC; this is how the course was then."


async def test_while_the_host_is_away_every_course_is_as_it_was_and_says_since_when(provisioner, make, database, world):
    world.now -= timedelta(minutes=2)
    world.broken.add("bad")
    world.coming.add("new")
    for slug in ("good", "bad", "new"):
        await make(slug)
    await provisioner.pass_once()
    world.now += timedelta(minutes=2)
    gone = await make("gone")
    await Files(database).mark_deleting(gone.id, world.now)
    await make("late")
    world.is_away = True
    for _ in range(3):
        await provisioner.pass_once()
        world.now += timedelta(minutes=1)
    states = {slug: await state(database, slug) for slug in ("good", "bad", "new", "gone", "late")}
    assert {reason for _, reason in states.values()} == {SINCE}
    assert [one for one, _ in states.values()] == ["ready", "degraded", "progressing", "deleting", "progressing"]
    assert told(SINCE, "de").startswith("Der Cluster antwortet seit 2026-03-02 10:15 UTC nicht;")
    world.is_away = False
    await provisioner.pass_once()
    assert await state(database, "good") == ("ready", "") and await state(database, "gone") is None
    assert await state(database, "bad") == ("degraded", "the disk is full")
    assert await state(database, "new") == ("progressing", "the exchange is starting")
    good = await Courses(database).by_slug("good")
    assert [text for _, _, text in await Courses(database).events(good.id)].count(SINCE) == 1


async def test_a_service_that_starts_while_the_host_is_away_keeps_the_moment(provisioner, make, database, world):
    await make("ml101")
    await provisioner.pass_once()
    world.is_away = True
    await provisioner.pass_once()
    world.now += timedelta(hours=1)
    again = Provisioner(Courses(database), People(database), world, world, Problem, lambda: world.now)
    await again.pass_once()
    assert await state(database, "ml101") == ("ready", SINCE)


async def test_people_get_into_a_course_that_was_ready_while_the_host_is_away(provisioner, make, join, database, world):
    course = await make("ml101")
    await provisioner.pass_once()
    world.is_away = True
    await provisioner.pass_once()
    await join(course, "ada")
    course, asked = await Courses(database).by_slug("ml101"), world.asked_while_away
    assert await provisioner.admit(course, "ada", Role.STUDENT)
    await provisioner.heard_of(course, "ada")
    assert world.rosters[-1] == ("ml101", ("ada",))
    assert world.asked_while_away == asked  # a launch does not wait for what was away a moment ago
    await join(course, "bob")
    world.now += timedelta(minutes=2)
    assert await provisioner.admit(course, "bob", Role.STUDENT)
    await provisioner.heard_of(course, "bob")
    assert world.asked_while_away == asked + 1
    assert await state(database, "ml101") == ("ready", SINCE)


async def test_nobody_is_let_into_a_course_whose_exchange_is_away_with_its_host(
    provisioner, make, join, database, world
):
    course = await make("ml101")
    await provisioner.pass_once()
    world.is_away = world.is_exchange_away = True
    again = Provisioner(Courses(database), People(database), world, world, Problem, lambda: world.now)
    await join(course, "ada")
    course = await Courses(database).by_slug("ml101")
    assert not await again.admit(course, "ada", Role.STUDENT)
    assert await state(database, "ml101") == ("ready", SINCE)
    world.is_away = False
    await again.pass_once()
    assert await state(database, "ml101") == ("degraded", "the exchange does not take the roster")


async def test_nobody_is_let_into_a_course_that_was_not_ready_before_its_host_went_away(
    provisioner, make, database, world
):
    course = await make("ml101")
    world.is_away = True
    assert not await provisioner.admit(course, "ada", Role.STUDENT)
    assert await state(database, "ml101") == ("progressing", SINCE)


async def test_of_many_new_courses_the_first_are_ready_while_the_last_are_not_begun(provisioner, make, world):
    world.takes_two_looks = True
    for n in range(BATCH + 10):
        await make(f"c{n}")
    await provisioner.pass_once()
    await provisioner.look_again()
    assert world.begun_at_first_roster == BATCH and len(world.rosters) == BATCH + 10


async def test_a_long_pass_ends_where_another_replica_has_taken_over(provisioner, make, world):
    for n in range(BATCH + 10):
        await make(f"c{n}")
    world.is_leader = False
    await provisioner.pass_once()
    assert len(world.made) == BATCH
