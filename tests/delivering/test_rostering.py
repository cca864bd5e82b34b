"""Rosters of the demo's LMS make memberships; a roster that can't be read changes nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from jupyterhub_courses.core.records import Course, Registration
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.core.rosters import KnownMember, RosterChanges
from jupyterhub_courses.usecases.rostering import Rostering

from .world import CLIENT_ID, STUDENTS, LmsProcess, World, now


@dataclass
class MemoryRoster:
    """RosterStore in memory, for one course."""

    platform: Registration
    members: dict[str, KnownMember] = field(default_factory=dict)
    error: str = ""

    async def registration(self, registration_id: int) -> Registration | None:
        return self.platform

    async def known_members(self, course_id: int) -> Sequence[KnownMember]:
        return list(self.members.values())

    async def apply_roster(self, course: Course, changes: RosterChanges, now: datetime) -> None:
        subs = {person.person_id: sub for sub, person in self.members.items()}
        for m in changes.added:
            details = (m.name, m.given_name, m.family_name, m.email)
            person = KnownMember(len(self.members) + 1, m.sub, m.role, True, "roster", m.role, now, details)
            self.members[m.sub] = person
        for c in changes.changed:
            sub = subs[c.person_id]
            told = tuple(n or o for n, o in zip(c.details, self.members[sub].details, strict=True))
            self.members[sub] = KnownMember(c.person_id, sub, c.role, c.active, c.source, c.roster_role, now, told)
        self.error = ""

    async def note_roster_error(self, course_id: int, code: str) -> None:
        self.error = code

    def active(self) -> set[str]:
        return {sub for sub, person in self.members.items() if person.active}


def course_with(members_url: str | None) -> Course:
    values: dict[str, Any] = dict.fromkeys(Course.__dataclass_fields__)
    values |= {"id": 1, "slug": "ml101", "registration_id": 1, "members_url": members_url}
    return Course(**values)


@pytest.fixture
def roster(lms: LmsProcess) -> MemoryRoster:
    urls = (f"{lms.base}/mod/lti/auth.php", f"{lms.base}/mod/lti/token.php", None)
    return MemoryRoster(Registration(1, 1, "lab", lms.base, CLIENT_ID, ("1",), *urls, None))


async def test_people_join_change_and_go_as_the_lms_says(world: World, lms: LmsProcess, roster: MemoryRoster) -> None:
    told: list[Course] = []
    course = course_with(f"{lms.base}/mod/lti/services.php/CourseSection/2/bindings/1/memberships")
    rostering = Rostering(roster, world.nrps, now, told.append)
    assert (await rostering.sync(course)).added == STUDENTS + 2
    assert roster.members["900"].role is Role.INSTRUCTOR
    assert roster.members["1"].details == ("Given Family 1", "Given", "Family 1", "s1@lab.invalid")
    assert not (await rostering.sync(course)).changed
    assert len(told) == 1
    # The TA's launch said what the roster does not know.
    roster.members["901"] = KnownMember(
        roster.members["901"].person_id, "901", Role.GRADER, True, "launch", Role.STUDENT, now()
    )
    lms.control("enrol", {"course": "ml101", "person": "s1", "role": None})
    lms.control("enrol", {"course": "ml101", "person": "tess", "role": "student"})
    synced = await rostering.sync(course)
    assert (synced.added, synced.removed, synced.error) == (0, 1, "")
    assert "1" not in roster.active()
    assert roster.members["900"].role is Role.STUDENT
    assert roster.members["901"].role is Role.GRADER


@pytest.mark.parametrize("fault", [{"status_503": 9}, {"drop_answer": 9}, {"drop_request": 9}, {"status_401_every": 1}])
async def test_a_roster_that_fails_removes_nobody(
    world: World, lms: LmsProcess, roster: MemoryRoster, fault: dict[str, int]
) -> None:
    course = course_with(f"{lms.base}/mod/lti/services.php/CourseSection/2/bindings/1/memberships")
    rostering = Rostering(roster, world.nrps, now)
    await rostering.sync(course)
    everybody = roster.active()
    lms.control("enrol", {"course": "ml101", "person": "s1", "role": None})
    lms.faults(**fault)
    assert (await rostering.sync(course)).error == roster.error != ""
    assert roster.active() == everybody
    lms.faults()
    assert (await rostering.sync(course)).removed == 1
    assert roster.error == ""


async def test_a_course_without_a_roster_says_so(world: World, roster: MemoryRoster) -> None:
    synced = await Rostering(roster, world.nrps, now).sync(course_with(None))
    assert synced.error == "members_only_from_lms"
