"""What is released, what was submitted, and whether there is feedback, as nbgrader's assignment list shows
it.

The shapes of the results are those of nbgrader's own ExchangeList (nbgrader/exchange/default/list.py); what
was submitted is asked at the exchange server, so it is right also when this home's cache is not.
"""

import fnmatch
import hashlib
import shutil
from pathlib import Path
from typing import Any

from nbgrader.exchange import default

from .base import Exchange, timestamp

Info = dict[str, Any]


class ExchangeList(Exchange, default.ExchangeList):  # type: ignore[misc]
    """`nbgrader list`, and the assignment list in JupyterLab."""

    def init_dest(self) -> None:
        """Nothing is chosen before the list is made."""

    def parse_assignments(self) -> list[Info]:
        """Released assignments, or with `inbound`/`cached` submissions grouped by student and assignment."""
        if self.inbound or self.cached:
            return group(self.told(self._submissions))
        return self.told(self._released)

    def remove_files(self) -> list[Info]:
        """Unrelease assignments, or forget cached copies. Submissions at the exchange cannot be removed."""
        if self.inbound:
            self.fail("Submissions are kept by the exchange and cannot be removed from it.")
        found = self.parse_assignments()
        for info in found:
            for submission in (s for s in info.get("submissions", []) if s["path"]):
                self.log.info("Removing from the cache: %s %s", info["assignment_id"], submission["timestamp"])
                shutil.rmtree(submission["path"], ignore_errors=True)
            if not self.cached:
                self.log.info("Removing released assignment: %s", info["assignment_id"])
                self.told(lambda name=info["assignment_id"]: self.client.delete("assignment", self.course, name))
        return found

    def _names(self) -> list[str]:
        """Released assignments that match the wanted one."""
        names = [self.safe(name) for name in self.client.get("assignments", self.course)["assignments"]]
        return sorted(fnmatch.filter(names, self.coursedir.assignment_id or "*"))

    def _released(self) -> list[Info]:
        return [self._released_one(name) for name in self._names()]

    def _released_one(self, name: str) -> Info:
        folder = self.folder_of(self.course, name)
        fetched = folder.is_dir()
        if fetched:
            notebooks = [str(path) for path in sorted(folder.glob("*.ipynb"))]
        else:
            answer = self.client.get("assignment", self.course, name, list_only="true")
            paths = [str(row["path"]) for row in answer["files"]]
            notebooks = sorted(path for path in paths if path.endswith(".ipynb") and "/" not in path)
        status = "removed" if self.remove else "fetched" if fetched else "released"
        return {
            "course_id": self.course,
            "assignment_id": name,
            "status": status,
            "path": str(folder) if fetched else f"{self.client.url}assignment/{self.course}/{name}",
            "notebooks": [{"notebook_id": Path(path).stem, "path": path} for path in notebooks],
        }

    def _submissions(self) -> list[Info]:
        if self.inbound:
            return [info for name in self._names() for info in self._inbound(name)]
        self.only_me()
        cached = self._cached_copies()
        names = sorted({*self._names(), *(name for name, _ in cached)})
        return [
            self._submission(name, self.me, moment, cached.get((name, moment)))
            for name in names
            for moment in self.my_submissions(self.course, name)
        ]

    def _inbound(self, name: str) -> list[Info]:
        rows = self.client.get("submissions", self.course, name)["submissions"]
        people = [(self.safe(row["student_id"]), timestamp(row["timestamp"])) for row in rows]
        wanted = self.coursedir.student_id or "*"
        return [self._submission(name, who, when, None) for who, when in people if fnmatch.fnmatch(who, wanted)]

    def _cached_copies(self) -> dict[tuple[str, str], Path]:
        """Copies of own submissions by (assignment, moment)."""
        wanted = self.coursedir.assignment_id or "*"
        parts = [(path, path.name.split("+")) for path in Path(self.cache, self.course).glob(f"{self.me}+*+*")]
        return {(p[1], p[2]): path for path, p in parts if len(p) == 3 and fnmatch.fnmatch(p[1], wanted)}

    def _submission(self, name: str, student: str, moment: str, copy: Path | None) -> Info:
        checksums = self.feedback_checksums(self.course, name, student, moment)
        local = self.folder_of(self.course, name) / "feedback" / moment
        ids = {path.stem for path in copy.glob("*.ipynb")} if copy else set(checksums)
        notebooks = [notebook_info(i, copy, local / f"{i}.html", checksums.get(i)) for i in sorted(ids)]
        everywhere_local = bool(notebooks) and all(nb["has_local_feedback"] for nb in notebooks)
        return {
            "course_id": self.course,
            "student_id": student,
            "assignment_id": name,
            "timestamp": moment,
            "status": "removed" if self.remove else "submitted",
            "path": str(copy or ""),
            "notebooks": notebooks,
            "has_local_feedback": everywhere_local,
            "has_exchange_feedback": bool(notebooks) and all(nb["has_exchange_feedback"] for nb in notebooks),
            "feedback_updated": any(nb["feedback_updated"] for nb in notebooks),
            "local_feedback_path": str(local) if everywhere_local else None,
        }


def notebook_info(notebook: str, copy: Path | None, page: Path, checksum: str | None) -> Info:
    """A submitted notebook: is feedback at the exchange (`checksum`), is it here, and is that one newer."""
    here = hashlib.md5(page.read_bytes()).hexdigest() if page.is_file() else None
    return {
        "notebook_id": notebook,
        "path": str(copy / f"{notebook}.ipynb") if copy else "",
        "has_local_feedback": here is not None,
        "has_exchange_feedback": checksum is not None,
        "local_feedback_path": str(page) if here is not None else None,
        "feedback_updated": here is not None and checksum is not None and here != checksum,
    }


def group(submissions: list[Info]) -> list[Info]:
    """One entry for every student and assignment, with its submissions oldest first."""
    groups: dict[tuple[str, str, str], list[Info]] = {}
    for info in submissions:
        groups.setdefault((info["course_id"], info["student_id"], info["assignment_id"]), []).append(info)
    return [
        {
            "course_id": course,
            "student_id": student,
            "assignment_id": assignment,
            "status": members[0]["status"],
            "submissions": sorted(members, key=lambda info: info["timestamp"]),
        }
        for (course, student, assignment), members in sorted(groups.items())
    ]
