"""Deep Linking: a teacher selects content in the tool's own page, in a frame of ours, and activities are made of it.

Promises: as Moodle 4.5.6 takes and refuses answers (vectors/moodle/08-deep-linking.json); but what Moodle writes into
the form of a new activity, to be saved by the teacher, is an activity here at once.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

import jwt
from tornado.web import HTTPError

from jupyterhub_courses.demo.lms.keys import KeysetUnreachable
from jupyterhub_courses.demo.lms.launching import LaunchPage
from jupyterhub_courses.demo.lms.pages import CoursePage, Page
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import Begun

ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
ERRORS = ("https://purl.imsglobal.org/spec/lti-dl/claim/errormsg",)
TITLE_LIMIT = 255
MAXIMUM = 100  # of the site


class SelectPage(CoursePage):
    """/course/ID/select: the dialogue, a frame in a page of the course."""

    def get(self, course_id: str) -> None:
        _, course, role = self.enter(course_id)
        if role != "editingteacher":
            raise HTTPError(403)
        frames = "frame-ancestors 'none'; frame-src *"  # the tool sends the frame on to the hub's own host
        self.show("select.html", frames, course=course, role=role, type_id=self.site.type_id)


class ContentItemPage(LaunchPage):
    """/mod/lti/contentitem.php?id=TOOL&course=ID: the login initiation of a selection."""

    def get(self) -> None:
        session = self.signed_in()
        course = self.number("course")
        if course not in self.site.store.roles_of(session.person):
            raise HTTPError(404)
        title, text = self.get_argument("title", ""), self.get_argument("text", "", strip=False)
        self.initiate(session, Begun(course, None, "LtiDeepLinkingRequest", title=title, text=text), {})

    post = get


class ContentItemReturnPage(Page):
    """/mod/lti/contentitem_return.php: the tool's answer, brought by the browser."""

    async def post(self) -> None:
        token = self.get_body_argument("JWT", None)
        if token is None or self.get_argument("id", "") != self.site.type_id:
            raise HTTPError(404)
        if self.session() is None and not self.get_body_argument("repost", ""):
            # The browser keeps our cookie back from another site's form; it comes with a form of our own.
            self.send_form("ltiRepostForm", self.request.uri or "", {"JWT": token, "repost": "1"})
            return
        session = self.signed_in()
        items = await answered(self.site, token)
        course = self.number("course")
        is_teacher = self.site.store.roles_of(session.person).get(course) == "editingteacher"
        if not is_teacher or self.get_query_argument("sesskey", "") != session.sesskey:
            raise HTTPError(404)
        titles, error = make_all(self.site, course, items)
        frames = "frame-ancestors 'self'"  # it stands in the dialogue
        self.show("selected.html", frames, titles=titles, error=error, back=f"/course/{course}")


async def answered(site: Site, token: str) -> list[Any]:
    """The items of a tool's answer; none for what is no JWT. Raises HTTPError 404 for one that is not the tool's.

    aud, nonce, deployment, message type and version are not looked at: recorded.
    """
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return []
    if "iss" not in claims:
        return []
    now = site.clock()
    early = any(isinstance(claims.get(name), int | float) and claims[name] > now for name in ("iat", "nbf"))
    late = isinstance(claims.get("exp"), int | float) and now >= claims["exp"]
    ours = claims["iss"] == site.scenario.client_id and "kid" in header and not early and not late
    if not ours or not await _is_signed(site, token, header.get("kid")):
        raise HTTPError(404)
    items = claims.get(ITEMS)
    if any(claims.get(name) for name in ERRORS) or not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict) and item.get("type")]


async def _is_signed(site: Site, token: str, kid: str | None) -> bool:
    for fresh in (False, True):
        try:
            key = await site.tool_keys.key(kid, fresh=fresh)
            jwt.PyJWS().decode(token, key, algorithms=["RS256"])
            return True
        except (jwt.InvalidTokenError, KeysetUnreachable, TypeError):
            if not site.tool_keys.refetchable:
                return False
    return False


def make_all(site: Site, course: int, items: list[Any]) -> tuple[list[str], str]:
    """The titles of the activities made, or what the form says; of several, those that it would refuse are left."""
    titles: list[str] = []
    for item in items:
        error = mistake(item)
        if error and len(items) == 1:
            return [], error
        if len(_title(site, item)) <= TITLE_LIMIT:
            titles.append(_make(site, course, item, graded=not error))
    return titles, ""


def mistake(item: Mapping[str, Any]) -> str:
    """What Moodle's form says about an item."""
    if len(str(item.get("title") or "")) > TITLE_LIMIT:
        return f"Maximum of {TITLE_LIMIT} characters"
    maximum = _column(item).get("scoreMaximum", MAXIMUM)
    if "lineItem" in item and not (isinstance(maximum, int) and 1 <= maximum <= MAXIMUM):
        return f"Invalid grade value. This must be an integer between 1 and {MAXIMUM}"
    return ""


def custom_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Custom parameters as Moodle keeps them: a text of lines, without markup."""
    sent = item.get("custom")
    lines = "\n".join(f"{name}={_php(value)}" for name, value in sent.items()) if isinstance(sent, dict) else ""
    pairs = (line.partition("=") for line in strip_tags(lines).splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def strip_tags(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", text))


def _make(site: Site, course: int, item: Mapping[str, Any], graded: bool) -> str:
    column = None
    if "lineItem" in item and graded:
        told = _column(item)
        column = (float(told.get("scoreMaximum", MAXIMUM)), str(told.get("resourceId", "")), str(told.get("tag", "")))
    title = strip_tags(_title(site, item))
    url = str(item.get("url") or "")
    site.store.add_activity(course, title, str(item.get("text") or ""), custom_of(item), url, column)
    return title


def _title(site: Site, item: Mapping[str, Any]) -> str:
    return str(item.get("title") or site.scenario.tool.name)


def _column(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item.get("lineItem")
    return found if isinstance(found, dict) else {}


def _php(value: Any) -> str:
    """A value as PHP writes it into a text."""
    if value is None or value is False:
        return ""
    return "1" if value is True else str(value)


def handlers() -> list[Any]:
    return [
        (r"/course/([0-9]{1,15})/select", SelectPage),
        (r"/mod/lti/contentitem\.php", ContentItemPage),
        (r"/mod/lti/contentitem_return\.php", ContentItemReturnPage),
    ]
