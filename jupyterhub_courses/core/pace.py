"""What one LMS is asked to bear: how many requests at a time (searching.py), and none while it is in trouble.

In trouble it is closed for a while that grows, or that it asked for; then one request probes it, and the others follow
when that one is answered. Pure: the time and a random number in [0, 1) come in as parameters.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .retries import RETRY_AFTER_LONGEST, retry_at
from .searching import Sample, Search

#: Server errors in a row, over different scores, after which the LMS and not a score is taken to be broken.
TROUBLES = 3
#: Scores in memory at a time, over all courses; and of one course, at least and at most.
IN_MEMORY, PAGE_LEAST, PAGE_MOST = 4096, 4, 256
#: Scores of a column between two looks at its list, at least and at most; and their ids in memory, over all courses.
ROUND_LEAST, ROUND_MOST, IDS = 256, 2048, 65_536
#: Whole columns of one LMS in memory at a time: what it shows for everybody.
LISTS = 16
#: Scores on their way or waiting for a turn at an LMS, over all courses.
SENDERS = 1024


@dataclass(frozen=True)
class Pace:
    """How many requests one LMS gets at a time; closed for a while when it is in trouble, then one probe."""

    search: Search = field(default_factory=Search)
    failures: int = 0  # closings in a row without a success between
    troubles: int = 0  # server errors in a row
    closed_until: datetime | None = None

    @staticmethod
    def up_to(most: int) -> "Pace":
        """At most `most` requests at a time."""
        return Pace(Search(most=most))

    def room(self, now: datetime) -> int:
        """Requests allowed at the same time."""
        if self.closed_until is not None and now < self.closed_until:
            return 0
        return 1 if self.failures else self.search.limit

    def after_success(self, now: datetime, sample: Sample | None = None) -> "Pace":
        """It works (again). `sample`: what the request took, where it was a score's.

        A request that was under way when the LMS asked for patience does not end it.
        """
        if self.room(now) == 0:
            return self
        pace = self if sample is None or self.failures else replace(self, search=self.search.after(sample))
        if not (self.failures or self.troubles):
            return pace
        return replace(pace, failures=0, troubles=0, closed_until=None)

    def after_trouble(self, now: datetime, jitter: float, sample: Sample | None = None) -> "Pace":
        """A server error that may be due to one score; several in a row close."""
        troubles = self.troubles + 1
        if self.failures or troubles >= TROUBLES:
            return replace(self, troubles=troubles).after_failure(now, jitter, None)
        search = self.search if sample is None else self.search.after(replace(sample, ok=False))
        return replace(self, troubles=troubles, search=search)

    def after_failure(self, now: datetime, jitter: float, retry_after: float | None) -> "Pace":
        """The LMS is away or busy: closed. Requests that were in flight together count as one failure."""
        if self.room(now) == 0:
            if retry_after is None or self.closed_until is None:
                return self
            asked = now + timedelta(seconds=min(retry_after, RETRY_AFTER_LONGEST))
            return replace(self, closed_until=max(self.closed_until, asked))
        failures = self.failures + 1
        # A probe that fails says nothing about how many requests at a time are too many.
        search = self.search if self.failures else self.search.after_too_many()
        until = retry_at(now, failures, jitter, retry_after)
        return replace(self, search=search, failures=failures, closed_until=until)


def page_size(courses: int) -> int:
    """How many due scores of a course are taken from the store at a time, while so many courses are being sent."""
    return max(PAGE_LEAST, min(PAGE_MOST, IN_MEMORY // max(1, courses)))


def round_size(courses: int) -> int:
    """How many scores of a column are sent before what is due is asked anew, while so many courses are being sent."""
    return max(ROUND_LEAST, min(ROUND_MOST, IDS // max(1, courses)))


def senders(courses: int, most: int) -> int:
    """How many scores of a course may be on their way at a time, while so many courses are being sent."""
    return max(1, min(most, SENDERS // max(1, courses)))
