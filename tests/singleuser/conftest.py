"""Homes, a stub of the service, and the wait on a condition."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from .service import StubService

#: nbgrader's own exchange in a folder instead of ours, which needs a server; read after our configuration.
FOLDER_EXCHANGE = """
import os, time
from nbgrader.exchange import default
class SlowFetch(default.ExchangeFetchAssignment):
    def copy_files(self):
        time.sleep(0.5 if self.src_path.endswith("slow") else 0)
        super().copy_files()
c = get_config()
for trait, name in {
    "exchange": "Exchange", "list": "ExchangeList", "fetch_assignment": "ExchangeFetchAssignment",
    "fetch_feedback": "ExchangeFetchFeedback", "submit": "ExchangeSubmit",
    "release_assignment": "ExchangeReleaseAssignment", "release_feedback": "ExchangeReleaseFeedback",
    "collect": "ExchangeCollect",
}.items():
    setattr(c.ExchangeFactory, trait, getattr(default, name))
c.ExchangeFactory.fetch_assignment = SlowFetch
c.Exchange.root = %r
"""


@pytest.fixture(scope="session")
def wait_until() -> Callable:
    """Waits on a condition without stopping the event loop; the seconds are a limit, not a pause."""

    async def wait(condition: Callable[[], object], seconds: float = 15) -> float:
        start = time.monotonic()
        while not await asyncio.to_thread(condition):
            if time.monotonic() - start > seconds:
                raise AssertionError(f"not so within {seconds} s")
            await asyncio.sleep(0.05)
        return time.monotonic() - start

    return wait


@pytest.fixture
async def service() -> AsyncIterator[StubService]:
    stub = StubService()
    runner = await stub.start()
    yield stub
    await runner.cleanup()


def use_folder_exchange(home: Path, exchange: Path) -> None:
    exchange.mkdir(parents=True, exist_ok=True)
    exchange.chmod(0o777)
    (home / "nbgrader_config.py").write_text(FOLDER_EXCHANGE % str(exchange))


def release(exchange: Path, assignment: str, *notebooks: str) -> Path:
    """Put an assignment where nbgrader's folder exchange has released ones."""
    folder = exchange / "ml101" / "outbound" / assignment
    folder.mkdir(parents=True)
    for name in notebooks:
        nbformat.write(new_notebook(cells=[new_code_cell("# yours")]), folder / name)
    return folder
