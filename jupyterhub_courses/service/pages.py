"""The pages: my courses, a course for its students and for its teachers, participants, waiting."""

from collections import Counter
from typing import Any
from urllib.parse import quote, urlsplit

from ..core.admissions import Refused
from ..core.course_sentences import told
from ..core.names import grader_username
from ..core.roles import Role
from ..core.sentences import sentence
from .access import Action, may
from .base import BaseHandler


class Page(BaseHandler):
    """A page for people."""

    is_page = True
    action = Action.SEE_COURSE

    def show(self, template: str, **values: Any) -> None:
        """Send a page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        xsrf = self.xsrf_token
        xsrf = xsrf.decode() if isinstance(xsrf, bytes) else xsrf
        self.finish(self.parts.render(template, self, xsrf=xsrf, **values))

    def may(self, action: Action) -> bool:
        """For templates: whether to offer something at all. The handler behind it checks again."""
        return self.course is not None and may(self.caller, action, self.course.slug, self.role)

    def start_url(self, username: str, assignment: str | None = None) -> str:
        """One click to a server: the hub starts it if need be and goes on to the notebook or formgrader."""
        slug = self.this_course.slug
        home = self.parts.renderer.home
        target = f"{home}user/{quote(username)}/{slug}/courses/open"
        target += f"?assignment={quote(assignment)}" if assignment else ""
        return f"{self.parts.renderer.hub}spawn/{quote(username)}/{slug}?next={quote(target, safe='')}"


class HomePage(Page):
    """My courses."""

    action = Action.OWN_COURSES

    async def get(self) -> None:
        """A list, or a sentence that says how to get into a course."""
        person = await self.parts.people.by_username(self.caller.username)
        own = dict(await self.parts.people.memberships(person.id)) if person else {}
        courses = [c for c in await self.parts.courses.all() if self.caller.admin or c.slug in own]
        self.show("home.html", courses=courses, own=own)


class CoursePage(Page):
    """A course, as its students or its teachers need it."""

    async def get(self, slug: str) -> None:
        """Students see what is released and their own scores; teachers the way to formgrader and what is where."""
        course = self.this_course
        assignments = await self.parts.scores.assignments(course.id)
        own = {v.assignment: v for v in await self.parts.scores.views(course.id, self.caller.username)}
        if not self.may(Action.ALL_SCORES):
            released = await self.parts.host.released(course)
            shown = [a for a in assignments if a.name in released or a.name in own]
            names = {a.name for a in shown}
            missing = sorted(released - names)
            self.show(
                "course_student.html", course=course, assignments=shown, others=missing, own=own, url=self.start_url
            )
            return
        roster = [m for m in await self.parts.people.roster(course.id) if m.active]
        standings = self.parts.standings
        counts = await standings.counts(course.id, await standings.columns(course.id))
        self.show(
            "course_teacher.html",
            course=course,
            assignments=[a for a in assignments if a.in_gradebook],
            students=sum(m.role is Role.STUDENT for m in roster),
            staff=sum(m.role is not Role.STUDENT for m in roster),
            complete={name: found.total() - found["ungraded"] for name, found in counts.items()},
            sent={name: found["delivered"] for name, found in counts.items()},
            counts=sum(counts.values(), Counter()),
            events=await self.parts.courses.events(course.id),
            grader=grader_username(slug),
            url=self.start_url,
        )


class RosterPage(Page):
    """Who is in the course."""

    action = Action.ROSTER

    async def get(self, slug: str) -> None:
        """A table."""
        members = await self.parts.people.roster(self.this_course.id)
        self.show("roster.html", course=self.this_course, members=members)


class OpeningPage(Page):
    """A course is being made: the page shows it, and goes on by itself."""

    async def get(self, slug: str) -> None:
        """Where to go on is checked to be a path of this hub."""
        target = self.get_query_argument("next", "")
        if not is_own_path(target, self.parts.renderer.home):
            target = f"{self.parts.renderer.base}{slug}/"
        if self.this_course.state == "ready":
            self.redirect(target)
            return
        self.show("opening.html", course=self.this_course, target=target)


class CourseState(BaseHandler):
    """What the waiting page asks for."""

    action = Action.SEE_COURSE

    async def get(self, slug: str) -> None:
        """{"state", "reason"}; a student is told that it takes longer, not why."""
        reason = told(self.this_course.reason, self.language)
        if reason and self.role is Role.STUDENT:
            reason = sentence("course_not_ready", self.language)
        self.answer({"state": self.this_course.state, "reason": reason})


class NowhereHandler(Page):
    """Nothing is here."""

    action = None

    async def admit(self) -> None:
        """404 for everybody, without asking who it is."""
        raise Refused("not_found", 404)


def is_own_path(target: str, home: str) -> bool:
    """Whether `target` is an absolute path on this very host, below the hub's base URL; no scheme, host or tricks."""
    if not target.startswith(home) or target.startswith("//") or len(target) > 2000:
        return False
    if not target.isprintable() or " " in target or "\\" in target:
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc and "//" not in parts.path
