"""ngshare's database, made safe: its own schema and migrations on a SQLite file that keeps what was
answered.

Promises: a new or old database is brought to ngshare's newest revision; a write that was answered with 200
survives the death of the process; no row is lost because of the SQLAlchemy version; files of deleted rows
are removed after the commit, never before.
"""

import argparse
import contextlib
import logging.config
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ngshare import dbutil  # type: ignore[import-untyped]
from ngshare.database import Assignment, File, Submission  # type: ignore[import-untyped]
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, configure_mappers, object_session, sessionmaker

_UNLINK = "exchange_files_to_unlink"


def open_database(directory: Path) -> sessionmaker[Session]:
    """Sessions on `directory`/ngshare.db, migrated, with the repairs below. Files lie in `directory`/files."""
    (directory / "files").mkdir(mode=0o700, parents=True, exist_ok=True)
    url = f"sqlite:///{directory.absolute() / 'ngshare.db'}"
    migrate(url, directory / "files")
    repair_lost_writes()
    # Parameters are people's names and must not come into a traceback. Objects stay loaded after a commit,
    # because ngshare reads them for its answer; every request has a session of its own.
    engine = create_engine(url, hide_parameters=True)
    _keep_safe(engine)
    sessions = sessionmaker(bind=engine, expire_on_commit=False)
    remove_files_of_deleted_rows(sessions, directory / "files")
    return sessions


def migrate(url: str, files: Path) -> None:
    """ngshare's own Alembic upgrade. Its env.py would silence every logger that exists (fileConfig): kept from it."""
    options = argparse.Namespace(x=["data=true", f"storage={files}"])
    with _without_file_config():
        dbutil.upgrade(url, cmd_opts=options)


@contextlib.contextmanager
def _without_file_config() -> Iterator[None]:
    real = logging.config.fileConfig
    logging.config.fileConfig = lambda *args, **kwargs: None
    try:
        yield
    finally:
        logging.config.fileConfig = real


def _keep_safe(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        # Foreign keys stay off, as ngshare is written and tested: its association tables name their keys as
        # TEXT.
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def repair_lost_writes() -> None:
    """Put new assignments and submissions into their session, as SQLAlchemy < 2 did for ngshare.

    ngshare writes `submission.assignment = assignment` and commits, without `add`. The cascade along backrefs
    that made this work is gone ("cascade_backrefs behavior" in SQLAlchemy's migration guide to 2.0): without this
    listener the answer is 200 and nothing is stored.
    """
    configure_mappers()  # makes Assignment.course and Submission.assignment, which are backrefs
    for attribute in (Assignment.course, Submission.assignment):
        if not event.contains(attribute, "set", _into_session):
            event.listen(attribute, "set", _into_session)


def _into_session(target: Any, value: Any, _old: Any, _initiator: Any) -> None:
    session = object_session(value) if value is not None else None
    if session is not None:
        session.add(target)


def remove_files_of_deleted_rows(sessions: sessionmaker[Session], files: Path) -> None:
    """ngshare deletes rows of files but never the files: do it once the deletion is committed."""

    def note(session: Session, instance: Any) -> None:
        if isinstance(instance, File) and instance.actual_name:
            session.info.setdefault(_UNLINK, []).append(instance.actual_name)

    def unlink(session: Session) -> None:
        for name in session.info.pop(_UNLINK, []):
            (files / name).unlink(missing_ok=True)

    event.listen(sessions, "persistent_to_deleted", note)
    event.listen(sessions, "after_commit", unlink)
    event.listen(sessions, "after_rollback", lambda session: session.info.pop(_UNLINK, None))
