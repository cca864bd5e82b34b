"""ngshare's request handlers as this exchange serves them: the same API, made safe by `guarded`.

Promises: unreleasing or releasing again never takes a student's submission away; a large course is read in a few
queries; ngshare's home page, static files, OAuth callback and database dump are not served at all.
"""

import logging
from pathlib import Path
from typing import Any

from ngshare import ngshare as ng  # type: ignore[import-untyped]
from ngshare.database import Assignment, StudentAssociation, Submission, User  # type: ignore[import-untyped]
from sqlalchemy.orm import Session, sessionmaker
from tornado.web import Application, RequestHandler

from .guarded import Guarded

log = logging.getLogger(__name__)


class NotFound(Guarded):
    """JSON for every other address; ngshare's own shows its environment in debug mode."""

    def prepare(self) -> None:
        self.db = self.application.db_session()
        self.send_error(404)

    def on_finish(self) -> None:
        self.db.close()


class _Released:
    """Assignments that have files are released. An unreleased one stays as the place of its submissions."""

    def find_assignment(self: Any, course: Any, assignment_id: str) -> Any:
        assignment = super().find_assignment(course, assignment_id)  # type: ignore[misc]
        if not assignment.files:
            self.json_error(404, "Assignment not found")
        return assignment


class Assignments(Guarded, ng.ListAssignments):  # type: ignore[misc]
    """`assignments/<course>`"""

    def get(self, course_id: str) -> None:
        course = self.find_course(course_id)
        self.check_course_user(course)
        released = self.db.query(Assignment.id).filter(Assignment.course == course, Assignment.files.any())
        self.json_success(assignments=[name for (name,) in released.order_by(Assignment._id)])


class ReleasedAssignment(Guarded, _Released, ng.DownloadReleaseAssignment):  # type: ignore[misc]
    """`assignment/<course>/<assignment>`; POST with `force=true` replaces the files, keeps submissions."""

    def post(self, course_id: str, assignment_id: str) -> None:
        course = self.find_course(course_id)
        self.check_course_instructor(course)
        query = self.db.query(Assignment).filter(Assignment.id == assignment_id, Assignment.course == course)
        assignment = query.one_or_none()
        if assignment is None:
            super().post(course_id, assignment_id)
            return
        if assignment.files and self.get_argument("force", "false") != "true":
            self.json_error(409, "Assignment already exists")
        self._withdraw(assignment)
        self.json_files_unpack(self.get_argument("files", None), assignment.files)
        self.db.commit()
        self.json_success()

    def delete(self, course_id: str, assignment_id: str) -> None:
        course = self.find_course(course_id)
        self.check_course_instructor(course)
        assignment = self.find_assignment(course, assignment_id)
        if not assignment.submissions:
            super().delete(course_id, assignment_id)
            return
        self._withdraw(assignment)
        self.db.commit()
        self.json_success()

    def _withdraw(self, assignment: Any) -> None:
        for file in assignment.files[:]:
            file.delete(self.db)
        assignment.files.clear()


class Submit(Guarded, _Released, ng.SubmitAssignment):  # type: ignore[misc]
    """`submission/<course>/<assignment>`"""


class Submissions(Guarded, ng.ListSubmissions):  # type: ignore[misc]
    """`submissions/<course>/<assignment>`; ngshare asks the database once a student."""

    def get(self, course_id: str, assignment_id: str) -> None:
        course = self.find_course(course_id)
        self.check_course_instructor(course)
        assignment = self.find_assignment(course, assignment_id)
        rows = self.db.query(Submission.student_id, Submission.timestamp).filter(Submission.assignment == assignment)
        listed = [{"student_id": name, "timestamp": self.strftime(moment)} for name, moment in rows]
        self.json_success(submissions=listed)


class _PeopleLoaded:
    """ngshare asks the database for every person of the course one by one: they are loaded with it."""

    def find_course(self: Any, course_id: str) -> Any:
        course = super().find_course(course_id)  # type: ignore[misc]
        people = self.db.query(StudentAssociation, User).join(StudentAssociation.user)
        self.loaded = people.filter(StudentAssociation.right_id == course.id).all()
        return course


class Student(Guarded, ng.ManageStudent):  # type: ignore[misc]
    """`student/<course>/<student>`; removing one does not need all others. Their submissions stay."""

    def delete(self, course_id: str, student_id: str) -> None:
        course = self.find_course(course_id)
        self.check_course_instructor(course)
        association = self.db.get(StudentAssociation, (student_id, course.id))
        if association is None:
            self.json_error(404, "Student not found")
        self.db.delete(association)
        self.db.commit()
        self.json_success()


class Students(Guarded, _PeopleLoaded, ng.ListStudents):  # type: ignore[misc]
    """`students/<course>`"""

    def get(self, course_id: str) -> None:
        course = self.find_course(course_id)
        self.check_course_instructor(course)
        people = [
            {name: getattr(row, name) for name in ("first_name", "last_name", "email")} | {"username": row.left_id}
            for row, _ in self.loaded
        ]
        self.json_success(students=people)


def _guarded(handler: type[RequestHandler]) -> type[RequestHandler]:
    return type(handler.__name__, (Guarded, handler), {})


class ExchangeApplication(Application):
    """ngshare's API under /api/ with its handlers guarded; the attributes are those which its handlers read."""

    debug = False
    vngshare = False
    admin: tuple[str, ...] = ()  # nobody by name, see Guarded.is_admin

    def __init__(self, sessions: sessionmaker[Session], storage: Path, upload_limit: int) -> None:
        self.db_session = sessions
        self.storage_path = storage
        self.upload_limit = upload_limit
        one, two, three = (r"/([^/]+)" * count for count in (1, 2, 3))
        routes: list[Any] = [
            ("/healthz", ng.HealthCheckHandler),
            ("/api/healthz", ng.HealthCheckHandler),
            ("/api/courses", _guarded(ng.ListCourses)),
            ("/api/course" + one, _guarded(ng.AddCourse)),
            ("/api/instructor" + two, _guarded(ng.ManageInstructor)),
            ("/api/instructors" + one, _guarded(ng.ListInstructors)),
            ("/api/student" + two, Student),
            ("/api/students" + one, Students),
            ("/api/assignments" + one, Assignments),
            ("/api/assignment" + two, ReleasedAssignment),
            ("/api/submissions" + two, Submissions),
            ("/api/submissions" + three, _guarded(ng.ListStudentSubmissions)),
            ("/api/submission" + two, Submit),
            ("/api/submission" + three, _guarded(ng.DownloadAssignment)),
            ("/api/feedback" + three, _guarded(ng.UploadDownloadFeedback)),
        ]
        super().__init__(routes, default_handler_class=NotFound, log_function=log_request)


def log_request(handler: RequestHandler) -> None:
    """Method, kind of request, answer and time: addresses carry people's names and stay out of the log."""
    milliseconds = 1000 * handler.request.request_time()
    status = handler.get_status()
    level = logging.DEBUG if status < 400 else logging.INFO if status < 500 else logging.ERROR
    log.log(level, "%s %s %d %.0f ms", handler.request.method, type(handler).__name__, status, milliseconds)
