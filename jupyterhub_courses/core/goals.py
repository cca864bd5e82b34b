"""Where an admitted person goes: the course's page, an assignment, a submission to review, materials, a selection.

The service decides it from the verified launch; the hub makes an address of it (core/destinations.py).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What is opened."""

    COURSE = "course"
    ASSIGNMENT = "assignment"
    REVIEW = "review"  # one student's submission in formgrader
    MATERIALS = "materials"  # a git repository in the person's own server
    SELECTION = "selection"  # Deep Linking: the teacher picks what an activity shall open


@dataclass(frozen=True)
class GitPlace:
    """A place in a git repository; without branch its default one, without path its root."""

    git: str
    branch: str = ""
    path: str = ""

    def as_json(self) -> dict[str, str]:
        """The JSON object of the service's API."""
        return {"git": self.git, "branch": self.branch, "path": self.path}


@dataclass(frozen=True)
class Goal:
    """`student`: hub username whose submission is reviewed. `code`: one-time code of a selection."""

    kind: Kind = Kind.COURSE
    assignment: str | None = None
    student: str | None = None
    materials: GitPlace | None = None
    code: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API."""
        materials = self.materials.as_json() if self.materials else None
        parts = {"assignment": self.assignment, "student": self.student, "materials": materials, "code": self.code}
        return {"kind": self.kind.value, **{name: value for name, value in parts.items() if value is not None}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Goal":
        """The inverse of `as_json`. Raises KeyError, TypeError or ValueError for anything else."""
        place = data.get("materials")
        materials = GitPlace(str(place["git"]), str(place["branch"]), str(place["path"])) if place else None
        texts = {name: data.get(name) for name in ("assignment", "student", "code")}
        if not all(text is None or isinstance(text, str) for text in texts.values()):
            raise TypeError("a text was expected")
        return cls(Kind(data["kind"]), texts["assignment"], texts["student"], materials, texts["code"])
