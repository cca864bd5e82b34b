"""Logins without an LMS: one-time links, and admissions by the hub's own login (usecases/welcoming.py)."""

from urllib.parse import urlencode

from ..core.admissions import Refused
from ..core.logins import CODE_MAX, LINK_PATH
from ..usecases.welcoming import LINK_SECONDS
from .access import Action
from .base import BadBody, BaseHandler
from .hub_doors import HubDoor, access_of
from .public import public_base

#: A token that may do less than this at the hub must not become a whole login.
SCOPE = "admin:users"


class LoginLinksHandler(BaseHandler):
    """Give out a link that logs somebody in."""

    action = Action.ADMINISTER

    async def post(self) -> None:
        """{"username"} -> {"username", "url", "seconds"}; for the machine's own secret and an admin's whole token."""
        if not self.caller.is_hub and not await self._whole_token():
            raise Refused("forbidden")
        username = _text(self.body_json(), "username")
        code = await self.parts.welcoming.give_link(username)
        url = f"{public_base(self)}hub/{LINK_PATH}?" + urlencode({"code": code})
        self.answer({"username": username, "url": url, "seconds": int(LINK_SECONDS)}, 201)

    async def _whole_token(self) -> bool:
        token = (self.hub_auth.get_token(self, in_cookie=False) or "").strip()
        found = await self.parts.hub.whose(token) if token else None
        return found is not None and SCOPE in found.scopes


class LoginLinkDoor(HubDoor):
    """Whom a link logs in."""

    async def post(self) -> None:
        """{"code"} -> {"username"}; the link still works afterwards."""
        self.answer({"username": await self.parts.welcoming.look_at_link(_text(self.body_json(), "code"))})


class LinkAdmissionsHandler(HubDoor):
    """Admit whoever opened a link."""

    async def post(self) -> None:
        """{"code"} -> what the person may; the link is used up."""
        guest = await self.parts.welcoming.by_link(_text(self.body_json(), "code"))
        self.answer(await access_of(self, guest.username, guest.person))


class LocalAdmissionsHandler(HubDoor):
    """Admit somebody whom the hub's own login let in."""

    async def post(self) -> None:
        """{"login"} -> what the person may."""
        person = await self.parts.welcoming.by_login(_text(self.body_json(), "login"))
        self.answer(await access_of(self, person.username, person))


def _text(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not 0 < len(value) <= CODE_MAX:
        raise BadBody(f"{name} is needed")
    return value
