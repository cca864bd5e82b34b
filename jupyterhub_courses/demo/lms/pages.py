"""The pages that people see: who are you, my courses, a course, its gradebook, its people.

Promises: no script, everything escaped by the templates, a page only for those whom the course has; changes
need the session's sesskey. Whoever opens the site may be anybody: it is a demo, and says so.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from tornado.web import Finish, HTTPError, RequestHandler

from jupyterhub_courses.demo.lms.answers import number
from jupyterhub_courses.demo.lms.grading import Grade, override
from jupyterhub_courses.demo.lms.memberships import by_name
from jupyterhub_courses.demo.lms.scenario import ROLES, Person
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import CourseRow, Item, Session

ROLE_NAMES = {"editingteacher": "Teacher", "teacher": "Teaching assistant", "student": "Student"}


class Page(RequestHandler):
    """A handler with the site, the session, and templates."""

    @property
    def site(self) -> Site:
        site: Site = self.settings["site"]
        return site

    @property
    def cookie(self) -> str:
        """Cookies do not tell ports apart: two LMSs on localhost need two names."""
        return f"lms-session-{urlsplit(self.site.base).port}"

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def session(self) -> Session | None:
        token = self.get_cookie(self.cookie)
        return self.site.store.session(token) if token else None

    def signed_in(self) -> Session:
        """The session; whoever has none is asked who they are."""
        session = self.session()
        if session is None:
            self.redirect("/", status=303)
            raise Finish
        return session

    def sign_in(self, person: Person) -> None:
        old = self.get_cookie(self.cookie)
        if old:
            self.site.store.end_session(old)
        session = self.site.store.add_session(person.id)
        # Lax: the tool's redirect to auth.php brings it, a form on another site does not.
        self.set_cookie(self.cookie, session.token, httponly=True, samesite="Lax")

    def check_sesskey(self, session: Session) -> None:
        if self.get_argument("sesskey", "") != session.sesskey:
            raise HTTPError(403)

    def number(self, name: str) -> int:
        text = self.get_argument(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

    def show(self, template: str, frames: str = "frame-ancestors 'none'", **values: Any) -> None:
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; {frames}",
        )
        session = self.session()
        who = self.site.store.person(session.person) if session else None
        shared = {"scenario": self.site.scenario, "who": who, "session": session, "role_names": ROLE_NAMES}
        self.render(template, **{**shared, "course": None, "number": number, "full_name": full_name, **values})

    def send_form(self, name: str, action: str, fields: dict[str, str]) -> None:
        """A form that sends itself; its script is why this page has no policy of its own."""
        self.render("form.html", name=name, action=action, fields=fields)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        texts = {
            403: "You may not do that here.",
            404: "There is no such page, or it is not for you.",
        }
        self.show("message.html", title="Sorry", text=texts.get(status_code, "Something went wrong here."))


def full_name(person: Person) -> str:
    return f"{person.given} {person.family}"


class NotFound(Page):
    def prepare(self) -> None:
        raise HTTPError(404)


class People(Page):
    """/: choose who you are."""

    def get(self) -> None:
        store = self.site.store
        roles: dict[int, list[tuple[str, str]]] = {}
        for course in store.courses():
            for one in store.enrolments(course.id):
                roles.setdefault(one.person.id, []).append((course.label, ROLE_NAMES[one.role]))
        people = sorted(store.people(), key=by_name)
        teaching = [p for p in people if any(name != "Student" for _, name in roles.get(p.id, []))]
        others = [p for p in people if p not in teaching]
        groups = [("Teachers and assistants", teaching), ("Students", others)]
        self.show("people.html", groups=groups, roles=roles)

    def post(self) -> None:
        person = self.site.store.person(self.number("person"))
        if person is None:
            raise HTTPError(404)
        self.sign_in(person)
        self.redirect("/my", status=303)


class MyCourses(Page):
    """/my: the courses of whoever is signed in."""

    def get(self) -> None:
        roles = self.site.store.roles_of(self.signed_in().person)
        self.show("my.html", courses=[(c, roles[c.id]) for c in self.site.store.courses() if c.id in roles])


class CoursePage(Page):
    """What the pages of one course share: who is asking, as what."""

    def enter(self, course_id: str) -> tuple[Session, CourseRow, str]:
        session = self.signed_in()
        course = self.site.store.course(int(course_id))
        role = self.site.store.roles_of(session.person).get(int(course_id))
        if course is None or role is None:
            raise HTTPError(404)
        return session, course, role

    def students(self, course: CourseRow) -> list[Person]:
        found = [e.person for e in self.site.store.enrolments(course.id) if e.role == "student"]
        return sorted(found, key=by_name)


class Activities(CoursePage):
    """/course/ID: the activities; a click opens the tool in a new window."""

    def get(self, course_id: str) -> None:
        session, course, role = self.enter(course_id)
        columns = {item.activity: item for item in self.site.store.items(course.id) if item.activity}
        own = {}
        if role == "student":
            own = {a: self.site.store.grade(item.id, session.person) for a, item in columns.items()}
        activities = self.site.store.activities(course.id)
        self.show("course.html", course=course, role=role, activities=activities, columns=columns, own=own)


class GradebookPage(CoursePage):
    """/course/ID/gradebook: everybody's grades for teachers, their own for students."""

    def get(self, course_id: str) -> None:
        session, course, role = self.enter(course_id)
        items = self.site.store.items(course.id)
        grades = {item.id: self.site.store.grades(item.id) for item in items}
        if role == "student":
            rows = [(item, grades[item.id].get(session.person) or Grade()) for item in items]
            self.show("grades.html", course=course, role=role, rows=rows)
            return
        students = self.students(course)
        means = {item.id: mean(grades[item.id].get(p.id) for p in students) for item in items}
        self.show(
            "gradebook.html",
            course=course,
            role=role,
            items=items,
            students=students,
            grades=grades,
            means=means,
        )


class GradePage(CoursePage):
    """/course/ID/grade?item=I&person=P: a teacher types a grade in, over what the tool sent."""

    def get(self, course_id: str) -> None:
        _, course, item, person = self._cell(course_id)
        grade = self.site.store.grade(item.id, person.id) or Grade()
        self.show("grade.html", course=course, item=item, person=person, grade=grade, role="", error="")

    def post(self, course_id: str) -> None:
        session, course, item, person = self._cell(course_id)
        self.check_sesskey(session)
        grade = self.site.store.grade(item.id, person.id)
        text = self.get_argument("score", "").replace(",", ".")
        try:
            score = float(text) if text else None
        except ValueError:
            score = -1.0
        if score is not None and not 0 <= score <= item.maximum:
            error = f"A number from 0 to {number(item.maximum)}, please; or nothing for no grade."
            self.set_status(400)
            self.show(
                "grade.html",
                course=course,
                item=item,
                person=person,
                grade=grade or Grade(),
                role="",
                error=error,
            )
            return
        comment = self.get_argument("comment", "") or None
        changed = override(grade, score, comment, item.activity is not None, int(self.site.clock()))
        self.site.store.put_grade(item.id, person.id, changed)
        self.redirect(f"/course/{course.id}/gradebook", status=303)

    def _cell(self, course_id: str) -> tuple[Session, CourseRow, Item, Person]:
        session, course, role = self.enter(course_id)
        item, person = (
            self.site.store.item(self.number("item")),
            self.site.store.person(self.number("person")),
        )
        if role == "student":
            raise HTTPError(403)
        if (
            item is None
            or person is None
            or item.course != course.id
            or not self.site.store.is_gradable(course.id, person.id)
        ):
            raise HTTPError(404)
        return session, course, item, person


class Participants(CoursePage):
    """/course/ID/people: who is in the course; its teacher enrols, changes roles, suspends."""

    def get(self, course_id: str) -> None:
        _, course, role = self.enter(course_id)
        enrolled = sorted(self.site.store.enrolments(course.id), key=lambda one: by_name(one.person))
        inside = {one.person.id for one in enrolled}
        others = sorted((p for p in self.site.store.people() if p.id not in inside), key=by_name)
        self.show("participants.html", course=course, role=role, enrolled=enrolled, others=others, roles=ROLES)

    def post(self, course_id: str) -> None:
        session, course, role = self.enter(course_id)
        if role != "editingteacher":
            raise HTTPError(403)
        self.check_sesskey(session)
        person = self.site.store.person(self.number("person"))
        wanted, status = self.get_argument("role", ""), self.get_argument("status", "active")
        if person is None or wanted not in ROLES or status not in ("active", "suspended", "removed"):
            raise HTTPError(404)
        self.site.store.enrol(course.id, person.id, wanted, status)
        self.redirect(f"/course/{course.id}/people", status=303)


def mean(grades: Iterable[Grade | None]) -> float | None:
    """The mean of the grades there are, to two places."""
    values = [grade.final for grade in grades if grade is not None and grade.final is not None]
    return round(sum(values) / len(values), 2) if values else None


def handlers() -> list[Any]:
    return [
        (r"/", People),
        (r"/my", MyCourses),
        (r"/course/([0-9]{1,15})", Activities),
        (r"/course/([0-9]{1,15})/gradebook", GradebookPage),
        (r"/course/([0-9]{1,15})/grade", GradePage),
        (r"/course/([0-9]{1,15})/people", Participants),
    ]
