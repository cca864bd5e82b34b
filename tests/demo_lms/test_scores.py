"""Scores and results where the recordings have no exchange: the rest of what facts/moodle.md measured."""

import json

import pytest

from .lab import CONTAINER, LINEITEM, RESULTS, SCORE, Lab

NOW = 1_795_400_000.0


@pytest.fixture
def token(lms: Lab) -> str:
    lms.now = NOW
    return lms.token()


@pytest.fixture
def own(lms: Lab, token: str) -> str:
    """The address of the activity's own column."""
    return lms.service("GET", "/mod/lti/services.php/2/lineitems?type_id=1", token, CONTAINER).json()[0]["id"]


def test_a_score_without_a_grade_erases_grade_and_comment(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    assert lms.send_score(token, item, given=5, comment="fine", at=NOW - 100).body == ""
    assert lms.send_score(token, item, given=None, at=NOW - 50).status == 200
    cell = lms.cell("PS 1", "student1")
    assert (cell["score"], cell["comment"], cell["modified"]) == (None, None, NOW)
    assert set(lms.results(token, item)["5"]) == {"id", "userId"}
    assert lms.send_score(token, item, at=NOW - 1).status == 409  # it was dated by Moodle's clock


def test_a_zero_is_a_grade(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.send_score(token, item, given=0)
    assert lms.results(token, item)["5"]["resultScore"] == 0


def test_a_score_is_kept_within_the_columns_range(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.send_score(token, item, given=-3)
    lms.send_score(token, item, "6", given=30)
    assert (lms.cell("PS 1", "student1")["score"], lms.cell("PS 1", "student2")["score"]) == (0, 10)


def test_a_timestamp_counts_in_whole_seconds(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    assert lms.send_score(token, item, timestamp="2026-11-22T01:00:00.100Z").status == 200
    assert lms.send_score(token, item, timestamp="2026-11-22T01:00:00.900Z").status == 409
    assert lms.send_score(token, item, timestamp="2026-11-22T02:00:01+01:00").status == 200


def test_a_suspended_student_is_graded_but_not_listed(lms: Lab, token: str) -> None:
    lms.control("POST", "enrol", {"course": "ml101", "person": "student1", "role": "student", "suspended": True})
    item = lms.add_column(token)
    assert lms.send_score(token, item).status == 200
    assert lms.cell("PS 1", "student1")["score"] == 5


@pytest.mark.parametrize("text", ["", "[]", "no json", '{"userId":"5"}', '{"scoreGiven":NaN}'])
def test_what_is_no_score_is_refused_with_the_request_in_the_reason(lms: Lab, token: str, text: str) -> None:
    url = lms.add_column(token).replace("/lineitem?", "/lineitem/scores?")
    reply = lms.send("POST", url, {"authorization": f"Bearer {token}", "content-type": SCORE}, text)
    assert (reply.status, reply.body, reply.reason) == (400, "[]", f"Incorrect score received{text}")


def test_a_refusal_of_json_with_line_breaks_looks_like_success(lms: Lab, token: str) -> None:
    """The status line can't carry the reason, so there is none: only the body tells."""
    url = lms.add_column(token).replace("/lineitem?", "/lineitem/scores?")
    text = json.dumps({"userId": "10"}, indent=2)
    reply = lms.send("POST", url, {"authorization": f"Bearer {token}", "content-type": SCORE}, text)
    assert (reply.status, reply.body) == (200, "[]")


def test_a_reason_with_a_name_in_it_is_sent_as_it_is(lms: Lab, token: str) -> None:
    url = lms.add_column(token).replace("/lineitem?", "/lineitem/scores?")
    headers = {"authorization": f"Bearer {token}", "content-type": SCORE}
    reply = lms.send("POST", url, headers, '{"comment":"Chloé"}')
    assert reply.reason.encode("latin-1").decode() == 'Incorrect score received{"comment":"Chloé"}'


def test_a_locked_column_is_a_server_error(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.control("POST", "lock", {"course": "ml101", "item": "PS 1"})
    assert lms.send_score(token, item).status == 500
    lms.control("POST", "lock", {"course": "ml101", "item": "PS 1", "locked": False})
    assert lms.send_score(token, item).status == 200


def test_a_teachers_grade_in_a_created_column_is_overwritten_by_a_newer_score(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.send_score(token, item, at=NOW - 100)
    lms.control("POST", "override", {"course": "ml101", "item": "PS 1", "person": "student1", "score": 9})
    assert lms.send_score(token, item, given=4, at=NOW - 50).status == 409
    assert lms.send_score(token, item, given=4, at=NOW + 1).status == 200
    assert lms.cell("PS 1", "student1")["score"] == 4


def test_a_teachers_grade_in_the_activitys_column_stays_and_results_tell(lms: Lab, token: str, own: str) -> None:
    lms.send_score(token, own, at=NOW - 100)
    lms.control("POST", "override", {"course": "ml101", "item": "JupyterHub", "person": "student1", "score": 90})
    reply = lms.send_score(token, own, given=4, at=NOW + 1)
    assert (reply.status, reply.body) == (200, "")
    cell = lms.cell("JupyterHub", "student1")
    assert (cell["score"], cell["overridden"]) == (90, True)
    assert lms.results(token, own)["5"]["resultScore"] == 90


def test_another_maximum_rescales_the_grades(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.send_score(token, item, given=5)
    lms.service("PUT", item, token, LINEITEM, {"label": "PS 1", "scoreMaximum": 40})
    result = lms.results(token, item)["5"]
    assert (result["resultScore"], result["resultMaximum"]) == (20, 40)


def test_results_carry_the_comment_and_no_row_for_those_without_score(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.send_score(token, item, comment="Well done")
    assert lms.results(token, item)["5"]["comment"] == "Well done" and len(lms.results(token, item)) == 1


def test_a_limit_on_no_results_is_no_error(lms: Lab, token: str) -> None:
    url = lms.add_column(token).replace("/lineitem?", "/lineitem/results?") + "&limit=5"
    reply = lms.service("GET", url, token, RESULTS)
    assert (reply.status, reply.json()) == (200, [])


def test_a_score_for_a_column_of_another_course_is_not_found(lms: Lab, token: str) -> None:
    item = lms.add_column(token).replace("services.php/2/", "services.php/3/")
    assert lms.send_score(token, item).status == 404
