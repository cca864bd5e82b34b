"""A process that delivers until it is killed: `python outbox_process.py DATABASE KEYS`."""

import asyncio
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from jupyterhub_courses.adapters.lms.access import LmsAccess
from jupyterhub_courses.adapters.lms.ags import Ags
from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import load_or_create
from jupyterhub_courses.adapters.lms.outcomes import Outcomes
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.deliveries import Deliveries
from jupyterhub_courses.adapters.store.leases import PlatformLeases
from jupyterhub_courses.usecases.delivering import Deliverer


async def main(url: str, keys: str) -> None:
    http = LmsHttp()
    ags = Ags(LmsAccess(http, Tokens(http, load_or_create(Path(keys)))))
    database = Database(url)
    leases = None if database.is_sqlite else PlatformLeases(database)
    clock = lambda: datetime.now(UTC)  # noqa: E731
    outbox = Deliverer(Deliveries(database), ags, Outcomes(http), clock, random.random, leases=leases)
    print("delivering", flush=True)
    await outbox.run_forever(asyncio.Event(), 1.0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
