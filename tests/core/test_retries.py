"""When to try again, and how many requests an LMS gets at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_courses.core.retries import (
    LONGEST,
    RETRY_AFTER_LONGEST,
    backoff,
    clock_offset,
    retry_after_seconds,
    retry_at,
)

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_back_off_grows_to_a_bound_and_is_never_nothing(attempts: int, jitter: float) -> None:
    assert 0.5 <= backoff(attempts, jitter) <= LONGEST
    assert backoff(attempts + 1, 0.0) >= backoff(attempts, 0.0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, expected: float | None) -> None:
    assert retry_after_seconds(header, NOW) == expected


def test_an_lms_may_ask_for_patience_but_not_for_ever() -> None:
    assert retry_at(NOW, 1, 0.0, 60.0) == NOW + timedelta(seconds=60)
    assert retry_at(NOW, 1, 0.0, 1e9) == NOW + timedelta(seconds=RETRY_AFTER_LONGEST)
    assert retry_at(NOW, 10, 0.0, 1.0) > NOW + timedelta(seconds=100)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Sun, 22 Nov 2026 12:00:03 GMT", 0.0),
        ("Sun, 22 Nov 2026 13:00:00 GMT", 3600.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", -3600.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("x", None),
        (None, None),
    ],
)
def test_the_lmss_clock_is_known_from_its_answers(date: str | None, expected: float | None) -> None:
    assert clock_offset(date, NOW) == expected
