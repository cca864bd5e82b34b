"""The gate of a platform: courses in turn, never more at a time than its pace allows, one probe after an outage."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jupyterhub_courses.adapters.lms.ags import Ags
from jupyterhub_courses.core.answers import DELIVERED, Outcome, Scope, Verdict
from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.scores import Desired
from jupyterhub_courses.usecases.pacing import Closed, Gate

from .conftest import Course
from .world import LmsProcess, World

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BUSY = Outcome(Verdict.RETRY, "lms_busy", Scope.PLATFORM)


class Clock:
    def __init__(self) -> None:
        self.now, self.ticks = START, 0.0

    def tick(self) -> float:
        self.ticks += 0.001
        return self.ticks


@pytest.fixture
def clock() -> Clock:
    return Clock()


def gate_of(clock: Clock, most: int) -> Gate:
    return Gate(lambda: clock.now, lambda: 0.5, clock.tick, Pace.up_to(most))


async def held(gate: Gate, course: int, went: list[int], until: asyncio.Event) -> None:
    async with gate.share(course):
        went.append(course)
        await until.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_course_with_much_to_send_lets_the_others_go_in_turn(clock: Clock) -> None:
    gate, went, done = gate_of(clock, 1), [], asyncio.Event()
    first = asyncio.create_task(held(gate, 9, went, done))
    await settle()
    courses = [1] * 50 + [2] * 3 + [3]
    waiting = [asyncio.create_task(held(gate, course, went, done)) for course in courses]
    await settle()
    assert went == [9]
    done.set()
    await asyncio.gather(first, *waiting)
    assert went == [9, 1, 2, 3, 1, 2, 1, 2] + [1] * 47


async def test_whoever_gives_up_waiting_passes_the_turn_on(clock: Clock) -> None:
    gate, went, done = gate_of(clock, 1), [], asyncio.Event()
    first, second, third = (asyncio.create_task(held(gate, n, went, done)) for n in (1, 2, 3))
    await settle()
    done.set()
    first_ended = asyncio.Event()
    first.add_done_callback(lambda _: (second.cancel(), first_ended.set()))  # when its turn has come already
    await first_ended.wait()
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.wait_for(third, 5)
    assert went[0] == 1
    assert went[-1] == 3


async def test_who_waits_is_sent_away_when_the_platform_closes(clock: Clock) -> None:
    gate, went, done = gate_of(clock, 1), [], asyncio.Event()
    first = asyncio.create_task(held(gate, 1, went, done))
    await settle()
    waiting = [asyncio.create_task(held(gate, course, went, done)) for course in (1, 2, 2)]
    await settle()
    gate.learn(BUSY)
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [Closed] * 3
    with pytest.raises(Closed):
        await gate.enter(3)
    done.set()
    await first


async def test_after_an_outage_one_request_of_all_courses_goes_first(clock: Clock) -> None:
    gate, went, done = gate_of(clock, 8), [], asyncio.Event()
    gate.learn(BUSY)
    assert gate.closed_until is not None
    clock.now = gate.closed_until
    waiting = [asyncio.create_task(held(gate, course, went, done)) for course in range(20)]
    await settle()
    assert went == [0]
    gate.learn(DELIVERED)
    await settle()
    assert went == [0, 1]  # half of the four that it had begun with
    done.set()
    await asyncio.gather(*waiting)


class Watched(Ags):
    """AGS that notes whose scores were posted in which order, and how many at a time."""

    def __init__(self, world: World) -> None:
        super().__init__(world.access)
        self.order: list[str] = []
        self.busy = self.most = 0

    async def post_score(
        self, registration: Registration, lineitem: str, user_id: str, desired: Desired, timestamp: int
    ) -> Outcome:
        self.order.append(f"{lineitem.partition('services.php/')[2].partition('/')[0]}:{user_id}")
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            return await super().post_score(registration, lineitem, user_id, desired, timestamp)
        finally:
            self.busy -= 1


def lineitems(lms: LmsProcess, course: int) -> str:
    return f"{lms.base}/mod/lti/services.php/{course}/lineitems?type_id=1"


async def test_a_large_course_does_not_hold_back_a_small_one_of_the_same_lms(
    world: World, lms: LmsProcess, course: Course
) -> None:
    small = await world.add_course("py101", course.platform, lineitems(lms, 3))
    await world.want(course.id, "ps9", {person: 1.0 for person in course.people.values()})
    few = {course.people[str(n)]: 1.0 for n in range(1, 6)}
    await world.want(small, "ps9", few)
    lms.faults(delay_ms=20)
    watched = Watched(world)
    await world.fresh_outbox(watched, Pace.up_to(2)).deliver_due()
    assert len(watched.order) == len(course.people) + len(few)
    last = max(at for at, one in enumerate(watched.order) if one.startswith("3:"))
    assert last < len(watched.order) // 2
    assert watched.most == 2


async def test_the_newest_regrade_goes_first(world: World, lms: LmsProcess, course: Course) -> None:
    lms.faults(status_503=1)
    people = [course.people[str(n)] for n in range(1, 6)]
    for person in (people[2], people[0], people[4], people[1], people[3]):
        await world.want(course.id, "ps9", {person: 1.0})
    watched = Watched(world)
    outbox = world.fresh_outbox(watched, Pace.up_to(1))
    await world.settle(20, outbox)
    assert watched.order == ["2:4", "2:2", "2:5", "2:1", "2:3"]


async def test_an_lms_that_is_away_is_probed_by_one_request_at_a_time_for_all_its_courses(
    world: World, lms: LmsProcess, course: Course
) -> None:
    courses = [course.id, await world.add_course("py101", course.platform, lineitems(lms, 3))]
    some = {course.people[str(n)]: 1.0 for n in range(1, 9)}
    for one in courses:
        await world.want(one, "ps9", some)
    await world.outbox.deliver_due()
    for one in courses:
        await world.want(one, "ps9", dict.fromkeys(some, 2.0))
    await asyncio.sleep(1.1)  # an LMS takes one score a second for a person
    lms.faults(status_503=-1, endpoints=["scores"])
    watched, clock = Watched(world), [datetime.now(UTC)]
    outbox = world.fresh_outbox(watched, now=lambda: clock[0])
    await outbox.deliver_due()
    lms.faults(status_503=-1, delay_ms=30, endpoints=["scores"])
    watched.order, watched.most = [], 0
    for _ in range(5):
        clock[0] += timedelta(seconds=60)
        await outbox.deliver_due()
    assert watched.most == 1
    assert len(watched.order) == 5
