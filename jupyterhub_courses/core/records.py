"""What the store hands out: frozen records, one a table, without the database."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .roles import Role


@dataclass(frozen=True)
class Registration:
    """One client id of our tool at a platform. Empty `deployment_ids` accepts none."""

    id: int
    platform_id: int
    platform: str
    issuer: str
    client_id: str
    deployment_ids: tuple[str, ...]
    authorize_url: str
    token_url: str | None
    keyset_url: str | None
    public_key: str | None
    secret: str | None = field(default=None, repr=False)

    @property
    def is_lti11(self) -> bool:
        """Whether this is a consumer of LTI 1.1: `client_id` is its key, `secret` the shared secret."""
        return self.secret is not None

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API; holds no secret."""
        names = ("platform", "issuer", "client_id", "authorize_url", "token_url", "keyset_url", "public_key")
        return {**{n: getattr(self, n) for n in names}, "deployment_ids": list(self.deployment_ids)}


@dataclass(frozen=True)
class Platform:
    """One LMS and what its launches may make here. `course_creation`: off, listed or on."""

    id: int
    name: str
    issuer: str
    course_creation: str
    allowed_contexts: tuple[str, ...]
    course_limit: int
    start_from: dict[str, Any] | None = field(default=None, hash=False)
    title: str = ""
    home_url: str | None = None
    owner: str = "page"

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def start_url(self) -> str | None:
        """Where people of this LMS begin: the address given for that, else the issuer where it is one."""
        return self.home_url or (self.issuer if self.issuer.startswith(("https://", "http://")) else None)

    def may_create(self, context_id: str) -> bool:
        """Whether a teacher's first launch makes this course."""
        return self.course_creation == "on" or (
            self.course_creation == "listed" and context_id in self.allowed_contexts
        )


@dataclass(frozen=True)
class Person:
    """(platform, sub) bound to one hub username for ever."""

    id: int
    platform_id: int | None
    sub: str | None
    username: str
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Course:
    """One course as stored. `state`: pending, progressing, ready, degraded or deleting, with `reason` in words."""

    id: int
    slug: str
    title: str
    platform_id: int | None
    context_id: str | None
    spec: dict[str, Any] = field(hash=False)
    owner: str
    state: str
    reason: str
    exchange_port: int | None
    exchange_token: str = field(repr=False)
    registration_id: int | None
    lineitems_url: str | None
    members_url: str | None
    roster_synced_at: datetime | None
    roster_error: str


@dataclass(frozen=True)
class Membership:
    """A person's place in a course."""

    person: Person
    course_id: int
    role: Role
    active: bool
    source: str


@dataclass(frozen=True)
class Endpoints:
    """Where an LMS takes a course's scores and tells its roster, as a verified launch said."""

    registration_id: int
    lineitems_url: str | None
    members_url: str | None


@dataclass(frozen=True)
class Link:
    """The LMS activity that names an assignment."""

    assignment: str
    resource_link_id: str | None
    lineitem_url: str | None
    lineitems_url: str | None
    registration_id: int
