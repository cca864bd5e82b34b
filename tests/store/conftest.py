"""A fresh, migrated store on each database that is supported."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jupyterhub_courses.adapters.store.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Empty tables."""
    url = (
        f"sqlite:///{tmp_path / 'store.sqlite'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    database = Database(url)
    await database.migrate()
    yield database
    await database.close()
