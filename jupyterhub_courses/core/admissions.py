"""What the hub asks the service after it has verified a launch, bounded, and what it is answered."""

import re
from dataclasses import dataclass
from typing import Any

from .roles import Role

TEXT_MAX = 255
ROLES_MAX = 50
#: nbgrader's own rule for assignment names is looser; these are the ones that are safe as folder and in a URL.
ASSIGNMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Launch:
    """The facts of a verified launch that admission needs. Texts are cut to 255 characters."""

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
    )


@dataclass(frozen=True)
class Admission:
    """The person as the hub has to know them, and where they want to go."""

    username: str
    course: str
    role: Role
    ready: bool
    assignment: str | None
    hub_roles: list[dict[str, Any]]
    admin: bool = False

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API."""
        return {
            "username": self.username,
            "admin": self.admin,
            "roles": self.hub_roles,
            "groups": [],
            "course": self.course,
            "role": self.role.value,
            "ready": self.ready,
            "assignment": self.assignment,
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
    return value if isinstance(value, str) and 0 < len(value) <= 1024 else None
