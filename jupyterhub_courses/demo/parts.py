"""One long-running process of the demo: started, watched, started again with back-off, ended.

Promises: the child does not outlive the supervisor; its output goes to one log file; a part that is killed
comes back.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp

from .processes import ending_with_parent

LONGEST_PAUSE = 30.0
STEADY = 60.0  # after so many seconds of life the next failure counts as the first
LOG_MAX = 20 << 20


def pause(failures: int) -> float:
    """Seconds to wait before the next start after so many failures in a row: 0.5, 1, 2 … 30."""
    return min(LONGEST_PAUSE, 0.5 * 2.0 ** (min(failures, 16) - 1))


class PartFailed(Exception):
    """A part does not come up; the sentence names its log."""


class Part:
    """`command` under supervision. `healthy` says whether it serves; `before` runs ahead of every start."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        healthy: Callable[[], Awaitable[bool]],
        say: Callable[[str], None],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self._command, self._environment, self._folder = name, command, environment, folder
        self.log, self._healthy, self._say, self._before = log, healthy, say, before
        self._task: asyncio.Task[None] | None = None
        self._child: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    def start(self) -> None:
        """Begin to keep it running."""
        self._task = asyncio.create_task(self._keep_running())

    async def ready(self, limit: float) -> None:
        """Wait until it serves. Raises PartFailed after `limit` seconds, or when it ends too often."""
        deadline = time.monotonic() + limit
        while not await self._healthy():
            if time.monotonic() > deadline or self.starts > 3:
                why = f"does not answer within {limit:.0f} seconds" if self.starts <= 3 else "ends again and again"
                raise PartFailed(f"{self.name} {why}. The end of {self.log}:\n{self.tail()}")
            await asyncio.sleep(0.1)

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 8192))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])

    async def stop(self, patience: float) -> None:
        """End it: SIGTERM, and SIGKILL after `patience` seconds."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        child = self._child
        if child is None or child.returncode is not None:
            return
        for sent, limit in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(sent)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), limit)
                return

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            await asyncio.to_thread(self._before)
            began = time.monotonic()
            await self._spawn()
            assert self._child is not None
            code = await self._child.wait()
            failures = 1 if time.monotonic() - began > STEADY else failures + 1
            wait = pause(failures)
            how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
            self._say(f"{self.name} {how}; it starts again in {wait:g} s.")
            await asyncio.sleep(wait)

    async def _spawn(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_MAX:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's to pass on, in order
                preexec_fn=ending_with_parent(),
            )
        self.starts += 1


def answers(url: str, expected: int = 200) -> Callable[[], Awaitable[bool]]:
    """A health check: whether `url` answers with this status within 3 s."""

    async def check() -> bool:
        limit = aiohttp.ClientTimeout(total=3)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                return answer.status == expected
        except (TimeoutError, aiohttp.ClientError):
            return False

    return check
