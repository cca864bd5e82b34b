"""Admission: a verified launch becomes a person, a membership, a role and a destination.

Promises: (platform, sub) keeps its hub username for ever; nobody gets a name that belongs to somebody else, to a
user of the hub that is not ours, or to the system; the role comes from the verified claims alone; a course is made
only by a teacher of a platform that may. `ready` is said only of a course whose exchange serves.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from ..core.addresses import trusted
from ..core.admissions import Admission, Launch, Message, Refused, wanted_name
from ..core.goals import Goal, Kind
from ..core.materials import allowed_place
from ..core.names import slug_from
from ..core.records import Arriving, Course, Endpoints, Known, Link, Person, Place, Platform, Registration, Standing
from ..core.roles import Role, agreed, hub_roles, role_from_claims
from ..core.specs import materials_of

log = logging.getLogger(__name__)
NAME_ATTEMPTS = 50
NONCE_SECONDS = 3600.0  # longer than any login lasts (core/login_states.py) and than any token's age is accepted
SELECTION_SECONDS = 3600.0  # a teacher may think before choosing
SELECTION = "selection"


class ArrivalsPort(Protocol):
    """Launches as they come."""

    async def arrive(self, launch: Launch, now: datetime, seconds: float) -> Arriving: ...
    async def known(self, registration: Registration, launch: Launch) -> Known: ...


class RegistrationsPort(Protocol):
    """Platforms and registrations."""

    async def platform(self, platform_id: int) -> Platform: ...
    async def courses_made_by_launch(self, platform_id: int) -> int: ...


class PeoplePort(Protocol):
    """People and memberships."""

    async def find(self, platform_id: int, sub: str) -> Person | None: ...
    async def by_username(self, username: str) -> Person | None: ...
    async def create(self, person: Person, now: datetime, place: Place | None = None) -> Person | None: ...
    async def update_details(self, person_id: int, details: dict[str, str]) -> None: ...
    async def set_membership(self, person_id: int, course_id: int, role: Role, source: str, now: datetime) -> Role: ...
    async def memberships(self, person_id: int) -> list[tuple[str, Role]]: ...


class CoursesPort(Protocol):
    """Courses."""

    async def by_context(self, platform_id: int, context_id: str) -> Course | None: ...
    async def by_slug(self, slug: str) -> Course | None: ...
    async def create(
        self,
        slug: str,
        title: str,
        platform_id: int | None,
        context_id: str | None,
        spec: dict[str, Any],
        owner: str,
        exchange_token: str,
        now: datetime,
    ) -> Course | None: ...
    async def set_endpoints(self, course: Course, endpoints: Endpoints) -> bool: ...
    async def set_link(self, course_id: int, link: Link) -> bool: ...
    async def assignment_of(self, course_id: int, lineitem: str | None, resource_link: str | None) -> str | None: ...


class OncePort(Protocol):
    """What may be used once."""

    async def issue(self, kind: str, data: dict[str, Any], now: datetime, seconds: float) -> str: ...


class HubPort(Protocol):
    """The hub's users."""

    async def user_exists(self, username: str) -> bool: ...


class ProvisionerPort(Protocol):
    """The reconciler, as admission needs it."""

    async def prepare(self, course: Course) -> bool: ...
    async def admit(self, course: Course, username: str, role: Role, waited: float = 0.0) -> bool: ...


class Admitting:
    """The story. `clock` gives the present as an aware UTC time."""

    def __init__(
        self,
        arrivals: ArrivalsPort,
        registrations: RegistrationsPort,
        people: PeoplePort,
        courses: CoursesPort,
        once: OncePort,
        hub: HubPort,
        provisioner: ProvisionerPort,
        clock: Callable[[], datetime],
    ) -> None:
        self._registrations, self._people, self._courses, self._once = registrations, people, courses, once
        self._arrivals, self._hub, self._provisioner, self._clock = arrivals, hub, provisioner, clock

    async def admit(self, launch: Launch) -> Admission:
        """Admit the person of a verified launch. Raises Refused with a code and an HTTP status."""
        began = self._clock()
        arriving = await self._arrivals.arrive(launch, began, NONCE_SECONDS)
        registration = arriving.registration
        if registration is None:
            raise Refused("registration_unknown", 401)
        if launch.deployment_id not in registration.deployment_ids:
            raise Refused("deployment_unknown", 401)
        if not arriving.is_first or arriving.known is None:
            raise Refused("nonce_replayed", 401)
        return await self._enter(launch, registration, arriving.known, began)

    async def enter(self, launch: Launch, registration: Registration) -> Admission:
        """Admit whom a launch of this registration names, which is proven and used once. Raises Refused."""
        began = self._clock()
        return await self._enter(launch, registration, await self._arrivals.known(registration, launch), began)

    async def _enter(self, launch: Launch, registration: Registration, known: Known, began: datetime) -> Admission:
        # Somebody known, at a known activity, is in `known` whole; only what is new is asked for and written.
        role = role_from_claims(launch.roles)
        if role is None:
            raise Refused("no_role")
        if not launch.context_id:
            raise Refused("no_context", 400)
        course = await self._course(launch, registration, role, known.course)
        place = Place(course.id, role)
        person, has_joined = await self._person(launch, registration.platform_id, known.person, place)
        joins = False
        if not has_joined:
            role, joins = await self._join(person, course, role, known.standing)
        news = await self._remember_endpoints(launch, registration, course, known.link)
        goal = await self._goal(launch, registration, course, person, role)
        waited = (self._clock() - began).total_seconds()
        ready = await self._provisioner.admit(course, person.username, role, waited)
        # A course gives roles from the moment that its grader user is there.
        was_made = course.state not in ("pending", "progressing")
        memberships = [(course.slug, role)] if has_joined else known.memberships
        if joins or not was_made:
            memberships = await self._people.memberships(person.id)
        return Admission(
            username=person.username,
            course=course.slug,
            role=role,
            ready=ready,
            goal=goal,
            hub_roles=hub_roles(memberships, admin=False),
            news=news,
        )

    async def _join(self, person: Person, course: Course, role: Role, standing: Standing | None) -> tuple[Role, bool]:
        """The person is a member from now on: the role that counts, and whether that is new."""
        if standing is not None:
            counts = agreed(role, standing.roster_role)
            if standing == Standing(counts, True, "launch", standing.roster_role):
                return counts, False
        return await self._people.set_membership(person.id, course.id, role, "launch", self._clock()), True

    async def _goal(
        self, launch: Launch, registration: Registration, course: Course, person: Person, role: Role
    ) -> Goal:
        """Where the person may go; what the launch wants is weighed against the role of its own claims."""
        if launch.message is Message.DEEP_LINKING:
            return await self._selection(launch, registration, course, person, role)
        if launch.message is Message.SUBMISSION_REVIEW:
            return await self._review(launch, registration, course, role)
        if launch.assignment is not None:
            return Goal(Kind.ASSIGNMENT, assignment=launch.assignment)
        if launch.materials is not None:
            place = allowed_place(launch.materials, materials_of(course.spec))
            if place is None:
                raise Refused("materials_not_allowed")
            return Goal(Kind.MATERIALS, materials=place)
        return Goal()

    async def _selection(
        self, launch: Launch, registration: Registration, course: Course, person: Person, role: Role
    ) -> Goal:
        if not role.grades:
            raise Refused("teachers_only")
        asked = launch.selection
        if asked is None or trusted(asked.return_url, registration) is None:
            raise Refused("address_not_trusted", 400)
        data = {
            **asdict(asked),
            "course": course.slug,
            "person_id": person.id,
            "registration_id": registration.id,
            "deployment_id": launch.deployment_id,
            "base_url": launch.base_url,
        }
        return Goal(Kind.SELECTION, code=await self._once.issue(SELECTION, data, self._clock(), SELECTION_SECONDS))

    async def _review(self, launch: Launch, registration: Registration, course: Course, role: Role) -> Goal:
        # Moodle lets a student name somebody else here: the claim asks, the role of the claims decides.
        if not role.grades:
            if launch.for_user != launch.sub:
                raise Refused("review_of_another")
            return Goal()
        student = await self._people.find(registration.platform_id, launch.for_user or "")
        assignment = launch.assignment or await self._courses.assignment_of(
            course.id, launch.lineitem_url, launch.resource_link_id
        )
        if student is None or assignment is None:
            raise Refused("review_unknown", 404)
        return Goal(Kind.REVIEW, assignment=assignment, student=student.username)

    async def _person(
        self, launch: Launch, platform_id: int, person: Person | None, place: Place
    ) -> tuple[Person, bool]:
        """The person, and whether they were made now, as a member at `place`."""
        if person is not None:
            details = {name: value for name, value in launch.names.items() if value}
            if any(getattr(person, name) != value for name, value in details.items()):
                await self._people.update_details(person.id, details)
            return person, False
        taken: set[str] = set()
        for _ in range(NAME_ATTEMPTS):
            username = wanted_name(launch, taken.__contains__, f"{platform_id}:{launch.sub}")
            if await self._is_free(username, launch):
                new = Person(0, platform_id, launch.sub, username, **launch.names)
                if person := await self._people.create(new, self._clock(), place):
                    return person, True
                # Somebody else has the name, or another launch of the same person was quicker.
                if person := await self._people.find(platform_id, launch.sub):
                    return person, False
            taken.add(username)
        raise Refused("internal", 500)

    async def _is_free(self, username: str, launch: Launch) -> bool:
        """Whether no user of the hub has this name, nor anybody here as far as can be told without trying."""
        if username == launch.free_name:
            return True
        return await self._people.by_username(username) is None and not await self._hub.user_exists(username)

    async def _course(self, launch: Launch, registration: Registration, role: Role, course: Course | None) -> Course:
        if course is None:
            course = await self._make_course(launch, registration, role)
        if course.state == "deleting":
            raise Refused("course_deleting", 409)
        if course.state == "pending" and not await self._provisioner.prepare(course):
            log.info("course %s: its grader user cannot be made yet", course.slug)
        return course

    async def _make_course(self, launch: Launch, registration: Registration, role: Role) -> Course:
        platform = await self._registrations.platform(registration.platform_id)
        if role is not Role.INSTRUCTOR:
            raise Refused("student_before_teacher", 403)
        if not platform.may_create(launch.context_id):
            raise Refused("course_not_set_up", 403)
        if await self._registrations.courses_made_by_launch(platform.id) >= platform.course_limit:
            raise Refused("course_limit", 403)
        title = launch.context_title or launch.context_label or "Course"
        spec = {"start_from": platform.start_from} if platform.start_from else {}
        taken: set[str] = set()
        for _ in range(NAME_ATTEMPTS):
            slug = slug_from(launch.context_label or title, taken.__contains__, f"{platform.id}:{launch.context_id}")
            if await self._courses.by_slug(slug) is None:
                course = await self._courses.create(
                    slug, title, platform.id, launch.context_id, spec, "launch", secrets.token_hex(32), self._clock()
                )
                course = course or await self._courses.by_context(platform.id, launch.context_id)
                if course is not None:
                    return course
            taken.add(slug)
        raise Refused("internal", 500)

    async def _remember_endpoints(
        self, launch: Launch, registration: Registration, course: Course, known: Link | None
    ) -> bool:
        """Keep where scores and roster go; returns whether that was news."""
        lineitems = trusted(launch.lineitems_url, registration)
        news = await self._courses.set_endpoints(
            course, Endpoints(registration.id, lineitems, trusted(launch.members_url, registration))
        )
        if launch.assignment is None or launch.message is not Message.RESOURCE_LINK:
            return news
        lineitem = trusted(launch.lineitem_url, registration)
        link = Link(launch.assignment, launch.resource_link_id, lineitem, lineitems, registration.id)
        if not link.says_more_than(known):
            return news
        if not await self._courses.set_link(course.id, link):
            log.warning("course %s: too many assignments named by links; one was not kept", course.slug)
        return True
