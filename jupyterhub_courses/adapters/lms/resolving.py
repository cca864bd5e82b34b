"""Names of LMSs to addresses, without holding anybody up.

asyncio looks names up in a handful of threads that the whole process shares, and a name whose servers are silent takes
its thread for half a minute: a few such LMSs would stop every other lookup. So LMSs have threads of their own, and a
name that was found before is not waited for.
"""

import asyncio
import socket
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 128  # made when needed
PATIENCE_S = 1.0  # so long a name that is known is looked up anew
NAMES_MAX = 5000


class LmsResolver(AbstractResolver):
    """For aiohttp's connectors, which also keep answers for some seconds."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "lms-names")
        self._known: OrderedDict[tuple[str, int, int], list[ResolveResult]] = OrderedDict()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of `host`. Raises OSError."""
        which = (host, port, int(family))
        loop = asyncio.get_running_loop()
        lookup = loop.run_in_executor(self._threads, _look_up, host, port, family)
        known = self._known.get(which)
        try:
            found = await (lookup if known is None else asyncio.wait_for(lookup, PATIENCE_S))
        except (OSError, TimeoutError):
            if known is None:
                raise
            return known
        self._known[which] = found
        self._known.move_to_end(which)
        while len(self._known) > NAMES_MAX:
            self._known.popitem(last=False)
        return found

    async def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return [
        ResolveResult(hostname=host, host=str(address[0]), port=int(address[1]), family=kind, proto=proto, flags=flags)
        for kind, _type, proto, _name, address in socket.getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    ]
