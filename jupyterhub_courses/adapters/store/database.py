"""Engine and transactions. SQLite: WAL, one writer at a time, foreign keys on. PostgreSQL: as it comes.

`transaction()` is for writing (SQLite: BEGIN IMMEDIATE, so that a transaction never fails half-way for want of the
write lock), `reading()` for looking. Both roll back on any exception.
"""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
BUSY_TIMEOUT = 10_000  # milliseconds
POSTGRESQL: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 10}
SQLITE_READERS: dict[str, Any] = {"pool_size": 4, "max_overflow": 0}  # each is a thread of its own
DISCREET: dict[str, Any] = {"hide_parameters": True}  # an error goes to the log; what it was to write are names
MIGRATING = 0x636F7572736573  # of a database's advisory locks, ours: "courses"
CONFLICTS = 3  # times that somebody else may be quicker
P = ParamSpec("P")
T = TypeVar("T")


def again_on_conflict(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """For a method that looks for a row and makes it if there is none, in one transaction.

    On PostgreSQL two of them can look before either has made it; the one that comes second looks again.
    """

    @wraps(method)
    async def looking_again(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(CONFLICTS):
            try:
                return await method(*args, **kwargs)
            except IntegrityError:
                continue
        return await method(*args, **kwargs)

    return looking_again


def is_away(error: BaseException | None) -> bool:
    """Whether `error` says that the database cannot be reached or cannot serve now: trying again later may help."""
    # asyncpg's own errors of a connection that cannot be made reach us as they are.
    away = (OperationalError, InterfaceError, NoConnectionLeft, ConnectionError, socket.gaierror)
    return isinstance(error, away) or (isinstance(error, DBAPIError) and error.connection_invalidated)


class Database:
    """One store. `url` is an ordinary database URL; the asynchronous driver is chosen here."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # SQLite's writers queue up here, for one connection, instead of in SQLite, which lets each sleep and try again.
        writers: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if self.is_sqlite else POSTGRESQL
        self.engine: AsyncEngine = create_async_engine(parsed, **DISCREET, **writers)
        self._readers = create_async_engine(parsed, **DISCREET, **SQLITE_READERS) if self.is_sqlite else self.engine
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
            _prepare_sqlite(self._readers)
        self._writing = async_sessionmaker(self.engine, expire_on_commit=False)
        self._reading = async_sessionmaker(
            self._readers.execution_options(read_only=True), expire_on_commit=False, autoflush=False
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end."""
        async with self._writing.begin() as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for looking; nothing of it is kept."""
        async with self._reading() as session:
            yield session

    async def migrate(self) -> None:
        """Bring the tables to this version (alembic, `migrations/`); does nothing where they are."""
        # SQLite changes a table by making it anew; with foreign keys on, dropping the old one would empty others
        # (https://sqlite.org/lang_altertable.html#otheralter). The switch does nothing inside a transaction.
        engine = create_async_engine(self.engine.url) if self.is_sqlite else self.engine
        if self.is_sqlite:
            _prepare_sqlite(engine, foreign_keys=False)
        try:
            async with engine.connect() as connection:
                if not self.is_sqlite:  # replicas that start together take turns; the lock ends with the transaction
                    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
                await connection.run_sync(_upgrade)
                if self.is_sqlite and (await connection.exec_driver_sql("PRAGMA foreign_key_check")).first():
                    raise RuntimeError("the migration would lose what belongs together; nothing was changed")
                await connection.commit()
        finally:
            if self.is_sqlite:
                await engine.dispose()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()
        await self._readers.dispose()


def alembic_config() -> Config:
    """Alembic's configuration for the packaged migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _upgrade(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(engine: AsyncEngine, foreign_keys: bool = True) -> None:
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#serializable-isolation-savepoints-transactional-ddl
    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        keys = f"foreign_keys={'ON' if foreign_keys else 'OFF'}"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", keys, f"busy_timeout={BUSY_TIMEOUT}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
