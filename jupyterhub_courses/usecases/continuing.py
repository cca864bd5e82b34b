"""Going on in another window: an admitted person gets a code for it, and is looked up again when they use it.

Promises: a code works once and for five minutes; what the person may is what they may then, not when it was made.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from ..core.admissions import Admission, Refused
from ..core.continuations import KIND, SECONDS, Continuation, continuation_from_json
from ..core.records import Person
from ..core.roles import Role, hub_roles


class PeoplePort(Protocol):
    """People and memberships."""

    async def by_username(self, username: str) -> Person | None: ...
    async def memberships(self, person_id: int) -> list[tuple[str, Role]]: ...


class OncePort(Protocol):
    """What may be used once."""

    async def issue(self, kind: str, data: dict[str, Any], now: datetime, seconds: float) -> str: ...
    async def look(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...
    async def spend(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...


class Continuing:
    """The story. `clock` gives the present as an aware UTC time."""

    def __init__(self, people: PeoplePort, once: OncePort, clock: Callable[[], datetime]) -> None:
        self._people, self._once, self._clock = people, once, clock

    async def begin(self, continuation: Continuation) -> str:
        """A code for it."""
        return await self._once.issue(KIND, continuation.as_json(), self._clock(), SECONDS)

    async def go_on(self, code: str, sure: bool) -> tuple[Admission, bool]:
        """The admission behind `code`, and whether the code was spent for it.

        It is not where the person has to be asked first: then the same code comes again with `sure`.
        Raises Refused.
        """
        found = await self._once.look(KIND, code, self._clock())
        spent = found is not None and (sure or continuation_from_json(found).proven)
        if spent:
            found = await self._once.spend(KIND, code, self._clock())
        if found is None:
            raise Refused("continue_spent", 400)
        continuation = continuation_from_json(found)
        person = await self._people.by_username(continuation.username)
        if person is None:
            raise Refused("not_found", 404)
        return await self._admission(continuation, person), spent

    async def _admission(self, continuation: Continuation, person: Person) -> Admission:
        memberships = await self._people.memberships(person.id)
        return Admission(
            username=person.username,
            course=continuation.course,
            role=continuation.role,
            ready=continuation.ready,
            goal=continuation.goal,
            hub_roles=hub_roles(memberships, admin=False),
        )
