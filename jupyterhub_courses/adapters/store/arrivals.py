"""What a launch needs to know, in two statements: its course with the activity, its person with their places.

Each launch asks this, so the statements are made once, and rows are read without the object-relational mapper.
"""

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.records import Course, Known, Link, Person, Standing
from ...core.roles import Role
from .models import AssignmentRow, CourseRow, MembershipRow, PersonRow

UNMADE = ("pending", "deleting")  # courses without their grader user, which roles in the hub need

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


async def look_up(session: AsyncSession, platform_id: int, sub: str, context_id: str, assignment: str | None) -> Known:
    """Everything that a launch of this person, context and assignment needs to know."""
    asked = {"platform": platform_id, "context": context_id, "assignment": assignment}
    found = (await session.execute(_COURSE_OF_LAUNCH, asked)).one_or_none()
    rows = (await session.execute(_PERSON_OF_LAUNCH, {"platform": platform_id, "sub": sub})).all()
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
