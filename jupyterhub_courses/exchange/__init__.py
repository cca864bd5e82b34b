"""nbgrader's exchange as a client of the course's exchange server: what nbgrader does with a shared folder,
by HTTP.

The classes carry nbgrader's own names, so that its command line flags and configuration sections keep their
meaning. `configure(c)` in an `nbgrader_config.py` selects them. Where to and as whom comes from the
environment of a server of a course: JUPYTERHUB_COURSES_EXCHANGE_URL, JUPYTERHUB_API_TOKEN, JUPYTERHUB_USER,
JUPYTERHUB_COURSES_COURSE.
"""

from typing import Any

from .base import Exchange
from .collecting import ExchangeCollect
from .feedback import ExchangeFetchFeedback, ExchangeReleaseFeedback
from .fetching import ExchangeFetchAssignment
from .listing import ExchangeList
from .releasing import ExchangeReleaseAssignment
from .submitting import ExchangeSubmit

__all__ = [
    "Exchange",
    "ExchangeCollect",
    "ExchangeFetchAssignment",
    "ExchangeFetchFeedback",
    "ExchangeList",
    "ExchangeReleaseAssignment",
    "ExchangeReleaseFeedback",
    "ExchangeSubmit",
    "configure",
]


def configure(c: Any) -> None:
    """Make nbgrader use this exchange: sets every trait of `ExchangeFactory` in the configuration `c`."""
    for trait, name in {
        "exchange": "Exchange",
        "collect": "ExchangeCollect",
        "fetch_assignment": "ExchangeFetchAssignment",
        "fetch_feedback": "ExchangeFetchFeedback",
        "list": "ExchangeList",
        "release_assignment": "ExchangeReleaseAssignment",
        "release_feedback": "ExchangeReleaseFeedback",
        "submit": "ExchangeSubmit",
    }.items():
        setattr(c.ExchangeFactory, trait, f"jupyterhub_courses.exchange.{name}")
