"""What the benchmarks of deliveries and rosters begin with: a store on disk, a client that counts, and an LMS in a
process of its own.

Promises: store and LMS end with the block.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from jupyterhub_courses.adapters.lms.http import SMALL, LmsHttp
from jupyterhub_courses.adapters.lms.keys import load_or_create
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.core.answers import Answer
from tests.delivering.world import LmsProcess, World, running_lms


class Request(NamedTuple):
    """`began`, `ended`: by the clock that never goes back; `last`: the last word of its path."""

    method: str
    last: str
    status: int
    began: float
    ended: float


class Counting(LmsHttp):
    """Keeps what was asked of LMSs."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, limit: int = SMALL
    ) -> Answer:
        began = time.monotonic()
        answer = await super().request(method, url, headers, body, limit)
        last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
        self.requests.append(Request(method, last, answer.status, began, time.monotonic()))
        return answer

    def scores(self) -> list[Request]:
        """Those with a score, in the order of their answers."""
        return [one for one in self.requests if (one.method, one.last) == ("POST", "scores")]


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
async def beside_an_lms(students: int, http: LmsHttp | None = None) -> AsyncIterator[tuple[World, LmsProcess]]:
    """An empty store, and an LMS with so many students."""
    async with a_store(http) as (world, folder):
        with running_lms(folder / "lms", world.key.public_pem(), students) as lms:
            yield world, lms
