"""Who may call what: the one place where it is decided (docs/security.md has the same table in words).

A caller is known by a browser login, a token that a person made, the token inside a server, or the secret that hub
and service share. A server's token speaks for its course, not for its person: it may read its person's own rows of
that course and, in the grader's server, send scores, read the roster and have submissions autograded; nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..core.names import grader_username
from ..core.roles import Role


class Action(StrEnum):
    """What a request wants to do."""

    HUB = "hub"  # the hub's own doors: admissions, placements, registrations
    OWN_COURSES = "own courses"
    SEE_COURSE = "see course"
    OWN_SCORES = "own scores"
    ALL_SCORES = "all scores"
    SEND_SCORES = "send scores"
    ROSTER = "roster"
    AUTOGRADE = "autograde"  # runs of autograding apart
    DELIVER = "deliver"  # retry deliveries, sync the roster
    EDIT_COURSE = "edit course"
    ADMINISTER = "administer"


@dataclass(frozen=True)
class Caller:
    """Who asks. `server`: the slug of the course whose server's token it is."""

    username: str = ""
    admin: bool = False
    server: str | None = None
    is_hub: bool = False

    @property
    def known(self) -> bool:
        """Whether anybody in particular asks."""
        return self.is_hub or bool(self.username)


NOBODY = Caller()
_STUDENT = frozenset({Action.SEE_COURSE, Action.OWN_SCORES})
_GRADER = _STUDENT | {Action.ALL_SCORES, Action.ROSTER, Action.DELIVER}
_BY_ROLE = {Role.STUDENT: _STUDENT, Role.GRADER: _GRADER, Role.INSTRUCTOR: _GRADER | {Action.EDIT_COURSE}}
_BY_GRADERS_SERVER = frozenset({Action.SEE_COURSE, Action.ALL_SCORES, Action.SEND_SCORES, Action.ROSTER})
_BY_GRADERS_SERVER |= {Action.AUTOGRADE}
_HUB = frozenset({Action.HUB, Action.ADMINISTER, Action.OWN_COURSES, Action.SEE_COURSE, Action.ALL_SCORES})
_HUB |= {Action.ROSTER, Action.DELIVER, Action.EDIT_COURSE}


def may(caller: Caller, action: Action, slug: str | None, role: Role | None) -> bool:
    """Whether `caller`, whose active membership in the course `slug` is `role`, may do `action`. No by default."""
    if caller.is_hub:
        return action in _HUB
    if not caller.known:
        return False
    if caller.server is not None:
        if slug is None or caller.server != slug:
            return False
        if caller.username == grader_username(slug):
            return action in _BY_GRADERS_SERVER
        return role is not None and action in _STUDENT
    if action is Action.OWN_COURSES:
        return True
    if caller.admin:
        return action not in (Action.HUB, Action.SEND_SCORES, Action.AUTOGRADE)
    return slug is not None and role is not None and action in _BY_ROLE[role]
