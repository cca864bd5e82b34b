"""What a complete roster changes: it adds, updates, and takes back only what a roster gave."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.core.rosters import KnownMember, Member, RosterChanges, roster_changes

READ_AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
EARLIER = READ_AT - timedelta(hours=1)
S, G, T = Role.STUDENT, Role.GRADER, Role.INSTRUCTOR


def known(role: Role, roster_role: Role | None, source: str = "launch", active: bool = True) -> KnownMember:
    return KnownMember(1, "1", role, active, source, roster_role, EARLIER)


@pytest.mark.parametrize(
    ("before", "listed", "role", "source"),
    [
        (known(G, None), S, G, "launch"),  # a TA is a Learner in Moodle's roster
        (known(G, S), S, G, "launch"),
        (known(T, None), S, G, "launch"),  # Moodle's non-editing teacher: Instructor in launches, Learner here
        (known(T, S), S, G, "launch"),
        (known(T, T), S, S, "roster"),  # confirmed before, taken down since
        (known(S, S, "roster"), T, T, "roster"),
        (known(S, S), T, T, "roster"),
        (known(T, T, "roster"), T, T, "roster"),
        (known(S, None, "roster", active=False), S, S, "roster"),
        (known(G, None, "launch", active=False), S, S, "roster"),
        (known(T, None, "file"), S, T, "file"),
        (known(G, S), T, T, "roster"),
    ],
)
def test_the_role_of_somebody_listed(before: KnownMember, listed: Role, role: Role, source: str) -> None:
    changes = roster_changes([Member("1", listed)], [before], READ_AT)
    after = changes.changed[0] if changes.changed else None
    if after is None:
        assert (before.role, before.source, before.roster_role) == (role, source, listed)
    else:
        assert (after.role, after.source, after.roster_role, after.active) == (role, source, listed, True)


@pytest.mark.parametrize(
    ("before", "removed"),
    [
        (known(S, S), True),
        (known(S, None), True),
        (known(S, S, "roster"), True),
        (known(T, T), True),
        (known(G, S), True),
        (known(T, None), False),  # an administrator of the LMS who is not enrolled
        (known(S, None, "file"), False),
        (known(S, S, active=False), False),
        (replace(known(S, None), updated_at=READ_AT), False),  # came after the reading began
    ],
)
def test_somebody_not_listed(before: KnownMember, removed: bool) -> None:
    changes = roster_changes([Member("2", S)], [before], READ_AT)
    assert [c.active for c in changes.changed] == ([False] if removed else [])


def test_new_people_are_added_and_new_names_taken_but_empty_ones_not() -> None:
    before = replace(known(S, S), details=("Ada L", "Ada", "L", "ada@lab.invalid"))
    new = Member("2", S, name="Bob")
    same = Member("1", S)
    assert roster_changes([same, new], [before], READ_AT) == RosterChanges(added=(new,))
    changes = roster_changes([Member("1", S, name="Ada Lovelace")], [before], READ_AT)
    assert changes.changed[0].details == ("Ada Lovelace", "", "", "")


def test_the_same_roster_again_changes_nothing() -> None:
    assert not roster_changes([Member("1", S)], [known(G, S)], READ_AT)
