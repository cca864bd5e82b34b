"""What every handler shares: who calls, whether they may, errors as JSON or as a page, with a reference.

Refuses by default: a handler names its `action`, and `prepare` lets nobody through who may not do it.
"""

import hmac
import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httputil import url_concat
from tornado.web import Finish, HTTPError, RequestHandler, StaticFileHandler, stream_request_body

from ..adapters.hub_api import HubDown, TokenModel
from ..adapters.hub_api.logins import LoginOfEachWindow
from ..adapters.store.database import is_away
from ..core.admissions import Refused
from ..core.names import SERVICE_NAME
from ..core.platforms import Clashing
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
BODY_MAX = 1 << 20
DRAIN_MAX = 1 << 30  # bytes read and thrown away, so that a client which sends first and reads later gets its answer


class WithHubLogin(RequestHandler):
    """For handlers of the hub's library, which would make a login of its own with its own settings."""

    @property
    def hub_auth(self) -> LoginOfEachWindow:
        """The service's one: it remembers for 30 s whose a cookie is, where the library's remembers for 5 minutes."""
        return cast(LoginOfEachWindow, self.settings["hub_auth"])


@stream_request_body
class BaseHandler(WithHubLogin, HubOAuthenticated):  # type: ignore[misc]
    """A request to the service. Subclasses set `action`; None means open to everybody.

    The body is read after `prepare` has let the caller through, and at most `body_max` bytes of it are kept.
    """

    action: Action | None = Action.ADMINISTER
    is_page = False
    #: Actions of a method that differ from `action`.
    actions: dict[str, Action | None] = {}
    body_max = BODY_MAX

    caller: Caller = NOBODY
    course: Course | None = None
    role: Role | None = None
    _admitted = False

    def initialize(self) -> None:
        """Nothing of the body is there yet."""
        self._chunks = bytearray()

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
        """Stop whoever may not do this, in the handler's place: the body is read before the answer, and thrown away.

        An answer given here would close the connection (tornado's `HTTP1Connection.finish`), which the hub's proxy has
        kept for somebody's next request.
        """
        method = str(self.request.method).lower()
        try:
            self._limit_body()
            await self.admit()
        except Refused as refusal:
            self.body_max = 0
            setattr(self, method, partial(_refuse, refusal))
        except Finish:
            self.body_max = 0
            setattr(self, method, self._to_login)
        self._admitted = True

    async def admit(self) -> None:
        """Find the caller and the course. Raises Refused, or Finish for somebody who has to log in first."""
        action = self.actions.get(self.request.method or "", self.action)
        if action is None:
            return
        if not self.parts.ready:
            raise Refused("starting", 503)
        self.caller = await self._who()
        if not self.caller.known:
            if self.is_page and self.request.method == "GET":
                raise Finish
            raise Refused("unauthenticated", 401)
        if self.is_page and self.caller.server is not None:
            raise Refused("forbidden", 403)  # pages are for people
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
        # Found as the hub's library finds it: a token that only its `get_user` saw would count as a browser's login.
        token = (self.hub_auth.get_token(self, in_cookie=False) or "").strip()
        if token and hmac.compare_digest(token.encode(), self.parts.hub_token.encode()):
            return Caller(is_hub=True)
        try:
            found = await self.parts.hub.whose(token) if token else await self._browser()
        except HubDown:
            raise Refused("hub_unreachable", 503) from None
        except HTTPError as error:
            raise Refused("hub_unreachable", 503) from error
        if found is None or not found.opens_service(SERVICE_NAME) or len(found.servers) > 1:
            return NOBODY
        return Caller(found.name, found.admin, next(iter(found.servers), None))

    async def _browser(self) -> TokenModel | None:
        """Whose browser this is, by the service's own cookie."""
        model = await self.hub_auth.get_user(self, sync=False)
        if not model or model.get("kind", "user") != "user":
            return None
        return TokenModel(str(model["name"]), bool(model.get("admin")), frozenset(model.get("scopes") or ()))

    def get_current_user(self) -> dict[str, Any] | None:
        """For the hub's library, which would ask the hub and block this process while the hub asks us."""
        return {"name": self.caller.username} if self.caller.username else None

    async def _to_login(self, **_: str) -> None:
        state = self.hub_auth.set_state_cookie(self, self.request.uri)
        self.redirect(str(url_concat(self.hub_auth.login_url, {"state": state})))

    @property
    def this_course(self) -> Course:
        """The course of the address; `prepare` has checked that it is there."""
        if self.course is None:
            raise Refused("course_unknown", 404)
        return self.course

    def _limit_body(self) -> None:
        if self.request.connection is not None:
            self.request.connection.set_max_body_size(DRAIN_MAX)  # type: ignore[attr-defined]
        length = self.request.headers.get("Content-Length", "0")
        if length.isdigit() and int(length) > self.body_max:
            raise Refused("too_large", 413)

    def data_received(self, chunk: bytes) -> None:
        """Keep what may be there; `body_json` refuses a body without a length that turned out too large."""
        if len(self._chunks) <= self.body_max:
            self._chunks += chunk

    def body_json(self) -> Any:
        """The request's JSON. Raises Refused."""
        if len(self._chunks) > self.body_max:
            raise Refused("too_large", 413)
        try:
            return json.loads(self._chunks or b"null")
        except (ValueError, RecursionError):  # the latter: lists in lists without end
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
        refusal = _refusal_of(error)
        if refusal is not None:
            code, status_code = refusal.code, refusal.status
        elif isinstance(error, BadBody):
            code, detail = "bad_request", str(error)
        elif isinstance(error, WrongFile):
            code, extra = "bad_request", {"problems": error.problems}
        elif isinstance(error, Clashing):
            code = "platform_clash"
        else:
            code = _CODES.get(status_code, "internal")
        reference = secrets.token_hex(4)
        failed = refusal is not error and refusal is not None
        log.log(
            logging.ERROR if code == "internal" or failed else logging.INFO,
            "%s %s: %s%s (%d), reference %s",
            self.request.method,
            type(self).__name__,
            code,
            f" ({type(error).__name__})" if failed else "",
            status_code,
            reference,
            exc_info=error if code == "internal" else None,
        )
        self.set_status(status_code)
        if not self._admitted:
            self.set_header("Connection", "close")  # it will be: see `prepare`
        if self.is_page:
            self.show_refusal(sentence(code, self.language), reference)
            return
        message = error.clash.text(self.language) if isinstance(error, Clashing) else sentence(code, self.language)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(
            json.dumps({"code": code, "message": f"{message} {detail}".strip(), "reference": reference, **extra})
        )

    def show_refusal(self, text: str, reference: str) -> None:
        """The page of an error."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(self.parts.render("refused.html", self, text=text, reference=reference))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """`write_error` logs once, without the address's query or the client's words."""

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Map our exceptions to their status before tornado picks 500."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if (refusal := _refusal_of(error)) is not None:
            status_code = refusal.status
        elif isinstance(error, BadBody | WrongFile):
            status_code = 400
        elif isinstance(error, Clashing):
            status_code = 409
        super().send_error(status_code, **kwargs)


class LoginCallback(WithHubLogin, HubOAuthCallbackHandler):  # type: ignore[misc]
    """Where the hub sends a browser back to; its address holds a code, which stays out of the log."""

    _model: dict[str, Any] | None = None

    async def prepare(self) -> None:
        """Ask the hub who is logged in already: another window may have been faster."""
        self._model = await self.hub_auth.get_user(self, sync=False)

    def get_current_user(self) -> dict[str, Any] | None:
        """For the hub's library, which would ask the hub and block this process while the hub asks us."""
        return self._model

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What went wrong, without the address."""
        if not isinstance(value, HTTPError) or value.status_code >= 500:
            log.error("a login ended with %s", getattr(typ, "__name__", "an error"))


class Static(StaticFileHandler):
    """Our own style and script."""

    def set_default_headers(self) -> None:
        """They are what they say they are."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")


def log_request(handler: RequestHandler) -> None:
    """Method, kind of request, answer and time: addresses carry people's names and codes of logins."""
    status, took = handler.get_status(), 1000 * handler.request.request_time()
    level = logging.DEBUG if status < 500 else logging.ERROR
    log.log(level, "%s %s %d %.0f ms", handler.request.method, type(handler).__name__, status, took)


def _refusal_of(error: BaseException | None) -> Refused | None:
    """What ends a request as a refusal: one of ours, or that somebody whom we ask does not answer now."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, HubDown):
        return Refused("hub_unreachable", 503)
    return Refused("store_unreachable", 503) if is_away(error) else None


async def _refuse(refusal: Refused, **_: str) -> None:
    """In the place of a handler's method."""
    raise refusal


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
