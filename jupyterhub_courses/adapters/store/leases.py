"""Which replica of the service delivers to which platform: on PostgreSQL, one at a time. Implements usecases' Leases.

A lease is an advisory lock of a connection of its own, so it ends with its process, however that ends, and knows no
clock (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS). Such locks need a session: no
pooler that hands connections out for single transactions may stand between.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from ...core.deliveries import LeaseLost
from .database import Database

KIND = 0x73636F72  # among all advisory locks of the database, those of this kind are ours
#: A replica whose machine vanished without a word is given up after about half a minute.
PATIENCE = ("tcp_keepalives_idle = 15", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 3")


class PlatformLeases:
    """The leases of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None
        self._held: set[int] = set()
        self._lost = False
        self._one = asyncio.Lock()  # a connection does one thing at a time

    async def take(self, platform_id: int) -> bool:
        """Have the platform's lease; False while another replica has it."""
        async with self._one:
            if platform_id in self._held:
                return True
            if await self._ask("SELECT pg_try_advisory_lock(:kind, :one)", kind=KIND, one=platform_id):
                self._held.add(platform_id)
                return True
            return False

    async def keep(self, platforms: Collection[int]) -> None:
        """Give back the leases of all others, and with the last one the connection."""
        async with self._one:
            for platform_id in self._held - set(platforms):
                await self._ask("SELECT pg_advisory_unlock(:kind, :one)", kind=KIND, one=platform_id)
                self._held.discard(platform_id)
            if not self._held:
                await self._end()

    async def check(self) -> None:
        """Raises LeaseLost when the database has ended the leases; nothing may be sent then before `forget`."""
        async with self._one:
            if self._held and not self._lost:
                await self._ask("SELECT 1")
            if self._lost:
                raise LeaseLost

    async def forget(self) -> None:
        """Begin anew, without leases."""
        async with self._one:
            await self._end()
            self._held.clear()
            self._lost = False

    async def _ask(self, query: str, **values: Any) -> Any:
        try:
            if self._connection is None:
                self._connection = await self._database.engine.connect()
                await self._connection.execution_options(isolation_level="AUTOCOMMIT")
                for setting in PATIENCE:
                    await self._connection.execute(text(f"SET {setting}"))
            return await self._connection.scalar(text(query), values)
        except BaseException as error:  # a cancelled one, too, leaves the connection in a state nobody knows
            self._lost = bool(self._held)
            await self._end()
            if self._lost and isinstance(error, SQLAlchemyError | OSError):
                raise LeaseLost from error
            raise

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Not back into the pool: locks belong to the connection.
            await connection.invalidate()
            await connection.close()
