"""The roster: makes a course's memberships follow the LMS's list of participants.

A list that could not be read to its end changes nobody. Who joins, changes or goes is decided by
core.rosters.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..core.answers import COLUMN_GONE, LmsFailure
from ..core.records import Course, Registration
from ..core.rosters import KnownMember, Member, RosterChanges, roster_changes

log = logging.getLogger(__name__)


class RosterStore(Protocol):
    """The roster's part of the store."""

    async def registration(self, registration_id: int) -> Registration | None: ...

    async def known_members(self, course_id: int) -> Sequence[KnownMember]:
        """All memberships of the course whose person has a `sub` at the course's platform."""
        ...

    async def apply_roster(self, course: Course, changes: RosterChanges, now: datetime) -> None:
        """In one transaction: people and memberships added (source roster, roster_role their role) and
        changed, `roster_synced_at` set and `roster_error` emptied.
        """
        ...

    async def note_roster_error(self, course_id: int, code: str) -> None: ...


class MembersPort(Protocol):
    """Rosters of LMSs: whole, or LmsFailure."""

    async def members(self, registration: Registration, url: str) -> list[Member]: ...


@dataclass(frozen=True)
class Synced:
    """What a synchronisation did; `error` is a code of score_sentences, "" when it was complete."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    error: str = ""


class Rostering:
    """The story. `changed` is told the course after a difference, so that exchange and gradebook follow."""

    def __init__(
        self,
        store: RosterStore,
        lms: MembersPort,
        now: Callable[[], datetime],
        changed: Callable[[Course], None] = lambda _course: None,
    ) -> None:
        self._store, self._lms, self._now, self._changed = store, lms, now, changed
        self._locks: dict[int, asyncio.Lock] = {}

    async def sync(self, course: Course) -> Synced:
        """Read the roster and apply it; one at a time for each course."""
        async with self._locks.setdefault(course.id, asyncio.Lock()):
            return await self._sync(course)

    async def _sync(self, course: Course) -> Synced:
        registration = await self._store.registration(course.registration_id) if course.registration_id else None
        if registration is None or not course.members_url:
            return await self._failed(course, "members_only_from_lms")
        started = self._now()
        try:
            members = await self._lms.members(registration, course.members_url)
        except LmsFailure as failure:
            # 404 here is the course's list, not a column.
            gone = failure.outcome.reason in (COLUMN_GONE, "refused_by_lms")
            return await self._failed(course, "roster_incomplete" if gone else failure.outcome.reason)
        changes = roster_changes(members, await self._store.known_members(course.id), started)
        await self._store.apply_roster(course, changes, self._now())
        if changes:
            self._changed(course)
        removed = sum(not change.active for change in changes.changed)
        return Synced(len(changes.added), len(changes.changed) - removed, removed)

    async def _failed(self, course: Course, code: str) -> Synced:
        log.warning("The roster of course %s was not read: %s", course.slug, code)
        await self._store.note_roster_error(course.id, code)
        return Synced(error=code)
