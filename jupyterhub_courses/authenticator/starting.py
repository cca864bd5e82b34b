"""`/hub/login` and `/hub/login-link`: where somebody who is not logged in starts, and one-time links.

The hub's own login (`fallback`), where there is one, stands below the LMSs.
"""

from jinja2 import Template
from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from jupyterhub.utils import url_path_join
from tornado.escape import url_escape
from tornado.httputil import url_concat
from tornado.web import HTTPError

from ..adapters.courses_api.hub import Refused
from ..core.logins import CODE_MAX, LINK_PATH
from ..core.sentences import sentence
from .base import LaunchPage
from .fallback import FromFallback

_CONTROLS = frozenset({*range(0x20), 0x7F})


class LoginPage(LaunchPage, LoginHandler):
    """`/hub/login` for somebody who is not logged in: says where to start."""

    check_xsrf_cookie = LoginHandler.check_xsrf_cookie
    starts = ()

    async def prepare(self):
        """With the LMSs to start from, which every answer names."""
        if any(_CONTROLS.intersection(value) for value in self.request.arguments.get("next", ())):
            # No address has them, and no header takes them: the hub would fail where it is to go on.
            for arguments in (self.request.arguments, self.request.query_arguments, self.request.body_arguments):
                arguments.pop("next", None)
        self.starts = await self.authenticator.courses.starts.all()
        await super().prepare()

    def _render(self, login_error=None, username=None, **names):
        """The page; not async, for the hub shows errors of its form by it, too."""
        own = self.authenticator.without_lms
        if own is not None:
            names |= self._form(own, login_error, username)
        return self.render_template(
            "courses_login.html",
            text=sentence("start_in_lms", self.language),
            fallback_title=sentence("fallback_title", self.language),
            language=self.language,
            starts=self.starts,
            has_fallback=own is not None,
            **names,
        )

    def _form(self, own, login_error, username):
        """What the hub's own page takes to show the form or button of the fallback (LoginHandler._render)."""
        context = {
            "next": url_escape(self.get_argument("next", "")),
            "username": username,
            "login_error": login_error,
            "login_url": self.settings["login_url"],
            "authenticator_login_url": url_concat(
                own.login_url(self.hub.base_url), {"next": self.get_argument("next", "")}
            ),
            "authenticator": own.own,
            "xsrf": self.xsrf_token.decode("ascii"),
        }
        custom_html = Template(own.own.get_custom_html(self.hub.base_url)).render(**context)
        return {**context, "custom_html": custom_html, "login_service": own.service}

    async def post(self):
        """The form of the fallback, if it has one."""
        own = self.authenticator.without_lms
        if own is None or not own.takes_form:
            self.set_status(405)
            self.finish(await self._render())
            return
        for arguments in (self.request.arguments, self.request.body_arguments):
            arguments.setdefault("username", [b""])  # which the hub's handler takes to be there
        await self.or_refuse(super().post())

    async def login_user(self, data=None):
        """Only `post` comes here: what was typed goes to the fallback."""
        typed = {"username": "", "password": "", **(data or {})}
        return await super().login_user({"fallback": FromFallback(typed), "username": typed["username"]})

    def set_login_cookie(self, user):
        """Not beside the login of somebody else in this browser. Who is logged in already comes here, too."""
        if self.is_another(user.name):
            self.end_login_of_others(user.name)
            self.forget_service_login()
        super().set_login_cookie(user)


class LoginLinkPage(LaunchPage):
    """`/hub/login-link`: a GET says whom the link logs in, and changes nothing; the button uses it up."""

    async def get(self):
        """A page with a button."""
        await self.or_refuse(self.ask())

    async def post(self):
        """Log in."""
        await self.or_refuse(self.use())

    async def ask(self):
        """Programs that look at links in mails or chats come as far as this. Raises Refused."""
        code = self.code()
        name = await self.authenticator.courses.client.look_at_link(code)
        self.set_header("Referrer-Policy", "no-referrer")  # the address holds the code
        form = {
            "action": url_path_join(self.hub.base_url, LINK_PATH),
            "window": False,
            "fields": {"code": code, "_xsrf": self.xsrf_token.decode("ascii")},
            "button": sentence("link_button", self.language).format(name=name),
        }
        text = sentence("link_text", self.language).format(name=name)
        await self.show("link_text", 200, text=text, form=form)

    async def use(self):
        """Use the link up. Raises Refused."""
        try:
            # The hub's own XSRF token, bound to this browser, is on our page alone: no other site can send this form,
            # so nobody is logged in without having seen as whom.
            BaseHandler.check_xsrf_cookie(self)
        except HTTPError:
            raise Refused("link_form_stale", "", "", 403) from None
        access = await self.authenticator.courses.client.admit_by_link(self.code())
        self.end_login_of_others(access.username)
        user = await self.login_user({"access": access, "username": access.username})
        if user is None:
            return await self.refuse("login_refused")
        self.forget_service_login()
        return self.redirect(f"{self.base_url}services/courses/", status=303)

    def code(self):
        """The code of the link. Raises Refused."""
        code = self.one_argument("code")
        if not 0 < len(code) <= CODE_MAX:
            raise Refused("code_spent", "", "", 410)
        return code
