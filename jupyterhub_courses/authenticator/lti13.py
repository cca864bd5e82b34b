"""The hub's authenticator: LTI 1.3 launches of any registered LMS, admitted by the courses service.

ltiauthenticator's traits keep their meaning and describe a first platform, which is made known to the
service at start. Who somebody is, and what they may, is the service's answer; nothing that a request says
makes an admin.
"""

import asyncio
import logging

from jupyterhub.scopes import scope_definitions
from ltiauthenticator.lti13.auth import LTI13Authenticator
from traitlets import Instance, Int, Set, Unicode, default

from ..adapters.courses_api.connection import CoursesConnection
from ..adapters.courses_api.hub import Access, Arrival, Refused, Registration, ServiceDown
from ..adapters.lms.id_tokens import verified_claims
from ..adapters.lms.keysets import Keysets, fetch_keyset, new_session
from .pages import LaunchCallback, LoginInitiation, LoginPage

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

    connection = Instance(CoursesConnection)

    @default("connection")
    def _default_connection(self):
        return CoursesConnection(parent=self)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._keysets = self._session = None
        self._announcing = None
        logging.getLogger("tornado.application").addFilter(_no_scopes_is_meant)

    @property
    def courses(self):
        """The courses service."""
        return self.connection.open()

    def get_handlers(self, app):
        """Ours come before the hub's own login page; called once at start, so the first platform is announced here."""
        if self.issuer and self._announcing is None:
            self._announcing = asyncio.ensure_future(self._announce())
        return [(r"/login", LoginPage), *super().get_handlers(app)]

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
        arrival = data.get("arrival") if isinstance(data, dict) else None
        if not isinstance(arrival, Arrival):
            return None
        return self._user_model(arrival.access, handler.find_user(arrival.access.username))

    async def refresh_user(self, user, handler=None):
        """What the person may now. Never raises: a service that is down changes nothing for whoever is logged in."""
        try:
            access = await self.courses.client.access(user.name)
            return True if access is None else self._user_model(access, user)
        except (ServiceDown, Refused) as error:
            self.log.warning("Roles of %s not refreshed: %s", user.name, error)
        except Exception:
            self.log.exception("Roles of %s not refreshed", user.name)
        return True

    def _user_model(self, access: Access, user):
        """As `authenticate` returns it. `user`: the hub's, None for a new one.

        The hub takes away managed roles that are not named, `user` and `admin` too; naming `admin` with
        scopes would overwrite it for everybody. Admin is who was so by configuration or in the hub, whatever
        the answer says.
        """
        roles = [role for role in access.roles if role["name"] not in ("user", "admin") and self._fits(role)]
        if access.username in self.admin_users or (user is not None and user.admin):
            roles.append({"name": "admin"})
        return {"name": access.username, "roles": [{"name": "user"}, *roles], "groups": access.groups}

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


def _no_scopes_is_meant(record):
    """Filter of the hub's warning about `{"name": "user"}`, which is how its scopes stay as configured."""
    return "will have no scopes" not in record.getMessage()
