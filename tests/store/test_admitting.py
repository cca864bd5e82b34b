"""Admission on a real store: identity, names, roles, courses."""

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from jupyterhub_courses.adapters.store.arrivals import Arrivals
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.models import MembershipRow, PlatformRow
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.registrations import Registrations, save_platform
from jupyterhub_courses.adapters.store.scores import Scores
from jupyterhub_courses.core.admissions import Launch, Refused
from jupyterhub_courses.core.records import Person, Platform, Registration
from jupyterhub_courses.usecases.admitting import Admitting

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
M = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LMS = "https://moodle.example.org"


class Hub:
    """A hub that has two users of its own."""

    async def user_exists(self, username):
        return username in {"root-user", "carol"}


class Provisioner:
    """Everything is ready at once."""

    def __init__(self, courses):
        self.courses = courses

    async def prepare(self, course):
        await self.courses.change(course.id, state="ready")
        return True

    async def admit(self, course, username, role, waited=0.0):
        self.waited = waited
        return True


@pytest.fixture
async def admitting(database):
    async with database.transaction() as session:
        for name, host, creation in (("moodle", LMS, "on"), ("other", "https://other.example.org", "off")):
            registration = Registration(
                0, 0, name, host, "abc", ("1",), f"{host}/auth", f"{host}/token", f"{host}/keys", None
            )
            await save_platform(session, Platform(0, name, host, creation, (), 2), [registration], "file", True)
    courses = Courses(database)
    return Admitting(
        Arrivals(database),
        Registrations(database),
        People(database),
        courses,
        Once(database),
        Hub(),
        Provisioner(courses),
        lambda: NOW,
    )


def launch(sub="3", role="Learner", context="2", login="ada", **changes):
    names = {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "email": "ada@lab.invalid"}
    first = Launch(
        issuer=LMS,
        client_id="abc",
        deployment_id="1",
        sub=sub,
        roles=(M + role,),
        context_id=context,
        context_label="ml101",
        context_title="Machine Learning",
        resource_link_id="1",
        names=names,
        login_name=login,
        assignment=None,
        lineitems_url=None,
        lineitem_url=None,
        members_url=None,
        nonce=secrets.token_hex(8),
        attempt=secrets.token_hex(8),
    )
    return replace(first, **changes)


async def refusal(admitting, launch):
    with pytest.raises(Refused) as caught:
        await admitting.admit(launch)
    return caught.value.code


async def test_a_teacher_makes_the_course_and_a_student_joins_it(admitting):
    assert await refusal(admitting, launch()) == "student_before_teacher"
    teacher = await admitting.admit(launch("9", "Instructor", login="tara"))
    assert (teacher.username, teacher.course, teacher.role) == ("tara", "ml101", "instructor")
    assert [r["name"] for r in teacher.hub_roles] == ["user", "course-ml101-grading"]
    student = await admitting.admit(launch())
    assert (student.username, student.course, student.role) == ("ada", "ml101", "student")
    assert student.hub_roles == [{"name": "user"}]


async def test_a_person_keeps_the_username_whatever_the_lms_says_later(admitting):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    first = await admitting.admit(launch("3"))
    again = await admitting.admit(launch("3", login="tara", names=launch().names | {"email": "root-user@lab.invalid"}))
    assert first.username == again.username == "ada"


@pytest.mark.parametrize(
    ("login", "username"),
    [
        ("tara", "tara-2"),
        ("TARA", "tara-2"),
        ("carol", "carol-2"),
        ("root-user", "root-user-2"),
        ("admin", "lms-admin"),
        ("grader-ml101", "lms-grader-ml101"),
        ("ｔａｒａ", "tara-2"),
    ],
)
async def test_nobody_gets_a_name_that_is_somebody_elses(admitting, login, username):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    assert (await admitting.admit(launch("5", login=login))).username == username


async def test_the_same_context_of_another_registration_of_the_platform_is_the_same_course(admitting, database):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    second = Registration(0, 0, "moodle", LMS, "second", ("1",), f"{LMS}/auth", f"{LMS}/token", f"{LMS}/keys", None)
    async with database.transaction() as session:
        await save_platform(session, Platform(0, "moodle", LMS, "on", (), 2), [second], "file", False)
    assert (await admitting.admit(launch(client_id="second"))).course == "ml101"


async def test_courses_with_one_label_are_told_apart_and_limited(admitting):
    slugs = [(await admitting.admit(launch("9", "Instructor", context=c))).course for c in ("2", "3")]
    assert slugs == ["ml101", "ml101-2"]
    assert await refusal(admitting, launch("9", "Instructor", context="4")) == "course_limit"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "nobody"}, "registration_unknown"),
        ({"issuer": "https://evil.invalid"}, "registration_unknown"),
        ({"deployment_id": "2"}, "deployment_unknown"),
        ({"roles": ()}, "no_role"),
        ({"roles": ("http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator",)}, "no_role"),
        ({"context_id": ""}, "no_context"),
        ({"issuer": "https://other.example.org"}, "course_not_set_up"),
    ],
)
async def test_what_cannot_be_admitted_is_refused_with_its_reason(admitting, changes, code):
    assert await refusal(admitting, launch("9", "Instructor", **changes)) == code


async def test_two_platforms_with_equal_ids_share_nothing(admitting, database):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    async with database.transaction() as session:
        host = "https://other.example.org"
        registration = Registration(0, 0, "other", host, "abc", ("1",), f"{host}/a", f"{host}/t", f"{host}/k", None)
        await save_platform(session, Platform(0, "other", host, "on", (), 2), [registration], "file", True)
    foreign = await admitting.admit(launch("9", "Instructor", login="tara", issuer=host))
    assert (foreign.username, foreign.course) == ("tara-2", "ml101-2")


async def test_a_storm_of_first_launches_makes_one_person_and_one_course(admitting):
    first = launch("9", "Instructor", login="tara", assignment="ps1", lineitem_url=f"{LMS}/items/2")
    teachers = await asyncio.gather(*(admitting.admit(first) for _ in range(8)))
    assert {(t.username, t.course) for t in teachers} == {("tara", "ml101")}
    students = await asyncio.gather(*(admitting.admit(launch(str(n), login="ada")) for n in range(20, 40)))
    assert len({s.username for s in students}) == 20


async def test_a_whole_class_that_the_lms_names_nobody_of_gets_in_at_once(admitting):
    """Open edX by default, Moodle with names not shared, and whoever writes their name in no Latin letters."""
    await admitting.admit(launch("9", "Instructor", login="tara"))
    nobody = {"login": None, "names": dict.fromkeys(launch().names, "")}
    students = await asyncio.gather(*(admitting.admit(launch(f"s{n}", **nobody)) for n in range(80)))
    usernames = {s.username for s in students}
    assert len(usernames) == 80 and {"person", "person-2", "person-3"} <= usernames


async def test_courses_whose_labels_have_no_latin_letters_are_any_number(admitting, database):
    async with database.transaction() as session:
        await session.execute(update(PlatformRow).values(course_limit=1000))
    made = [
        (await admitting.admit(launch("9", "Instructor", context=f"c{n}", context_label="数据科学"))).course
        for n in range(60)
    ]
    assert len(set(made)) == 60 and made[:3] == ["course", "course-2", "course-3"]


async def test_what_a_launch_has_waited_for_already_counts_where_it_waits_for_the_course(admitting, monkeypatch):
    """In a storm everything takes longer, and the hub gives up after five seconds of it all."""
    now = [NOW]

    async def slow_hub(username):
        now[0] += timedelta(seconds=2)
        return False

    monkeypatch.setattr(admitting, "_clock", lambda: now[0])
    monkeypatch.setattr(admitting._hub, "user_exists", slow_hub)
    await admitting.admit(launch("9", "Instructor", login="tara"))
    assert admitting._provisioner.waited == 2
    await admitting.admit(launch("9", "Instructor", login="tara"))
    assert admitting._provisioner.waited == 0


async def test_a_name_that_the_hub_says_is_free_is_not_asked_for_again(admitting, monkeypatch):
    asked = []

    async def user_exists(username):
        asked.append(username)
        return False

    await admitting.admit(launch("9", "Instructor", login="tara"))
    monkeypatch.setattr(admitting._hub, "user_exists", user_exists)
    assert (await admitting.admit(launch("3", login="ada", free_name="ada"))).username == "ada"
    assert asked == []
    # The roster made an `emmy` whom the hub has not seen yet; and a name that nobody asked for counts for nothing.
    await admitting._people.create(Person(0, None, None, "emmy"), NOW)
    assert (await admitting.admit(launch("4", login="emmy", free_name="emmy"))).username == "emmy-2"
    assert (await admitting.admit(launch("5", login="emil", free_name="root-user"))).username == "emil"
    assert asked == ["emmy-2", "emil"]


async def test_newcomers_of_one_name_who_come_at_once_get_a_name_each(admitting):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    several = [launch(f"s{n}", login="ada", free_name="ada") for n in range(6)]
    again = replace(several[0], nonce=secrets.token_hex(8))
    got = await asyncio.gather(*map(admitting.admit, [*several, again]))
    names = [each.username for each in got]
    assert len(set(names)) == 6 and "ada" in names and names[6] == names[0]
    assert all(each.hub_roles for each in got)


async def test_a_newcomer_is_a_member_with_the_roles_of_one(admitting):
    first = await admitting.admit(launch("9", "Instructor", login="tara"))
    new = await admitting.admit(launch("3", login="ada", free_name="ada"))
    again = await admitting.admit(launch("3", login="ada", free_name="ada"))
    assert new.course == first.course and (new.role, new.hub_roles) == (again.role, again.hub_roles)
    assert new.hub_roles


async def test_a_launch_is_admitted_for_one_attempt_whose_call_may_come_twice(admitting):
    first = launch("9", "Instructor", login="tara")
    admitted = await admitting.admit(first)
    assert replace(await admitting.admit(first), news=admitted.news) == admitted
    assert await refusal(admitting, replace(first, attempt="another")) == "nonce_replayed"
    assert await refusal(admitting, replace(first, attempt="")) == "nonce_replayed"
    others = [replace(launch("9", "Instructor"), nonce="same") for _ in range(8)]
    got = await asyncio.gather(*(admitting.admit(each) for each in others), return_exceptions=True)
    assert sorted(str(each) for each in got if isinstance(each, Refused)) == ["nonce_replayed"] * 7


@pytest.fixture
def written(database):
    """What is written from now on: the first three words of each statement."""
    found = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            found.append(" ".join(statement.split()[:3]))

    return found


async def test_a_launch_that_tells_nothing_new_writes_its_nonce_alone(admitting, written):
    told = {"assignment": "ps1", "lineitem_url": f"{LMS}/items/2", "lineitems_url": f"{LMS}/items"}
    told |= {"members_url": f"{LMS}/members"}
    teacher = await admitting.admit(launch("9", "Instructor", login="tara", **told))
    first = await admitting.admit(launch(**told))
    assert (teacher.news, first.news) == (True, False)
    written.clear()
    again = await admitting.admit(launch(**told))
    assert again == first and written == ["INSERT INTO nonces"]
    fewer = {name: None for name in told if name != "assignment"}
    assert not (await admitting.admit(launch(**told | fewer))).news
    assert (await admitting.admit(launch(**told | {"lineitem_url": f"{LMS}/items/3"}))).news
    assert (await admitting.admit(launch(**told | {"assignment": "ps2"}))).news


async def test_whom_the_roster_dropped_is_a_member_again_by_a_launch(admitting, database):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    await admitting.admit(launch())
    async with database.transaction() as session:
        await session.execute(update(MembershipRow).values(active=False, source="roster"))
    assert (await admitting.admit(launch("9", "Instructor", login="tara"))).hub_roles[1:]
    course = await Courses(database).by_slug("ml101")
    roster = {m.person.username: (m.active, m.source) for m in await People(database).roster(course.id)}
    assert roster == {"tara": (True, "launch"), "ada": (False, "roster")}


async def test_addresses_of_scores_are_kept_only_on_the_lmss_own_hosts(admitting, database):
    await admitting.admit(
        launch("9", "Instructor", lineitems_url="https://evil.invalid/items", members_url=f"{LMS}/members")
    )
    course = await Courses(database).by_slug("ml101")
    assert (course.lineitems_url, course.members_url) == (None, f"{LMS}/members")
    await admitting.admit(launch("9", "Instructor", lineitems_url=f"{LMS}/items?type_id=1"))
    course = await Courses(database).by_slug("ml101")
    assert (course.lineitems_url, course.members_url) == (f"{LMS}/items?type_id=1", f"{LMS}/members")


async def test_a_link_that_names_an_assignment_is_remembered(admitting, database):
    admission = await admitting.admit(
        launch("9", "Instructor", assignment="ps1", lineitem_url=f"{LMS}/items/2?type_id=1")
    )
    assert admission.goal.assignment == "ps1"
    course = await Courses(database).by_slug("ml101")
    assert [a.name for a in await Scores(database).assignments(course.id)] == ["ps1"]


async def test_whoever_the_roster_lists_as_a_student_and_a_launch_calls_teacher_is_an_assistant(admitting, database):
    await admitting.admit(launch("9", "Instructor", login="tara"))
    first = await admitting.admit(launch("8", "Instructor", login="theo"))
    assert first.role == "instructor"
    course = await Courses(database).by_slug("ml101")
    async with database.transaction() as session:
        await session.execute(update(MembershipRow).values(roster_role="student"))
    second = await admitting.admit(launch("8", "Instructor", login="theo"))
    assert (second.role, second.hub_roles[1]["name"]) == ("grader", "course-ml101-grading")
    roster = {m.person.username: m.role for m in await People(database).roster(course.id)}
    assert roster == {"tara": "instructor", "theo": "grader"}
