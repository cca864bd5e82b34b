"""Ports for what tests start, which nobody else takes before it listens."""

import itertools
import os
import socket

#: Below those that the kernel gives to connections and to whoever asks for any port (32768 and more on Linux).
FIRST, LAST, WORKERS = 20_000, 30_000, 4
_EACH = (LAST - FIRST) // WORKERS
_numbers = itertools.count(os.getpid() * 7)  # another run on this machine begins elsewhere


def free_port() -> int:
    """A loopback port that nobody listens on, of those of this worker of pytest-xdist; no two calls give one."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    for number in itertools.islice(_numbers, _EACH):
        port = FIRST + worker * _EACH + number % _EACH
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")
