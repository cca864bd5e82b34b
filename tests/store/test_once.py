"""What works once works once, on each database, also for two that come at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from jupyterhub_courses.adapters.store.models import CodeRow, NonceRow
from jupyterhub_courses.adapters.store.once import Once

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
LATER = NOW + timedelta(seconds=601)


@pytest.fixture
def once(database):
    return Once(database)


async def test_a_nonce_is_good_for_one_attempt_whose_call_may_come_twice(once):
    assert await once.spend_nonce("n", "first", NOW, 600)
    assert await once.spend_nonce("n", "first", NOW, 600)
    assert not await once.spend_nonce("n", "second", NOW, 600)
    assert await once.spend_nonce("other", "second", NOW, 600)


async def test_without_an_attempt_a_nonce_is_good_for_one_call(once):
    assert await once.spend_nonce("n", "", NOW, 600)
    assert not await once.spend_nonce("n", "", NOW, 600)


async def test_of_many_attempts_at_once_one_gets_the_nonce(once):
    got = await asyncio.gather(*(once.spend_nonce("n", f"attempt {n}", NOW, 600) for n in range(10)))
    assert sorted(got) == [False] * 9 + [True]


async def test_a_code_opens_what_it_was_made_for_once(once):
    code = await once.issue("login", {"username": "ada"}, NOW, 600)
    assert await once.look("login", code, NOW) == {"username": "ada"}
    assert await once.look("selection", code, NOW) is None and await once.spend("selection", code, NOW) is None
    got = await asyncio.gather(*(once.spend("login", code, NOW) for _ in range(5)))
    assert [data for data in got if data] == [{"username": "ada"}]
    assert await once.look("login", code, NOW) is None


@pytest.mark.parametrize("code", ["", "wrong", "x" * 10_000])
async def test_what_was_never_given_out_opens_nothing(once, code):
    assert await once.look("login", code, NOW) is None and await once.spend("login", code, NOW) is None


async def test_a_code_ends_with_its_time(once):
    code = await once.issue("login", {"username": "ada"}, NOW, 600)
    assert await once.look("login", code, LATER) is None and await once.spend("login", code, LATER) is None


async def test_what_is_too_old_is_forgotten_and_the_rest_is_kept(once, database):
    await once.spend_nonce("n", "a", NOW, 600)
    await once.issue("login", {}, NOW, 600)
    kept = await once.issue("login", {"kept": True}, NOW, 6000)
    await once.sweep(LATER)
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(NonceRow)) == 0
        assert await session.scalar(select(func.count()).select_from(CodeRow)) == 1
    assert await once.look("login", kept, LATER) == {"kept": True}


async def test_no_code_lies_in_the_store_as_it_is(once, database):
    code = await once.issue("login", {}, NOW, 600)
    async with database.reading() as session:
        assert await session.scalar(select(CodeRow.digest)) != code
