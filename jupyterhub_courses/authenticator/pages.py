"""What a browser sees of a login: the hub's handlers for login initiation, launch and "where do I start?".

Promises: no argument, cookie or token is logged; every refusal is a page with one sentence in the reader's
language and a reference that the log has too. Not built on ltiauthenticator's handlers, which log what they
are given.
"""

import hmac
import secrets
import time
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader
from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from jupyterhub.utils import url_path_join
from tornado.httputil import url_concat

from ..adapters.courses_api.hub import Refused, ServiceDown
from ..core.destinations import after_launch, is_inside
from ..core.launches import LTI, Expected, check_claims, launch_as_json, launch_from_claims
from ..core.login_states import (
    COOKIE_PREFIX,
    STATE_SECONDS,
    LoginState,
    is_bound,
    new_state,
    nonce_of,
    seal,
    unseal,
)
from ..core.refusals import STATUS, LaunchRefused
from ..core.sentences import SENTENCES, language_of, sentence

TEMPLATES = FileSystemLoader(Path(__file__).parent / "templates")
ARGUMENT_MAX = 8192
TABS_MAX = 16  # logins begun at once in one browser, before the oldest is forgotten


class LaunchPage(BaseHandler):
    """What the handlers here have in common."""

    def check_xsrf_cookie(self):
        """Launches come from another site; the sealed state and its cookie stand in for the hub's own check."""

    def get_template(self, name, sync=False):
        """The hub's templates, and ours beside them."""
        environment = self.settings["jinja2_env_sync" if sync else "jinja2_env"]
        return environment.overlay(loader=ChoiceLoader([TEMPLATES, environment.loader])).get_template(name)

    async def prepare(self):
        """As the hub's, after the query was parsed and forgotten: logs would show it, and it names the person."""
        self.request.uri = self.request.path
        await super().prepare()

    def _log(self):
        """The hub's access log, which follows the answer, without the query of a redirect."""
        if "Location" in self._headers:
            self._headers["Location"] = self._headers["Location"].partition("?")[0]
        super()._log()

    @property
    def language(self):
        """`en` or `de`, as the browser asks."""
        return language_of(self.request.headers.get("Accept-Language"))

    @property
    def state_key(self):
        """The key of login states; the same for every process that shares the hub's cookie secret."""
        return hmac.digest(self.settings["cookie_secret"], b"courses launch", "sha256")

    def one_argument(self, name):
        """The argument `name` of query or body, "" unless it is there exactly once, readable and of sane length."""
        values = self.request.arguments.get(name, [])
        if len(values) != 1 or len(values[0]) > ARGUMENT_MAX:
            return ""
        try:
            return values[0].decode().strip()
        except UnicodeDecodeError:
            return ""

    @property
    def public_scheme(self):
        """http or https, as the browser sees it."""
        public = self.settings.get("public_url")
        return public.scheme if public else self.authenticator.get_uri_scheme(self.request)

    @property
    def public_host(self):
        """Host and port, as the browser sees them."""
        public = self.settings.get("public_url")
        return public.netloc if public else self.request.host

    def set_launch_cookie(self, name, value, seconds):
        """Set a login's cookie, or with 0 seconds take it back.

        The LMS's answer is a POST from another site. Over https only None + Secure + Partitioned comes back
        then, also in a frame. Over http browsers refuse None, and send a cookie without SameSite back for two
        minutes. Written by hand: Python's Morsel knows Partitioned only from 3.14 on.
        """
        path = url_path_join(self.hub.base_url, "lti13/")
        parts = [f"{name}={value}", f"Path={path}", f"Max-Age={seconds}", "HttpOnly"]
        if self.public_scheme == "https":
            parts += ["Secure", "SameSite=None", "Partitioned"]
        self.add_header("Set-Cookie", "; ".join(parts))

    async def show(self, code, status, reference=None, message=None):
        """A page with the sentence of `code` (or an English `message` for a code that only the service knows)."""
        text = sentence(code, self.language) if code in SENTENCES or not message else message
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        if status == 503:
            self.set_header("Retry-After", "10")
        names = {"text": text, "language": self.language, "reference": reference, "code": code}
        self.finish(await self.render_template("courses_launch.html", **names))

    async def refuse(self, code, status=None, reference=None, message=None, where=""):
        """Refuse with a page; `where` goes to the log (a registration's name, never a person's)."""
        reference = reference or secrets.token_hex(4)
        self.log.warning("Launch refused: %s (reference %s)%s", code, reference, where and f" at {where}")
        # Nothing on the page does anything, and an LMS that embeds the hub shows it in a frame: else nobody reads why.
        self.set_header("Content-Security-Policy", "frame-ancestors *")
        await self.show(code, status or STATUS.get(code, 403), reference, message)


class LoginPage(LaunchPage, LoginHandler):
    """`/hub/login` for somebody who is not logged in: says where to start."""

    check_xsrf_cookie = LoginHandler.check_xsrf_cookie

    async def _render(self, login_error=None, username=None, **names):
        return await self.render_template(
            "courses_launch.html",
            text=sentence("start_in_lms", self.language),
            language=self.language,
            reference=None,
            code="start_in_lms",
        )

    async def post(self):
        """There is no form to send here."""
        await self.show("start_in_lms", 405)


class LoginInitiation(LaunchPage):
    """Step 1 and 2: the LMS says that somebody comes; we ask it who that is.

    https://www.imsglobal.org/spec/security/v1p0/#step-1-third-party-initiated-login
    """

    async def post(self):
        """Send the browser to the LMS with a state and a nonce of its own."""
        if not self.request.arguments.keys() & {"iss", "login_hint", "target_link_uri", "client_id"}:
            return await self.show("start_in_lms", 200)
        try:
            registration, hint = await self.begun()
        except LaunchRefused as refusal:
            return await self.refuse(refusal.code)
        except Refused as refusal:
            return await self.refuse(refusal.code, refusal.status, refusal.reference, refusal.message)
        except ServiceDown as error:
            return await self.refuse("service_down", where=f"registrations: {error}")
        return self.redirect(self.authentication_request(registration, hint))

    get = post

    async def begun(self):
        """Registration and login hint of a login that is meant for us. Raises LaunchRefused."""
        issuer, hint = self.one_argument("iss"), self.one_argument("login_hint")
        target = self.one_argument("target_link_uri")
        if not issuer or not hint or not target:
            raise LaunchRefused("login_incomplete")
        if not is_inside(target, self.public_host, self.base_url):
            raise LaunchRefused("target_outside")
        client_id = self.one_argument("client_id") or None
        registration = await self.authenticator.courses.registrations.find(issuer, client_id)
        if registration is None:
            raise LaunchRefused("registration_unknown")
        return registration, hint

    def authentication_request(self, registration, hint):
        """The address at the LMS that asks who is there; binds the login to this browser."""
        attempt, secret = secrets.token_urlsafe(9), secrets.token_urlsafe(24)
        state = new_state(registration.issuer, registration.client_id, attempt, secret, time.time())
        self.remember(state, secret)
        query = {
            "response_type": "id_token",
            "scope": "openid",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": registration.client_id,
            "redirect_uri": self.redirect_uri,
            "login_hint": hint,
            "nonce": nonce_of(state, secret),
            "state": seal(state, self.state_key),
        }
        message_hint = self.one_argument("lti_message_hint")
        if message_hint:
            query["lti_message_hint"] = message_hint
        return url_concat(registration.authorize_url, query)

    @property
    def redirect_uri(self):
        """Where the LMS has to send its answer; registered there letter by letter."""
        path = self.authenticator.callback_url(self.hub.base_url)
        return f"{self.public_scheme}://{self.public_host}{path}"

    def remember(self, state: LoginState, secret: str):
        """Bind the login to this browser; forget the oldest of many that were begun and never came back."""
        pending = sorted(name for name in self.request.cookies if name.startswith(COOKIE_PREFIX))
        for name in pending[: max(0, len(pending) + 1 - TABS_MAX)]:
            self.set_launch_cookie(name, "", 0)
        self.set_launch_cookie(state.cookie_name, secret, STATE_SECONDS)


class LaunchCallback(LaunchPage):
    """Step 3: the LMS's answer, verified, admitted, and sent on.

    https://www.imsglobal.org/spec/security/v1p0/#step-3-authentication-response
    """

    async def get(self):
        """Somebody reloaded, or found the address: there is no launch in a GET."""
        await self.show("start_in_lms", 405)

    async def post(self):
        """Log the person of the launch in."""
        where = ""
        try:
            state, secret = self.begun_login()
            registration = await self.authenticator.courses.registrations.find(state.issuer, state.client_id)
            if registration is None:
                raise LaunchRefused("registration_unknown")
            where = registration.platform
            launch = await self.verified_launch(registration, state, secret)
            arrival = await self.authenticator.courses.client.admit(launch_as_json(launch, registration.platform))
        except LaunchRefused as refusal:
            return await self.refuse(refusal.code, where=where)
        except Refused as refusal:
            return await self.refuse(refusal.code, refusal.status, refusal.reference, refusal.message, where)
        except ServiceDown as error:
            return await self.refuse("service_down", where=f"admission: {error}")
        self.end_login_of_others(arrival.access.username)
        user = await self.login_user({"arrival": arrival, "username": arrival.access.username})
        if user is None:
            return await self.refuse("login_refused", where=where)
        self.forget_service_login()
        where_to = (user.name, arrival.course, arrival.role, arrival.ready, arrival.goal)
        return self.redirect(after_launch(self.base_url, *where_to), status=303)

    def begun_login(self):
        """The state that came back and the secret of the browser it is bound to; works once."""
        if "error" in self.request.arguments:
            raise LaunchRefused("platform_refused")
        sealed = self.one_argument("state")
        if not sealed:
            raise LaunchRefused("state_missing")
        state = unseal(sealed, self.state_key, time.time())
        secret = self.get_cookie(state.cookie_name, "")
        if not secret:
            raise LaunchRefused("cookie_missing")
        if not is_bound(state, secret):
            raise LaunchRefused("state_foreign")
        self.set_launch_cookie(state.cookie_name, "", 0)
        return state, secret

    async def verified_launch(self, registration, state, secret):
        """The launch of the posted id_token. Raises LaunchRefused."""
        tokens = self.request.arguments.get("id_token", [])
        if len(tokens) != 1 or not tokens[0]:
            raise LaunchRefused("token_missing")
        claims = await self.authenticator.verified_claims(tokens[0].decode("ascii", "replace"), registration)
        nonce = nonce_of(state, secret)
        expected = Expected(
            issuer=registration.issuer,
            client_id=registration.client_id,
            nonce=nonce,
            deployment_ids=registration.deployment_ids,
            leeway=self.authenticator.clock_leeway,
        )
        try:
            check_claims(claims, expected, time.time())
        except LaunchRefused as refusal:
            if refusal.code == "deployment_unknown":  # what an administrator needs in order to add it
                deployment = str(claims.get(LTI + "deployment_id"))[:64]
                self.log.warning("Platform %s launches as deployment id %r", registration.platform, deployment)
            raise
        return launch_from_claims(
            claims,
            registration.client_id,
            self.authenticator.login_claim(registration),
            attempt=secrets.token_hex(8),
            base_url=f"{self.public_scheme}://{self.public_host}{self.base_url}",
        )

    def end_login_of_others(self, username):
        """End the login of whoever left this browser behind: servers that they opened would stay open."""
        before = self.get_current_user_cookie()
        if before is not None and before.name != username:
            self.clear_login_cookie()  # takes back the tokens of that session, too
            self.set_session_cookie()

    def forget_service_login(self):
        """Drop the course pages' own login: it may be of another person who used this browser before."""
        self.clear_cookie("service-courses", path=f"{self.base_url}services/courses/")
