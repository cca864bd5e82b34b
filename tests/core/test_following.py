"""Which rosters are read when: the old, the wanted, and whom trouble holds up."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jupyterhub_courses.core.records import Course
from jupyterhub_courses.usecases.following import FAILURES, LEFT_ALONE, Following
from jupyterhub_courses.usecases.rostering import Synced

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


class World:
    """Store, LMSs and clock in one. `hanging`: platforms that do not answer."""

    def __init__(self):
        self.now, self.courses, self.read = NOW, {}, []
        self.broken, self.raising, self.hanging = set(), set(), {}

    def add(self, slug, platform=1, synced=None, state="ready", url="https://lms.example/members"):
        values = dict.fromkeys(Course.__dataclass_fields__)
        values |= {"id": len(self.courses) + 1, "slug": slug, "platform_id": platform, "state": state}
        self.courses[slug] = values | {"members_url": url, "roster_synced_at": synced}

    async def all(self):
        return [Course(**values) for values in self.courses.values()]

    async def sync(self, course):
        if course.platform_id in self.hanging:
            await self.hanging[course.platform_id].wait()
        self.read.append(course.slug)
        if course.slug in self.raising:
            raise ConnectionError("the hub is down")
        if course.slug in self.broken:
            return Synced(error="roster_incomplete")
        self.courses[course.slug]["roster_synced_at"] = self.now
        return Synced()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def following(world):
    return Following(world, world, lambda: world.now, HOUR)


async def reads(world, following):
    world.read.clear()
    await following.read_old()
    return sorted(world.read)


async def test_what_is_old_is_read_and_what_is_not_is_left(world, following):
    world.add("new")
    world.add("old", synced=NOW - HOUR - timedelta(seconds=1))
    world.add("young", synced=NOW - HOUR + timedelta(seconds=1))
    world.add("going", state="deleting")
    world.add("without", url=None)
    assert await reads(world, following) == ["new", "old"]
    assert await reads(world, following) == []


async def test_a_wanted_one_is_read_unless_it_was_just_now(world, following):
    world.add("a", synced=NOW - timedelta(seconds=61))
    world.add("b", synced=NOW - timedelta(seconds=59))
    following.want("a")
    following.want("b")
    assert await reads(world, following) == ["a"]


@pytest.mark.parametrize("trouble", ["broken", "raising"])
async def test_one_in_trouble_is_left_alone_for_a_while_and_holds_up_no_other(world, following, trouble):
    for slug in ("a", "b", "c"):
        world.add(slug)
    getattr(world, trouble).add("a")
    assert await reads(world, following) == ["a", "b", "c"]
    assert await reads(world, following) == []
    following.want("a")
    assert await reads(world, following) == ["a"]
    world.now += LEFT_ALONE
    getattr(world, trouble).clear()
    assert await reads(world, following) == ["a"]
    assert await reads(world, following) == []


async def test_an_lms_in_trouble_is_asked_for_a_few_a_round_and_all_get_their_turn(world, following):
    slugs = [f"c{n}" for n in range(3 * FAILURES)]
    for slug in slugs:
        world.add(slug)
    world.broken.update(slugs)
    seen = set()
    for _ in range(3):
        found = await reads(world, following)
        assert len(found) == FAILURES
        seen.update(found)
    assert seen == set(slugs)


async def test_an_lms_that_hangs_holds_up_no_other(world, following):
    world.add("hangs", platform=1)
    world.add("works", platform=2)
    world.hanging[1] = asyncio.Event()
    going = asyncio.create_task(following.read_old())
    async with asyncio.timeout(30):
        while world.read != ["works"]:
            await asyncio.sleep(0.01)
    world.hanging[1].set()
    await going
    assert world.read == ["works", "hangs"]


async def test_a_wish_starts_a_round(world, following):
    running = asyncio.create_task(following.run_forever())
    await asyncio.sleep(0)
    world.add("a", synced=NOW - timedelta(seconds=61))
    following.want("a")
    async with asyncio.timeout(30):
        while world.read != ["a"]:
            await asyncio.sleep(0.01)
    running.cancel()
