"""Brings an assignment into a student's folder once, through nbgrader's exchange.

The copy is made beside and moved into place whole, so that a broken connection leaves nothing half fetched
and two fetches can't mix.
"""

import copy
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from traitlets.config import Config

_STAGING = ".fetching-"


class NotReleased(Exception):
    """The exchange has no released assignment of this name."""


class ExchangeUnavailable(Exception):
    """The exchange did not answer as it should; the cause is the exception's cause."""


def is_assignment_name(name: str) -> bool:
    """Whether `name` is one folder's name that nbgrader accepts, not hidden and no way out of its parent."""
    return (
        0 < len(name) <= 128
        and name == name.strip()
        and name.isprintable()
        and not name.startswith(".")
        and not set(name) & set("/\\+%*?[]{}")
    )


def first_notebook(folder: Path) -> str | None:
    """The file name of the first notebook by name."""
    names = (path.name for path in folder.glob("*.ipynb") if not path.name.startswith("."))
    return min(names, default=None)


def fetch_once(root: Path, assignment: str, config: Config, log: logging.Logger) -> None:
    """Fetch to root/assignment unless it is there. Blocks; raises NotReleased, ExchangeUnavailable."""
    if os.path.lexists(root / assignment):
        return
    try:
        fetched = _fetch(root, assignment, config)
    except Exception as error:
        raise ExchangeUnavailable from error
    if not fetched:
        raise NotReleased(assignment)
    log.info("Fetched assignment %s", assignment)


def remove_leftovers(root: Path) -> None:
    """Remove what a fetch that was killed left behind. Only while no fetch runs."""
    for folder in root.glob(_STAGING + "*"):
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(root: Path, assignment: str, config: Config) -> bool:
    config = copy.deepcopy(config)
    config.CourseDirectory.assignment_id = assignment
    released = {entry["assignment_id"] for entry in _part(config, "List").start()}
    if assignment not in released:
        return False
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=root))
    try:
        fetch = _part(config, "FetchAssignment")
        fetch.assignment_dir = str(staging)
        fetch.path_includes_course = False
        fetch.start()
        try:
            # Fails if there is a folder with anything in it: somebody was faster, and theirs stays.
            os.rename(staging / assignment, root / assignment)
        except OSError:
            if not os.path.lexists(root / assignment):
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def _part(config: Config, name: str) -> Any:
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange import ExchangeFactory

    return getattr(ExchangeFactory(config=config), name)(
        coursedir=CourseDirectory(config=config), authenticator=Authenticator(config=config), config=config
    )
