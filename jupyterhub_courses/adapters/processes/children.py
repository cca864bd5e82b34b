"""One child process kept alive: started, asked whether it serves, started again with back-off, ended.

A child reads its standard input and ends at its end, so that it never outlives this process, not even `kill -9`.
"""

import asyncio
import logging
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

log = logging.getLogger(__name__)

START_LIMIT = 30.0  # seconds until a fresh child has to serve
STOP_LIMIT = 5.0
BACKOFF_MAX = 60.0


class Child:
    """A process by its command. `serves` asks it whether it can be used."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        folder: Path,
        serves: Callable[[], Awaitable[bool]],
    ) -> None:
        self.name, self._command, self._environment, self._folder = name, command, environment, folder
        self._serves = serves
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._unanswered = 0

    @property
    def settings(self) -> tuple[list[str], dict[str, str]]:
        """Command and environment; a child with other settings has to be replaced."""
        return self._command, self._environment

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def ensure(self) -> bool:
        """Make it serve; True when it does. Quick while it is down and its back-off has not ended."""
        if self.pid is not None:
            if await self._serves():
                self._failures = self._unanswered = 0
                return True
            self._unanswered += 1
            if self._unanswered < 3:
                return False
            log.warning("%s: does not answer; it is started again", self.name)
            await self.stop()
        if time.monotonic() < self._not_before:
            return False
        self._start()
        deadline = time.monotonic() + START_LIMIT
        while self.pid is not None and time.monotonic() < deadline:
            if await self._serves():
                return True
            await asyncio.sleep(0.1)
        self._failures += 1
        self._not_before = time.monotonic() + min(BACKOFF_MAX, 2.0**self._failures)
        log.warning("%s: did not start (attempt %d); its log: %s", self.name, self._failures, self._log_path)
        await self.stop()
        return False

    async def stop(self) -> None:
        """End it: its input is closed, then SIGTERM, then SIGKILL."""
        process, self._process, self._unanswered = self._process, None, 0
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        for signum in (None, signal.SIGTERM, signal.SIGKILL):
            if signum is not None:
                process.send_signal(signum)
            for _ in range(int(STOP_LIMIT / 0.05)):
                if process.poll() is not None:
                    return
                await asyncio.sleep(0.05)

    @property
    def _log_path(self) -> Path:
        return self._folder / f"{self.name.replace(' ', '-')}.log"

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self._log_path, "ab", opener=_private) as output:
            if output.tell() > 10 << 20:
                output.truncate(0)
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at the terminal reaches us alone; we end it in order
            )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
