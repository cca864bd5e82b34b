"""Scores on their way by Basic Outcomes: a real store, the product's outbox and client, an LMS that listens."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from jupyterhub_courses.adapters.lms.access import LmsAccess
from jupyterhub_courses.adapters.lms.ags import Ags
from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.outcomes import Outcomes
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.deliveries import Deliveries
from jupyterhub_courses.adapters.store.models import (
    AssignmentRow,
    CourseRow,
    PersonRow,
    PlatformRow,
    RegistrationRow,
    ScoreRow,
)
from jupyterhub_courses.adapters.store.outcomes import Outcomes as Places
from jupyterhub_courses.core.admissions import ResultPlace
from jupyterhub_courses.core.records import Link
from jupyterhub_courses.usecases.delivering import Deliverer

from .lms import Consumer

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


class World:
    """A course whose activity `ps1` is of LTI 1.1, with three students of whom nobody has opened it yet."""

    def __init__(self, database: Database, lms: Consumer) -> None:
        self.database, self.lms = database, lms
        self.ahead = timedelta()
        self.http = LmsHttp()
        self.outcomes, self.places, self.courses = Outcomes(self.http), Places(database), Courses(database)
        self.registration = self.course = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def make(self) -> None:
        async with self.database.transaction() as session:
            platform = PlatformRow(name="old", issuer=self.lms.base)
            session.add(platform)
            await session.flush()
            registration = RegistrationRow(
                platform_id=platform.id,
                issuer=self.lms.base,
                client_id=self.lms.key,
                authorize_url="",
                secret=self.lms.secret,
            )
            course = CourseRow(slug="dl101", title="x", platform_id=platform.id, context_id="4", created_at=NOW)
            session.add_all([registration, course])
            session.add_all(
                PersonRow(platform_id=platform.id, sub=sub, username=f"student{sub}", created_at=NOW) for sub in "567"
            )
            await session.flush()
            self.registration, self.course, self.platform = registration.id, course.id, platform.id
        await self.link()

    async def link(self, **changes: Any) -> None:
        """Somebody has launched an activity that names ps1."""
        link = Link("ps1", "52", None, None, self.registration)
        assert await self.courses.set_link(self.course, replace(link, **changes))

    async def opens(self, user: str, sourcedid: str | None = None) -> None:
        """A student has opened the activity."""
        place = ResultPlace(self.lms.outcomes_url, sourcedid or self.lms.sourcedid(user))
        await self.places.remember("dl101", f"student{user}", "ps1", self.registration, place)

    async def graded(self, **scores: float) -> None:
        """The gradebook says so (of 10)."""
        async with self.database.transaction() as session:
            assignment = await session.scalar(select(AssignmentRow.id).where(AssignmentRow.name == "ps1"))
            for username, score in scores.items():
                person = await session.scalar(select(PersonRow.id).where(PersonRow.username == username))
                row = await session.scalar(select(ScoreRow).filter_by(assignment_id=assignment, person_id=person))
                if row is None:
                    row = ScoreRow(assignment_id=assignment, person_id=person)
                    session.add(row)
                row.score, row.max_score, row.graded_at = score, 10.0, self.now()
                row.state, row.reason, row.attempts, row.next_at = "due", "", 0, None

    async def deliver(self) -> dict[str, int]:
        """One pass of an outbox as after a restart; what became of the scores."""
        store = Deliveries(self.database)
        ags = Ags(LmsAccess(self.http, NoTokens()))  # type: ignore[arg-type]
        report = await Deliverer(store, ags, self.outcomes, self.now, lambda: 0.0).deliver_due()
        assert report.failed == 0
        return report.states

    async def rows(self) -> dict[str, tuple[str, str]]:
        """username -> (state, reason)."""
        async with self.database.reading() as session:
            query = select(PersonRow.username, ScoreRow.state, ScoreRow.reason).join(
                ScoreRow, ScoreRow.person_id == PersonRow.id
            )
            return {username: (state, reason) for username, state, reason in await session.execute(query)}

    async def column(self) -> AssignmentRow:
        async with self.database.reading() as session:
            row = await session.scalar(select(AssignmentRow))
            assert row is not None
            return row

    async def arrive(self, **shares: float) -> None:
        """Deliver until the LMS shows these shares; what has to wait (for the next second, after a failure) is due."""
        wanted = {user.removeprefix("student"): share for user, share in shares.items()}
        deadline = time.monotonic() + 60
        while await self.deliver() or self.lms.shown() != wanted:
            assert time.monotonic() < deadline, (self.lms.shown(), await self.rows())
            await asyncio.sleep(0.1)
            await self.until_due()

    async def until_due(self) -> None:
        """Nothing of the column or its scores has to wait any more."""
        async with self.database.transaction() as session:
            past = self.now() - timedelta(seconds=1)
            await session.execute(update(ScoreRow).where(ScoreRow.next_at.is_not(None)).values(next_at=past))
            await session.execute(update(AssignmentRow).values(lineitem_next_at=past))


class NoTokens:
    """An LMS of LTI 1.1 is never asked for a token."""

    async def get(self, *_: Any) -> str:
        raise AssertionError("asked for a token")


@pytest.fixture
def lms() -> Iterator[Consumer]:
    lms = Consumer()
    lms.start()
    yield lms
    lms.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, lms: Consumer) -> AsyncIterator[World]:
    database = Database(request.getfixturevalue(f"{request.param}_store"))
    world = World(database, lms)
    await world.make()
    yield world
    await world.http.close()
    await database.close()


async def test_who_has_not_opened_the_activity_waits_and_is_sent_when_they_have(world):
    await world.graded(student5=8, student6=9)
    await world.opens("5")
    assert await world.deliver() == {"sent": 1, "waiting": 1}
    assert await world.rows() == {"student5": ("sent", ""), "student6": ("waiting", "not_opened_yet")}
    assert await world.deliver() == {}, "nobody is asked about again while nothing changes"
    assert await Deliveries(world.database).pending(world.now()) == []
    await world.opens("6")
    assert await world.deliver() == {"sent": 1}
    assert world.lms.shown() == {"5": 0.8, "6": 0.9}
    assert world.lms.count("replaceResultRequest") == 2


async def test_a_regrade_replaces_and_an_equal_score_is_not_sent_again(world):
    for user in "56":
        await world.opens(user)
    await world.graded(student5=8, student6=9)
    await world.deliver()
    await world.opens("5")  # another launch, another sourcedid
    await world.graded(student5=8, student6=4)
    await world.arrive(student5=0.8, student6=0.4)
    assert world.lms.count("replaceResultRequest") == 3


async def test_a_score_that_waits_for_its_person_may_change_meanwhile(world):
    await world.graded(student5=8)
    await world.deliver()
    await world.graded(student5=3)
    assert await world.deliver() == {"waiting": 1}
    await world.opens("5")
    await world.deliver()
    assert world.lms.shown() == {"5": 0.3} and world.lms.count("replaceResultRequest") == 1


async def test_trying_again_by_hand_tells_again_who_is_waited_for(world):
    await world.graded(student5=8)
    await world.deliver()
    await Deliveries(world.database).retry(world.course)
    assert await world.deliver() == {"waiting": 1}
    assert await world.rows() == {"student5": ("waiting", "not_opened_yet")}


async def test_a_secret_that_the_lms_does_not_know_holds_the_column_and_loses_nothing(world):
    world.lms.secret = "changed-in-the-lms"
    for user in "567":
        await world.opens(user)
    await world.graded(student5=8, student6=9, student7=10)
    await world.deliver()
    assert (await world.column()).lineitem_error == "consumer_refused" and world.lms.grades == {}
    assert await world.deliver() == {}, "it is not asked again at once"
    world.lms.secret = "lab-shared-secret-0"
    await world.until_due()
    await world.arrive(student5=0.8, student6=0.9, student7=1.0)
    assert (await world.column()).lineitem_error == ""


async def test_the_lms_that_checks_its_address_without_the_port_is_understood(world):
    world.lms.without_port = True
    for user in "56":
        await world.opens(user)
    await world.graded(student5=8, student6=9)
    assert await world.deliver() == {"sent": 2}
    assert world.lms.shown() == {"5": 0.8, "6": 0.9}
    world.lms.without_port = False  # and when its proxy is put right
    await world.graded(student5=1)
    await world.arrive(student5=0.1, student6=0.9)


async def test_an_activity_without_grades_refuses_and_opening_it_again_tries_again(world):
    world.lms.ungraded = True
    await world.opens("5")
    await world.graded(student5=8)
    assert await world.deliver() == {"refused": 1}
    assert await world.rows() == {"student5": ("refused", "activity_not_graded")}
    assert await world.deliver() == {}
    world.lms.ungraded = False
    await world.opens("5")
    await world.arrive(student5=0.8)


async def test_an_outage_is_waited_for_and_an_answer_that_was_lost_is_asked_for_again(world):
    for user in "567":
        await world.opens(user)
    await world.graded(student5=8, student6=9, student7=10)
    world.lms.failing = [503] * 4
    await world.deliver()
    assert world.lms.grades == {}
    await world.until_due()
    await world.arrive(student5=0.8, student6=0.9, student7=1.0)
    assert {state for state, _ in (await world.rows()).values()} == {"sent"}


async def test_a_grade_that_was_changed_by_hand_is_told(world):
    await world.opens("5")
    await world.graded(student5=8)
    store = Deliveries(world.database)

    class Overriding(Outcomes):
        """The teacher is quicker than we look."""

        async def results(self, *arguments: Any) -> Any:
            lms = world.lms
            lms.grades = dict.fromkeys(lms.grades, 0.2)
            return await super().results(*arguments)

    ags: Any = None
    await Deliverer(store, ags, Overriding(world.http), world.now, lambda: 0.0).deliver_due()
    assert await world.rows() == {"student5": ("sent", "overridden_in_lms")}


async def test_a_clock_that_is_ahead_signs_by_the_lmss_time(world):
    world.ahead = timedelta(minutes=20)
    await world.opens("5")
    await world.graded(student5=8)
    world.http.now = world.now
    await world.arrive(student5=0.8)


async def test_an_address_elsewhere_is_not_asked(world):
    other = Consumer()
    other.start()
    try:
        place = ResultPlace(other.outcomes_url, other.sourcedid("5"))
        await world.places.remember("dl101", "student5", "ps1", world.registration, place)
        await world.graded(student5=8)
        await world.deliver()
        assert other.operations == [] and (await world.column()).lineitem_error == "address_not_trusted"
    finally:
        other.stop()


async def test_students_of_two_keys_are_each_signed_for_by_their_own(world):
    async with world.database.transaction() as session:
        second = RegistrationRow(
            platform_id=world.platform, issuer=world.lms.base, client_id="second", authorize_url="", secret="2" * 16
        )
        session.add(second)
        await session.flush()
        second_id = second.id
    await world.opens("5")
    await world.graded(student5=8)
    await world.link(registration_id=second_id)  # an activity of the other key names the assignment, too
    assert await world.deliver() == {"sent": 1} and world.lms.shown() == {"5": 0.8}


async def test_an_lms_that_is_upgraded_sends_by_line_items_from_its_next_launch_on(world):
    await world.opens("5")
    await world.graded(student5=8, student6=9)
    await world.deliver()
    async with world.database.transaction() as session:
        new = RegistrationRow(
            platform_id=world.platform,
            issuer=world.lms.base,
            client_id="13",
            authorize_url=f"{world.lms.base}/auth",
            token_url=f"{world.lms.base}/token",
        )
        session.add(new)
        await session.flush()
        new_id = new.id
    item = f"{world.lms.base}/lineitem"
    await world.link(registration_id=new_id, lineitem_url=item)
    (column,) = await Deliveries(world.database).columns(world.course, world.now())
    assert (column.registration.client_id, column.link_lineitem, column.by_outcomes) == ("13", item, False)
    (waiting,) = await Deliveries(world.database).due(column.assignment_id, "", world.now(), 10)
    assert (waiting.user_id, waiting.place) == ("6", None), "who waited for LTI 1.1 waits no more; 5 has been sent"
    # An old activity of LTI 1.1 that names the assignment, too, does not take it back.
    await world.link()
    (column,) = await Deliveries(world.database).columns(world.course, world.now())
    assert column.registration.client_id == "13" and not column.by_outcomes


async def test_a_consumer_that_is_taken_away_takes_its_addresses_with_it(world):
    await world.opens("5")
    await world.graded(student5=8)
    async with world.database.transaction() as session:
        await session.execute(delete(RegistrationRow))
    assert await world.deliver() == {} and await world.rows() == {"student5": ("due", "")}


async def test_a_process_that_ends_in_the_middle_sends_again(world):
    """As after kill -9 between the LMS's taking the score and our noting it."""
    await world.opens("5")
    await world.graded(student5=8)
    store = Deliveries(world.database)
    died = asyncio.Event()

    class Dying(Outcomes):
        async def post_score(self, *arguments: Any) -> Any:
            await super().post_score(*arguments)
            died.set()
            await asyncio.Event().wait()

    ags: Any = None
    outbox = Deliverer(store, ags, Dying(world.http), world.now, lambda: 0.0)
    task = asyncio.create_task(outbox.deliver_due())
    await died.wait()
    task.cancel()
    await outbox.stop()
    await asyncio.gather(task, return_exceptions=True)
    assert world.lms.shown() == {"5": 0.8} and (await world.rows())["student5"][0] == "due"
    await world.graded(student5=6)
    await world.arrive(student5=0.6)
    assert await world.rows() == {"student5": ("sent", "")}
