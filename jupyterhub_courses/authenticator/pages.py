"""Launches of LTI 1.3, as the browser sees them: login initiation, and the LMS's answer."""

import secrets
import time
from dataclasses import replace

from tornado.httputil import url_concat

from ..core.admissions import Launch, wanted_name
from ..core.destinations import is_inside
from ..core.frames import Shown
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
from ..core.refusals import LaunchRefused
from .base import LaunchPage

TABS_MAX = 16  # logins begun at once in one browser, before the oldest is forgotten


class LoginInitiation(LaunchPage):
    """Step 1 and 2: the LMS says that somebody comes; we ask it who that is.

    https://www.imsglobal.org/spec/security/v1p0/#step-1-third-party-initiated-login
    """

    async def post(self):
        """Send the browser to the LMS with a state and a nonce of its own."""
        if not self.request.arguments.keys() & {"iss", "login_hint", "target_link_uri", "client_id"}:
            await self.show("start_in_lms", 200)
        else:
            await self.or_refuse(self.begin())

    get = post

    async def begin(self):
        """Send the browser to the LMS. Raises LaunchRefused, Refused, ServiceDown."""
        registration, hint = await self.begun()
        self.redirect(self.authentication_request(registration, hint))

    async def begun(self):
        """Registration and login hint of a login that is meant for us. Raises LaunchRefused."""
        issuer, hint = self.one_argument("iss"), self.one_argument("login_hint")
        target = self.one_argument("target_link_uri")
        # Without these a login may go on; with one of several of them it might go on as another's.
        if not issuer or not hint or not target or any(map(self.is_unusable, ("client_id", "lti_message_hint"))):
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
            "nonce": nonce_of(state, self.state_key),
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
        await self.or_refuse(self.launched())

    async def launched(self):
        """Verify, admit, and send on. Raises LaunchRefused, Refused, ServiceDown."""
        state = self.begun_login()
        proven = self.came_back(state)
        registration = await self.authenticator.courses.registrations.find(state.issuer, state.client_id)
        if registration is None:
            raise LaunchRefused("registration_unknown")
        self.where = registration.platform
        launch = await self.verified_launch(registration, state)
        launch = replace(launch, free_name=self.free_name(launch))
        arrival = await self.authenticator.courses.client.admit(launch_as_json(launch, registration.platform))
        await self.welcome(arrival, registration.platform, proven=proven)

    def free_name(self, launch: Launch) -> str | None:
        """The first name for somebody new, unless a user has it: the service would have to ask the hub for that."""
        name = wanted_name(launch, lambda _: False)
        return None if self.has_user(name) else name

    def begun_login(self) -> LoginState:
        """The state that came back. Raises LaunchRefused."""
        if "error" in self.request.arguments:
            raise LaunchRefused("platform_refused")
        sealed = self.one_argument("state")
        if not sealed:
            raise LaunchRefused("state_missing")
        return unseal(sealed, self.state_key, time.time())

    def came_back(self, state: LoginState) -> bool:
        """Whether the login's cookie came with its state: the browser is the one that began. Works once.

        A browser may keep it back in another site's frame: over http, or where people forbid such cookies. There
        alone it may be missing, and the person is asked later. Raises LaunchRefused.
        """
        secret = self.get_cookie(state.cookie_name, "")
        if not secret and self.shown is not Shown.WINDOW:
            return False
        if not secret:
            raise LaunchRefused("cookie_missing")
        if not is_bound(state, secret):
            raise LaunchRefused("state_foreign")
        self.set_launch_cookie(state.cookie_name, "", 0)
        return True

    async def verified_launch(self, registration, state):
        """The launch of the posted id_token. Raises LaunchRefused."""
        tokens = self.request.arguments.get("id_token", [])
        if len(tokens) != 1 or not tokens[0]:
            raise LaunchRefused("token_missing")
        claims = await self.authenticator.verified_claims(tokens[0].decode("ascii", "replace"), registration)
        expected = Expected(
            issuer=registration.issuer,
            client_id=registration.client_id,
            nonce=nonce_of(state, self.state_key),
            deployment_ids=registration.deployment_ids,
            host=self.public_host,
            base_url=self.base_url,
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
