"""The grader's server: formgrader at the assignment, scores sent by themselves, the roster kept."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from nbgrader.api import Gradebook

from .jupyter import Server, course_environment, nbgrader, server
from .service import StubService, member

EXPORTER = "--exporter=jupyterhub_courses.singleuser.export.CoursesExporter"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def env(home: Path, service: StubService) -> dict[str, str]:
    return course_environment(home, "grader", service.url)


@pytest.fixture
def course_dir(home: Path) -> Path:
    return home / "ml101"


@pytest.fixture
def graded(course_dir: Path) -> Path:
    """A gradebook with one graded submission of ada (4 of 5) and one of mallory, whom the roster lacks."""
    course_dir.mkdir()
    path = course_dir / "gradebook.db"
    with Gradebook(f"sqlite:///{path}", "ml101") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_notebook("nb", "ps1")
        gradebook.add_grade_cell("c", "nb", "ps1", max_score=5, cell_type="code")
        for student, points in (("ada", 4.0), ("mallory", 1.0)):
            gradebook.add_student(student)
            gradebook.add_submission("ps1", student)
            one = gradebook.find_grade("c", "nb", "ps1", student)
            one.auto_score, one.needs_manual_grade = points, False
        gradebook.db.commit()
    return path


@pytest.fixture
async def grader(home: Path, env: dict[str, str]) -> AsyncIterator[Server]:
    # In a thread, for the stub of the service has to answer meanwhile.
    running = server(home, env)
    yield await asyncio.to_thread(running.__enter__)
    await asyncio.to_thread(running.__exit__, None, None, None)


def correct(path: Path, points: float) -> None:
    """A change by a tool that is not nbgrader."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "UPDATE grade SET manual_score = ? WHERE notebook_id IN (SELECT n.id FROM submitted_notebook n "
            "JOIN submitted_assignment a ON a.id = n.assignment_id WHERE a.student_id = 'ada')",
            [points],
        )
    connection.close()


async def test_graders_land_in_formgrader_at_the_assignment(
    grader: Server, course_dir: Path, wait_until: Callable
) -> None:
    (course_dir / "source" / "ps 1").mkdir(parents=True)
    opened = grader.get("courses/open?assignment=ps%201")
    assert opened.location == grader.base + "formgrader/manage_assignments"
    (course_dir / "submitted" / "ada" / "ps 1").mkdir(parents=True)
    opened = grader.get("courses/open?assignment=ps%201")
    assert opened.location == grader.base + "formgrader/manage_submissions/ps%201"
    assert grader.get("formgrader/manage_submissions/ps%201").status == 200
    unknown = grader.get("courses/open?assignment=ps2").location
    assert unknown == grader.base + "formgrader/manage_assignments"
    assert grader.get("courses/open").location == grader.base + "formgrader"
    # The first page of a new course finds its gradebook made.
    assert (course_dir / "gradebook.db").is_file()
    assignments = grader.get("formgrader/api/assignments")
    assert assignments.status == 200, assignments.text

    # Formgrader is there, and opens from JupyterLab's menu in a tab of its own.
    config = grader.page_config()
    assert "@jupyter/nbgrader:create-assignment" not in config["disabledExtensions"]
    assert "@jupyter/nbgrader:course-list" in config["disabledExtensions"]
    assert config["coursesRole"] == "grader"
    ours = next(one for one in config["federated_extensions"] if one["name"] == "jupyterhub-courses")
    script = grader.get(f"lab/extensions/jupyterhub-courses/{ours['load']}")
    assert script.status == 200 and "nbgrader:open-formgrader" in script.text

    # The token lies in no file that code of a submission could read.
    await wait_until(lambda: not list(course_dir.parent.rglob("jpserver-*")))


async def test_the_roster_is_in_the_gradebook_before_the_first_submission(
    grader: Server, course_dir: Path, wait_until: Callable
) -> None:
    def students() -> dict[str, tuple]:
        with Gradebook(f"sqlite:///{course_dir / 'gradebook.db'}", "ml101") as gradebook:
            return {s.id: (s.first_name, s.last_name, s.lms_user_id) for s in gradebook.students}

    await wait_until(lambda: grader.get("courses/status").json()["roster"]["last_written"])
    assert students() == {"ada": ("Ada", "Person", "lms-ada"), "bob": ("Bob", "Person", "lms-bob")}


async def test_scores_are_sent_at_start_on_change_and_not_without_a_change(
    service: StubService, graded: Path, grader: Server, wait_until: Callable
) -> None:
    await wait_until(lambda: service.scores())
    assert service.scores() == {("ps1", "ada"): 4.0, ("ps1", "mallory"): 1.0}
    (assignment,) = service.states[-1]["assignments"]
    assert assignment.pop("id") and assignment == {"name": "ps1", "max_score": 5.0, "due_at": None}

    correct(graded, 4.5)
    await wait_until(lambda: service.scores()[("ps1", "ada")] == 4.5)
    assert len(service.states) == 2
    # The service has the scores before the server has its answer.
    await wait_until(lambda: not grader.get("courses/status").json()["pending"])
    status = grader.get("courses/status").json()
    assert (status["unsent"], status["error"]) == (0, None)
    assert (status["accepted"], status["unknown"]) == (1, 1)

    with sqlite3.connect(graded) as connection:  # a change, but of nothing that is sent
        connection.execute("INSERT INTO student (id) VALUES ('eve')")
    connection.close()
    before = grader.get("courses/status").json()["last_sent"]
    correct(graded, 4.75)
    await wait_until(lambda: service.scores()[("ps1", "ada")] == 4.75)
    await wait_until(lambda: grader.get("courses/status").json()["last_sent"] != before)
    assert len(service.states) == 3

    # No personal data in the log.
    assert "ada" not in grader.log.read_text().replace("ml101", "")


async def test_unsent_scores_keep_the_server_active_and_arrive_when_the_service_is_back(
    service: StubService, graded: Path, grader: Server, wait_until: Callable
) -> None:
    await wait_until(lambda: service.states)
    idle_since = grader.get("api/status").json()["last_activity"]
    service.answer = lambda: web.json_response({"code": "starting", "reference": "0badcafe"}, status=503)
    correct(graded, 2.0)
    tries = service.tries
    await wait_until(lambda: service.tries > tries + 1)
    status = grader.get("courses/status").json()
    assert status["unsent"] == 1 and "503 starting 0badcafe" in status["error"]
    assert grader.get("api/status").json()["last_activity"] > idle_since
    service.answer = None
    await wait_until(lambda: service.scores().get(("ps1", "ada")) == 2.0)
    await wait_until(lambda: grader.get("courses/status").json()["error"] is None)


async def test_a_stale_answer_is_followed_by_a_newer_snapshot(
    service: StubService, graded: Path, grader: Server, wait_until: Callable
) -> None:
    await wait_until(lambda: service.states)
    service.answer = lambda: web.json_response({"stale": True})
    correct(graded, 3.0)
    tries = service.tries
    await wait_until(lambda: service.tries > tries)
    service.answer = None
    await wait_until(lambda: service.scores().get(("ps1", "ada")) == 3.0)
    taken = [state["taken_at"] for state in service.states]
    assert taken == sorted(set(taken))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_change_just_before_the_server_stops_is_sent(
    service: StubService, graded: Path, grader: Server, wait_until: Callable, how: signal.Signals
) -> None:
    await wait_until(lambda: service.states)
    correct(graded, 0.5)
    await wait_until(lambda: grader.stop(how) is None)
    assert service.scores()[("ps1", "ada")] == 0.5


async def test_a_gradebook_that_is_lost_withdraws_nothing_and_one_restored_is_read(
    service: StubService, graded: Path, grader: Server, wait_until: Callable
) -> None:
    await wait_until(lambda: service.scores())
    sent = len(service.states)
    copy = graded.rename(graded.with_name("backup.db"))
    correct(copy, 1.25)
    assert grader.get("courses/status").status == 200
    copy.rename(graded)
    await wait_until(lambda: service.scores()[("ps1", "ada")] == 1.25)
    assert len(service.states) == sent + 1


async def test_the_exporter_sends_the_same_and_says_what_was_accepted(
    service: StubService, graded: Path, home: Path, env: dict[str, str], wait_until: Callable
) -> None:
    results = []
    await wait_until(lambda: results.append(nbgrader("export", EXPORTER, home=home, env=env)) is None)
    assert results[0].returncode == 0, results[0].stderr
    assert "2 scores of 1 assignments: 1 accepted" in results[0].stdout
    assert "Not in the course's roster: mallory" in results[0].stdout
    assert service.scores() == {("ps1", "ada"): 4.0, ("ps1", "mallory"): 1.0}

    service.answer = lambda: web.Response(status=500, text="<html>" + "x" * 1000)
    await wait_until(lambda: results.append(nbgrader("export", EXPORTER, home=home, env=env)) is None)
    assert results[1].returncode == 1
    assert "Nothing was sent: the courses service answered 500." in results[1].stderr


async def test_staff_and_people_who_left_are_no_students(service: StubService) -> None:
    from jupyterhub_courses.adapters.courses_api.server import CoursesApi
    from jupyterhub_courses.singleuser.roster import student_of

    service.members = [
        member("ada"),
        member("gone", active=False),
        member("tina", "grader"),
        member("ines", "instructor"),
        member("mono", given_name="", family_name="", name="Mono"),
    ]
    api = CoursesApi(service.url, "ml101", "token-of-grader-ml101-0123456789")
    students = {s.id: s for s in map(student_of, await api.roster())}
    assert {name for name, student in students.items() if student.enrolled} == {"ada", "mono"}
    assert (students["mono"].first_name, students["mono"].last_name) == (None, "Mono")


def test_without_a_courses_environment_nothing_is_changed(tmp_path: Path) -> None:
    env = course_environment(tmp_path, "student")
    env = {name: value for name, value in env.items() if not name.startswith("JUPYTERHUB_")}
    with server(tmp_path, env) as plain:
        assert plain.get("courses/open").status == 404
        assert plain.get("courses/status").status == 404
        assert plain.get("formgrader/manage_assignments").status == 200
        config = plain.page_config()
        assert not any(name.startswith("@jupyter/nbgrader") for name in config["disabledExtensions"])
        assert "coursesRole" not in config
        assert "Traceback" not in plain.log.read_text()
    shown = nbgrader("--version", home=tmp_path, env=env)
    assert shown.returncode == 0 and "Error" not in shown.stderr


def test_an_incomplete_environment_is_no_course(tmp_path: Path) -> None:
    from jupyterhub_courses.singleuser.surroundings import course_server

    complete = course_environment(tmp_path, "grader")
    assert course_server(complete) is not None
    for name in ("COURSE", "ROLE", "COURSE_DIR"):
        assert course_server({k: v for k, v in complete.items() if k != f"JUPYTERHUB_COURSES_{name}"}) is None
    assert "token-of" not in json.dumps(repr(course_server(complete)))
