"""The demo's rule for late work: one point less for every day begun."""

from math import ceil

from nbgrader.plugins import BasePlugin

DAY_S = 86400


class PointADay(BasePlugin):
    """nbgrader asks this while autograding; never more is taken than there is."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        return min(score, float(ceil(total_seconds_late / DAY_S)))
