"""Fetching a released assignment: the whole folder at once, or with `--replace` only the files that are missing."""

import shutil
from pathlib import Path

from nbgrader.exchange import default

from .base import Exchange
from .files import beside, write_folder


class ExchangeFetchAssignment(Exchange, default.ExchangeFetchAssignment):  # type: ignore[misc]
    """`nbgrader fetch_assignment`; a person's own files are never overwritten."""

    def init_src(self) -> None:
        """Which assignment."""
        self.src_path = f"{self.course}/{self.assignment}"

    def copy_files(self) -> None:
        """Download beside the destination, then put it there in one step."""
        destination = Path(self.dest_path)
        answer = self.told(lambda: self.client.get("assignment", self.course, self.assignment))
        with beside(destination) as arrived:
            self.told(lambda: write_folder(answer["files"], arrived, self.coursedir.ignore))
            if destination.is_dir():  # init_dest has asked for --replace
                self.copy_if_missing(str(arrived), str(destination), ignore=shutil.ignore_patterns())
            else:
                self.told(lambda: arrived.rename(destination))
        self.log.info("Fetched as: %s %s", self.course, self.assignment)
