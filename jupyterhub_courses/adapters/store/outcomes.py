"""LTI 1.1: where the result of each (assignment, person) goes, from the person's newest launch."""

from sqlalchemy import select, update

from ...core.admissions import ResultPlace
from .database import Database, again_on_conflict
from .models import AssignmentRow, CourseRow, OutcomeRow, PersonRow, ScoreRow

#: What an LMS may see otherwise when a result has a new address (core/outcomes.py).
REFUSED_THERE = ("refused_by_lms", "activity_not_graded")


class Outcomes:
    """Reads and writes addresses of results; delivery is deliveries.py's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @again_on_conflict
    async def remember(
        self, course: str, username: str, assignment: str, registration_id: int, place: ResultPlace
    ) -> None:
        """Keep the address; a score that was refused at the one before is due again."""
        named = (
            select(AssignmentRow.id)
            .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
            .where(CourseRow.slug == course, AssignmentRow.name == assignment)
        )
        async with self._database.transaction() as session:
            assignment_id = await session.scalar(named)
            person_id = await session.scalar(select(PersonRow.id).where(PersonRow.username == username))
            if assignment_id is None or person_id is None:  # a course may have too many assignments to keep another
                return
            here = {"assignment_id": assignment_id, "person_id": person_id}
            row = await session.scalar(select(OutcomeRow).filter_by(**here))
            if row is None:
                row = OutcomeRow(**here)
                session.add(row)
            row.registration_id, row.url, row.sourcedid = registration_id, place.url, place.sourcedid
            again = update(ScoreRow).filter_by(**here, state="refused").where(ScoreRow.reason.in_(REFUSED_THERE))
            await session.execute(again.values(state="due", reason="", attempts=0, next_at=None))
