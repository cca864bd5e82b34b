"""What the hub asks the service after it has verified a launch, bounded, and what it is answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .goals import GitPlace, Goal
from .names import username_from
from .roles import Role

TEXT_MAX = 255
ROLES_MAX = 50
#: nbgrader's own rule for assignment names is looser; these are the ones that are safe as folder and in a URL.
ASSIGNMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
URL_MAX = 1024
DATA_MAX = 8192  # what an LMS wants back with a selection (Deep Linking's `data`)


class Message(StrEnum):
    """What a launch wants; the names of LTI's messages without the vendor's prefix."""

    RESOURCE_LINK = "resource_link"
    DEEP_LINKING = "deep_linking"
    SUBMISSION_REVIEW = "submission_review"


@dataclass(frozen=True)
class SelectionRequest:
    """A teacher is to pick something for the LMS.

    https://www.imsglobal.org/spec/lti-dl/v2p0/#deep-linking-settings
    """

    return_url: str
    data: str | None
    accept_multiple: bool
    accept_lineitem: bool


@dataclass(frozen=True)
class ResultPlace:
    """Where one person's result of one activity goes, as LTI 1.1 tells it: the LMS's word for it, at an address."""

    url: str
    sourcedid: str = field(repr=False)


@dataclass(frozen=True)
class Launch:
    """The facts of a verified launch that admission needs. Texts are cut to 255 characters.

    nonce, attempt: a nonce is good for one attempt to log in; the attempt's own call may come twice. base_url: the
    public address of everything, as the browser sees it, with a slash at its end. for_user: whose submission is to
    be reviewed, as the LMS calls them; it proves nothing. free_name: the first username that a newcomer would get,
    if no user of the hub has it.
    """

    issuer: str
    client_id: str
    deployment_id: str
    sub: str
    roles: tuple[str, ...]
    context_id: str
    context_label: str
    context_title: str
    resource_link_id: str | None
    names: dict[str, str]
    login_name: str | None
    assignment: str | None
    lineitems_url: str | None
    lineitem_url: str | None
    members_url: str | None
    message: Message = Message.RESOURCE_LINK
    nonce: str = field(default="", repr=False)
    attempt: str = ""
    base_url: str = ""
    materials: GitPlace | None = None
    for_user: str | None = None
    selection: SelectionRequest | None = None
    result: ResultPlace | None = None
    free_name: str | None = None


def wanted_name(launch: Launch, taken: Callable[[str], bool], whose: str = "") -> str:
    """The username of a newcomer: from what the LMS calls them (core/names.py)."""
    return username_from([launch.login_name, launch.names["email"], launch.names["name"]], taken, whose)


def launch_from_json(data: Any) -> Launch:
    """The launch in an admission request; raises ValueError naming the field that is missing or wrong."""
    if not isinstance(data, dict):
        raise ValueError("not an object")
    context, link = _object(data, "context"), _object(data, "resource_link")
    ags, nrps, custom = _object(data, "ags"), _object(data, "nrps"), _object(data, "custom")
    roles = data.get("roles") or []
    if not isinstance(roles, list):
        raise ValueError("roles: not a list")
    sub = data.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= TEXT_MAX or not sub.isprintable():
        raise ValueError("sub: missing, too long or unprintable")
    assignment = custom.get("assignment")
    return Launch(
        issuer=_required(data, "issuer"),
        client_id=_required(data, "client_id"),
        deployment_id=str(data.get("deployment_id") or ""),
        sub=sub,
        roles=tuple(str(uri)[:TEXT_MAX] for uri in roles[:ROLES_MAX]),
        context_id=_text(context, "id") or "",
        context_label=_text(context, "label") or "",
        context_title=_text(context, "title") or "",
        resource_link_id=_text(link, "id"),
        names={n: _text(data, n) or "" for n in ("name", "given_name", "family_name", "email")},
        login_name=_text(data, "preferred_username") or _text(custom, "username"),
        assignment=assignment if isinstance(assignment, str) and ASSIGNMENT.fullmatch(assignment) else None,
        lineitems_url=_url(ags, "lineitems"),
        lineitem_url=_url(ags, "lineitem"),
        members_url=_url(nrps, "context_memberships_url"),
        free_name=_text(data, "free_name"),
        message=Message(data.get("message") or Message.RESOURCE_LINK),
        nonce=_required(data, "nonce"),
        attempt=_text(data, "attempt") or "",
        base_url=_url(data, "base_url") or "",
        materials=_materials(custom),
        for_user=_text(data, "for_user"),
        selection=_selection(_object(data, "selection")),
    )


@dataclass(frozen=True)
class Admission:
    """The person as the hub has to know them, and where they want to go.

    news: whether the launch told anything new about where scores and roster go.
    """

    username: str
    course: str
    role: Role
    ready: bool
    goal: Goal
    hub_roles: list[dict[str, Any]]
    admin: bool = False
    news: bool = False

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API."""
        return {
            "username": self.username,
            "admin": self.admin,
            "roles": self.hub_roles,
            "course": self.course,
            "role": self.role.value,
            "ready": self.ready,
            "goal": self.goal.as_json(),
        }


class Refused(Exception):
    """Somebody may not, or not now. `code` is one of core.sentences; `status` the HTTP status that fits."""

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.code, self.status = code, status


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _text(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value.replace("\0", "")[:TEXT_MAX] if isinstance(value, str) and value else None


def _required(data: dict[str, Any], name: str) -> str:
    value = _text(data, name)
    if value is None:
        raise ValueError(f"{name}: missing")
    return value


def _url(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= URL_MAX else None


def _materials(custom: dict[str, Any]) -> GitPlace | None:
    """What a link says about materials; `materials` alone (any value) means the course's own ones."""
    git, branch, path = (_text(custom, name) or "" for name in ("git", "branch", "path"))
    return GitPlace(git, branch, path) if git or path or branch or custom.get("materials") else None


def _selection(data: dict[str, Any]) -> SelectionRequest | None:
    return_url, text = _url(data, "return_url"), data.get("data")
    if return_url is None:
        return None
    if text is not None and (not isinstance(text, str) or len(text) > DATA_MAX):
        raise ValueError("selection.data: no text, or too long")
    return SelectionRequest(
        return_url, text, data.get("accept_multiple") is True, data.get("accept_lineitem") is not False
    )
