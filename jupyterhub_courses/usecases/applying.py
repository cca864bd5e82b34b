"""Applying: a courses file becomes platforms, courses and named people; or, dry, the difference it would make.

All or nothing: a file with one mistake changes nothing. Only courses that a file made are ever deleted by one.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from ..core.admissions import Refused
from ..core.diffs import FILE, Change, difference
from ..core.filecheck import check_data
from ..core.platforms import Clash, clash, moved, of_spec, unread_secrets
from ..core.presence import Present
from ..core.records import Course, Platform, Registration
from ..core.specs import CoursesFile, CourseSpec, not_on_a_cluster, not_on_one_machine

log = logging.getLogger(__name__)


class WrongFile(Exception):
    """The file has mistakes; `problems` are sentences with course and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class FilesPort(Protocol):
    """The store, as a whole file needs it."""

    async def present(self) -> Present: ...
    async def write(
        self,
        platforms: list[tuple[Platform, list[Registration]]],
        specs: list[CourseSpec],
        gone: list[str],
        now: datetime,
    ) -> None: ...
    async def keep_configured(self, platform: Platform, registration: Registration) -> None: ...
    async def mark_deleting(self, course_id: int, now: datetime, erase: bool = False) -> None: ...


class Applying:
    """The story. `wake` tells the reconciler; `on_one_machine` says which notes apply."""

    def __init__(
        self, files: FilesPort, wake: Callable[[], None], clock: Callable[[], datetime], on_one_machine: bool
    ) -> None:
        self._files, self._wake, self._clock, self._on_one_machine = files, wake, clock, on_one_machine

    async def apply(self, data: Any, dry_run: bool, now: datetime) -> dict[str, Any]:
        """The difference as JSON; done as well unless `dry_run`. Raises WrongFile."""
        checked = check_data(data)
        if checked.file is None:
            raise WrongFile([str(problem) for problem in checked.problems])
        file = checked.file
        present = await self._files.present()
        problems = list(_conflicts(file, present))
        if problems:
            raise WrongFile(problems)
        changes = difference(present.courses, file.courses)
        notes = [
            f"platform {platform.name}: {'as the file says' if platform.name in present.platforms else 'new'}"
            for platform in file.platforms
        ]
        notes_on = not_on_one_machine if self._on_one_machine else not_on_a_cluster
        notes += [note for spec in file.courses for note in notes_on(spec)]
        if not dry_run:
            await self._write(file, changes, now)
        return {"changes": [change.as_json() for change in changes], "notes": notes}

    async def keep_configured(self, platform: Platform, registration: Registration) -> None:
        """Keep the platform that the authenticator's own settings name."""
        await self._files.keep_configured(platform, registration)

    async def delete(self, course: Course, erase: bool = False) -> None:
        """Begin a course's end: its servers stop, namespace or processes go; files stay, unless to be erased."""
        if course.owner == FILE:
            raise Refused("owned_by_file", 409)
        await self._files.mark_deleting(course.id, self._clock(), erase)
        self._wake()

    async def _write(self, file: CoursesFile, changes: tuple[Change, ...], now: datetime) -> None:
        touched = {change.course for change in changes if change.kind in ("create", "change")}
        specs = [spec for spec in file.courses if spec.slug in touched]
        gone = [change.course for change in changes if change.kind == "delete"]
        platforms = [(platform, list(own)) for platform, own in map(of_spec, file.platforms)]
        await self._files.write(platforms, specs, gone, now)
        log.info(
            "courses file applied: %d platforms; courses: %d made or changed, %d to delete",
            len(file.platforms),
            len(specs),
            len(gone),
        )
        self._wake()


def _conflicts(file: CoursesFile, present: Present) -> list[str]:
    platforms = present.platforms.keys() | {platform.name for platform in file.platforms}
    problems = []
    for spec in file.courses:
        if spec.lms is None:
            continue
        if spec.lms.platform not in platforms:
            problems.append(f"{spec.slug}: lms.platform: there is no platform {spec.lms.platform}")
        other = present.contexts.get((spec.lms.platform, spec.lms.context))
        if other is not None and other != spec.slug:
            problems.append(
                f"{spec.slug}: lms.context: this course of the LMS is here already, as {other}: call it so in the file"
            )
    problems += [text for platform in file.platforms for text in unread_secrets(platform)]
    return problems + _platform_conflicts(file, present)


def _platform_conflicts(file: CoursesFile, present: Present) -> list[str]:
    """Against the platforms that the file does not name; those that it names become what it says."""
    named = {spec.name for spec in file.platforms}
    others = [r for name, one in present.platforms.items() if name not in named for r in one.registrations]
    found: list[Clash | None] = []
    for platform, registrations in map(of_spec, file.platforms):
        found.append(moved(platform, present.platforms.get(platform.name)))
        found += [clash(registration, others) for registration in registrations]
    return [one.text() for one in found if one is not None]
