"""Placing: where and how a person's server of a course runs.

Membership and role are read from the store each time a server starts; nothing that the request says can widen them.
"""

from typing import Protocol

from ..core.admissions import Refused
from ..core.names import grader_course
from ..core.placements import Placement
from ..core.records import Course, Membership
from ..core.roles import Role


class MembersPort(Protocol):
    """Who is a member."""

    async def membership(self, username: str, slug: str) -> Membership | None: ...


class CoursesPort(Protocol):
    """Courses."""

    async def by_slug(self, slug: str) -> Course | None: ...


class HostPort(Protocol):
    """Knows the folders and processes, or the namespaces, of courses."""

    def placement(self, course: Course, username: str, role: str) -> Placement: ...


class ProvisionerPort(Protocol):
    """The reconciler, as placing needs it."""

    async def heard_of(self, course: Course, username: str) -> None: ...


class Placing:
    """The story."""

    def __init__(
        self, members: MembersPort, courses: CoursesPort, host: HostPort, provisioner: ProvisionerPort
    ) -> None:
        self._members, self._courses, self._host, self._provisioner = members, courses, host, provisioner

    async def place(self, username: str, server: str) -> Placement:
        """The placement of `username`'s server named `server` (a slug). Raises Refused."""
        course = await self._courses.by_slug(server)
        if course is None:
            raise Refused("course_unknown", 404)
        # Who may start the graders' shared user's server is the hub's decision, by managed roles.
        is_grader = grader_course(username) == course.slug
        membership = None if is_grader else await self._membership(username, course)
        if course.state == "deleting":
            raise Refused("course_deleting", 409)
        if course.exchange_port is None:
            raise Refused("course_not_ready", 503)
        if membership is not None and membership.role is Role.STUDENT:
            await self._provisioner.heard_of(course, username)
        # An instructor's own server is a student's: the gradebook lies on the shared one.
        return self._host.placement(course, username, "grader" if is_grader else "student")

    async def _membership(self, username: str, course: Course) -> Membership:
        membership = await self._members.membership(username, course.slug)
        if membership is None or not membership.active:
            raise Refused("not_a_member", 403)
        return membership
