"""Welcoming: people who come from no LMS, by the hub's own login or by a one-time link.

Promises: a login of the hub and somebody of an LMS are never one person, whoever came first; a person whom a courses
file names, and a user whom the hub had already, belong to the login of exactly that name. A link is given out for
administrators and for people without an LMS alone, and works once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..core.admissions import Refused
from ..core.logins import candidate, is_login, is_reserved_login, is_theirs, sub_of
from ..core.names import GRADER_PREFIX
from ..core.records import Person

LINK = "login"
LINK_SECONDS = 600.0
NAME_ATTEMPTS = 50


class PeoplePort(Protocol):
    """People."""

    async def find(self, platform_id: int | None, sub: str) -> Person | None: ...
    async def by_username(self, username: str) -> Person | None: ...
    async def create(self, person: Person, now: datetime) -> Person | None: ...
    async def bind(self, person_id: int, sub: str) -> None: ...


class HubPort(Protocol):
    """The hub's users."""

    async def user_exists(self, username: str) -> bool: ...
    async def is_admin(self, username: str) -> bool: ...


class OncePort(Protocol):
    """What works once."""

    async def issue(self, kind: str, data: dict[str, Any], now: datetime, seconds: float) -> str: ...
    async def look(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...
    async def spend(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class Guest:
    """Who a link is for; `person` is None for an administrator who is in no course."""

    username: str
    person: Person | None


class Welcoming:
    """The story. `clock` gives the present as an aware UTC time."""

    def __init__(self, people: PeoplePort, once: OncePort, hub: HubPort, clock: Callable[[], datetime]) -> None:
        self._people, self._once, self._hub, self._clock = people, once, hub, clock

    async def by_login(self, login: str) -> Person:
        """The person whom the hub's own login calls `login`, made at the first call. Raises Refused."""
        if not is_login(login):
            raise Refused("login_name_odd")
        person = await self._people.find(None, sub_of(login))
        if person is not None:
            return person
        on_hub = await self._hub.user_exists(login)
        if is_reserved_login(login, on_hub):
            raise Refused("login_name_reserved")
        taken: set[str] = set()
        for _ in range(NAME_ATTEMPTS):
            username = candidate(login, taken)
            person = await self._people.by_username(username)
            if person is not None and is_theirs(person, login):
                await self._people.bind(person.id, sub_of(login))
                return person
            # A user of the hub who is nobody's person is this login's, under exactly that name.
            if person is not None or (username != login and await self._hub.user_exists(username)):
                taken.add(username)
                continue
            person = await self._people.create(Person(0, None, sub_of(login), username), self._clock())
            if person is not None:
                return person
            # Somebody got the name just now; perhaps this very login, in another process. So look again.
        raise Refused("internal", 500)

    async def give_link(self, username: str) -> str:
        """A code that logs `username` in once, within ten minutes. Raises Refused."""
        await self._guest(username)
        return await self._once.issue(LINK, {"username": username}, self._clock(), LINK_SECONDS)

    async def look_at_link(self, code: str) -> str:
        """Whom the code logs in; does not use it up. Raises Refused."""
        data = await self._once.look(LINK, code, self._clock())
        if data is None:
            raise Refused("code_spent", 410)
        return str(data["username"])

    async def by_link(self, code: str) -> Guest:
        """Use the code up. Raises Refused, also for somebody who may not come by a link any more."""
        data = await self._once.spend(LINK, code, self._clock())
        if data is None:
            raise Refused("code_spent", 410)
        return await self._guest(str(data["username"]))

    async def _guest(self, username: str) -> Guest:
        if username.startswith((GRADER_PREFIX, "service-")):
            raise Refused("link_not_for_system")
        person = await self._people.by_username(username)
        if person is not None and person.platform_id is None:
            return Guest(username, person)
        if await self._hub.is_admin(username):
            return Guest(username, person)
        if person is not None:
            raise Refused("link_not_for_lms")
        raise Refused("link_for_nobody", 404)
