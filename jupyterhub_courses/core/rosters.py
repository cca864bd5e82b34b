"""What a course's roster in the LMS makes of its memberships: who joins, changes, or goes.

NRPS knows less than launches: Moodle reports a teaching assistant as Learner and leaves out suspended people
and administrators who are not enrolled. So a roster takes back only what a roster gave or confirmed
(`roster_role`, the role that the last complete roster said; None: the person was not in it).
https://www.imsglobal.org/spec/lti-nrps/v2p0
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .roles import Role, agreed, strongest


@dataclass(frozen=True)
class Member:
    """A person as the LMS lists them. Names may all be empty (privacy settings)."""

    sub: str
    role: Role
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    login_name: str = ""


@dataclass(frozen=True)
class KnownMember:
    """A membership as stored. `source`: where the role comes from: launch, roster or file."""

    person_id: int
    sub: str
    role: Role
    active: bool
    source: str
    roster_role: Role | None
    updated_at: datetime
    details: tuple[str, str, str, str] = ("", "", "", "")  # name, given_name, family_name, email


@dataclass(frozen=True)
class MemberChange:
    """A stored membership as it shall be. `details` as in KnownMember; empty ones keep what is there."""

    person_id: int
    role: Role
    active: bool
    source: str
    roster_role: Role | None
    details: tuple[str, str, str, str]


@dataclass(frozen=True)
class RosterChanges:
    """The difference between a complete roster and what is stored."""

    added: tuple[Member, ...] = ()
    changed: tuple[MemberChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed)


def roster_changes(members: Sequence[Member], known: Iterable[KnownMember], read_started_at: datetime) -> RosterChanges:
    """What a complete roster, asked for at `read_started_at`, changes. Never call it with a part of a roster.

    Nobody is removed who came (launched) after the reading began, whom a file named, or who grades here
    without ever having stood in the LMS's roster.
    """
    listed = {member.sub: member for member in members}
    stored = {person.sub: person for person in known}
    changed = []
    for sub, person in stored.items():
        member = listed.get(sub)
        change = _absent(person, read_started_at) if member is None else _present(person, member)
        if change is not None:
            changed.append(change)
    return RosterChanges(tuple(m for sub, m in listed.items() if sub not in stored), tuple(changed))


def _present(person: KnownMember, member: Member) -> MemberChange | None:
    role, source = person.role, person.source
    if person.source == "file":
        pass  # a courses file has the last word about its people
    elif not person.active or (person.roster_role is not None and _below(member.role, person.roster_role)):
        role, source = member.role, "roster"  # (re)joined, or taken down in the LMS since the last roster
    elif _below(role, member.role):
        role, source = member.role, "roster"
    elif person.source == "launch":
        role = agreed(role, member.role)
    details = (member.name, member.given_name, member.family_name, member.email)
    told = tuple(new or old for new, old in zip(details, person.details, strict=True))
    if (role, True, source, member.role, told) == (
        person.role,
        person.active,
        person.source,
        person.roster_role,
        person.details,
    ):
        return None
    return MemberChange(person.person_id, role, True, source, member.role, details)


def _absent(person: KnownMember, read_started_at: datetime) -> MemberChange | None:
    if person.source == "file" or not person.active or person.updated_at >= read_started_at:
        return None
    if person.role.grades and person.roster_role is None:
        return None
    return MemberChange(person.person_id, person.role, False, person.source, None, ("", "", "", ""))


def _below(role: Role, other: Role) -> bool:
    return role is not other and strongest((role, other)) is other
