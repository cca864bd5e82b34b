"""Releasing feedback of submissions, and fetching one's own.

As in nbgrader's exchange, feedback belongs to one notebook of one submission and comes to lie at
`<assignment>/feedback/<moment of the submission>/<notebook>.html`; who may see it is decided by the
exchange server.
"""

import os
import re
from pathlib import Path

from nbgrader.exchange.abc import ExchangeFetchFeedback as ABCExchangeFetchFeedback
from nbgrader.exchange.abc import ExchangeReleaseFeedback as ABCExchangeReleaseFeedback

from .base import Exchange, timestamp
from .client import RequestFailed
from .files import FilesError, beside, encode, write_folder


class ExchangeReleaseFeedback(Exchange, ABCExchangeReleaseFeedback):  # type: ignore[misc]
    """`nbgrader release_feedback`: one request a student, with the pages of all notebooks."""

    def init_src(self) -> None:
        """The feedback folders of the chosen students."""
        pattern = self.coursedir.format_path(
            self.coursedir.feedback_directory, "(?P<student>[^/]+)", self.assignment, escape=True
        )
        everywhere = self.coursedir.format_path(
            self.coursedir.feedback_directory, self.coursedir.student_id or "*", self.assignment
        )
        excluded = set(filter(None, (self.coursedir.student_id_exclude or "").split(",")))
        root = Path(everywhere).anchor
        found = sorted(Path(root).glob(str(Path(everywhere).relative_to(root)))) if root else []
        named = [(match["student"], folder) for folder in found if (match := re.fullmatch(pattern, str(folder)))]
        self.folders = [(student, folder) for student, folder in named if student not in excluded]

    def init_dest(self) -> None:
        """Where to."""
        self.dest_path = f"{self.course}/{self.assignment}"

    def copy_files(self) -> None:
        """Send every student's pages; one that fails does not stop the rest."""
        failed = []
        for student, folder in self.folders:
            pages = [(page.name, page.read_bytes()) for page in sorted(folder.glob("*.html"))]
            if not pages:
                continue
            try:
                self._release(student, folder, pages)
            except (RequestFailed, FilesError, OSError) as error:
                self.log.error("Could not release feedback for %s %s: %s", student, self.assignment, error)
                failed.append(student)
        if failed:
            self.fail(f"The feedback of {len(failed)} students was not released: {', '.join(failed[:20])}")

    def _release(self, student: str, folder: Path, pages: list[tuple[str, bytes]]) -> None:
        try:
            moment = timestamp((folder / "timestamp.txt").read_text())
        except FileNotFoundError:
            raise FilesError("it is not known which submission this is (no timestamp.txt)") from None
        fields = {"timestamp": moment, "files": encode(pages)}
        self.client.post("feedback", self.course, self.assignment, self.safe(student), fields=fields)
        self.log.info("Feedback released: %s %s (%s)", student, self.assignment, moment)


class ExchangeFetchFeedback(Exchange, ABCExchangeFetchFeedback):  # type: ignore[misc]
    """`nbgrader fetch_feedback`: of all own submissions of an assignment."""

    def init_src(self) -> None:
        """Own submissions, as the exchange knows them."""
        self.only_me()
        self.moments = self.told(lambda: self.my_submissions(self.course, self.assignment))

    def init_dest(self) -> None:
        """Next to the fetched assignment."""
        self.dest_path = str(self.folder_of(self.course, self.assignment) / "feedback")

    def copy_files(self) -> None:
        """Fetch what is there; pages that were fetched before are replaced by newer ones."""
        fetched = sum(self.told(lambda moment=moment: self._fetch(moment)) for moment in self.moments)
        if not fetched:
            self.log.warning("There is no feedback to fetch for %s %s yet", self.course, self.assignment)

    def _fetch(self, moment: str) -> int:
        answer = self.client.get("feedback", self.course, self.assignment, self.me, timestamp=moment)
        if not answer["files"]:
            return 0
        folder = Path(self.dest_path, moment)
        folder.mkdir(parents=True, exist_ok=True)
        with beside(folder) as arrived:
            write_folder(answer["files"], arrived)
            pages = sorted(arrived.glob("*.html"))
            for page in pages:
                os.replace(page, folder / page.name)
                self.log.info("Fetched feedback: %s", folder / page.name)
        return len(pages)
