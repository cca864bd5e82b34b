"""People without an LMS on a real store: whose a name is, whoever came first; and links that work once."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from jupyterhub_courses.adapters.store.files import Files
from jupyterhub_courses.adapters.store.models import PersonRow, PlatformRow
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.admissions import Refused
from jupyterhub_courses.core.filecheck import check_text
from jupyterhub_courses.core.logins import login_of
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.usecases.welcoming import LINK_SECONDS, Welcoming

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
FILE = "courses:\n  - slug: tutors\n    title: Tutors\n    people:\n      - {username: carol, role: instructor}\n"


@dataclass
class Hub:
    """A hub with users of its own; `admins` among them."""

    users: set = field(default_factory=lambda: {"boss", "grader-ml101", "guest", "admin"})
    admins: set = field(default_factory=lambda: {"boss", "admin"})

    async def user_exists(self, username):
        return username in self.users

    async def is_admin(self, username):
        return username in self.admins


@dataclass
class World:
    database: object
    hub: Hub
    now: datetime = NOW

    @property
    def people(self):
        return People(self.database)

    @property
    def welcoming(self):
        """As a process of its own has it."""
        return Welcoming(self.people, Once(self.database), self.hub, lambda: self.now)

    async def of_lms(self, username, sub="5"):
        """Somebody of an LMS who has the name already."""
        async with self.database.transaction() as session:
            platform = await session.scalar(select(PlatformRow))
            if platform is None:
                platform = PlatformRow(name="lms", issuer="https://lms.example")
                session.add(platform)
                await session.flush()
            number = platform.id
        person = await self.people.create(Person(0, number, sub, username), NOW)
        assert person is not None
        return person

    async def count(self):
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(PersonRow))


@pytest.fixture
def world(database):
    return World(database, Hub())


async def refusal(story):
    with pytest.raises(Refused) as caught:
        await story
    return caught.value.code, caught.value.status


async def test_a_login_keeps_its_person_for_ever(world):
    ada = await world.welcoming.by_login("ada")
    assert (ada.username, ada.platform_id, login_of(ada)) == ("ada", None, "ada")
    assert await world.welcoming.by_login("ada") == ada


async def test_whoever_of_an_lms_came_first_keeps_the_name_and_the_login_is_somebody_else(world):
    first = await world.of_lms("ada")
    second = await world.welcoming.by_login("ada")
    assert (second.username, login_of(second)) == ("ada-2", "ada") and second.id != first.id
    assert (await world.welcoming.by_login("ada-2")).username == "ada-2-2"
    assert (await world.welcoming.by_login("ada")).username == "ada-2"


async def test_somebody_of_an_lms_whose_sub_looks_like_a_login_is_no_login(world):
    odd = await world.of_lms("mallory", sub="login:ada")
    assert login_of(odd) is None and odd.lms_user_id == "login:ada"
    assert (await world.welcoming.by_login("ada")).id != odd.id
    odd = await world.of_lms("bob", sub="login:bob")
    assert (await world.welcoming.by_login("bob")).id != odd.id


async def test_a_person_whom_a_courses_file_names_is_the_login_of_that_name(world):
    file = check_text(FILE).file
    await Files(world.database).write([], file.courses, [], NOW)
    named = await world.people.by_username("carol")
    assert login_of(named) is None
    carol = await world.welcoming.by_login("carol")
    assert carol.id == named.id
    assert login_of(await world.people.by_username("carol")) == "carol"
    await Files(world.database).write([], file.courses, [], NOW)
    assert (await world.welcoming.by_login("carol")).id == named.id and await world.count() == 1


async def test_a_login_that_only_reads_like_a_persons_name_is_not_that_person(world):
    await Files(world.database).write([], check_text(FILE).file.courses, [], NOW)
    assert [(await world.welcoming.by_login(login)).username for login in ("Carol!", "carol")] == ["carol-2", "carol"]


async def test_a_file_that_names_a_login_later_means_the_same_person(world):
    carol = await world.welcoming.by_login("carol")
    await Files(world.database).write([], check_text(FILE).file.courses, [], NOW)
    assert [slug for slug, _ in await world.people.memberships(carol.id)] == []  # the course is still pending
    assert (await world.people.membership("carol", "tutors")).person.id == carol.id


async def test_another_login_that_reads_alike_is_another_person(world):
    names = [(await world.welcoming.by_login(login)).username for login in ("ada.l", "ada-l", "Ada L", "ädä l")]
    assert names == ["ada.l", "ada-l", "ada-l-2", "ada-l-3"]
    assert await world.count() == 4


async def test_a_user_of_the_hub_who_is_nobodys_person_belongs_to_the_login_of_that_name(world):
    assert (await world.welcoming.by_login("boss")).username == "boss"
    assert (await world.welcoming.by_login("admin")).username == "admin"
    world.hub.users.add("x-2")
    await world.of_lms("x")
    assert (await world.welcoming.by_login("x")).username == "x-3"  # x-2 is of exactly that name alone


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ("grader-ml101", "login_name_reserved"),
        ("grader.ml101", "login_name_reserved"),
        ("service-courses", "login_name_reserved"),
        ("courses", "login_name_reserved"),
        ("root", "login_name_reserved"),
        ("Ädmin", "login_name_reserved"),
        ("a\nb", "login_name_odd"),
        ("", "login_name_odd"),
        ("x" * 201, "login_name_odd"),
    ],
)
async def test_names_of_the_system_and_odd_ones_are_nobodys_login(world, login, code):
    assert await refusal(world.welcoming.by_login(login)) == (code, 403)
    assert await world.count() == 0


async def test_two_processes_make_one_person_of_one_login(world):
    await world.of_lms("ada")
    found = await asyncio.gather(*(world.welcoming.by_login(login) for login in ["ada", "bob"] * 8))
    assert {person.username for person in found} == {"ada-2", "bob"} and await world.count() == 3


async def test_a_link_works_once_also_when_two_processes_try(world):
    code = await world.welcoming.give_link("boss")
    assert [await world.welcoming.look_at_link(code) for _ in range(3)] == ["boss"] * 3
    tried = await asyncio.gather(*(world.welcoming.by_link(code) for _ in range(4)), return_exceptions=True)
    guests = [one for one in tried if not isinstance(one, Exception)]
    assert [guest.username for guest in guests] == ["boss"]
    assert {one.code for one in tried if isinstance(one, Refused)} == {"code_spent"}
    assert await refusal(world.welcoming.look_at_link(code)) == ("code_spent", 410)


async def test_a_link_is_good_for_ten_minutes_and_a_wrong_one_never(world):
    code = await world.welcoming.give_link("boss")
    world.now += timedelta(seconds=LINK_SECONDS - 1)
    assert await world.welcoming.look_at_link(code) == "boss"
    world.now += timedelta(seconds=1)
    for story in (world.welcoming.look_at_link(code), world.welcoming.by_link(code)):
        assert await refusal(story) == ("code_spent", 410)
    assert await refusal(world.welcoming.by_link("guessed")) == ("code_spent", 410)
    other = await Once(world.database).issue("selection", {"username": "boss"}, NOW, 9999)
    assert await refusal(world.welcoming.by_link(other)) == ("code_spent", 410)


async def test_links_are_for_administrators_and_people_without_an_lms(world):
    await Files(world.database).write([], check_text(FILE).file.courses, [], NOW)
    await world.of_lms("ada")
    await world.welcoming.by_login("bob")
    for name in ("boss", "carol", "bob"):
        assert (await world.welcoming.by_link(await world.welcoming.give_link(name))).username == name
    assert await refusal(world.welcoming.give_link("ada")) == ("link_not_for_lms", 403)
    assert await refusal(world.welcoming.give_link("grader-ml101")) == ("link_not_for_system", 403)
    for name in ("nobody", "guest"):
        assert await refusal(world.welcoming.give_link(name)) == ("link_for_nobody", 404)
    world.hub.admins |= {"ada", "grader-ml101"}
    assert await world.welcoming.give_link("ada")
    assert await refusal(world.welcoming.give_link("grader-ml101")) == ("link_not_for_system", 403)


async def test_an_administrator_who_is_none_any_more_is_not_let_in_by_an_older_link(world):
    code = await world.welcoming.give_link("boss")
    world.hub.admins.clear()
    assert await refusal(world.welcoming.by_link(code)) == ("link_for_nobody", 404)
