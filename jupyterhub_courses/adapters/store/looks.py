"""Reading back: which columns are looked at, and whose grade stays. Implements usecases' LookStore and ChoiceStore."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update

from ...core.answers import COLUMN_GONE
from ...core.batches import batches
from ...core.drift import Choice
from ...core.lineitems import Column
from ...core.looks import Awaited, Reading, chosen
from .database import Database
from .deliveries import Deliveries, columns_of
from .held import held_of, store
from .models import AssignmentRow, CourseRow, PersonRow, ScoreRow

BATCH = 500  # readings stored at a time


class Looks:
    """Reads and writes for looks at columns."""

    def __init__(self, database: Database, deliveries: Deliveries) -> None:
        self._database, self._deliveries = database, deliveries

    async def due_columns(self, now: datetime, limit: int) -> Sequence[Column]:
        """Columns whose turn it is, the longest due first."""
        query = (
            select(AssignmentRow, CourseRow)
            .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
            .where(AssignmentRow.look_at <= now, AssignmentRow.lineitem.is_not(None))
            .where(AssignmentRow.lineitem_error != COLUMN_GONE, CourseRow.state != "deleting")
            .order_by(AssignmentRow.look_at, AssignmentRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return await columns_of(session, query)

    async def claim(self, assignment_id: int, now: datetime, until: datetime) -> bool:
        """Whether this process looks; none other does before `until`."""
        mine = update(AssignmentRow).where(AssignmentRow.id == assignment_id, AssignmentRow.look_at <= now)
        async with self._database.transaction() as session:
            claimed = await session.execute(mine.values(look_at=until))
            return bool(claimed.rowcount)  # type: ignore[attr-defined]

    async def awaited(self, assignment_id: int) -> Sequence[Awaited]:
        """What a column was sent and should show, without what is in doubt."""
        query = (
            select(ScoreRow.id, PersonRow.sub, ScoreRow.last_timestamp, ScoreRow.sent_at)
            .join(PersonRow, PersonRow.id == ScoreRow.person_id)
            .where(ScoreRow.assignment_id == assignment_id, ScoreRow.sent_score.is_not(None))
            .where(ScoreRow.in_doubt.is_(False))
        )
        async with self._database.reading() as session:
            rows = await session.execute(query)
            return [Awaited(i, sub, last, at) for i, sub, last, at in rows if sub is not None and at is not None]

    async def record_look(self, assignment_id: int, readings: Sequence[Reading], at: datetime) -> None:
        """Store what a look at a column has shown."""
        for some in batches(readings, BATCH):
            await self._deliveries.record_readings(some)
        async with self._database.transaction() as session:
            row = update(AssignmentRow).where(AssignmentRow.id == assignment_id)
            await session.execute(row.values(looked_at=at))

    async def release(self, assignment_id: int, claimed: datetime, again_at: datetime) -> None:
        """The next look is at `again_at`, or sooner where a delivery since the claim asked for it."""
        mine = update(AssignmentRow).where(AssignmentRow.id == assignment_id, AssignmentRow.look_at == claimed)
        async with self._database.transaction() as session:
            await session.execute(mine.values(look_at=again_at))

    async def choose(self, course_id: int, assignment: str, choice: Choice | None, username: str | None = None) -> bool:
        """Whose grade stays, for an assignment or one of its people (None: as for all). False: there is no such one.

        A choice for the assignment is for everybody: what was chosen for single people before is forgotten.
        """
        async with self._database.transaction() as session:
            here = and_(AssignmentRow.course_id == course_id, AssignmentRow.name == assignment)
            column = await session.scalar(select(AssignmentRow).where(here).with_for_update())
            if column is None:
                return False
            rows = select(ScoreRow).where(ScoreRow.assignment_id == column.id).order_by(ScoreRow.id).with_for_update()
            if username is None:
                column.choice = choice or Choice.KEEP
                rows = rows.where(or_(ScoreRow.choice != "", ScoreRow.reason != ""))
            else:
                person = select(PersonRow.id).where(PersonRow.username == username).scalar_subquery()
                rows = rows.where(ScoreRow.person_id == person)
            found = (await session.scalars(rows)).all()
            for row in found:
                row.choice = choice or "" if username is not None else ""
                effective = Choice(row.choice or column.choice)
                store(row, chosen(held_of(row, column.choice), effective))
            return bool(found) or username is None
