"""What a host of courses says when one is not ready: for its page, so in words; which of them decides the state."""

from datetime import UTC, datetime

_AWAY = "The cluster has not answered since "


class HostProblem(Exception):
    """A course cannot be made ready until somebody does something; the text is for its page."""


class HostAway(HostProblem):
    """The place where courses live does not answer: what was known of a course counts on, and nothing else is."""


class StillComing(Exception):
    """A course is being made and only time is missing; the text says what it waits for."""


def as_it_was(state: str, reason: str, now: datetime) -> tuple[str, str]:
    """State and reason of a course whose host is away: the last that was known, and since when that is so."""
    state = "progressing" if state == "pending" else state  # it was prepared before its host was asked
    if reason.startswith(_AWAY):
        return state, reason
    return state, f"{_AWAY}{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC; this is how the course was then."
