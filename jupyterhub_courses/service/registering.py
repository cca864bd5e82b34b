"""Registration links: an administrator makes one, an LMS opens it in a frame, its administrator presses one button.

The page works without cookies: the link's code is the authority, posted with what the LMS appended to the address.
"""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ..core.admissions import Refused
from ..core.notation import slug as checked_slug
from ..core.registrations import SCOPES, Invitation, RegistrationRefused, usable_address
from ..usecases.registering import Registered
from .access import Action
from .base import BaseHandler, parsed
from .pages import Page
from .public import public_base

CREATION = ("on", "off")
FIELDS = ("code", "openid_configuration", "registration_token")
FORM_MAX = 32 << 10


class RegistrationLinksHandler(BaseHandler):
    """Make a link."""

    action = Action.ADMINISTER

    async def post(self) -> None:
        """{"platform", "title"?, "course_creation"?} -> {"platform", "url", "expires_at"}"""
        invitation = parsed(_invitation, self.body_json())
        base = public_base(self)
        code, expires_at = await self.parts.registering.invite(invitation)
        url = f"{base}services/courses/register?{urlencode({'code': code})}"
        self.answer({"platform": invitation.platform, "url": url, "expires_at": expires_at}, 201)


class RegistrationLinkPage(Page):
    """The same for administrators in a browser."""

    action = Action.ADMINISTER

    async def get(self) -> None:
        """A form; its script asks the API."""
        self.show("registration_link.html", platform=self.get_query_argument("platform", "")[:63])


class RegisterPage(Page):
    """What an LMS opens in a frame."""

    action = None
    body_max = FORM_MAX
    _lms = ""  # the origin that may frame the page
    _said = ""

    async def admit(self) -> None:
        """The code is all it takes; `get` and `post` ask for it."""
        if not self.parts.ready:
            raise Refused("starting", 503)

    def set_default_headers(self) -> None:
        """The address holds the code: it goes nowhere as a referrer."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")

    @property
    def content_security_policy(self) -> str:
        """The LMS that is being registered may frame the page; a page on which nothing can be done, everybody."""
        lms = self._lms or _origin(self._query("openid_configuration"))
        return super().content_security_policy.replace("'none'", lms or "*", 1)

    async def get(self) -> None:
        """What will happen, and a button; nothing happens before."""
        code, url, token = (self._query(name) for name in FIELDS)
        if done := await self.parts.registering.done(code, url, token):
            return self.show_done(done)
        invitation = await self.parts.registering.invitation(code)
        self.show(
            "registering.html",
            invitation=invitation,
            host=urlsplit(url).netloc if usable_address(url) else "",
            fields=dict(zip(FIELDS, (code, url, token), strict=True)),
        )
        return None

    async def post(self) -> None:
        """Register."""
        code, url, token = self._form()
        self._lms = _origin(url)
        self.set_header("Content-Security-Policy", self.content_security_policy)
        try:
            self.show_done(await self.parts.registering.register(code, url, token, public_base(self)))
        except RegistrationRefused as refusal:
            self._said = refusal.said
            raise

    def show_done(self, done: Registered) -> None:
        """What there is now, and what is left to click in the LMS."""
        self.show("registered.html", done=done, ungranted=[SCOPES.index(scope) for scope in done.ungranted])

    def show(self, template: str, **values: Any) -> None:
        """Send a page without setting a cookie."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(self.parts.render(template, self, **values))

    def show_refusal(self, text: str, reference: str) -> None:
        """In the frame, with the LMS's own words where they are known ones."""
        self.show("registering_refused.html", text=text, reference=reference, said=self._said)

    def _query(self, name: str) -> str:
        # Not tornado's: it raises for odd bytes, also where the handler is just being made.
        values = self.request.query_arguments.get(name) or [b""]
        return values[0].decode("utf-8", "replace").strip()

    def _form(self) -> list[str]:
        if len(self._chunks) > self.body_max:
            raise Refused("too_large", 413)
        try:
            fields = parse_qs(self._chunks.decode(), max_num_fields=10)
        except ValueError:
            raise Refused("bad_request", 400) from None
        return [fields.get(name, [""])[0].strip() for name in FIELDS]


def _origin(url: str) -> str:
    """`https://host:port` of an LMS's address, as a policy may name it; empty for anything odd."""
    if not usable_address(url):
        return ""
    parts = urlsplit(url)
    odd = set(parts.netloc) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")
    return "" if odd else f"{parts.scheme}://{parts.netloc}"


def _invitation(body: object) -> Invitation:
    if not isinstance(body, dict) or set(body) - {"platform", "title", "course_creation"}:
        raise ValueError("platform, title and course_creation are known")
    platform, title, creation = body.get("platform"), body.get("title") or "", body.get("course_creation")
    if not isinstance(platform, str):
        raise ValueError("platform: a name is needed")
    if not isinstance(title, str) or len(title) > 255 or not title.isprintable():
        raise ValueError("title: not a text of at most 255 characters")
    if creation not in (None, *CREATION):
        raise ValueError("course_creation: on or off")
    return Invitation(checked_slug(platform), title, creation)
