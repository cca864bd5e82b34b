"""Going on in another window, on a real store: once, for five minutes, with the rights of the moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.admissions import Refused
from jupyterhub_courses.core.continuations import SECONDS, Continuation
from jupyterhub_courses.core.goals import Goal, Kind
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.usecases.continuing import Continuing

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
GOAL = Goal(Kind.ASSIGNMENT, assignment="ps1")


def continuation(*, proven=True, username="ada"):
    return Continuation(username, "ml101", Role.INSTRUCTOR, True, GOAL, proven)


class World:
    """Ada teaches ml101. `now` can be moved."""

    def __init__(self, database):
        self.now, self.people, self.courses = NOW, People(database), Courses(database)
        self.continuing = Continuing(self.people, Once(database), lambda: self.now)

    async def fill(self):
        self.course = await self.courses.create("ml101", "ML", None, None, {}, "launch", "t" * 64, NOW)
        await self.courses.change(self.course.id, state="ready")
        self.ada = await self.people.create(Person(0, None, None, "ada"), NOW)
        await self.people.set_membership(self.ada.id, self.course.id, Role.INSTRUCTOR, "launch", NOW)
        return self


@pytest.fixture
async def world(database):
    return await World(database).fill()


async def refusal(awaitable):
    with pytest.raises(Refused) as caught:
        await awaitable
    return caught.value.code, caught.value.status


async def test_a_code_brings_its_person_where_they_wanted_once(world):
    code = await world.continuing.begin(continuation())
    admission, spent = await world.continuing.go_on(code, False)
    assert spent and (admission.username, admission.course, admission.goal) == ("ada", "ml101", GOAL)
    assert [role["name"] for role in admission.hub_roles] == ["user", "course-ml101-grading"]
    assert await refusal(world.continuing.go_on(code, True)) == ("continue_spent", 400)


async def test_of_many_at_once_one_goes_on(world):
    code = await world.continuing.begin(continuation())
    answers = await asyncio.gather(*(world.continuing.go_on(code, True) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, tuple) for answer in answers) == 1
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"continue_spent"}


async def test_who_is_not_known_to_be_there_is_asked_and_the_question_uses_nothing_up(world):
    code = await world.continuing.begin(continuation(proven=False))
    for _ in range(2):
        admission, spent = await world.continuing.go_on(code, False)
        assert not spent and admission.username == "ada"
    assert (await world.continuing.go_on(code, True))[1]
    assert await refusal(world.continuing.go_on(code, False)) == ("continue_spent", 400)


async def test_after_five_minutes_it_is_too_late(world):
    code = await world.continuing.begin(continuation())
    world.now += timedelta(seconds=SECONDS)
    assert await refusal(world.continuing.go_on(code, False)) == ("continue_spent", 400)


async def test_rights_that_were_lost_meanwhile_stay_lost(world):
    code = await world.continuing.begin(continuation())
    await world.people.set_membership(world.ada.id, world.course.id, Role.STUDENT, "launch", NOW)
    admission, _ = await world.continuing.go_on(code, False)
    assert admission.hub_roles == [{"name": "user"}]


async def test_codes_of_another_kind_and_people_who_are_gone_lead_nowhere(world, database):
    selection = await Once(database).issue("selection", continuation().as_json(), NOW, 300)
    for code in (selection, "", "made up", "x" * 5000):
        assert (await refusal(world.continuing.go_on(code, True)))[0] == "continue_spent"
    gone = await world.continuing.begin(continuation(username="gone"))
    assert await refusal(world.continuing.go_on(gone, True)) == ("not_found", 404)
