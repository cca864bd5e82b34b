"""Any interleaving of gradebook changes, deliveries, faults of the LMS, late arrivals and kills ends well.

Once the LMS answers again it shows the newest desired score of everybody, or the grade that a teacher put there and
wants to keep; no older value ever overwrote a newer one, nothing was erased, and a full repeat sends nothing. A failing
schedule is printed as a story.
"""

import asyncio
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyterhub_courses.core.drift import Choice

from .model import FAULTS, World

PEOPLE = ("1", "2")
SCORES = (1.0, 2.0)  # few, so that a score often returns to what was sent before
PAUSES = (0.0, 0.4, 1.0, 3.0, 60.0, 4000.0)


@dataclass(frozen=True)
class Want:
    person: str
    score: float


@dataclass(frozen=True)
class Deliver:
    """After a pause. `crash_in`: killed at this crossing; `during`: a regrade while a score is on its way."""

    pause: float
    faults: tuple[str, ...] = ()
    crash_in: int | None = None
    during: Want | None = None


@dataclass(frozen=True)
class Override:
    person: str


@dataclass(frozen=True)
class Choose:
    """A teacher says whose grade stays."""

    person: str
    choice: Choice


@dataclass(frozen=True)
class Look:
    """What the LMS shows is read back, with faults."""

    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrive:
    """A request that was given up reaches the LMS."""


people = st.sampled_from(PEOPLE)
wants = st.builds(Want, people, st.sampled_from(SCORES))
pauses = st.sampled_from(PAUSES)
faults = st.lists(st.sampled_from(FAULTS), max_size=4).map(tuple)
delivers = st.one_of(
    st.builds(Deliver, pauses),
    st.builds(Deliver, pauses, faults),
    st.builds(Deliver, pauses, faults, st.integers(0, 12)),
    st.builds(Deliver, pauses, faults, st.none(), wants),
)
chooses = st.builds(Choose, people, st.sampled_from(Choice))
others = st.one_of(st.builds(Override, people), st.builds(Arrive), chooses, st.builds(Look), st.builds(Look, faults))
steps = st.one_of(wants, wants, delivers, delivers, delivers, others)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=25))
def test_every_schedule_ends_with_the_lms_showing_the_newest_scores(schedule: Sequence[Any]) -> None:
    asyncio.run(play(schedule))


def test_thousands_of_seeded_schedules_end_well() -> None:
    """JUPYTERHUB_COURSES_SCHEDULES sets how many; the seed of a failing one stands in its message."""

    async def all_of_them() -> None:
        for seed in range(int(os.environ.get("JUPYTERHUB_COURSES_SCHEDULES", "10000"))):
            try:
                await play(schedule_of(seed))
            except AssertionError as error:
                raise AssertionError(f"schedule {seed}: {error}") from error

    asyncio.run(all_of_them())


def schedule_of(seed: int) -> list[Any]:
    """A random schedule: mostly regrades with a delivery after each."""
    dice = random.Random(seed)
    schedule: list[Any] = []
    for _ in range(dice.randint(3, 10)):
        if dice.random() < 0.8:
            schedule.append(Want(dice.choice(PEOPLE), dice.choice(SCORES)))
        if dice.random() < 0.15:
            schedule.append(Override(dice.choice(PEOPLE)))
        if dice.random() < 0.1:
            schedule.append(Choose(dice.choice(PEOPLE), dice.choice(tuple(Choice))))
        if dice.random() < 0.15:
            schedule.append(Look(tuple(dice.choices(FAULTS, k=dice.randint(0, 1)))))
        if dice.random() < 0.3:
            schedule.append(Arrive())
        faults = tuple(dice.choices(FAULTS, k=dice.randint(0, 3))) if dice.random() < 0.5 else ()
        crash_in = dice.randint(0, 12) if dice.random() < 0.3 else None
        during = Want(dice.choice(PEOPLE), dice.choice(SCORES)) if dice.random() < 0.2 else None
        schedule.append(Deliver(dice.choice(PAUSES), faults, crash_in, during))
    return schedule


async def play(schedule: Sequence[Any]) -> None:
    world = World()
    try:
        await _play(world, schedule)
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *world.story])) from error


async def _play(world: World, schedule: Sequence[Any]) -> None:
    version = 0
    for step in schedule:
        world.story.append(str(step))
        match step:
            case Want(person, score):
                version += 1
                world.store.want(int(person), score, version)
            case Override(person):
                world.lms.override(person, 9.0)
            case Choose(person, choice):
                world.store.choose(int(person), choice)
                if choice is Choice.OURS:
                    world.lms.unprotect(person)
            case Look(faults):
                world.faults = list(faults)
                await world.reading_back.look()
                world.faults = []
            case Arrive():
                world.lms.arrive()
            case Deliver(pause, faults, crash_in, during):
                world.pass_time(pause)
                world.faults, world.crash_in = list(faults), crash_in
                if during is not None:
                    version += 1
                    world.during = partial(world.store.want, int(during.person), during.score, version)
                await world.deliver()
                world.faults, world.during = [], None
    await _heal(world)
    _check(world)
    before = world.lms.requests
    await world.deliver()
    assert world.lms.requests == before, "a full repeat sent something"
    while world.lms.late:  # what was given up arrives at last, long after newer scores
        world.lms.arrive()
    _check(world)


async def _heal(world: World) -> None:
    for _ in range(40):
        if all(held.state in ("sent", "kept") for held in world.store.rows.values()):
            await world.reading_back.look()
            if all(held.state in ("sent", "kept") for held in world.store.rows.values()):
                return
        world.pass_time(1800)
        await world.deliver()
    raise AssertionError(f"not delivered: {world.store.rows}")


def _check(world: World) -> None:
    for person, held in world.store.rows.items():
        cell = world.lms.cells.get(str(person))
        assert cell is not None, "a score is missing"
        if cell.overridden:
            assert held.reason == "overridden_in_lms", "nobody is told of a teacher's grade"
            assert held.choice is Choice.KEEP, "ours was wanted"
            assert held.shown is not None and held.shown.score == cell.score
        else:
            assert (held.state, held.reason) == ("sent", "")
            assert cell.score == held.desired.score
    assert len(world.lms.items) <= 1, "a column was made twice"
