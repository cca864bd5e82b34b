"""Notices every change of the gradebook, by whatever tool, and sends the course's whole desired state.

Promises: a score reaches the service within ten seconds while it answers, and sooner or later when it does
not; the state is sent at start, on change and before the server stops. Logs numbers, never persons.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from jupyterhub_courses.adapters.courses_api.server import CallFailed, ScoresAnswer
from jupyterhub_courses.adapters.gradebook.database import GradebookMissing
from jupyterhub_courses.adapters.gradebook.reading import GradebookState

from .gradebook_thread import GradebookThread
from .settling import same, settle, unsent

#: Seconds between two looks.
EVERY = 2.0
#: Seconds between tries while the service fails: doubled each time, up to the last.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: Seconds that stopping may take; LocalProcessSpawner sends its next signal after ten.
STOP_LIMIT = 7.0


class Service(Protocol):
    """Where scores go."""

    async def put_scores(self, state: Mapping[str, Any]) -> ScoresAnswer: ...


class ScoreWatcher:
    """`touch` is called while something is unsent, so that the server counts as active."""

    def __init__(
        self,
        gradebook: GradebookThread,
        service: Service,
        log: logging.Logger,
        touch: Callable[[], None],
        every: float = EVERY,
    ) -> None:
        self._gradebook, self._service, self._log, self._touch = gradebook, service, log, touch
        self._every = every
        self._stopping = asyncio.Event()
        self._version: object = None
        self._latest: GradebookState | None = None
        self._accepted: GradebookState | None = None
        # False while the service may hold something else than what it accepted last: at start, after a lost
        # answer.
        self._certain = False
        self._wanted: GradebookState | None = None
        self._open = True
        self._failures = 0
        self._not_before = 0.0
        self._last_taken = 0.0
        self._error: str | None = None
        self._answer: ScoresAnswer | None = None
        self._sent_at: float | None = None

    async def run(self) -> None:
        """Watch until stop()."""
        while not self._stopping.is_set():
            try:
                await self._look()
                if self._wanted is not None and time.monotonic() >= self._not_before:
                    await self._send()
            except Exception:
                self._log.exception("Scores: unexpected")
                self._retry_later("unexpected, see the log")
            if self.pending:
                self._touch()
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every)
            except TimeoutError:
                continue

    async def stop(self, running: asyncio.Task[None]) -> None:
        """End run(), which is `running`, look a last time and send what is new; bounded by STOP_LIMIT."""
        self._stopping.set()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await asyncio.wait([running])
                await self._look()
                if self._open:
                    await asyncio.sleep(0.3)
                    await self._look()
                if self._wanted is not None:
                    await self._send()
        except TimeoutError:
            running.cancel()
        if self.pending:
            self._log.warning("Stopping with %d unsent scores; they are sent at the next start", self.unsent)

    @property
    def pending(self) -> bool:
        """Whether the service lacks something of a gradebook that could be read."""
        return self._wanted is not None or (self._latest is not None and self._open)

    @property
    def unsent(self) -> int:
        """How many scores the service lacks."""
        return unsent(self._latest, self._accepted)

    def status(self) -> dict[str, Any]:
        """JSON for people who look after the server; names nobody."""
        sent = self._sent_at
        return {
            "last_sent": datetime.fromtimestamp(sent, UTC).isoformat() if sent else None,
            "unsent": self.unsent,
            "pending": self.pending,
            "accepted": self._answer.accepted if self._answer else None,
            "unknown": len(self._answer.unknown) if self._answer else None,
            "error": self._error,
        }

    async def _look(self) -> None:
        try:
            version = await self._gradebook.version()
            if version is None or (version == self._version and not self._open):
                return
            now = await self._gradebook.read(self._clock)
        except GradebookMissing:
            return
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            # Being written to, just being made, or damaged: the next look tells.
            self._fail(f"the gradebook can't be read: {type(error).__name__}")
            self._version = None
            return
        settled = settle(now, self._latest, self._accepted)
        self._version, self._latest, self._open = version, now, settled.open
        is_known = self._certain and same(settled.state, self._accepted)
        self._wanted = None if is_known else settled.state
        if is_known:
            self._error = None

    async def _send(self) -> None:
        wanted = self._wanted
        assert wanted is not None
        self._certain = False
        try:
            answer = await self._service.put_scores(wanted.as_json())
        except CallFailed as failure:
            self._retry_later(str(failure))
            return
        if answer.stale:
            # Another sender was later, or the clock was put back: take a new snapshot.
            self._open = True
            self._retry_later("the service has a newer state")
            return
        self._accepted, self._certain, self._wanted = wanted, True, None
        self._answer, self._sent_at = answer, time.time()
        self._failures, self._not_before, self._error = 0, 0.0, None
        self._log.info(
            "Sent %d scores: %d accepted, %d of people the course does not know",
            len(wanted.scores),
            answer.accepted,
            len(answer.unknown),
        )

    def _retry_later(self, error: str) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        self._not_before = time.monotonic() + pause
        self._fail(f"{error}; {self.unsent} scores are kept and sent again")

    def _fail(self, error: str) -> None:
        if error != self._error:
            self._log.warning("Scores: %s", error)
        self._error = error

    def _clock(self) -> float:
        # Two snapshots within the clock's resolution still are in order.
        self._last_taken = max(time.time(), self._last_taken + 0.001)
        return self._last_taken
