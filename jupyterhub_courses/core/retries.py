"""When to try again: back-off with jitter, and Retry-After.

Pure: the time and a random number in [0, 1) come in as parameters.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

FIRST = 1.0  # seconds
LONGEST = 1800.0
#: An LMS may ask for more patience than ours, but not for ever.
RETRY_AFTER_LONGEST = 6 * 3600.0
#: A difference of clocks below this is latency and whole-second rounding; beyond a day it is nonsense.
CLOCK_SLACK, CLOCK_NONSENSE = 5.0, 26 * 3600.0


def backoff(attempts: int, jitter: float) -> float:
    """Seconds to wait after the `attempts`-th failure (1, 2, …): doubling, spread over [half, whole]."""
    whole = min(LONGEST, FIRST * 2.0 ** min(max(attempts, 1) - 1, 30))
    return whole * (0.5 + 0.5 * jitter)


def retry_at(now: datetime, attempts: int, jitter: float, retry_after: float | None = None) -> datetime:
    """When to try again; never before the LMS asked for."""
    wait = backoff(attempts, jitter)
    if retry_after is not None:
        wait = max(wait, min(retry_after, RETRY_AFTER_LONGEST))
    return now + timedelta(seconds=wait)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Retry-After in seconds: a number or a date (RFC 9110 10.2.3); None when missing or unreadable."""
    text = (header or "").strip()[:64]
    if text.isascii() and text.isdigit():
        return float(text[:9])
    date = http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())


def http_date(text: str | None) -> datetime | None:
    """A date of an HTTP header, aware; None when unreadable."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def clock_offset(date: str | None, now: datetime) -> float | None:
    """Seconds by which the LMS's clock is ahead of ours, from a `Date` header; None: no news."""
    told = http_date(date)
    if told is None:
        return None
    offset = (told - now).total_seconds()
    if abs(offset) > CLOCK_NONSENSE:
        return None
    return 0.0 if abs(offset) <= CLOCK_SLACK else offset
