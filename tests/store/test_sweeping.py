"""Old nonces and codes leave the store of a running service, also after a sweep that failed."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from jupyterhub_courses.adapters.store.models import CodeRow, NonceRow
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.usecases.sweeping import sweep_forever

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


class FirstFails(Once):
    failed = False

    async def sweep(self, now):
        if not self.failed:
            self.failed = True
            raise ConnectionError("the database restarts")
        await super().sweep(now)


async def test_what_is_too_old_leaves_the_store_and_the_rest_stays(database, caplog):
    once, time = FirstFails(database), [NOW]
    await once.spend_nonce("old", "a", NOW, 60)
    await once.issue("login", {}, NOW, 60)
    await once.spend_nonce("young", "b", NOW, 6000)

    async def left():
        async with database.reading() as session:
            return [await session.scalar(select(func.count()).select_from(row)) for row in (NonceRow, CodeRow)]

    sweeping = asyncio.create_task(sweep_forever(once, lambda: time[0], every=0.01))
    time[0] = NOW + timedelta(seconds=61)
    async with asyncio.timeout(30):
        while await left() != [1, 0]:
            await asyncio.sleep(0.01)
    sweeping.cancel()
    assert once.failed and "forgetting old nonces and codes failed" in caplog.text
    assert not await once.spend_nonce("young", "c", time[0], 60)
