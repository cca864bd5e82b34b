"""Roles: what an LMS's claims make of a person in a course, and which hub roles follow from that.

Only verified claims and stored memberships come in here; a request's own words (`for_user`, options) never do.
Role vocabulary: https://www.imsglobal.org/spec/lti/v1p3/#role-vocabularies
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from .names import grader_username


class Role(StrEnum):
    """A person's role in one course."""

    STUDENT = "student"
    GRADER = "grader"  # a teaching assistant: grades, sees the roster, changes no settings
    INSTRUCTOR = "instructor"

    @property
    def grades(self) -> bool:
        """Whether the role opens the course's grader server."""
        return self is not Role.STUDENT


MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
#: The vocabulary of LTI 1.1: https://www.imsglobal.org/specs/ltiv1p1/implementation-guide (appendix A.2).
URN, URN_INSTITUTION = "urn:lti:role:ims/lis/", "urn:lti:instrole:ims/lis/"

_CONTEXT_ROLES = {
    "Instructor": Role.INSTRUCTOR,
    "ContentDeveloper": Role.INSTRUCTOR,
    "Administrator": Role.INSTRUCTOR,
    "Learner": Role.STUDENT,
    "Member": Role.STUDENT,
}
#: Sub-roles of Instructor that grade but do not own the course.
_ASSISTANTS = {"TeachingAssistant", "TeachingAssistantSection", "TeachingAssistantGroup", "TeachingAssistantOffering"}
_ASSISTANTS |= {"TeachingAssistantSectionAssociation", "TeachingAssistantTemplate", "Grader"}
#: Institution roles count only where there is no context role (Open edX 9 sends nothing else).
_INSTITUTION_ROLES = {"Student": Role.STUDENT, "Learner": Role.STUDENT}
_INSTITUTION_ROLES |= {"Instructor": Role.INSTRUCTOR, "Faculty": Role.INSTRUCTOR}


def role_from_claims(uris: Iterable[str]) -> Role | None:
    """The role in the launch's course; None when no claim names one (system roles alone, or none at all).

    An assistant is a grader even if `Instructor` is sent beside it, as the specification asks for
    (the sub-role comes together with its principal role). Otherwise the strongest role counts.
    """
    roles: set[Role] = set()
    institution: set[Role] = set()
    assistant = False
    for uri in uris:
        if uri.startswith(MEMBERSHIP + "/"):  # sub-role: …/membership/Instructor#TeachingAssistant
            principal, _, name = uri[len(MEMBERSHIP) + 1 :].partition("#")
            if name in _ASSISTANTS and principal == "Instructor":
                assistant = True
            elif principal in _CONTEXT_ROLES:
                roles.add(_CONTEXT_ROLES[principal])
        elif uri.startswith((MEMBERSHIP + "#", URN)) or _is_simple_name(uri):
            # A sub-role of LTI 1.1 follows its principal role: …/Instructor/GuestInstructor.
            name = uri.removeprefix(MEMBERSHIP + "#").removeprefix(URN).partition("/")[0]
            if name in _ASSISTANTS:
                assistant = True
            elif name in _CONTEXT_ROLES:
                roles.add(_CONTEXT_ROLES[name])
        elif uri.startswith((INSTITUTION, URN_INSTITUTION)):
            found = _INSTITUTION_ROLES.get(uri.removeprefix(INSTITUTION).removeprefix(URN_INSTITUTION))
            if found:
                institution.add(found)
    if assistant:
        return Role.GRADER
    return strongest(roles) or strongest(institution)


def strongest(roles: Iterable[Role]) -> Role | None:
    """The role with most rights among `roles`, or None of none."""
    found = set(roles)
    return next((r for r in (Role.INSTRUCTOR, Role.GRADER, Role.STUDENT) if r in found), None)


def agreed(launched: Role, listed: Role | None) -> Role:
    """The role of somebody whose launch says `launched` and whom the LMS's roster lists as `listed` (None: not at all).

    Moodle launches its non-editing teachers as Instructor and lists them as Learner (measured on 4.5.6): whoever is
    said to be both is an assistant. A student whom the LMS made a teacher is one as soon as the roster is read again.
    """
    return Role.GRADER if launched is Role.INSTRUCTOR and listed is Role.STUDENT else launched


def hub_roles(memberships: Iterable[tuple[str, Role]], admin: bool) -> list[dict[str, Any]]:
    """The hub roles of a person, as an authenticator with `manage_roles` returns them.

    `user` (and `admin`) go without scopes: with scopes they would overwrite the configured role for everybody
    (jupyterhub auth.py, `manage_roles`). Only scopes that hub 5.5 knows: an unknown one fails the whole login.
    """
    roles: list[dict[str, Any]] = [{"name": "user"}]
    if admin:
        roles.append({"name": "admin"})
    for slug, role in sorted(memberships):
        if role.grades:
            grader = grader_username(slug)
            scopes = [f"access:servers!server={grader}/{slug}", f"servers!server={grader}/{slug}"]
            scopes += [f"read:users:name!user={grader}", f"list:users!user={grader}"]
            roles.append({"name": f"course-{slug}-grading", "scopes": scopes})
    return roles


def _is_simple_name(uri: str) -> bool:
    # "Instructor" alone is deprecated, yet the specification lets platforms send it.
    return uri.isalpha()
