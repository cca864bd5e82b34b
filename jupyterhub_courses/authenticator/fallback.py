"""`fallback`: another authenticator of the hub, for people who come from no LMS.

Promises: it keeps its own settings, form or pages, and its yes or no; whom it lets in is admitted by the courses
service, so that nobody becomes somebody of an LMS by choosing a name. What a request says reaches it by its own pages
alone, or by the login form when that is how it asks; never by the hub's token API.
"""

from dataclasses import dataclass
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from jupyterhub.utils import maybe_future, url_path_join
from tornado.web import Finish
from traitlets import TraitError

from ..adapters.courses_api.hub import Refused, ServiceDown
from .base import LaunchPage

#: Where a page of the fallback goes that would stand in the place of the hub's own login page.
OWN_LOGIN_PATH = "fallback-login"


@dataclass(frozen=True)
class FromFallback:
    """What the fallback is asked with. Nothing that a request says is ever an instance of this."""

    data: Any


def checked(cls):
    """`cls`, unless it takes a request's own words for what an LMS has signed. Raises TraitError."""
    # Its `authenticate` believes any dict: the form fields of POST /hub/login would be claims.
    if cls is not None and any(base.__module__.partition(".")[0] == "ltiauthenticator" for base in cls.__mro__):
        raise TraitError(
            "CoursesLTI13Authenticator.fallback: an LTI authenticator cannot be the fallback; register its LMS as a "
            "platform instead."
        )
    return cls


class Fallback:
    """`own`: the authenticator named in the setting; `ours`: the hub's."""

    def __init__(self, ours):
        self.ours = ours
        session = ours._deprecated_db_session
        self.own = ours.fallback(parent=ours.parent, config=ours.config, _deprecated_db_session=session)
        self._login_page = False
        if self.own.enable_auth_state:
            ours.enable_auth_state = True

    @property
    def takes_form(self):
        """Whether people type name and password into the hub's own form, rather than press a button."""
        return not self._login_page and self.own.login_url("/") == "/login"

    def login_url(self, base_url):
        """Where form or button lead."""
        return url_path_join(base_url, OWN_LOGIN_PATH) if self._login_page else self.own.login_url(base_url)

    @property
    def service(self):
        """What the button says; empty for the form."""
        return "" if self.takes_form else self.own.login_service or type(self.own).__name__

    def handlers(self, app):
        """Its own pages, called once at start; its logout stays out, which would be everybody's."""
        # As the hub does for its authenticator (JupyterHub.init_users), and so that it knows whose names count here.
        own = self.own
        own.admin_users = {own.normalize_username(name) for name in own.admin_users} | self.ours.admin_users
        if own.allowed_users:
            own.allowed_users = {own.normalize_username(name) for name in own.allowed_users} | own.admin_users
        found = []
        for path, handler, *more in own.get_handlers(app):
            if path.strip("/") == "login":
                if issubclass(handler, LoginHandler):
                    continue
                path, self._login_page = f"/{OWN_LOGIN_PATH}", True
            elif path.strip("/") == "logout":
                continue
            if issubclass(handler, BaseHandler):
                handler = type(f"Fallback{handler.__name__}", (handler, FallbackPage), {"fallback": self})
            found.append((path, handler, *more))
        return found

    async def authenticate(self, handler, data):
        """The hub's user of somebody whom the fallback lets in, or None. Raises Refused, ServiceDown."""
        found = await self.own.get_authenticated_user(handler, data)
        if not found:
            return None
        access = await self.ours.courses.client.admit_login(found["name"])
        user = handler.find_user(access.username)
        model = self.ours.user_model(access, user, self._admin(found, access))
        return {**model, **{name: found[name] for name in ("auth_state", "user_info") if found.get(name) is not None}}

    async def refresh(self, user, handler, access):
        """As the hub's `refresh_user`, for somebody who once came by the fallback."""
        auth_state = await user.get_auth_state() if self.ours.enable_auth_state else None
        found = {}
        # Without a state where there would be one, they are here by a link: nothing to refresh.
        if auth_state or not self.own.enable_auth_state:
            found = await maybe_future(self.own.refresh_user(known_as(user, access.login), handler))
            if not found:
                return False
            found = found if isinstance(found, dict) else {}
        if "name" in found and self.own.normalize_username(found["name"]) != access.login:
            return False
        model = self.ours.user_model(access, user, self._admin(found, access))
        return {**model, "auth_state": found.get("auth_state", auth_state)}

    async def around_a_server(self, hook, user, spawner):
        """`pre_spawn_start` or `post_spawn_stop` of the fallback, for its own people."""
        if getattr(type(self.own), hook) is getattr(Authenticator, hook):
            return
        try:
            access = await self.ours.courses.client.access(user.name)
        except (ServiceDown, Refused) as error:
            self.ours.log.warning("%s of the fallback left out: %s", hook, error)
            return
        if access is not None and access.login is not None:
            await maybe_future(getattr(self.own, hook)(known_as(user, access.login), spawner))

    def _admin(self, found, access):
        """True or False where the fallback says so; None leaves things as they are."""
        if access.username != access.login and access.login in self.ours.admin_users:
            return None  # the administrator of that name is somebody else
        return found.get("admin")


class FallbackPage(LaunchPage):
    """What a page of the fallback becomes: the same, but that we do what follows a login."""

    fallback: Fallback
    check_xsrf_cookie = BaseHandler.check_xsrf_cookie

    @property
    def authenticator(self):
        """The fallback, as it knows itself."""
        return Seen(self.fallback)

    async def prepare(self):
        """With its query, which it may need; `_log` leaves it out."""
        await super(LaunchPage, self).prepare()

    def _request_summary(self):
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def _log(self):
        self.request.uri = self.request.path
        super()._log()

    async def login_user(self, data=None):
        """As the hub's; where it cannot be done, a page says why."""
        try:
            return await super().login_user(data)
        except Refused as refusal:
            await LaunchPage.refuse(self, refusal.code, refusal.status, refusal.reference, refusal.message)
        except ServiceDown as error:
            await LaunchPage.refuse(self, "service_down", where=f"fallback ({error})")
        raise Finish

    def set_login_cookie(self, user):
        """Not beside the login of somebody else in this browser."""
        self.end_login_of_others(user.name)
        super().set_login_cookie(user)
        self.forget_service_login()


class Seen:
    """The authenticator of a fallback's page: the fallback's own, but what the hub does with a login is ours."""

    _OURS = frozenset(
        {"add_user", "refresh_user", "auth_refresh_age", "auth_refresh_strict", "refresh_pre_spawn", "refresh_pre_stop"}
        | {"manage_groups", "manage_roles", "enable_auth_state", "reconcile_auth_state_hook"}
    )

    def __init__(self, fallback):
        self._fallback = fallback

    def __getattr__(self, name):
        return getattr(self._fallback.ours if name in self._OURS else self._fallback.own, name)

    async def get_authenticated_user(self, handler, data):
        """A login that a page of the fallback brought."""
        return await self._fallback.ours.get_authenticated_user(handler, {"fallback": FromFallback(data)})


def known_as(user, name):
    """The hub's user, by the name that the fallback knows."""
    return user if user.name == name else _KnownAs(user, name)


class _KnownAs:
    def __init__(self, user, name):
        self._user, self.name = user, name

    def __getattr__(self, name):
        return getattr(self._user, name)
