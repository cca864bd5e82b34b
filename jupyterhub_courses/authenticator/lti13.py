"""The hub's authenticator: LTI 1.3 launches of any registered LMS, admitted by the courses service.

ltiauthenticator's traits keep their meaning and describe a first platform, which is made known to the
service at start. Who somebody is, and what they may, is the service's answer; nothing that a request says
makes an admin.
"""

import asyncio
import logging

from jupyterhub.auth import Authenticator
from jupyterhub.scopes import scope_definitions
from jupyterhub.traitlets import EntryPointType
from ltiauthenticator.lti13.auth import LTI13Authenticator
from traitlets import Bool, Instance, Int, Set, Unicode, default, validate

from ..adapters.courses_api.connection import CoursesConnection
from ..adapters.courses_api.hub import Access, Arrival, Refused, Registration, ServiceDown
from ..adapters.lms.id_tokens import verified_claims
from ..adapters.lms.keysets import Keysets, fetch_keyset, new_session
from ..core.logins import LINK_PATH
from .base import CONTINUE_PATH, compile_templates, spare_what_stays
from .continuing import LaunchContinuation
from .fallback import Fallback, FromFallback, checked
from .lti11 import LAUNCH_PATH as LTI11_PATH
from .lti11 import Lti11Launch
from .pages import LaunchCallback, LoginInitiation
from .starting import LoginLinkPage, LoginPage
from .taken import HANDLER as TAKEN_NAMES

RETRY_S = 2.0


class CoursesLTI13Authenticator(LTI13Authenticator):
    """Log in by launches of the registered LMSs."""

    login_service = "your learning platform"
    login_handler = LoginInitiation
    callback_handler = LaunchCallback

    platform_name = Unicode(
        "lms",
        help="Name of the platform that issuer, client_id and the other traits describe; shown on pages.",
    ).tag(config=True)

    token_url = Unicode(
        help="""Address where the platform gives access tokens, for sending scores and reading the roster.

        Empty: launches of this platform work, scores and roster do not.
        """,
    ).tag(config=True)

    deployment_ids = Set(
        Unicode(),
        help="""Deployment ids under which the platform launches this tool.

        Launches of others are refused; the log then names the id, so that it can be added here.
        """,
    ).tag(config=True)

    clock_leeway = Int(
        30,
        help="Seconds that the clocks of an LMS and this hub may differ before its launches are refused.",
    ).tag(config=True)

    lti11 = Bool(
        False,
        help="""Take launches of LTI 1.1, too, of the consumers in the courses file.

        For an LMS that has nothing newer. Off: whoever launches so is refused with a page that says it.
        """,
    ).tag(config=True)

    fallback = EntryPointType(
        None,
        klass=Authenticator,
        allow_none=True,
        entry_point_group="jupyterhub.authenticators",
        help="""Another authenticator of the hub, for people who come from no LMS: its class, or its name (`pam`, …).

        Its form or button stands on the login page, below the LMSs; it keeps its own settings. Whom it lets in is
        never somebody of an LMS, even by an equal name. Not an LTI authenticator: LMSs are registered as platforms.
        """,
    ).tag(config=True)

    connection = Instance(CoursesConnection)

    @default("clock_leeway")
    def _leeway_of_ltiauthenticator(self):
        return int(self.config.LTI13LaunchValidator.get("time_leeway", 30))

    @validate("fallback")
    def _no_lti_fallback(self, proposal):
        return checked(proposal.value)

    @default("connection")
    def _default_connection(self):
        return CoursesConnection(parent=self)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._keysets = self._session = None
        self._announcing = None
        self.without_lms = Fallback(self) if self.fallback else None
        logging.getLogger("tornado.application").addFilter(_no_scopes_is_meant)

    @property
    def courses(self):
        """The courses service."""
        return self.connection.open()

    def get_handlers(self, app):
        """Ours come before the hub's own login page; called once at start, so the first platform is announced here."""
        if self.issuer and self._announcing is None:
            self._announcing = asyncio.ensure_future(self._announce())
        compile_templates(app.tornado_settings)
        spare_what_stays()
        ours = [(r"/login", LoginPage), (f"/{CONTINUE_PATH}", LaunchContinuation)]
        ours += [(f"/{LINK_PATH}", LoginLinkPage), TAKEN_NAMES]
        if self.without_lms:
            ours += self.without_lms.handlers(app)
        return [*ours, (LTI11_PATH, Lti11Launch), *super().get_handlers(app)]

    async def verified_claims(self, token, registration: Registration):
        """The claims of an id_token that `registration`'s platform signed. Raises LaunchRefused."""
        if self._keysets is None:
            self._session = new_session()
            self._keysets = Keysets(lambda url: fetch_keyset(self._session, url))
        return await verified_claims(
            token, self._keysets, registration.keyset_url, registration.public_key, self.jwks_algorithms
        )

    def login_claim(self, registration: Registration):
        """The claim that `username_key` names, if an administrator set it and the launch is of that platform."""
        named = self.username_key != self.trait_defaults("username_key")
        return self.username_key if named and registration.issuer == self.issuer else ""

    async def authenticate(self, handler, data=None):
        """The hub's user of an admitted launch.

        Nothing else logs in: the hub's own form and token API also come here, with whatever a request said.
        """
        match data:
            case {"arrival": Arrival(access=access)}:
                return self.user_model(access, handler.find_user(access.username))
            case {"access": Access() as access}:  # of a one-time link
                return await self._as_before(access, handler.find_user(access.username))
            case {"fallback": FromFallback(data=told)} if self.without_lms:
                return await self.without_lms.authenticate(handler, told)
        return None

    async def refresh_user(self, user, handler=None):
        """What the person may now. Never raises: a service that is down changes nothing for whoever is logged in."""
        try:
            access = await self.courses.client.access(user.name)
            if access is None:
                return True
            if self.without_lms and access.login is not None:
                return await self.without_lms.refresh(user, handler, access)
            return await self._as_before(access, user)
        except (ServiceDown, Refused) as error:
            self.log.warning("Roles of %s not refreshed: %s", user.name, error)
        except Exception:
            self.log.exception("Roles of %s not refreshed", user.name)
        return True

    async def _as_before(self, access: Access, user):
        """What they may now, with the state that a login by the fallback left: the hub would drop what is not named."""
        auth_state = await user.get_auth_state() if user and self.enable_auth_state else None
        return {**self.user_model(access, user), "auth_state": auth_state}

    def normalize_username(self, username):
        """Lowercase. A `username_map` is the fallback's: it maps logins, and could make somebody of an LMS another."""
        return username.lower()

    def check_allow_config(self):
        """The fallback's, too, which warns of what only it knows."""
        super().check_allow_config()
        if self.without_lms:
            self.without_lms.own.check_allow_config()

    async def pre_spawn_start(self, user, spawner):
        """What the fallback does for its own people."""
        if self.without_lms:
            await self.without_lms.around_a_server("pre_spawn_start", user, spawner)

    async def post_spawn_stop(self, user, spawner):
        """What the fallback does for its own people."""
        if self.without_lms:
            await self.without_lms.around_a_server("post_spawn_stop", user, spawner)

    def user_model(self, access: Access, user, admin=None):
        """As `authenticate` returns it. `user`: the hub's, None for a new one. `admin`: what a fallback says of it.

        The hub takes away managed roles that are not named, `user` and `admin` too; naming `admin` with
        scopes would overwrite it for everybody. Admin is who was so by configuration or in the hub, whatever
        the answer says.
        """
        roles = [role for role in access.roles if role["name"] not in ("user", "admin") and self._fits(role)]
        is_admin = (user is not None and user.admin) if admin is None else admin
        if access.username in self.admin_users or is_admin:
            roles.append({"name": "admin"})
        roles.insert(0, {"name": "user"})
        # None: the hub leaves them as they are, without a look at each in its database.
        unchanged = _has_just(user, roles)
        model = {"name": access.username, "roles": None if unchanged else roles}
        return model if admin is None else {**model, "admin": is_admin or access.username in self.admin_users}

    def _fits(self, role):
        """Whether this hub knows the role's scopes; one that it does not know would fail the login, or end it."""
        odd = {scope.partition("!")[0] for scope in role.get("scopes", ())} - scope_definitions.keys()
        if odd:
            self.log.error("Role %s is left out: this hub does not know the scopes %s", role["name"], sorted(odd))
        return not odd

    async def close(self):
        """Close connections; the hub itself just ends."""
        if self._announcing is not None:
            self._announcing.cancel()
        if self._session is not None:
            await self._session.close()
        await self.courses.client.close()

    async def _announce(self):
        """Make the first platform known to the service, which may still be starting."""
        if not self.deployment_ids:
            self.log.warning("No deployment_ids for %s: its launches will be refused", self.issuer)
        while True:
            try:
                for client_id in sorted(self.client_id):
                    await self.courses.client.put_registration(self._first_platform(client_id))
                return
            except ServiceDown:
                await asyncio.sleep(RETRY_S)
            except Refused as refusal:
                if refusal.status >= 500:  # it answers, and is still making itself ready
                    await asyncio.sleep(RETRY_S)
                    continue
                self.log.error("The courses service does not take the configured platform: %s", refusal)
                return

    def _first_platform(self, client_id):
        return {
            "platform": self.platform_name,
            "issuer": self.issuer,
            "client_id": client_id,
            "deployment_ids": sorted(self.deployment_ids),
            "authorize_url": self.authorize_url,
            "token_url": self.token_url or None,
            "keyset_url": self.jwks_endpoint or None,
            "public_key": None,
        }


def _has_just(user, roles):
    """Whether these are the roles that a user has, with the same scopes where any are named; None: who is made now."""
    has = {role.name: role.scopes for role in user.roles} if user is not None else {"user": None}
    return has.keys() == {role["name"] for role in roles} and all(
        role["scopes"] == has[role["name"]] for role in roles if "scopes" in role
    )


def _no_scopes_is_meant(record):
    """Filter of the hub's warning about `{"name": "user"}`, which is how its scopes stay as configured."""
    return "will have no scopes" not in record.getMessage()
