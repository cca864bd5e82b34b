"""A running system with an LMS of the demo, a course of three students, and the graders' server with its gradebook."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from nbgrader.api import Gradebook

from jupyterhub_courses.demo import processes

from ..support.ports import free_port
from ..support.system import Browser, System, body, wait_for

STUDENTS = {13: "noether", 14: "ramanujan", 15: "turing"}
COLUMN = "Problem set 1"


class Course:
    """The course ML101 as its teacher, its gradebook and its LMS see it."""

    def __init__(self, system: System, lms: str) -> None:
        self.system, self.lms = system, lms
        self.teacher = Browser(system)
        self.gradebook = system.data / "courses" / "ml101" / "grader" / "ml101" / "gradebook.db"

    def control(self, method: str, path: str, data: Any = None) -> Any:
        """The LMS's own side: its gradebook, its faults."""
        answer = requests.request(method, f"{self.lms}/control/{path}", json=data, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def faults(self, **faults: Any) -> None:
        """From now on the LMS misbehaves like this with scores; with nothing named it behaves."""
        self.control("POST", "faults", {"endpoints": ["scores"], **faults})

    def in_lms(self) -> dict[str, float]:
        """The LMS's column, and that there is no other."""
        book = self.control("GET", "gradebook")["ML101"]
        assert list(book) == [COLUMN], book
        return {name: score for name, score in book[COLUMN].items() if score is not None}

    def in_service(self) -> dict[str, float]:
        """What the service wants the LMS to have."""
        rows = self.system.as_hub("GET", "courses/ml101/scores?all=1")
        return {row["username"]: row["score"] for row in rows}

    def grade(self, **points: float) -> None:
        """A correction by hand in the gradebook."""
        with Gradebook(f"sqlite:///{self.gradebook}", "ml101") as gradebook:
            for student, score in points.items():
                one = gradebook.find_grade("test", "nb", "ps1", student)
                one.manual_score, one.needs_manual_grade = score, False
            gradebook.db.commit()

    def arrives(self, **points: float) -> None:
        """Wait until the LMS's column holds exactly these grades, and the service knows that it does."""
        wait_for(lambda: self.in_lms() == points, f"the LMS has {points}", every=0.3)

        def all_sent() -> bool:
            rows = self.system.as_hub("GET", "courses/ml101/scores?all=1")
            return {row["username"]: row["sent_score"] for row in rows if row["state"] == "sent"} == points

        wait_for(all_sent, "the service knows that the LMS has them", every=0.3)
        assert self.in_lms() == points

    def open_formgrader(self) -> requests.Response:
        """The teacher clicks the assignment in the LMS."""
        self.teacher.post(f"{self.lms}/control/login?person=11")
        page = self.teacher.submit_forms(f"{self.lms}/mod/lti/launch.php?id=31", self.system.base)
        assert page.ok and "/user/grader-ml101/ml101/formgrader" in page.url, (page.url, page.text[-500:])
        return page

    def status(self) -> Any:
        """What the graders' server says about its scores, asked with the teacher's login."""
        return body(self.teacher.get("/user/grader-ml101/ml101/courses/status"))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[Course]:
    """The course with its first grades delivered."""
    folder = tmp_path_factory.mktemp("kills")
    system = System(folder, chp)
    port = free_port()
    course = Course(system, f"http://localhost:{port}")
    lms = _lms(folder, port, course)
    try:
        system.start()
        wait_for(lambda: requests.get(f"{course.lms}/control/health", timeout=5).ok, "the LMS answers")
        system.apply(_platform(course.lms))
        course.open_formgrader()
        wait_for(lambda: (course.status()["roster"]["last_written"], course.gradebook.exists())[1], "the gradebook")
        _first_grades(course)
        yield course
    finally:
        system.end()
        lms.kill()
        lms.wait()


def _lms(folder: Path, port: int, course: Course) -> subprocess.Popen[bytes]:
    hub = course.system.base
    people = [{"id": 11, "username": "hopper", "given": "Grace", "family": "Hopper", "email": "h@lms.invalid"}]
    people += [
        {"id": number, "username": name, "given": name.title(), "family": name.title(), "email": f"{name}@lms.invalid"}
        for number, name in STUDENTS.items()
    ]
    members = [{"person": 11, "role": "editingteacher"}, *({"person": one, "role": "student"} for one in STUDENTS)]
    activity = {"id": 31, "title": COLUMN, "custom": {"assignment": "ps1"}, "graded": True, "max": 10}
    site = {
        "name": "Killed University",
        "client_id": "kills",
        "deployment_id": "1",
        "tool": {
            "login_url": f"{hub}/hub/lti13/oauth_login",
            "redirect_uris": [f"{hub}/hub/lti13/oauth_callback"],
            "keyset_url": f"{hub}/services/courses/jwks.json",
            "target_link_uri": f"{hub}/hub/lti13/oauth_callback",
            "custom": {"username": "$User.username"},
        },
        "people": people,
        "courses": [{"id": 21, "label": "ML101", "title": "ML", "members": members, "activities": [activity]}],
    }
    (folder / "lms.json").write_text(json.dumps(site))
    command = [sys.executable, "-m", "jupyterhub_courses.demo.lms", "--port", str(port), "--control"]
    command += ["--state", str(folder / "lms"), "--scenario", str(folder / "lms.json")]
    with (folder / "lms.log").open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=processes.ending_with_parent()
        )


def _platform(lms: str) -> dict[str, Any]:
    one = {"client_id": "kills", "deployment_ids": ["1"], "authorize_url": f"{lms}/mod/lti/auth.php"}
    one |= {"token_url": f"{lms}/mod/lti/token.php", "keyset_url": f"{lms}/mod/lti/certs.php"}
    return {"name": "kills", "issuer": lms, "course_creation": "on", "registrations": [one]}


def _first_grades(course: Course) -> None:
    def enrolled() -> bool:
        with Gradebook(f"sqlite:///{course.gradebook}", "ml101") as gradebook:
            return {one.id for one in gradebook.students} >= set(STUDENTS.values())

    wait_for(enrolled, "the roster of the LMS is in the gradebook", every=0.5)
    with Gradebook(f"sqlite:///{course.gradebook}", "ml101") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_notebook("nb", "ps1")
        gradebook.add_grade_cell("test", "nb", "ps1", max_score=10, cell_type="code")
        for name in STUDENTS.values():
            gradebook.add_submission("ps1", name)
    course.grade(noether=1, ramanujan=2, turing=3)
    course.arrives(noether=1, ramanujan=2, turing=3)
