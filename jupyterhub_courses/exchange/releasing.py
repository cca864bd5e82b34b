"""Releasing an assignment's student version to the exchange; again only with `--force`, and submissions stay."""

import tempfile
from pathlib import Path

from nbgrader.exchange import default

from .base import Exchange
from .client import RequestFailed
from .files import encode, read_folder


class ExchangeReleaseAssignment(Exchange, default.ExchangeReleaseAssignment):  # type: ignore[misc]
    """`nbgrader release_assignment`"""

    def init_dest(self) -> None:
        """Where to."""
        self.dest_path = f"{self.course}/{self.assignment}"

    def copy_files(self) -> None:
        """Send what nbgrader would copy: its limits and ignored names apply."""
        with tempfile.TemporaryDirectory(prefix="nbgrader-release-") as temporary:
            copy = Path(temporary, "release")
            self.told(lambda: self.do_copy(self.src_path, str(copy)))
            files = self.told(lambda: list(read_folder(copy)))
        if not files:
            self.fail(f"The release folder of {self.assignment} holds no files.")
        fields = {"files": encode(files)} | ({"force": "true"} if self.force else {})
        try:
            self.client.post("assignment", self.course, self.assignment, fields=fields)
        except RequestFailed as error:
            if error.status != 409:
                self.fail(str(error))
            self.fail(f"Destination already exists, add --force to overwrite: {self.course} {self.assignment}")
        self.log.info("Released as: %s %s", self.course, self.assignment)
