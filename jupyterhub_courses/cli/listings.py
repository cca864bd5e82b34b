"""Commands that show, and the one that deletes: courses, scores, version."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from traitlets import Bool

from .. import __version__
from ..core.csv_text import as_csv
from ..core.names import is_slug
from .app import Command, JsonCommand
from .client import CommandError
from .tables import columns, plain

SCORE_COLUMNS = ("username", "assignment", "score", "max_score", "state", "reason", "sent_at", "lms_score")


def _rows(answer: Any, names: tuple[str, ...]) -> list[list[object]]:
    """Named fields of each object."""

    def cell(entry: Mapping[str, Any], name: str) -> object:
        value = entry.get(name)
        return plain(value) if isinstance(value, str) else value

    return [[cell(entry, name) for name in names] for entry in answer]


def _slug(text: str) -> str:
    if not is_slug(text):
        raise CommandError(f"{text[:80]} is not a course's name.", 2)
    return quote(text)


class Courses(JsonCommand):
    """List the courses with their state."""

    name = "courses"
    usage = "courses [--json]"

    def run(self, *arguments: str) -> int:
        answer = self.ask("GET", "courses")
        if self.as_json:
            print(json.dumps(answer, indent=2))
        elif not answer:
            print("There is no course yet.")
        else:
            names = ("slug", "title", "state", "reason")
            print(columns(_rows(answer, names), ("COURSE", "TITLE", "STATE", "REASON")))
        return 0


class Delete(Command):
    """Delete a course. Its folder or volumes, with everything its people made, stay unless they are to be erased."""

    name = "delete"
    usage = "delete COURSE [--erase] [--yes]"
    arguments = 1

    yes = Bool(False, help="Do not ask to type the course's name again.").tag(config=True)
    erase = Bool(False, help="Erase what its people made, too: nobody can bring it back.").tag(config=True)
    flags: ClassVar[Any] = {
        "yes": ({"Delete": {"yes": True}}, "Do not ask to type the course's name again."),
        "erase": ({"Delete": {"erase": True}}, "Erase what its people made, too: nobody can bring it back."),
    }

    def run(self, *arguments: str) -> int:
        (slug,) = arguments
        path = f"courses/{_slug(slug)}?confirm={_slug(slug)}" + ("&volumes=erase" if self.erase else "")
        if not self.yes and not self._typed_again(slug):
            raise CommandError(f"{slug} was not deleted: its name was not typed again (or give --yes).")
        self.ask("DELETE", path)
        print(f"{slug} is being deleted.")
        return 0

    def _typed_again(self, slug: str) -> bool:
        files = "EVERYTHING its people made is erased" if self.erase else "its files are kept"
        try:
            return input(f"Servers of {slug} stop, {files}. Type its name to delete it: ").strip() == slug
        except EOFError:
            return False


class Scores(JsonCommand):
    """A course's scores and whether the LMS has them."""

    name = "scores"
    usage = "scores COURSE [--csv | --json]"
    arguments = 1

    csv = Bool(False, help="Print CSV.").tag(config=True)
    flags: ClassVar[Any] = {**JsonCommand.flags, "csv": ({"Scores": {"csv": True}}, "Print CSV.")}

    def run(self, *arguments: str) -> int:
        (slug,) = arguments
        answer = self.ask("GET", f"courses/{_slug(slug)}/scores?all=1")
        if self.as_json:
            print(json.dumps(answer, indent=2))
        elif self.csv:
            print(as_csv(_rows(answer, SCORE_COLUMNS), SCORE_COLUMNS), end="")
        elif not answer:
            print(f"{slug} has no scores yet.")
        else:
            print(columns(_rows(answer, SCORE_COLUMNS), [name.upper() for name in SCORE_COLUMNS]))
        return 0


class Version(Command):
    """Print the version."""

    name = "version"

    def run(self, *arguments: str) -> int:
        print(__version__)
        return 0
