"""Submitting: what is sent is first copied into the cache, so that the cache holds exactly what was submitted."""

import tempfile
from pathlib import Path
from typing import Any

from nbgrader.exchange import default

from .base import Exchange, timestamp
from .files import beside, decode, encode, read_folder


class ExchangeSubmit(Exchange, default.ExchangeSubmit):  # type: ignore[misc]
    """`nbgrader submit`; the moment is the exchange server's, not this machine's."""

    def init_dest(self) -> None:
        """As whom and where to."""
        self.only_me()
        self.cache_path = str(Path(self.cache, self.course))

    def init_release(self) -> None:
        """The released notebooks as empty files in a folder, which is what nbgrader compares with."""
        answer = self.told(lambda: self.client.get("assignment", self.course, self.assignment, list_only="true"))
        for path, _ in self.told(lambda: list(decode([{**row, "content": ""} for row in answer["files"]]))):
            file = Path(self.release_path, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()

    def copy_files(self) -> None:
        """Send a copy and keep it in the cache under the moment of its arrival."""
        with tempfile.TemporaryDirectory(prefix="nbgrader-release-") as self.release_path:
            self.init_release()
            self.check_filename_diff()
        with beside(Path(self.cache_path, self.assignment)) as copy:
            self.told(lambda: self.do_copy(self.src_path, str(copy)))
            answer = self.told(lambda: self._send(copy))
            self.timestamp = self.told(lambda: timestamp(answer["timestamp"]))
            (copy / "timestamp.txt").write_text(self.timestamp)
            kept = Path(self.cache_path, f"{self.me}+{self.assignment}+{self.timestamp}")
            self.told(lambda: copy.rename(kept))
        self.log.info("Submitted as: %s %s %s", self.course, self.assignment, self.timestamp)

    def _send(self, folder: Path) -> dict[str, Any]:
        files = encode(read_folder(folder))
        return self.client.post("submission", self.course, self.assignment, fields={"files": files})
