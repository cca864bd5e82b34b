"""Tells at little cost whether a gradebook may have changed since the last look, by whichever program."""

import itertools
import os
import sqlite3
import time
from collections.abc import Hashable

from .database import connect_sqlite, sqlite_path

#: Seconds after which a gradebook counts as possibly changed where nothing cheaper can be asked.
REREAD_EVERY = 5


class ChangeSensor:
    """Keeps a connection; use from one thread at a time, and close() at the end."""

    def __init__(self, db_url: str) -> None:
        self._path = sqlite_path(db_url)
        self._generations = itertools.count(1)
        self._generation = 0
        self._file: tuple[int, int] | None = None
        self._connection: sqlite3.Connection | None = None

    def version(self) -> Hashable | None:
        """A value that differs from the last one if anything was committed since; None: no gradebook."""
        if self._path is None:
            return int(time.monotonic() / REREAD_EVERY)
        try:
            stat = os.stat(self._path)
        except FileNotFoundError:
            self.close()
            return None
        if self._connection is None or self._file != (stat.st_dev, stat.st_ino):
            # Replaced, as by restoring a copy. The kept connection holds the old file, so that its inode
            # number can't have been given to the new one.
            self.close()
            self._connection = connect_sqlite(self._path)
            self._file = (stat.st_dev, stat.st_ino)
            self._generation = next(self._generations)
        # Counts the commits of all other connections, in WAL mode too; time and size catch a file that was
        # overwritten in place. https://www.sqlite.org/pragma.html#pragma_data_version
        version = self._connection.execute("PRAGMA data_version").fetchone()
        return (self._generation, version, stat.st_mtime_ns, stat.st_size)

    def close(self) -> None:
        """Let the file go; version() opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._file = None
