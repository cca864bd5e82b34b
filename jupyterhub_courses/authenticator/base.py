"""What every page of a way in has in common: refusals, cookies of a login, and the end of one that worked.

Promises: no argument, cookie or token is logged; every refusal is a page with one sentence in the reader's
language and a reference that the log has too. Not built on ltiauthenticator's handlers, which log what they
are given.
"""

import gc
import hmac
import secrets
from collections.abc import Awaitable
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader
from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join

from ..adapters.courses_api.hub import Arrival, Refused, ServiceDown
from ..core.destinations import after_launch
from ..core.frames import Shown, shown_in
from ..core.goals import Kind
from ..core.refusals import STATUS, LaunchRefused
from ..core.sentences import SENTENCES, language_of, sentence

TEMPLATES = FileSystemLoader(Path(__file__).parent / "templates")
ARGUMENT_MAX = 8192
CONTINUE_PATH = "lti13/continue"


class LaunchPage(BaseHandler):
    """What the handlers here have in common.

    where: of whom a refusal's line in the log speaks; a registration's name, never a person's.
    """

    where = ""

    def check_xsrf_cookie(self):
        """Launches come from another site; the sealed state and its cookie stand in for the hub's own check."""

    def get_template(self, name, sync=False):
        """The hub's templates, and ours beside them."""
        environment = self.settings["jinja2_env_sync" if sync else "jinja2_env"]
        return _with_ours(environment).get_template(name)

    async def prepare(self):
        """As the hub's, after the query was parsed and forgotten: logs would show it, and it names the person."""
        self.request.uri = self.request.path
        await super().prepare()

    def _log(self):
        """The hub's access log, which follows the answer, without the query of a redirect."""
        if "Location" in self._headers:
            self._headers["Location"] = self._headers["Location"].partition("?")[0]
        super()._log()

    def find_user(self, name):
        """As the hub's, but whom the hub holds already is not read anew: that is a third of what a login costs it."""
        found = self.has_user(name)
        return self.users[found.id] if found else None

    def has_user(self, name):
        """A row whose `id` is the user's, or None."""
        return self.db.query(orm.User.id).filter(orm.User.name == name).first()

    # -- who asks, and how

    @property
    def language(self):
        """`en` or `de`, as the browser asks."""
        return language_of(self.request.headers.get("Accept-Language"))

    @property
    def shown(self) -> Shown:
        """Where the browser will show the answer."""
        return shown_in(self.request.headers)

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

    def is_unusable(self, name):
        """Whether `name` says something that `one_argument` does not take: "" would not be its meaning."""
        return any(self.request.arguments.get(name, ())) and not self.one_argument(name)

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

    # -- pages

    async def show(self, code, status, reference=None, message=None, **more):
        """A page with the sentence of `code` (or an English `message` for a code that only the service knows).

        `more`: further names of the template.
        """
        text = sentence(code, self.language) if code in SENTENCES or not message else message
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        if status == 503:
            self.set_header("Retry-After", "10")
        names = {"text": text, "language": self.language, "reference": reference, "code": code, **more}
        self.finish(await self.render_template("courses_launch.html", **names))

    def allow_frames(self):
        """Let an LMS that embeds the hub show this answer in its frame, so that somebody reads it."""
        self.set_header("Content-Security-Policy", "frame-ancestors *")

    async def refuse(self, code, status=None, reference=None, message=None, where=""):
        """Refuse with a page; `where` goes to the log (a registration's name, never a person's)."""
        reference = reference or secrets.token_hex(4)
        self.log.warning("Launch refused: %s (reference %s)%s", code, reference, where and f" at {where}")
        self.allow_frames()  # nothing on the page does anything
        await self.show(code, status or STATUS.get(code, 403), reference, message)

    async def or_refuse(self, story: Awaitable[None]):
        """Await `story`; what it refuses, or the service does, becomes a page."""
        try:
            await story
        except LaunchRefused as refusal:
            await self.refuse(refusal.code, where=self.where)
        except Refused as refusal:
            await self.refuse(refusal.code, refusal.status, refusal.reference, refusal.message, self.where)
        except ServiceDown as error:
            await self.refuse("service_down", where=f"{self.where} ({error})".strip())

    # -- the end of a login

    async def welcome(self, arrival: Arrival, where="", *, proven=True):
        """Send an admitted person on, logged in, to what they came for; `where` as in `refuse`.

        In a frame they get a button that goes on in a window: notebooks refuse frames, and a login stays in its
        frame. Whoever is to choose something for the LMS stays: that page is made for frames and needs no login.
        proven: whether the login began in this very browser (core/continuations.py). Raises Refused, ServiceDown.
        """
        self.where = where
        if arrival.goal.kind is Kind.SELECTION:
            return self.redirect(self.place_of(arrival), status=303)
        if self.shown is Shown.FRAME or not proven:
            return await self.offer_window(arrival, proven)
        return await self.log_in(arrival)

    async def offer_window(self, arrival: Arrival, proven: bool):
        """A page with one button, which opens a window and goes on there."""
        code = await self.authenticator.courses.client.continuation(arrival, proven)
        self.allow_frames()
        form = {"action": url_path_join(self.hub.base_url, CONTINUE_PATH), "window": True, "fields": {"code": code}}
        button = sentence("open_window_button", self.language)
        await self.show("open_window", 200, form={**form, "button": button})

    async def log_in(self, arrival: Arrival):
        """Log the person in, in this window, and send the browser on."""
        self.end_login_of_others(arrival.access.username)
        user = await self.login_user({"arrival": arrival, "username": arrival.access.username})
        if user is None:
            return await self.refuse("login_refused", where=self.where)
        self.forget_service_login()
        place = self.place_of(arrival)
        if self.shown is Shown.UNKNOWN:  # a frame of the hub's own site, maybe: a page that looks for itself
            self.allow_frames()
            button = sentence("open_window_button", self.language)
            return await self.show("look_around", 200, place=place, button=button)
        return self.redirect(place, status=303)

    def place_of(self, arrival: Arrival):
        """The address that the person came for."""
        what = (arrival.access.username, arrival.course, arrival.role, arrival.ready, arrival.goal)
        return after_launch(self.base_url, *what)

    def is_another(self, username):
        """Whether this browser is not known to be logged in as `username` already."""
        before = self.get_current_user_cookie()
        return before is None or before.name != username

    def end_login_of_others(self, username):
        """End the login of whoever left this browser behind: servers that they opened would stay open."""
        before = self.get_current_user_cookie()
        if before is not None and before.name != username:
            self.clear_login_cookie()  # takes back the tokens of that session, too
            self.set_session_cookie()

    def forget_service_login(self):
        """Drop the course pages' own login: it may be of another person who used this browser before."""
        self.clear_cookie("service-courses", path=f"{self.base_url}services/courses/")


def compile_templates(settings):
    """Have every page ready before the first is shown: it would hold up everybody for those 20 ms."""
    for name in (*TEMPLATES.list_templates(), "page.html"):
        _with_ours(settings["jinja2_env"]).get_template(name)


def spare_what_stays():
    """Garbage collections no longer look through what the start has loaded, which holds everybody up for 100 ms."""
    gc.collect()
    gc.freeze()


@cache
def _with_ours(environment):
    """The hub's templates and ours. Made once: a new overlay forgets what was compiled, and that takes 20 ms."""
    return environment.overlay(loader=ChoiceLoader([TEMPLATES, environment.loader]))
