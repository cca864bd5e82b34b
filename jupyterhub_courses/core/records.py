"""What the store hands out: frozen records, one a table, without the database."""

from dataclasses import dataclass, field, replace
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
        """The JSON object of the service's API; holds no secret. `lti`: 1.3, or 1.1 where `client_id` is a key."""
        names = ("platform", "issuer", "client_id", "authorize_url", "token_url", "keyset_url", "public_key")
        told = {name: getattr(self, name) for name in names}
        return {**told, "deployment_ids": list(self.deployment_ids), "lti": "1.1" if self.is_lti11 else "1.3"}


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

    @property
    def lms_user_id(self) -> str | None:
        """What the LMS calls the person; None for somebody without an LMS."""
        return self.sub if self.platform_id is not None else None


@dataclass(frozen=True)
class Course:
    """One course as stored. `state`: pending, progressing, ready, degraded or deleting, with `reason` in words.

    `erase`: whether what its people made goes with it, once it is deleted.
    """

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
    erase: bool = False


@dataclass(frozen=True)
class Place:
    """What somebody is in a course."""

    course_id: int
    role: Role


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

    registration_id: int | None
    lineitems_url: str | None
    members_url: str | None

    def after(self, known: "Endpoints") -> "Endpoints":
        """What a course that knew `known` keeps; what this launch did not say stays known.

        Addresses take the tokens of their own registration alone, and one course may have many (Open edX: one for
        each component). So those of another registration are never mixed with these: they go as a whole, unless
        they say more, the roster first, for an assignment's link knows its own line items.
        """
        if not any(self._said()):
            return known
        if known.registration_id in (None, self.registration_id):
            return replace(
                self,
                lineitems_url=self.lineitems_url or known.lineitems_url,
                members_url=self.members_url or known.members_url,
            )
        return self if self._said() >= known._said() else known

    def _said(self) -> tuple[bool, bool]:
        return bool(self.members_url), bool(self.lineitems_url)


@dataclass(frozen=True)
class Link:
    """The LMS activity that names an assignment."""

    assignment: str
    resource_link_id: str | None
    lineitem_url: str | None
    lineitems_url: str | None
    registration_id: int | None

    def says_more_than(self, known: "Link | None") -> bool:
        """Whether a launch with this link has anything to tell whoever knows `known`; None in it tells nothing."""
        if known is None:
            return True
        return any(value is not None and value != getattr(known, name) for name, value in vars(self).items())


@dataclass(frozen=True)
class Standing:
    """A membership as a launch finds it. `roster_role`: what the LMS's last complete roster said."""

    role: Role
    active: bool
    source: str
    roster_role: Role | None


@dataclass(frozen=True)
class Known:
    """What the store has of a launch already; None for what it has not. memberships: as `People.memberships`."""

    course: Course | None
    link: Link | None
    person: Person | None
    standing: Standing | None
    memberships: tuple[tuple[str, Role], ...]


@dataclass(frozen=True)
class Arriving:
    """A launch at the store's door. is_first: its nonce was unused, or used by this attempt; then `known` is there."""

    registration: Registration | None
    is_first: bool
    known: Known | None
