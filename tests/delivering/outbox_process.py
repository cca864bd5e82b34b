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
from jupyterhub_courses.usecases.delivering import Deliverer


async def main(url: str, keys: str) -> None:
    http = LmsHttp()
    ags = Ags(LmsAccess(http, Tokens(http, load_or_create(Path(keys)))))
    outbox = Deliverer(Deliveries(Database(url)), ags, Outcomes(http), lambda: datetime.now(UTC), random.random)
    print("delivering", flush=True)
    await outbox.run_forever(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
