"""A launch arrives: its nonce is used up, and what the store knows of it is read, in one transaction.

Every launch comes here, so statements are made once, and rows are read without the object-relational mapper.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.admissions import Launch
from ...core.records import Arriving, Course, Known, Link, Person, Registration, Standing
from ...core.roles import Role
from .database import Database
from .models import UNMADE, AssignmentRow, CourseRow, MembershipRow, PersonRow
from .once import add_nonce, is_of_attempt
from .registrations import registration_of_launch

_COURSE: list[Any] = [getattr(CourseRow, name) for name in Course.__dataclass_fields__]
_PERSON: list[Any] = [getattr(PersonRow, name) for name in Person.__dataclass_fields__]
_LINK = (
    AssignmentRow.name,
    AssignmentRow.resource_link_id,
    AssignmentRow.link_lineitem,
    AssignmentRow.link_lineitems,
    AssignmentRow.link_registration_id,
)
_PLACE = (MembershipRow.role, MembershipRow.active, MembershipRow.source, MembershipRow.roster_role)
_NAMED = (AssignmentRow.course_id == CourseRow.id) & (AssignmentRow.name == bindparam("assignment"))
_COURSE_OF_LAUNCH = (
    select(*_COURSE, *_LINK)
    .outerjoin(AssignmentRow, _NAMED)
    .where(CourseRow.platform_id == bindparam("platform"), CourseRow.context_id == bindparam("context"))
)
_PERSON_OF_LAUNCH = (
    select(*_PERSON, CourseRow.id, CourseRow.slug, CourseRow.state, *_PLACE)
    .outerjoin(MembershipRow, MembershipRow.person_id == PersonRow.id)
    .outerjoin(CourseRow, CourseRow.id == MembershipRow.course_id)
    .where(PersonRow.platform_id == bindparam("platform"), PersonRow.sub == bindparam("sub"))
    .order_by(CourseRow.slug)
)


class Arrivals:
    """What `Admitting` asks first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def arrive(self, launch: Launch, now: datetime, seconds: float) -> Arriving:
        """Use a verified launch's nonce up, as `Once.spend_nonce` does, and say what is known of the launch."""
        try:
            async with self._database.transaction() as session:
                registration = await _registration(session, launch)
                if registration is None or launch.deployment_id not in registration.deployment_ids:
                    return Arriving(registration, False, None)
                await add_nonce(session, launch.nonce, launch.attempt, now, seconds)
                return Arriving(registration, True, await _known(session, registration, launch))
        except IntegrityError:  # it was used, maybe by this very attempt
            async with self._database.reading() as session:
                registration = await _registration(session, launch)
                if registration is None or not await is_of_attempt(session, launch.nonce, launch.attempt):
                    return Arriving(registration, False, None)
                return Arriving(registration, True, await _known(session, registration, launch))

    async def known(self, registration: Registration, launch: Launch) -> Known:
        """What is known of a launch of this registration."""
        async with self._database.reading() as session:
            return await _known(session, registration, launch)


async def _registration(session: AsyncSession, launch: Launch) -> Registration | None:
    return await registration_of_launch(session, launch.issuer, launch.client_id, launch.deployment_id)


async def _known(session: AsyncSession, registration: Registration, launch: Launch) -> Known:
    platform = {"platform": registration.platform_id}
    asked = {**platform, "context": launch.context_id, "assignment": launch.assignment}
    found = (await session.execute(_COURSE_OF_LAUNCH, asked)).one_or_none()
    rows = (await session.execute(_PERSON_OF_LAUNCH, {**platform, "sub": launch.sub})).all()
    course = Course(*found[: len(_COURSE)]) if found else None
    link = found[len(_COURSE) :] if found else (None,)
    standing, memberships = None, []
    for row in rows:
        course_id, slug, state, role, active, source, roster_role = row[len(_PERSON) :]
        if course is not None and course_id == course.id:
            standing = Standing(Role(role), active, source, Role(roster_role) if roster_role else None)
        if active and state not in UNMADE:
            memberships.append((slug, Role(role)))
    return Known(
        course=course,
        link=Link(*link) if link[0] is not None else None,
        person=Person(*rows[0][: len(_PERSON)]) if rows else None,
        standing=standing,
        memberships=tuple(memberships),
    )
