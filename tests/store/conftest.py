"""A fresh, migrated store on each database that is supported."""

from collections.abc import AsyncIterator

import pytest

from jupyterhub_courses.adapters.store.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Empty tables."""
    database = Database(request.getfixturevalue(f"{request.param}_store"))
    yield database
    await database.close()
