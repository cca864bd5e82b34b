"""Ports that were free a moment ago."""

import socket


def free_port() -> int:
    """A loopback port that nobody listens on; two calls give two ports."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
