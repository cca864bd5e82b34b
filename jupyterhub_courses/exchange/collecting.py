"""Collecting submissions: of every student the newest, or the newest before the due date."""

import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange.abc import ExchangeCollect as ABCExchangeCollect
from nbgrader.utils import parse_utc

from .base import Exchange, timestamp
from .client import RequestFailed
from .files import FilesError, beside, write_folder


@dataclass(frozen=True)
class Submission:
    """One submission at the exchange; `moment` in UTC without zone, as nbgrader keeps them."""

    student: str
    timestamp: str
    moment: datetime


def newest(submissions: list[Submission], due: datetime | None) -> list[Submission]:
    """One submission of every student: the newest not after `due`, or simply the newest."""
    by_student: dict[str, list[Submission]] = defaultdict(list)
    for submission in sorted(submissions, key=lambda s: s.moment):
        by_student[submission.student].append(submission)
    in_time = {name: [s for s in all_ if due is None or s.moment <= due] for name, all_ in by_student.items()}
    return [(in_time[name] or by_student[name])[-1] for name in sorted(by_student)]


class ExchangeCollect(Exchange, ABCExchangeCollect):  # type: ignore[misc]
    """`nbgrader collect`; who submitted is what the exchange server knows from the token."""

    def init_src(self) -> None:
        """Ask for the submissions and choose."""
        answer = self.told(lambda: self.client.get("submissions", self.course, self.assignment))
        self.src_records = newest(self.told(lambda: self._records(answer["submissions"])), self._due())

    def _records(self, rows: list[dict[str, str]]) -> list[Submission]:
        wanted = self.coursedir.student_id
        moments = [(self.safe(row["student_id"]), timestamp(row["timestamp"])) for row in rows]
        return [Submission(who, when, parse_utc(when)) for who, when in moments if wanted in ("", "*", who)]

    def _due(self) -> datetime | None:
        if not self.before_duedate:
            return None
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                due: datetime | None = gradebook.find_assignment(self.assignment).duedate
            except MissingEntry:
                return None
        return due

    def init_dest(self) -> None:
        """Every student's folder is found when it is their turn."""

    def copy_files(self) -> None:
        """Collect one after the other; one that fails keeps its old state and does not stop the rest."""
        if not self.src_records:
            self.log.warning("No submissions of '%s' for course '%s' to collect", self.assignment, self.course)
        else:
            number = len(self.src_records)
            self.log.info("Processing %d submissions of '%s' for '%s'", number, self.assignment, self.course)
        failed = [record.student for record in self.src_records if not self._collect(record)]
        if failed:
            self.fail(f"{len(failed)} submissions could not be collected: {', '.join(failed[:20])}")

    def _collect(self, record: Submission) -> bool:
        folder = self.coursedir.format_path(self.coursedir.submitted_directory, record.student, self.assignment)
        destination = Path(folder)
        if destination.is_dir():
            existing = self.coursedir.get_existing_timestamp(folder)
            newer = self.update and (existing is None or record.moment > existing)
            if not newer and not (self.before_duedate and existing != record.moment):
                hint = "No newer submission to collect" if self.update else "Already there, --update to update"
                self.log.info("%s: %s %s", hint, record.student, self.assignment)
                return True
            self.log.info("Updating submission: %s %s", record.student, self.assignment)
        else:
            self.log.info("Collecting submission: %s %s", record.student, self.assignment)
        try:
            self._download(record, destination)
        except (RequestFailed, FilesError, OSError) as error:
            self.log.error("Could not collect %s %s: %s", record.student, self.assignment, error)
            return False
        return True

    def _download(self, record: Submission, destination: Path) -> None:
        answer = self.client.get("submission", self.course, self.assignment, record.student, timestamp=record.timestamp)
        with beside(destination) as arrived:
            write_folder(answer["files"], arrived)
            # The student's own file of this name says nothing: the exchange's clock decides who is late.
            (arrived / "timestamp.txt").unlink(missing_ok=True)
            (arrived / "timestamp.txt").write_text(record.timestamp)
            with beside(destination) as old:
                if destination.is_dir():
                    destination.rename(old)
                arrived.rename(destination)
                shutil.rmtree(old, ignore_errors=True)
