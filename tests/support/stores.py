"""Empty stores of this version: migrated once in a run, and copied for each test."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from jupyterhub_courses.adapters.store.database import Database


def migrate(url: str) -> None:
    """Make the tables in an empty database; nobody is connected to it afterwards."""

    async def made() -> None:
        database = Database(url)
        try:
            await database.migrate()
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as thread:  # who asks may be in a loop that runs
        thread.submit(lambda: asyncio.run(made())).result()
