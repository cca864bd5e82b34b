"""Loopback ports of the demo: the wanted ones where they are free, others where not; the same next time."""

import socket
from collections.abc import Callable, Mapping

SPAN = 200


def is_free(port: int) -> bool:
    """Whether nothing serves on this port of 127.0.0.1, nor of ::1 (localhost may mean either)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    try:
        with socket.create_connection(("::1", port), timeout=0.2):
            return False
    except OSError:
        return True


def choose(
    wanted: Mapping[str, int], known: Mapping[str, int], free: Callable[[int], bool] = is_free
) -> tuple[dict[str, int], list[str]]:
    """A port for each name, and a sentence for each that could not have the one it should.

    `known`: what an earlier start used; it wins over `wanted`, so that addresses stay the same.
    """
    chosen: dict[str, int] = {}
    notes = []
    for name, first in wanted.items():
        ideal = known.get(name, first)
        near = (port for port in range(ideal, ideal + SPAN) if port not in chosen.values() and free(port))
        port = next(near, None)
        if port is None:
            raise OSError(f"no free port between {ideal} and {ideal + SPAN} for {name}")
        if port != ideal:
            notes.append(f"Port {ideal} is taken: {name} uses {port} instead.")
        chosen[name] = port
    return chosen, notes
