"""Runs of the submissions that nbgrader will come to are started ahead, so that many are executed at once.

nbgrader goes on to autograde one submission after the other and alone writes the gradebook; it finds the results
of most there already. What is prepared ahead is nbgrader's own work on a copy; where the two differ after all, the
submission is simply run again.
"""

import logging
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.writers import FilesWriter
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter

from .runs import Job, Runs

#: Makes the job of a notebook and its resources.
MakeJob = Callable[[Any, dict[str, Any]], Job]

log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.copy")
_quiet.propagate = False
_quiet.addHandler(logging.NullHandler())


class Sanitize(Autograde):
    """The first half of nbgrader's Autograde, with `folder` as its destination."""

    folder = Path()

    def _format_dest(self, assignment_id: str, student_id: str, escape: bool = False) -> str:
        return str(self.folder)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Without executing."""
        self._sanitizing = True
        self._init_preprocessors()
        BaseConverter.convert_single_notebook(self, notebook_filename)


class Ahead:
    """The submissions of one `converter`, in its order; `everything`: also those that need no autograding.

    What nobody took of the results goes with the converter.
    """

    def __init__(self, converter: Autograde, runs: Runs, everything: bool = False) -> None:
        self._runs = runs
        self._sanitize = Sanitize(coursedir=converter.coursedir, parent=converter.parent, log=_quiet)
        self._sanitize.writer = FilesWriter(parent=self._sanitize, config=self._sanitize.config)
        self._sanitize.exporter = converter.exporter_class(parent=self._sanitize, config=self._sanitize.config)
        pattern = re.compile(self._sanitize._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True))
        self._pending: list[tuple[tuple[str, str], bool, list[str]]] = []
        for source in sorted(converter.assignments):
            if match := pattern.match(source):
                own = (match["assignment"], match["student"])
                due = everything or is_due(converter, source, *own)
                self._pending.append((own, due, sorted(converter.assignments[source])))
        self.futures: list[Future[dict[str, Any]]] = []
        weakref.finalize(converter, runs.drop, self.futures)

    def advance(self, make_job: MakeJob, current: tuple[str, str] | None = None) -> None:
        """Start as many as may run at once; nbgrader is at `current` (assignment, student)."""
        names = [own for own, _, _ in self._pending]
        if current in names:
            del self._pending[: names.index(current)]  # nbgrader has dealt with those
        while self._pending and sum(not future.done() for future in self.futures) < self._runs.parallel:
            own, due, notebooks = self._pending.pop(0)
            if not (due or own == current):
                continue
            try:
                self._start(make_job, own, notebooks)
            except Exception as error:
                # What is wrong with this submission says nbgrader itself when it comes to it.
                log.info("A submission is not run ahead: %s", type(error).__name__)

    def _start(self, make_job: MakeJob, own: tuple[str, str], notebooks: list[str]) -> None:
        sanitize = self._sanitize
        sanitize.folder = Path(tempfile.mkdtemp(prefix="autograde-"))
        try:
            sanitize.notebooks = notebooks
            sanitize.init_assignment(*own)
            for notebook in sanitize.notebooks:
                sanitize.convert_single_notebook(notebook)
                resources = sanitize.init_single_notebook_resources(notebook)
                resources["metadata"] = {"path": str(sanitize.folder)}
                sanitized = nbformat.read(sanitize.folder / Path(notebook).name, as_version=4)
                self.futures.append(self._runs.start(make_job(sanitized, resources)))
        finally:
            shutil.rmtree(sanitize.folder, ignore_errors=True)


def is_due(converter: Autograde, source: str, assignment: str, student: str) -> bool:
    """Whether nbgrader will autograde this submission; its own rule, `init_destination`, also acts on it."""
    coursedir = converter.coursedir
    if student in (coursedir.student_id_exclude or "").split(","):
        return False
    done = converter._format_dest(assignment, student)
    if converter.force or not Path(done).exists():
        return True
    new, old = map(coursedir.get_existing_timestamp, (source, done))
    return new is not None and old is not None and new > old


_of: "weakref.WeakKeyDictionary[Autograde, Ahead]" = weakref.WeakKeyDictionary()


def ahead_of(converter: Any, runs: Runs) -> Ahead | None:
    """The one of this converter; None where there is nothing to run at once."""
    if not isinstance(converter, Autograde) or sum(map(len, converter.assignments.values())) < 2:
        return None
    if converter not in _of:
        _of[converter] = Ahead(converter, runs)
    return _of[converter]
