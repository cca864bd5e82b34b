"""nbgrader's tables (0.9), and connections to a gradebook that nbgrader is using at the same time.

A connection for reading can't change anything and never creates a file; one transaction sees one state.
"""

import os
import sqlite3
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeEngine

#: Seconds to wait for nbgrader's own transaction.
BUSY_TIMEOUT = 10

_nbgrader = MetaData()


def _table(table: str, /, **columns: type[TypeEngine[Any]]) -> Table:
    return Table(table, _nbgrader, *(Column(column, kind()) for column, kind in columns.items()))


# https://github.com/jupyter/nbgrader/blob/v0.9.6/nbgrader/api.py
ASSIGNMENT = _table("assignment", id=String, name=String, duedate=DateTime)
NOTEBOOK = _table("notebook", id=String, name=String, assignment_id=String)
BASE_CELL = _table("base_cell", id=String, notebook_id=String)
GRADE_CELL = _table("grade_cells", id=String, max_score=Float)
TASK_CELL = _table("task_cells", id=String, max_score=Float)
STUDENT = _table("student", id=String, first_name=String, last_name=String, email=String, lms_user_id=String)
SUBMISSION = _table("submitted_assignment", id=String, assignment_id=String, student_id=String, timestamp=DateTime)
SUBMITTED_NOTEBOOK = _table(
    "submitted_notebook", id=String, assignment_id=String, notebook_id=String, late_submission_penalty=Float
)
GRADE = _table(
    "grade",
    id=String,
    notebook_id=String,
    auto_score=Float,
    manual_score=Float,
    extra_credit=Float,
    needs_manual_grade=Boolean,
)


class GradebookMissing(Exception):
    """There is no gradebook (yet)."""


def sqlite_path(db_url: str) -> str | None:
    """The file of an SQLite gradebook; None for another database."""
    url = make_url(db_url)
    return url.database if url.get_backend_name() == "sqlite" else None


def open_gradebook(db_url: str, *, writable: bool = False) -> Engine:
    """An engine without a pool; connecting raises GradebookMissing where an SQLite file does not exist."""
    path = sqlite_path(db_url)
    if path is None:
        engine = create_engine(db_url, poolclass=NullPool, isolation_level="REPEATABLE READ", hide_parameters=True)
        return engine if writable else engine.execution_options(postgresql_readonly=True)

    def connect() -> sqlite3.Connection:
        return connect_sqlite(path, writable=writable)

    # sqlite3 opens a transaction for writes only; a snapshot needs one around the reads.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    begin = "BEGIN IMMEDIATE" if writable else "BEGIN"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def connect_sqlite(path: str, *, writable: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode, for any one thread at a time. Raises GradebookMissing."""
    if not os.path.exists(path):
        raise GradebookMissing(path)
    # Not mode=ro: a program killed in mid-write leaves a journal that only a connection able to write
    # can roll back.
    connection = sqlite3.connect(
        f"file:{quote(os.path.abspath(path))}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    if not writable:
        connection.execute("PRAGMA query_only = ON")
    return connection
