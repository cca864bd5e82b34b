"""Scores as values: what is sent, when, and what an LMS has to show for it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_courses.core.scores import (
    Action,
    Desired,
    Result,
    Sent,
    action,
    next_timestamp,
    on_scale,
    score_body,
    shows,
)

NOW = datetime(2026, 11, 22, 1, 9, 3, 900_000, tzinfo=UTC)
FIVE = Desired(5, 10, NOW, "Well done")
SENT = Sent(5, 10, "Well done", 1)


@pytest.mark.parametrize(
    ("desired", "sent", "in_doubt", "expected"),
    [
        (FIVE, None, False, (Action.SEND, "")),
        (FIVE, SENT, False, (Action.NOTHING, "")),
        (FIVE, SENT, True, (Action.SEND, "")),
        (Desired(5, 10, NOW + timedelta(1), "Well done"), SENT, False, (Action.NOTHING, "")),
        (Desired(6, 10, NOW, "Well done"), SENT, False, (Action.SEND, "")),
        (Desired(5, 20, NOW, "Well done"), SENT, False, (Action.SEND, "")),
        (Desired(5, 10, NOW, None), SENT, False, (Action.SEND, "")),
        (Desired(12, 10, NOW), None, False, (Action.SEND, "")),
        (Desired(0, 10, NOW), None, False, (Action.SEND, "")),
        (Desired(float("nan"), 10, NOW), None, False, (Action.REFUSE, "score_not_a_number")),
        (Desired(1, float("inf"), NOW), None, False, (Action.REFUSE, "score_not_a_number")),
        (Desired(-1, 10, NOW), SENT, False, (Action.REFUSE, "score_negative")),
        (Desired(0, 0, NOW), None, False, (Action.REFUSE, "maximum_not_positive")),
    ],
)
def test_what_is_done_with_a_score(desired: Desired, sent: Sent | None, in_doubt: bool, expected: object) -> None:
    assert action(desired, sent, in_doubt) == expected


@given(st.integers(0, 2**33), st.integers(0, 2**33))
def test_a_timestamp_is_newer_than_the_last_and_never_in_the_future(last: int, second: int) -> None:
    now = datetime.fromtimestamp(second, UTC) + timedelta(milliseconds=999)
    timestamp = next_timestamp(last, now)
    if timestamp is None:
        assert last >= second
    else:
        assert last < timestamp <= now.timestamp()


def test_a_body_is_what_every_lms_recorded_takes() -> None:
    body = score_body("5", Desired(5.0, 10.0, NOW, "Well\ndone"), int(NOW.timestamp()))
    assert b"\n" not in body  # Moodle answers 200 to JSON with line breaks and keeps nothing
    assert json.loads(body) == {
        "userId": "5",
        "timestamp": "2026-11-22T01:09:03Z",
        "scoreGiven": 5,
        "scoreMaximum": 10,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "comment": "Well\ndone",
    }


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.text(max_size=50))
def test_a_body_never_has_a_line_break_and_always_reads_back(score: float, maximum: float, comment: str) -> None:
    body = score_body("x", Desired(score, maximum, NOW, comment), 1)
    read = json.loads(body)
    assert (read["scoreGiven"], read["scoreMaximum"], read.get("comment", "")) == (score, maximum, comment)
    assert not {b"\n"[0], b"\r"[0]} & set(body)


@pytest.mark.parametrize(
    ("result", "score", "maximum", "expected"),
    [
        (Result(5, 10), 5, 10, True),
        (Result(8, 10), 80, 100, True),  # rescaled by the LMS
        (Result(3.33333, 10), 10 / 3, 10, True),  # Moodle's five decimals
        (Result(10, 10), 12, 10, True),  # cut at the maximum (Moodle)
        (Result(12, 10), 12, 10, True),  # kept above it (Open edX)
        (Result(4, 10), 5, 10, False),
        (Result(None, 10), 0, 10, False),
        (None, 0, 10, False),
    ],
)
def test_whether_an_lms_shows_a_score(result: Result | None, score: float, maximum: float, expected: bool) -> None:
    assert shows(result, score, maximum) is expected


def test_what_an_lms_shows_is_told_on_our_scale() -> None:
    assert on_scale(Result(8, 10), 100) == 80
    assert on_scale(Result(None, 10), 100) is None
