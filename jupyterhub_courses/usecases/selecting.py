"""Deep Linking: a teacher picks what an activity opens, and the LMS gets it signed.

Promises: the code of the request is the only authority (in an LMS's frame there is no login), works once and not after
its time; what the teacher may is asked again then; a wrong choice costs nothing, the list is shown again.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ..core.addresses import trusted
from ..core.admissions import Refused, SelectionRequest
from ..core.records import Course, Registration
from ..core.roles import Role
from ..core.selections import Assignment, Option, content_item, options_of, picked, response_claims
from ..core.specs import Material, materials_of
from .admitting import SELECTION

MAKING = ("pending", "progressing")  # states in which the course's folder may not be there yet


class OncePort(Protocol):
    """What may be used once."""

    async def look(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...
    async def spend(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...


class CoursesPort(Protocol):
    """Courses."""

    async def by_slug(self, slug: str) -> Course | None: ...


class RegistrationsPort(Protocol):
    """Registrations."""

    async def by_id(self, registration_id: int) -> Registration | None: ...


class PeoplePort(Protocol):
    """Memberships."""

    async def memberships(self, person_id: int) -> list[tuple[str, Role]]: ...


class AssignmentPort(Protocol):
    """An assignment in the store."""

    @property
    def name(self) -> str: ...
    @property
    def max_score(self) -> float: ...
    @property
    def in_gradebook(self) -> bool: ...
    @property
    def linked(self) -> bool: ...


class AssignmentsPort(Protocol):
    """Assignments in the store."""

    async def assignments(self, course_id: int) -> Sequence[AssignmentPort]: ...


class HostPort(Protocol):
    """Where the course runs."""

    async def released(self, course: Course) -> AbstractSet[str]: ...
    async def made(self, course: Course) -> AbstractSet[str]: ...


class SignPort(Protocol):
    """The tool's signature, with the key that this registration's LMS knows."""

    def __call__(self, claims: dict[str, Any], registration_id: int) -> str: ...


@dataclass(frozen=True)
class Dialogue:
    """What the list is made of. `making`: the course is being made, the list may be longer in a moment."""

    course: Course
    registration: Registration
    request: SelectionRequest
    deployment_id: str
    base_url: str
    options: tuple[Option, ...]
    materials: tuple[Material, ...]

    @property
    def making(self) -> bool:
        return self.course.state in MAKING


@dataclass(frozen=True)
class Sending:
    """A signed answer and where the teacher's browser takes it; the address may hold the session's key."""

    registration: Registration
    return_url: str = field(repr=False)
    jwt: str = field(repr=False)
    count: int = 0


class Selecting:
    """The story. `clock` gives the present as an aware UTC time."""

    def __init__(
        self,
        once: OncePort,
        courses: CoursesPort,
        registrations: RegistrationsPort,
        people: PeoplePort,
        assignments: AssignmentsPort,
        host: HostPort,
        sign: SignPort,
        clock: Callable[[], datetime],
    ) -> None:
        self._once, self._courses, self._registrations, self._people = once, courses, registrations, people
        self._assignments, self._host, self._sign, self._clock = assignments, host, sign, clock

    async def look(self, code: str) -> Dialogue:
        """The list for a code. Raises Refused."""
        return await self._dialogue(await self._once.look(SELECTION, code, self._clock()))

    async def choose(self, code: str, keys: Sequence[str], paths: Mapping[str, str]) -> Sending:
        """Send these options of the list. Raises Refused, or WrongPick: then the code still works."""
        dialogue = await self.look(code)
        picks = picked(dialogue.options, keys, paths, dialogue.materials, dialogue.request.accept_multiple)
        wants_column = dialogue.request.accept_lineitem
        items = [content_item(pick, dialogue.base_url, wants_column) for pick in picks]
        return await self._send(code, dialogue, items)

    async def cancel(self, code: str) -> Sending:
        """Send nothing, which closes the LMS's dialogue. Raises Refused."""
        return await self._send(code, await self.look(code), [])

    async def _send(self, code: str, dialogue: Dialogue, items: list[dict[str, Any]]) -> Sending:
        if await self._once.spend(SELECTION, code, self._clock()) is None:
            raise Refused("selection_spent", 400)  # another tab was quicker
        registration, now = dialogue.registration, self._clock().timestamp()
        nonce = secrets.token_urlsafe(16)
        claims = response_claims(registration, dialogue.deployment_id, dialogue.request, items, now, nonce)
        return Sending(registration, dialogue.request.return_url, self._sign(claims, registration.id), len(items))

    async def _dialogue(self, data: dict[str, Any] | None) -> Dialogue:
        if data is None:
            raise Refused("selection_spent", 400)
        request = SelectionRequest(
            data["return_url"], data["data"], data["accept_multiple"] is True, data["accept_lineitem"] is True
        )
        registration = await self._registrations.by_id(data["registration_id"])
        if registration is None:
            raise Refused("registration_unknown", 401)
        if trusted(request.return_url, registration) is None:
            raise Refused("address_not_trusted", 400)  # its addresses have changed meanwhile
        course = await self._courses.by_slug(data["course"])
        if course is None or course.state == "deleting":
            raise Refused("course_unknown" if course is None else "course_deleting", 404)
        await self._still_teaches(data["person_id"], course)
        materials = materials_of(course.spec)
        options = await self._options(course, materials)
        return Dialogue(course, registration, request, data["deployment_id"], data["base_url"], options, materials)

    async def _still_teaches(self, person_id: int, course: Course) -> None:
        roles = dict(await self._people.memberships(person_id))
        # A course whose grader user is not made yet is in nobody's memberships.
        if course.state != "pending" and not (course.slug in roles and roles[course.slug].grades):
            raise Refused("teachers_only", 403)

    async def _options(self, course: Course, materials: tuple[Material, ...]) -> tuple[Option, ...]:
        stored = await self._assignments.assignments(course.id)
        known = [Assignment(one.name, one.max_score, one.linked) for one in stored if one.in_gradebook]
        linked = {one.name for one in stored if one.linked}
        released, made = await self._host.released(course), await self._host.made(course)
        elsewhere = (released | made) - {one.name for one in known}
        known += [Assignment(name, linked=name in linked) for name in sorted(elsewhere)]
        return options_of(known, released, materials, course.title)
