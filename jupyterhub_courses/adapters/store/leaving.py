"""Who is no longer a member of a course, in the store."""

from datetime import datetime

from sqlalchemy import select

from .database import Database
from .models import CourseRow, MembershipRow, PersonRow


class Departures:
    """Reads memberships that are over; the rows stay, with the people's work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def gone(self, since: datetime | None) -> set[tuple[str, str]]:
        """(username, slug) of everybody whose membership is over; with `since`, of those who went from then on."""
        query = (
            select(PersonRow.username, CourseRow.slug)
            .join(MembershipRow, MembershipRow.person_id == PersonRow.id)
            .join(CourseRow, CourseRow.id == MembershipRow.course_id)
            .where(MembershipRow.active.is_(False))
        )
        if since is not None:
            query = query.where(MembershipRow.updated_at >= since)
        async with self._database.reading() as session:
            return {(username, slug) for username, slug in (await session.execute(query)).all()}

    async def is_gone(self, username: str, slug: str) -> bool:
        """Whether it still is so: somebody may have come back meanwhile."""
        query = (
            select(MembershipRow.id)
            .join(PersonRow, PersonRow.id == MembershipRow.person_id)
            .join(CourseRow, CourseRow.id == MembershipRow.course_id)
            .where(PersonRow.username == username, CourseRow.slug == slug, MembershipRow.active.is_(False))
        )
        async with self._database.reading() as session:
            return await session.scalar(query) is not None
