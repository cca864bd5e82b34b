"""Names and Role Provisioning Services: a course's roster, whole or not at all.

https://www.imsglobal.org/spec/lti-nrps/v2p0. No `limit` and no `role` is sent: Moodle's next page forgets the
role, Open edX ignores it; pages are followed where an LMS makes them by itself.
"""

from typing import Any

from ...core.answers import LmsFailure, Outcome, Scope, Verdict
from ...core.records import Registration
from ...core.roles import role_from_claims
from ...core.rosters import Member
from .access import LmsAccess
from .http import LARGE

SCOPES = frozenset({"https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"})
CONTAINER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
#: More than any course; a roster above it is not half taken but refused.
MEMBERS_MAX = 50_000
TEXT_MAX = 255


class Nrps:
    """Rosters of all LMSs."""

    def __init__(self, access: LmsAccess) -> None:
        self._access = access

    async def members(self, registration: Registration, url: str) -> list[Member]:
        """Everybody who is active in the course, each once. Raises LmsFailure unless every page came
        whole.
        """
        found: dict[str, Member] = {}
        for answer in await self._access.pages(registration, SCOPES, url, CONTAINER, LARGE):
            page = answer.json()
            rows = page.get("members") if isinstance(page, dict) else None
            if not isinstance(rows, list) or len(found) + len(rows) > MEMBERS_MAX:
                raise LmsFailure(INCOMPLETE)
            for row in rows:
                member = _member_of(row)
                if member is not None:
                    found.setdefault(member.sub, member)
        if not found:
            # The teacher who asks is always there: an empty list is a fault of the LMS, not an empty course.
            raise LmsFailure(INCOMPLETE)
        return list(found.values())


INCOMPLETE = Outcome(Verdict.RETRY, "roster_incomplete", Scope.COLUMN)


def _member_of(row: Any) -> Member | None:
    """A member; None for one who is not active or has no role here. A row that is no member spoils the
    roster.
    """
    if not isinstance(row, dict):
        raise LmsFailure(INCOMPLETE)
    user_id, roles = row.get("user_id"), row.get("roles")
    sub = str(user_id)
    if type(user_id) not in (str, int) or not isinstance(roles, list) or not 0 < len(sub) <= TEXT_MAX:
        raise LmsFailure(INCOMPLETE)
    role = role_from_claims(str(uri)[:TEXT_MAX] for uri in roles[:50])
    if not sub.isascii() or not sub.isprintable():
        return None  # whose launch is refused, too; one such row must not keep the others from being known
    if role is None or row.get("status", "Active") != "Active":
        return None
    return Member(
        sub,
        role,
        name=_text(row, "name"),
        given_name=_text(row, "given_name"),
        family_name=_text(row, "family_name"),
        email=_text(row, "email"),
        login_name=_text(row, "ext_user_username"),
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        return ""
    # As of a launch (core/launches.py): else each launch and each reading would change it again.
    return "".join(c for c in value[: 4 * TEXT_MAX] if c.isprintable()).strip()[:TEXT_MAX]
