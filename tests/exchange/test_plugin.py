"""The exchange classes as nbgrader's extensions call them, inside one process."""

import json

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory

from .homes import Person


@pytest.fixture(scope="module")
def exchange(start_exchange, stand_in_hub):
    return start_exchange(stand_in_hub, EXCHANGE_UPLOAD_LIMIT="1000000")


@pytest.fixture
def person(exchange, tmp_path):
    def make(name: str, url: str = exchange.url) -> Person:
        (tmp_path / name).mkdir()
        return Person(name, tmp_path / name, url)

    return make


@pytest.fixture
def teacher(person, exchange):
    """The grader of a course ml101 that nothing happened in but the release of `ps`."""
    exchange.service.post("course", "ml101", fields={"instructors": '["grader-ml101"]'})
    people = [{"username": n, "first_name": "", "last_name": "", "email": ""} for n in ("ada", "bob")]
    exchange.service.post("students", "ml101", fields={"students": json.dumps(people)})
    grader = person("grader-ml101")
    grader.write("release/ps/q.ipynb", "released")
    grader.write("release/ps/data/d.csv", "1,2")
    grader.write("release/ps/.ipynb_checkpoints/q.ipynb", "old")
    grader.do("ReleaseAssignment", "ps")
    yield grader
    exchange.service.delete("course", "ml101")


def test_a_release_is_replaced_only_when_forced(teacher, person):
    teacher.write("release/ps/q.ipynb", "better")
    with pytest.raises(ExchangeError, match="add --force"):
        teacher.do("ReleaseAssignment", "ps")
    teacher.do("ReleaseAssignment", "ps", force=True)
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    assert (ada.home / "ps/q.ipynb").read_text() == "better"
    assert not (ada.home / "ps/.ipynb_checkpoints").exists()


def test_fetching_never_touches_own_work(teacher, person):
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    ada.write("ps/q.ipynb", "my work")
    (ada.home / "ps/data/d.csv").unlink()
    (ada.home / "ps/data").rmdir()
    with pytest.raises(ExchangeError, match="already have a copy"):
        ada.do("FetchAssignment", "ps")
    assert not (ada.home / "ps/data").exists()
    ada.do("FetchAssignment", "ps", replace_missing_files=True)
    assert (ada.home / "ps/data/d.csv").read_text() == "1,2"
    assert (ada.home / "ps/q.ipynb").read_text() == "my work"
    assert not list(ada.home.glob(".ps*"))


def test_the_assignment_list_of_jupyterlab(teacher, person):
    """List, fetch, submit, feedback, as its server extension does them for one student."""
    ada = person("ada")
    with ada.at_home():
        assert ada.tab.list_courses() == {"success": True, "value": ["ml101"]}
        (info,) = ada.tab.list_assignments(course_id="ml101")["value"]
        assert (info["status"], [n["notebook_id"] for n in info["notebooks"]]) == ("released", ["q"])
        assert ada.tab.fetch_assignment("ml101", "ps") == {"success": True}
        (info,) = ada.tab.list_assignments(course_id="ml101")["value"]
        assert (info["status"], info["path"]) == ("fetched", "ps")
        assert info["notebooks"] == [{"notebook_id": "q", "path": "ps/q.ipynb"}]
        assert ada.tab.submit_assignment("ml101", "ps") == {"success": True}
        _, submitted = ada.tab.list_assignments(course_id="ml101")["value"]
        (submission,) = submitted["submissions"]
        assert submitted["status"] == "submitted" and not submission["has_exchange_feedback"]
        assert submission["local_feedback_path"] is None

    teacher.do("Collect", "ps")
    moment = (teacher.home / "submitted/ada/ps/timestamp.txt").read_text()
    assert submission["timestamp"] == moment
    teacher.write("feedback/ada/ps/timestamp.txt", moment)
    teacher.write("feedback/ada/ps/q.html", "good")
    teacher.do("ReleaseFeedback", "ps")

    with ada.at_home():
        (submission,) = ada.tab.list_assignments(course_id="ml101")["value"][1]["submissions"]
        assert submission["has_exchange_feedback"] and not submission["has_local_feedback"]
        assert ada.tab.fetch_feedback("ml101", "ps") == {"success": True}
        (submission,) = ada.tab.list_assignments(course_id="ml101")["value"][1]["submissions"]
        assert submission["has_local_feedback"] and not submission["feedback_updated"]
        assert submission["local_feedback_path"] == f"ps/feedback/{moment}"
        assert (ada.home / submission["local_feedback_path"] / "q.html").read_text() == "good"
    teacher.write("feedback/ada/ps/q.html", "better")
    teacher.do("ReleaseFeedback", "ps")
    (group,) = ada.do("List", "ps", cached=True)
    assert group["submissions"][0]["feedback_updated"]
    ada.do("FetchFeedback", "ps")
    assert (ada.home / "ps/feedback" / moment / "q.html").read_text() == "better"


def test_submissions_are_listed_also_without_the_cache(teacher, person):
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    ada.do("Submit", "ps")
    before = ada.do("List", "ps", cached=True)[0]["submissions"]
    (copy,) = (ada.home / "data/nbgrader_cache/ml101").iterdir()
    assert copy.name == f"ada+ps+{before[-1]['timestamp']}"
    ada.do("List", "ps", cached=True, remove=True)
    assert not copy.exists()
    after = ada.do("List", "ps", cached=True)[0]["submissions"]
    assert [s["timestamp"] for s in after] == [s["timestamp"] for s in before]


def test_feedback_and_ignored_files_are_not_submitted(teacher, person):
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    ada.write("ps/feedback/x/q.html")
    ada.write("ps/big.bin", "x" * 3000)
    ada.do("Submit", "ps", coursedir={"max_file_size": 2})
    teacher.do("Collect", "ps", update=True)
    there = {p.relative_to(teacher.home / "submitted/ada/ps").as_posix() for p in
             (teacher.home / "submitted/ada/ps").rglob("*") if p.is_file()}  # fmt: skip
    assert there == {"q.ipynb", "data/d.csv", "timestamp.txt"}


def test_what_is_too_large_is_said_in_words_and_not_cached(teacher, person):
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    ada.write("ps/big.bin", "x" * 1_500_000)
    with pytest.raises(ExchangeError, match="at most 1 MB"):
        ada.do("Submit", "ps")
    with pytest.raises(ExchangeError, match="too big"):
        ada.do("Submit", "ps", coursedir={"max_dir_size": 1000})
    assert not list((ada.home / "data/nbgrader_cache/ml101").iterdir())


def test_missing_notebooks_stop_a_strict_submission(teacher, person):
    ada = person("ada")
    ada.write("ps/other.ipynb")
    with pytest.raises(ExchangeError, match="missing notebooks"):
        ada.do("Submit", "ps", strict=True)
    ada.do("Submit", "ps")


def test_nobody_submits_or_fetches_as_somebody_else(teacher, person):
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    for action in ("Submit", "FetchFeedback"):
        with pytest.raises(ExchangeError, match="only for yourself"):
            ada.do(action, "ps", coursedir={"student_id": "bob"})
    for action in ("ReleaseAssignment", "Collect"):
        ada.write("release/ps/q.ipynb")
        with pytest.raises(ExchangeError, match="refuses"):
            ada.do(action, "ps", **({"force": True} if action == "ReleaseAssignment" else {}))
    with pytest.raises(ExchangeError, match="refuses"):
        ada.do("List", "ps", remove=True)


def test_unreleasing_keeps_what_was_submitted(teacher, person):
    ada = person("ada")
    ada.do("FetchAssignment", "ps")
    ada.do("Submit", "ps")
    (removed,) = teacher.do("List", "ps", remove=True)
    assert (removed["assignment_id"], removed["status"]) == ("ps", "removed")
    assert ada.do("List") == []
    with pytest.raises(ExchangeError, match="not found"):
        ada.do("Submit", "ps")
    teacher.do("Collect", "ps")
    assert (teacher.home / "submitted/ada/ps/q.ipynb").read_text() == "released"
    with pytest.raises(ExchangeError, match="kept by the exchange"):
        teacher.do("List", "ps", inbound=True, remove=True)


def test_collecting_takes_newer_ones_only_when_asked(teacher, person):
    ada = person("ada")
    ada.write("ps/q.ipynb", "one")
    ada.do("Submit", "ps")
    teacher.do("Collect", "ps")
    ada.write("ps/q.ipynb", "two")
    ada.do("Submit", "ps")
    teacher.do("Collect", "ps")
    collected = teacher.home / "submitted/ada/ps/q.ipynb"
    assert collected.read_text() == "one"
    teacher.do("Collect", "ps", update=True)
    assert collected.read_text() == "two"
    assert [p.name for p in collected.parent.parent.iterdir()] == ["ps"]


def test_before_the_due_date_means_the_newest_in_time(teacher, person):
    from nbgrader.api import Gradebook
    from nbgrader.utils import parse_utc

    ada, bob = person("ada"), person("bob")
    ada.write("ps/q.ipynb", "in time")
    ada.do("Submit", "ps")
    moment = ada.do("List", "ps", cached=True)[0]["submissions"][-1]["timestamp"]
    with Gradebook(f"sqlite:///{teacher.home}/gradebook.db", "ml101") as gradebook:
        gradebook.add_assignment("ps", duedate=parse_utc(moment))
    for student in (ada, bob):
        student.write("ps/q.ipynb", "late")
        student.do("Submit", "ps")
    teacher.do("Collect", "ps")
    assert (teacher.home / "submitted/ada/ps/q.ipynb").read_text() == "late"
    teacher.do("Collect", "ps", before_duedate=True)
    assert (teacher.home / "submitted/ada/ps/q.ipynb").read_text() == "in time"
    assert (teacher.home / "submitted/bob/ps/q.ipynb").read_text() == "late"


def test_formgrader_releases_collects_and_unreleases(teacher, person):
    from nbgrader.apps.api import NbGraderAPI

    ada = person("ada")
    ada.write("ps/q.ipynb")
    ada.do("Submit", "ps")
    with teacher.at_home():
        config = teacher.config()
        course = CourseDirectory(config=config)
        api = NbGraderAPI(course, Authenticator(), exchange=ExchangeFactory(config=config), config=config)
        assert (api.course_id, api.exchange_missing) == ("ml101", False)
        assert api.get_released_assignments() == {"ps"}
        assert api.collect("ps")["success"]
        assert api.get_submitted_students("ps") == {"ada"}
        moment = teacher.write("feedback/ada/ps/q.html").with_name("timestamp.txt")
        moment.write_text((teacher.home / "submitted/ada/ps/timestamp.txt").read_text())
        assert api.release_feedback("ps", "ada")["success"]
        assert api.unrelease("ps")["success"]
        assert api.get_released_assignments() == set()
        assert api.release_assignment("ps")["success"]
    assert ada.do("List", "ps", cached=True)[0]["submissions"][0]["has_exchange_feedback"]


def test_feedback_of_one_student_can_be_released_alone(teacher, person):
    for name in ("ada", "bob"):
        student = person(name)
        student.write("ps/q.ipynb")
        student.do("Submit", "ps")
    teacher.do("Collect", "ps", update=True)
    for name in ("ada", "bob"):
        moment = (teacher.home / f"submitted/{name}/ps/timestamp.txt").read_text()
        teacher.write(f"feedback/{name}/ps/timestamp.txt", moment)
        teacher.write(f"feedback/{name}/ps/q.html", name)
    teacher.write("feedback/eve/ps/q.html", "submitted by mail")
    teacher.do("ReleaseFeedback", "ps", coursedir={"student_id": "ada"})
    with pytest.raises(ExchangeError, match="1 students was not released: eve"):
        teacher.do("ReleaseFeedback", "ps", coursedir={"student_id_exclude": "bob"})
    ready = {g["student_id"]: g["submissions"][-1]["has_exchange_feedback"]
             for g in teacher.do("List", "ps", inbound=True)}  # fmt: skip
    assert ready == {"ada": True, "bob": False}


@pytest.mark.parametrize("name", ["../ps", "..", ".ps", "a/b"])
def test_an_assignments_name_cannot_lead_elsewhere(person, name):
    with pytest.raises(ExchangeError):
        person("ada").do("FetchAssignment", name)


@pytest.mark.parametrize("variable", ["JUPYTERHUB_COURSES_EXCHANGE_URL", "JUPYTERHUB_API_TOKEN"])
def test_outside_of_a_course_it_is_said_what_is_missing(person, variable, monkeypatch):
    monkeypatch.delenv(variable, raising=False)
    lost = person("ada")
    del lost.environment[variable]
    with pytest.raises(ExchangeError, match="only inside a server of a course"):
        lost.do("List")


def test_an_exchange_that_is_down_is_said_so(person):
    with pytest.raises(ExchangeError, match="does not answer"):
        person("ada", "http://127.0.0.1:9/api/").do("List")
