"""What every handler shares: who calls, whether they may, errors as JSON or as a page, with a reference.

Refuses by default: a handler names its `action`, and `prepare` lets nobody through who may not do it.
"""

import hmac
import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyterhub.services.auth import HubOAuthenticated
from tornado.httputil import url_concat
from tornado.web import Finish, HTTPError, RequestHandler

from ..adapters.hub_api import HubDown
from ..core.admissions import Refused
from ..core.records import Course
from ..core.roles import Role
from ..core.sentences import language_of, sentence
from ..usecases.applying import WrongFile
from .access import NOBODY, Action, Caller, may

if TYPE_CHECKING:
    from .app import Parts

log = logging.getLogger(__name__)
T = TypeVar("T")

_CODES = {400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "bad_request"}
_CODES |= {413: "too_large", 503: "starting"}


class BaseHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """A request to the service. Subclasses set `action`; None means open to everybody."""

    action: Action | None = Action.ADMINISTER
    is_page = False
    #: Actions of a method that differ from `action`.
    actions: dict[str, Action | None] = {}

    caller: Caller = NOBODY
    course: Course | None = None
    role: Role | None = None

    @property
    def parts(self) -> "Parts":
        """Everything the service is made of."""
        return cast("Parts", self.settings["parts"])

    @property
    def language(self) -> str:
        """The reader's language."""
        return language_of(self.request.headers.get("Accept-Language"))

    def now(self) -> datetime:
        """The present."""
        return self.parts.clock()

    def set_default_headers(self) -> None:
        """Answers are nobody else's business: no cache, no frame, no sniffing."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Content-Security-Policy", self.content_security_policy)

    @property
    def content_security_policy(self) -> str:
        """Only our own scripts; no frames."""
        return (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            "frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
        )

    async def prepare(self) -> None:
        """Find the caller and the course, and stop whoever may not do this."""
        action = self.actions.get(self.request.method or "", self.action)
        if action is None:
            return
        if not self.parts.ready:
            raise Refused("starting", 503)
        self.caller = await self._who()
        if not self.caller.known:
            if self.is_page and self.request.method == "GET":
                self.redirect(self._login_url())
                raise Finish
            raise Refused("unauthenticated", 401)
        slug = self.path_kwargs.get("slug")
        if slug is not None:
            self.course = await self.parts.courses.by_slug(slug)
            membership = await self.parts.people.membership(self.caller.username, slug)
            self.role = membership.role if membership is not None and membership.active else None
        if not may(self.caller, action, slug, self.role):
            # Whether a course exists is told to its members only.
            raise Refused("forbidden", 403)
        if slug is not None and self.course is None:
            raise Refused("course_unknown", 404)

    async def _who(self) -> Caller:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        try:
            if token and scheme.lower() in ("token", "bearer"):
                if hmac.compare_digest(token.encode(), self.parts.hub_token.encode()):
                    return Caller(is_hub=True)
                found = await self.parts.hub.whose(token.strip())
                if found is None:
                    return NOBODY
                server = found.server
                if server is None and any(s.startswith("access:servers!server=") for s in found.scopes):
                    return NOBODY  # a token bound to several or foreign servers fits no door of ours
                return Caller(found.name, found.admin, server[1] if server else None)
            model = await self.hub_auth.get_user(self, sync=False)
        except HubDown:
            raise Refused("hub_unreachable", 503) from None
        except HTTPError as error:
            raise Refused("hub_unreachable", 503) from error
        if not model or model.get("kind", "user") != "user":
            return NOBODY
        return Caller(str(model["name"]), bool(model.get("admin")))

    def _login_url(self) -> str:
        state = self.hub_auth.set_state_cookie(self, self.request.uri)
        return str(url_concat(self.hub_auth.login_url, {"state": state}))

    @property
    def this_course(self) -> Course:
        """The course of the address; `prepare` has checked that it is there."""
        if self.course is None:
            raise Refused("course_unknown", 404)
        return self.course

    def body_json(self) -> Any:
        """The request's JSON. Raises Refused."""
        try:
            return json.loads(self.request.body or b"null")
        except ValueError:
            raise Refused("bad_request", 400) from None

    def answer(self, value: Any, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value, separators=(",", ":"), default=_json))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error: a code, a sentence in the reader's language and a reference that the log has too."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        detail = ""
        extra: dict[str, Any] = {}
        if isinstance(error, Refused):
            code, status_code = error.code, error.status
        elif isinstance(error, BadBody):
            code, detail = "bad_request", str(error)
        elif isinstance(error, WrongFile):
            code, extra = "bad_request", {"problems": error.problems}
        else:
            code = _CODES.get(status_code, "internal")
        reference = secrets.token_hex(4)
        log.log(
            logging.ERROR if code == "internal" else logging.INFO,
            "%s %s: %s (%d), reference %s",
            self.request.method,
            type(self).__name__,
            code,
            status_code,
            reference,
            exc_info=error if code == "internal" else None,
        )
        self.set_status(status_code)
        if self.is_page:
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(
                self.parts.render("refused.html", self, text=sentence(code, self.language), reference=reference)
            )
            return
        message = sentence(code, "en")
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(
            json.dumps({"code": code, "message": f"{message} {detail}".strip(), "reference": reference, **extra})
        )

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """`write_error` logs once, without the address's query or the client's words."""

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Map our exceptions to their status before tornado picks 500."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Refused):
            status_code = error.status
        elif isinstance(error, BadBody | WrongFile):
            status_code = 400
        super().send_error(status_code, **kwargs)


class BadBody(Exception):
    """The request's body is wrong; the text names the field and is shown to the caller."""


def parsed(function: Callable[..., T], *arguments: Any) -> T:
    """Call a parser; its ValueError becomes an answer that names the field."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise BadBody(str(error)) from error


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
