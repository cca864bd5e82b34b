"""Runs one exchange until SIGTERM, SIGINT, or the end of its standard input (its parent died).

Promises: one process a folder, whoever starts a second; HTTP only after the database is ready; a clear line
instead of a stack trace when it cannot start.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path

import aiohttp
from tornado.httpserver import HTTPServer

from .database import open_database
from .door import DRAIN_MAX, Door
from .handlers import ExchangeApplication
from .settings import Settings, SettingsError, read_settings
from .tokens import Tokens

log = logging.getLogger(__name__)

LOCK_WAIT_S = 10.0  # a predecessor that is ending gives its folder free within this
BODY_LIMIT_S = 600.0
IDLE_LIMIT_S = 300.0
END_LIMIT_S = 5.0


def main() -> int:
    """The process's entry: 0 after an orderly end, 2 for wrong settings, 1 for a folder or port in use."""
    logging.basicConfig(format="%(asctime)s %(levelname)s exchange: %(message)s", level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    os.umask(0o077)
    try:
        settings = read_settings(os.environ)
        settings.directory.mkdir(parents=True, exist_ok=True)
        lock = lock_directory(settings.directory, LOCK_WAIT_S)
    except (SettingsError, OSError) as error:
        log.error("%s", error)
        return 2 if isinstance(error, SettingsError) else 1
    try:
        sessions = open_database(settings.directory)
        application = ExchangeApplication(sessions, settings.directory / "files", settings.upload_limit)
        asyncio.run(serve(settings, application))
    except OSError as error:
        log.error("Cannot serve on %s:%d: %s", settings.host, settings.port, error.strerror or type(error).__name__)
        return 1
    finally:
        os.close(lock)
    return 0


def lock_directory(directory: Path, wait_s: float) -> int:
    """A descriptor that holds the folder as long as this process lives; raises OSError when another keeps it."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise OSError("Another exchange process uses this folder; it must end first.") from None
            time.sleep(0.1)


async def serve(settings: Settings, application: ExchangeApplication) -> None:
    """Serve until told to end; requests that are being read then get a few seconds."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, end.set)
    watch_parent(sys.stdin.fileno() if sys.stdin else -1, loop, end)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20)) as session:
        tokens = Tokens(session, settings.hub_api_url, settings.course, settings.admin_token)
        server = HTTPServer(
            Door(application, tokens, settings),
            max_body_size=settings.body_limit + DRAIN_MAX,
            body_timeout=BODY_LIMIT_S,
            idle_connection_timeout=IDLE_LIMIT_S,
        )
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
        listening.setblocking(False)
        server.add_socket(listening)
        log.info("Exchange of %s serves on %s:%d", settings.course, settings.host, listening.getsockname()[1])
        await end.wait()
        server.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), END_LIMIT_S)
        log.info("Exchange of %s has ended", settings.course)


def watch_parent(descriptor: int, loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> None:
    """Set `end` when standard input ends. Only a pipe or socket has a parent at its other end: /dev/null has not."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def wait() -> None:
        while os.read(descriptor, 4096):
            pass
        loop.call_soon_threadsafe(end.set)

    threading.Thread(target=wait, name="parent", daemon=True).start()
