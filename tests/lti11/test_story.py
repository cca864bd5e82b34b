"""A course whose LMS knows LTI 1.1 only, from the teacher's first click to the grade in the LMS. In order."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from jupyterhub_courses.core.score_sentences import SCORE_SENTENCES
from jupyterhub_courses.core.sentences import sentence

from ..support.system import wait_for
from .conftest import World

pytestmark = pytest.mark.timeout(600)
SECRETS = ("lab-shared-secret-0", "Byronovna", "augusta", "launchid", "oauth_signature")


def place(answer: requests.Response) -> str:
    """Where a launch leads in the end."""
    assert answer.status_code == 303, answer.text[-2000:]
    location = answer.headers["Location"]
    while "next" in (query := parse_qs(urlsplit(location).query)):
        location = query["next"][0]
    return location


def put(world: World, **scores: float) -> None:
    """The graders' server has sent its gradebook's state."""
    pid = wait_for(lambda: world.system.server("grader-dl101", "dl101"), "the graders' server runs")
    token = world.system.environment(pid)["JUPYTERHUB_API_TOKEN"]
    answer = requests.put(
        f"{world.system.direct}api/courses/dl101/scores",
        json=world.state(**scores),
        headers={"Authorization": f"token {token}"},
        timeout=20,
    )
    assert answer.status_code == 200 and answer.json().get("unknown") == [], answer.text


def test_a_student_who_clicks_before_the_teacher_is_told_so(world):
    answer = world.launch("5")
    assert answer.status_code == 403 and sentence("student_before_teacher", "en") in answer.text


def test_a_teachers_first_click_makes_the_course_and_opens_formgrader(world):
    answer = world.launch("3", "Instructor")
    assert place(answer).startswith("/user/grader-dl101/dl101/courses/open?assignment=ps1"), answer.headers
    page = world.browser("3").go(answer.headers["Location"])
    assert page.ok and "/user/grader-dl101/dl101/formgrader" in page.url, page.url
    (course,) = world.system.as_hub("GET", "courses")
    assert (course["slug"], course["title"], course["state"]) == ("dl101", "Deep Linking 101", "ready")


def test_students_join_by_launching_and_open_their_own_server(world):
    for user in ("5", "6"):
        assert place(world.launch(user)).startswith(f"/user/student{user}/dl101/courses/open?assignment=ps1")
    # A third one comes by an activity that names no assignment, so the LMS has not told where their grade goes.
    assert "/services/courses/dl101/" in place(world.launch("7", custom_assignment=None))
    members = {one["lms_user_id"]: one for one in world.system.as_hub("GET", "courses/dl101/roster")["members"]}
    assert {user: members[user]["role"] for user in "3567"} == {
        "3": "instructor",
        "5": "student",
        "6": "student",
        "7": "student",
    }
    assert members["5"]["name"] == "Augusta Byronovna5" and members["5"]["username"] == "student5"


def test_scores_arrive_as_shares_of_the_maximum(world):
    put(world, student5=8, student6=0, student7=5)
    wait_for(lambda: world.lms.shown() == {"5": 0.8, "6": 0.0}, "both grades are in the LMS")
    wait_for(lambda: world.scores()["student5"]["state"] == "sent", "the page says so")
    assert world.lms.count("replaceResultRequest") == 2 and world.lms.count("deleteResultRequest") == 0


def test_a_student_who_has_not_opened_the_activity_waits_and_the_teacher_reads_why(world):
    row = wait_for(lambda: _if(world.scores()["student7"], lambda r: r["state"] == "waiting"), "it waits")
    assert row["reason"] == "not_opened_yet"
    for language in ("en", "de"):
        page = world.browser("3").go("/services/courses/dl101/deliveries", headers={"Accept-Language": language})
        assert SCORE_SENTENCES["not_opened_yet"][language] in page.text, page.text[-3000:]


def test_their_score_goes_as_soon_as_they_open_it(world):
    before = world.lms.count("replaceResultRequest")
    world.launch("7")
    wait_for(lambda: world.lms.shown().get("7") == 0.5, "the grade is in the LMS")
    wait_for(lambda: world.scores()["student7"]["state"] == "sent", "the page says so")
    assert world.lms.count("replaceResultRequest") == before + 1


def test_launching_again_sends_nothing_again(world):
    before = world.lms.count("replaceResultRequest")
    for user in ("5", "6", "7"):
        world.launch(user)
    put(world, student5=8, student6=0, student7=5)
    put(world, student5=9, student6=0, student7=5)  # after it, everything before it would have gone
    wait_for(lambda: world.lms.shown()["5"] == 0.9, "the regrade is in the LMS")
    assert world.lms.count("replaceResultRequest") == before + 1
    assert world.lms.shown() == {"5": 0.9, "6": 0.0, "7": 0.5}


def test_an_outage_of_the_lms_loses_nothing(world):
    world.lms.failing = [503, 500]
    put(world, student5=10, student6=0, student7=6.5)
    wait_for(lambda: world.lms.shown() == {"5": 1.0, "6": 0.0, "7": 0.65}, "both regrades are in the LMS")
    wait_for(lambda: {r["state"] for r in world.scores().values()} == {"sent"}, "and everything is sent")
    assert world.lms.count("deleteResultRequest") == 0


def test_the_lms_is_listed_as_one_of_lti_11_without_its_secret(world):
    listed = world.system.as_hub("GET", "platforms")
    (known,) = [one for one in listed if one["name"] == "old-lms"]
    (registration,) = known["registrations"]
    assert (registration["lti"], registration["client_id"]) == ("1.1", "lab-consumer-key")
    assert "lab-shared-secret" not in str(listed)


def test_no_log_holds_a_secret_or_a_person(world):
    log = world.system.log.read_text(errors="replace")
    assert "/hub/lti11/launch" in log
    for word in SECRETS:
        assert word not in log, log[max(0, log.index(word) - 300) : log.index(word) + 200]


def _if(row, holds):
    return row if holds(row) else None
