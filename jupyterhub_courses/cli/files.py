"""`check FILE` and `apply FILE`: a courses file, checked here before the service sees it."""

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool

from ..core.filecheck import MAX_CHARACTERS, check_text
from ..core.notation import SECRET_MIN
from ..core.specs import Consumer, CoursesFile, not_on_one_machine
from .app import Command, JsonCommand
from .client import CommandError
from .following import follow
from .tables import counted, difference, plain

WRONG_FILE = 3


def checked_file(path: str) -> CoursesFile:
    """The file's specs. Raises CommandError with every mistake of the file."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not a text file in UTF-8.", WRONG_FILE) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", 2) from None
    checked = check_text(text)
    if checked.file is None:
        head = f"{path} has {counted(len(checked.problems), 'mistake')}; nothing was changed."
        raise CommandError("\n".join([head, *(f"  {problem}" for problem in checked.problems)]), WRONG_FILE)
    return checked.file


def with_secrets(file: CoursesFile, folder: Path) -> CoursesFile:
    """The same with the secrets that lie in files of their own, named as seen from `folder`. Raises CommandError."""

    def read(consumer: Consumer) -> Consumer:
        if consumer.secret_file is None:
            return consumer
        try:
            text = (folder / consumer.secret_file).read_text(encoding="utf-8").strip()
            return Consumer(key=consumer.key, secret=text)
        except (OSError, ValueError):
            wanted = f"{SECRET_MIN} to 255 characters on one line"
            message = f"secret_file {consumer.secret_file} cannot be read as a secret: {wanted}."
            raise CommandError(message, WRONG_FILE) from None

    platforms = tuple(one.model_copy(update={"consumers": tuple(map(read, one.consumers))}) for one in file.platforms)
    return file.model_copy(update={"platforms": platforms})


class Check(Command):
    """Check a courses file without asking any service."""

    name = "check"
    usage = "check FILE"
    arguments = 1

    def run(self, *arguments: str) -> int:
        (path,) = arguments
        file = checked_file(path)
        found = counted(len(file.platforms), "platform"), counted(len(file.courses), "course")
        print(f"{path} is right: {', '.join(found)}.")
        for note in (note for spec in file.courses for note in not_on_one_machine(spec)):
            print(f"  note: {note}")
        return 0


class Apply(JsonCommand):
    """Make platforms and courses what the file says. A wrong file changes nothing."""

    name = "apply"
    usage = "apply FILE [--dry-run] [--no-wait] [--json]"
    arguments = 1

    dry_run = Bool(False, help="Only show what would change.").tag(config=True)
    wait = Bool(True, help="Show how far new courses are, until all are ready or say why not.").tag(config=True)
    flags: ClassVar[Any] = {
        **JsonCommand.flags,
        "dry-run": ({"Apply": {"dry_run": True}}, "Only show what would change."),
        "no-wait": ({"Apply": {"wait": False}}, "Do not wait until new courses are ready."),
    }

    def run(self, *arguments: str) -> int:
        (path,) = arguments
        file = with_secrets(checked_file(path), Path(path).parent)
        answer = self.ask("POST", "apply", {**file.model_dump(mode="json"), "dry_run": self.dry_run})
        if self.as_json:
            print(json.dumps(answer, indent=2))
            return 0
        print(difference(answer["changes"]))
        for note in answer.get("notes", []):
            print(f"note: {note}")
        made = [change["course"] for change in answer["changes"] if change["kind"] == "create"]
        if made and self.wait and not self.dry_run:
            self._follow(made)
        print("This was a dry run: nothing was changed." if self.dry_run else "Done.")
        return 0

    def _follow(self, made: list[str]) -> None:
        try:
            courses = follow(lambda: self.ask("GET", "courses"), made)
        except KeyboardInterrupt:
            print("The service goes on with it; `jupyterhub-courses courses` shows how far it is.", file=sys.stderr)
            raise
        rest = [one for one in courses if one["state"] != "ready"]
        print(f"{len(courses) - len(rest)} of {counted(len(made), 'new course')} ready.")
        for one in rest:
            print(f"  {one['slug']}: {one['state']}. {plain(one['reason'])}".rstrip())
