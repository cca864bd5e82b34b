"""What the benchmarks of deliveries and rosters begin with: a store on disk, and an LMS in a process of its own.

Promises: store and LMS end with the block.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import load_or_create
from jupyterhub_courses.adapters.store.database import Database
from tests.delivering.world import LmsProcess, World, running_lms


@asynccontextmanager
async def a_store(http: LmsHttp | None = None) -> AsyncIterator[tuple[World, Path]]:
    """An empty store, and a folder for what lies beside it. `http`: what asks LMSs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = load_or_create(folder / "keys")
        database = Database(f"sqlite:///{folder}/store.sqlite")
        await database.migrate()
        world = World(database, key, http)
        try:
            yield world, folder
        finally:
            await world.close()


@asynccontextmanager
async def beside_an_lms(students: int) -> AsyncIterator[tuple[World, LmsProcess]]:
    """An empty store, and an LMS with so many students."""
    async with a_store() as (world, folder):
        with running_lms(folder / "lms", world.key.public_pem(), students) as lms:
            yield world, lms
