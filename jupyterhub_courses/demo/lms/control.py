"""The control API for tests and the demo's story: read the gradebook, count requests, make faults, act.

Only with --control: it asks nobody who they are, but refuses pages of other sites, whose visitor it would
serve. Answers are JSON; a mistake is a 400 with {"error": sentence}.
"""

import json
from typing import Any

from tornado.web import HTTPError

from jupyterhub_courses.demo.lms.answers import number
from jupyterhub_courses.demo.lms.grading import Grade, override
from jupyterhub_courses.demo.lms.pages import Page
from jupyterhub_courses.demo.lms.scenario import ROLES, Person
from jupyterhub_courses.demo.lms.store import ActivityRow, CourseRow, Item


class Mistake(Exception):
    """The control request makes no sense; the text says why."""


class Control(Page):
    """Reads a JSON body into `data`; writes JSON."""

    data: dict[str, Any]

    def prepare(self) -> None:
        if self.request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise HTTPError(403)
        try:
            sent = json.loads(self.request.body or b"{}")
        except ValueError:
            sent = {}
        self.data = sent if isinstance(sent, dict) else {}

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Mistake):
            self.set_status(400)
        self.finish({"error": str(error)})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, Mistake | HTTPError):
            super().log_exception(typ, value, tb)

    def person(self, named: Any) -> Person:
        """By id or username."""
        for person in self.site.store.people():
            if str(named) in (str(person.id), person.username):
                return person
        raise Mistake(f"nobody is called {named!r}")

    def course(self, named: Any) -> CourseRow:
        """By id or label."""
        for course in self.site.store.courses():
            if str(named) in (str(course.id), course.label):
                return course
        raise Mistake(f"no course is called {named!r}")

    def item(self, course: CourseRow, named: Any) -> Item:
        """By id or label."""
        for item in self.site.store.items(course.id):
            if str(named) in (str(item.id), item.label):
                return item
        raise Mistake(f"no column of {course.label} is called {named!r}")


class Gradebook(Control):
    """GET: {course label: {column label: {username: score or null}}}; ?detail=1: an object for the score."""

    def get(self) -> None:
        detail = bool(self.get_argument("detail", ""))
        book: dict[str, Any] = {}
        for course in self.site.store.courses():
            students = [e.person for e in self.site.store.enrolments(course.id) if e.role == "student"]
            columns = book[course.label] = {}
            for item in self.site.store.items(course.id):
                # Two columns of one label must not hide each other: that is a mistake tests look for.
                label = item.label if item.label not in columns else f"{item.label} #{item.id}"
                grades = self.site.store.grades(item.id)
                columns[label] = {p.username: _shown(item, grades.get(p.id), detail) for p in students}
        self.finish(book)


def _shown(item: Item, grade: Grade | None, detail: bool) -> Any:
    grade = grade or Grade()
    score = None if grade.final is None else number(grade.final)
    if not detail:
        return score
    return {
        "score": score,
        "max": number(item.maximum),
        "comment": grade.comment,
        "modified": grade.modified,
        "overridden": grade.overridden,
        "item": item.id,
        "resource_id": item.resource_id,
    }


class Activities(Control):
    """GET: {course label: [activity]}; `column`: its own one, as {max, resource_id, tag}, or null."""

    def get(self) -> None:
        found: dict[str, Any] = {}
        for course in self.site.store.courses():
            columns = {item.activity: item for item in self.site.store.items(course.id)}
            activities = self.site.store.activities(course.id)
            found[course.label] = [_activity(one, columns.get(one.id)) for one in activities]
        self.finish(found)


def _activity(one: ActivityRow, column: Item | None) -> dict[str, Any]:
    own = column and {"max": number(column.maximum), "resource_id": column.resource_id, "tag": column.tag}
    return {"id": one.id, "title": one.title, "url": one.url, "custom": dict(one.custom), "column": own}


class Requests(Control):
    """GET: {endpoint: {status: count}}; "200[]" is a refused score. DELETE forgets them."""

    def get(self) -> None:
        self.finish({name: dict(outcomes) for name, outcomes in sorted(self.site.faults.counts.items())})

    def delete(self) -> None:
        self.site.faults.counts.clear()
        self.finish({})


class Taken(Control):
    """GET: {"scores": [[column's label, user's id, points or null, timestamp]]} as they were taken, in their order."""

    def get(self) -> None:
        self.finish({"scores": list(self.site.taken)})


class FaultSwitches(Control):
    """POST replaces all switches (see `faults.Faults`); {} switches all off. GET: what is left."""

    def get(self) -> None:
        self.finish(self.site.faults.switches())

    def post(self) -> None:
        try:
            self.site.faults.set(self.data)
        except ValueError as error:
            raise Mistake(str(error)) from None
        self.finish(self.site.faults.switches())


class Enrol(Control):
    """POST {"course", "person", "role": one of ROLES or null to remove, "suspended": false}."""

    def post(self) -> None:
        course, person = self.course(self.data.get("course")), self.person(self.data.get("person"))
        role = self.data.get("role")
        if role is not None and role not in ROLES:
            raise Mistake(f"a role is one of {', '.join(ROLES)}")
        status = "removed" if role is None else "suspended" if self.data.get("suspended") else "active"
        self.site.store.enrol(course.id, person.id, role or "student", status)
        self.finish({"course": course.label, "person": person.username, "role": role, "status": status})


class Override(Control):
    """POST {"course", "item", "person", "score": number or null, "comment"}: as a teacher types it in."""

    def post(self) -> None:
        course, person = self.course(self.data.get("course")), self.person(self.data.get("person"))
        item, score = self.item(course, self.data.get("item")), self.data.get("score")
        if score is not None and (not isinstance(score, int | float) or isinstance(score, bool)):
            raise Mistake("score: a number or null is needed")
        grade = self.site.store.grade(item.id, person.id)
        own, now = item.activity is not None, int(self.site.clock())
        self.site.store.put_grade(item.id, person.id, override(grade, score, self.data.get("comment"), own, now))
        self.finish({})


class Lock(Control):
    """POST {"course", "item", "locked": true}: scores to a locked column are answered 500."""

    def post(self) -> None:
        item = self.item(self.course(self.data.get("course")), self.data.get("item"))
        self.site.store.lock_item(item.id, bool(self.data.get("locked", True)))
        self.finish({})


class RevokeTokens(Control):
    """POST: every access token stops working, as after Moodle's cache was cleared."""

    def post(self) -> None:
        self.site.store.revoke_tokens()
        self.finish({})


class Login(Control):
    """POST ?person=ID (or username): the session cookie of that person, as the login page would set it."""

    def post(self) -> None:
        person = self.person(self.get_argument("person", "") or self.data.get("person"))
        self.sign_in(person)
        self.finish({"person": str(person.id), "username": person.username})


class Health(Control):
    def get(self) -> None:
        self.finish({"issuer": self.site.base, "client_id": self.site.scenario.client_id})


def handlers() -> list[Any]:
    return [
        (r"/control/gradebook", Gradebook),
        (r"/control/activities", Activities),
        (r"/control/requests", Requests),
        (r"/control/taken", Taken),
        (r"/control/faults", FaultSwitches),
        (r"/control/enrol", Enrol),
        (r"/control/override", Override),
        (r"/control/lock", Lock),
        (r"/control/revoke-tokens", RevokeTokens),
        (r"/control/login", Login),
        (r"/control/health", Health),
    ]
