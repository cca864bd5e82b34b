"""kill -9 of each part of the running system: everything serves again, and every grade is in the LMS once, and right.

`tests/demo/test_demo.py` kills the demo's parts and its supervisor, to see that they come back; here it is the grades
that count. Each test changes grades of its own and waits for exactly those.
"""

import base64
import json
import sys
import time

import pytest

from ..support.system import body, wait_for, with_token

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_killed_exchange_serves_again_and_has_lost_nothing(course):
    system = course.system
    environment = system.environment(system.server("grader-ml101", "ml101"))
    token, url = environment["JUPYTERHUB_API_TOKEN"], environment["JUPYTERHUB_COURSES_EXCHANGE_URL"]
    files = json.dumps([{"path": "nb.ipynb", "content": base64.b64encode(b"{}").decode()}])
    assert body(with_token("POST", f"{url}assignment/ml101/ps1", token, data={"files": files}))["success"]
    killed = system.exchange("ml101")
    system.kill(killed)
    listed = lambda: body(with_token("GET", f"{url}assignments/ml101", token))["assignments"] == ["ps1"]  # noqa: E731
    wait_for(listed, "the exchange serves at its old address")
    assert system.exchange("ml101") not in (None, killed)
    students = body(with_token("GET", f"{url}students/ml101", token))["students"]
    assert {one["username"] for one in students} == {"noether", "ramanujan", "turing"}


def test_a_service_that_is_killed_mid_delivery_delivers_every_grade_once(course):
    """The LMS has taken scores and not yet answered: the service that dies then does not know which."""
    course.faults(delay_ms=60_000)
    course.grade(noether=4, ramanujan=5, turing=6)
    wait_for(lambda: {4.0, 5.0, 6.0} & set(course.in_lms().values()), "a delivery is under way")
    rows = course.system.as_hub("GET", "courses/ml101/scores?all=1")
    assert not all(row["state"] == "sent" and row["sent_score"] == row["score"] for row in rows)
    killed, exchange = course.system.service(), course.system.exchange("ml101")
    course.system.kill(killed)
    course.grade(turing=7)  # while nobody is there to be told
    course.faults()
    wait_for(course.system.serves, "the service serves again")
    course.arrives(noether=4, ramanujan=5, turing=7)
    assert course.system.service() not in (None, killed)
    wait_for(lambda: course.system.exchange("ml101") not in (None, exchange), "its exchanges are new ones")


def test_a_killed_hub_loses_no_grade_and_no_server(course):
    """Grades that wait for an LMS in trouble survive; the graders' server runs on, and its teacher stays logged in."""
    course.faults(status_503=-1)
    course.grade(noether=8, ramanujan=9)
    wait_for(lambda: course.in_service() == {"noether": 8, "ramanujan": 9, "turing": 7}, "the service has the grades")
    grader, service = course.system.server("grader-ml101", "ml101"), course.system.service()
    course.system.kill(course.system.hub.pid)
    wait_for(lambda: course.system.service() != service, "the service ends with its hub")
    assert course.in_lms()["noether"] != 8
    course.system.start()
    course.faults()
    course.arrives(noether=8, ramanujan=9, turing=7)
    assert course.system.server("grader-ml101", "ml101") == grader
    wait_for(lambda: course.status()["course"] == "ml101", "the teacher's page goes on without a new login")
    course.grade(turing=10)  # the server's token still counts at the new hub
    course.arrives(noether=8, ramanujan=9, turing=10)


def test_a_graders_server_killed_between_a_correction_and_its_sending_sends_it_at_its_next_start(course):
    killed = course.system.server("grader-ml101", "ml101")
    before = course.in_service()
    course.grade(noether=0, turing=2.5)
    course.system.kill(killed)
    time.sleep(3)  # longer than the server would have taken
    assert course.in_service() == before
    status = "/user/grader-ml101/ml101/courses/status"
    # 503 comes from the proxy, as long as the hub has not noticed.
    wait_for(lambda: course.teacher.get(status).status_code not in (200, 503), "it is gone, and the hub knows")
    course.open_formgrader()
    assert course.system.server("grader-ml101", "ml101") not in (None, killed)
    course.arrives(noether=0, ramanujan=9, turing=2.5)


def test_after_all_this_the_lms_was_never_told_anything_twice_or_late(course):
    """A score with an old timestamp would have been refused (409), and a new column made beside the activity's own."""
    asked = course.control("GET", "requests")
    assert "lineitems.post" not in asked, asked
    assert not {name for name in asked.get("scores.post", {}) if name.startswith("4")}, asked
