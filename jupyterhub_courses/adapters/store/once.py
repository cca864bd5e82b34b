"""What may be used once: nonces of launches, and codes that are given out.

Promises: of two that come at the same moment, in whatever process, one wins; nothing works after its time; codes are
stored as digests, so a copy of the store opens nothing.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Database
from .models import CodeRow, NonceRow

CODE_BYTES = 24


class Once:
    """See above. `kind` keeps codes of different purposes apart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend_nonce(self, nonce: str, attempt: str, now: datetime, seconds: float) -> bool:
        """Use `nonce` up, remembered for `seconds`. True again for the same attempt, whose call may come twice."""
        try:
            async with self._database.transaction() as session:
                await add_nonce(session, nonce, attempt, now, seconds)
            return True
        except IntegrityError:
            async with self._database.reading() as session:
                return await is_of_attempt(session, nonce, attempt)

    async def issue(self, kind: str, data: dict[str, Any], now: datetime, seconds: float) -> str:
        """A new code for `data`, good for `seconds`."""
        code = secrets.token_urlsafe(CODE_BYTES)
        async with self._database.transaction() as session:
            add_code(session, kind, code, data, now, seconds)
        return code

    async def look(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None:
        """What the code is for, without using it up; None if it was used, is too old or was never given out."""
        query = select(CodeRow.data).where(CodeRow.digest == _digest(kind, code), CodeRow.expires_at > now)
        async with self._database.reading() as session:
            return await session.scalar(query)

    async def spend(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None:
        """What the code is for; works once."""
        async with self._database.transaction() as session:
            return await spend_code(session, kind, code, now)

    async def sweep(self, now: datetime) -> None:
        """Forget what is too old to work."""
        async with self._database.transaction() as session:
            await session.execute(delete(NonceRow).where(NonceRow.expires_at <= now))
            await session.execute(delete(CodeRow).where(CodeRow.expires_at <= now))


async def add_nonce(session: AsyncSession, nonce: str, attempt: str, now: datetime, seconds: float) -> None:
    """Use `nonce` up, within somebody else's transaction; raises IntegrityError where it was."""
    row = {"digest": _digest("nonce", nonce), "attempt": _digest("attempt", attempt)}
    await session.execute(insert(NonceRow), {**row, "expires_at": now + timedelta(seconds=seconds)})


async def is_of_attempt(session: AsyncSession, nonce: str, attempt: str) -> bool:
    """Whether it was this attempt that used `nonce` up."""
    row = await session.get(NonceRow, _digest("nonce", nonce))
    return row is not None and bool(attempt) and row.attempt == _digest("attempt", attempt)


def add_code(session: AsyncSession, kind: str, code: str, data: dict[str, Any], now: datetime, seconds: float) -> None:
    """Make `code` good for `data`, within somebody else's transaction."""
    expires_at = now + timedelta(seconds=seconds)
    session.add(CodeRow(digest=_digest(kind, code), kind=kind, data=data, expires_at=expires_at))


async def spend_code(session: AsyncSession, kind: str, code: str, now: datetime) -> dict[str, Any] | None:
    """As `Once.spend`, within somebody else's transaction."""
    # One statement, so that of two processes one gets the row (both databases know RETURNING).
    here = CodeRow.digest == _digest(kind, code)
    statement = delete(CodeRow).where(here, CodeRow.expires_at > now).returning(CodeRow.data)
    return (await session.execute(statement)).scalar_one_or_none()


def _digest(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}\0{text}".encode()).hexdigest()
