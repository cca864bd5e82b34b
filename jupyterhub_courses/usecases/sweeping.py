"""Sweeping: nonces and codes that nobody can use any more leave the store, whatever else the service does."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

log = logging.getLogger(__name__)
EVERY = 600.0  # seconds; what is too old is refused without it, so it only keeps the store small


class OncePort(Protocol):
    """What may be used once."""

    async def sweep(self, now: datetime) -> None: ...


async def sweep_forever(once: OncePort, clock: Callable[[], datetime], every: float = EVERY) -> None:
    """Sweep now and again until cancelled."""
    while True:
        try:
            await once.sweep(clock())
        except Exception:
            log.exception("forgetting old nonces and codes failed; it goes on in %.0f s", every)
        await asyncio.sleep(every)
