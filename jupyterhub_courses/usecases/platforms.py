"""Platforms by command and on a page: connect an LMS, extend it, let it go, follow it to another address.

A platform of the courses file or of the hub's configuration is changed there only. Letting a platform go closes its
door and keeps everything: its people and courses stay bound to its name, which no other LMS can take.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..core.admissions import Refused
from ..core.filecheck import check_data
from ..core.platforms import PAGE, Clashing, Known, added, clash, moved, of_spec, unread_secrets
from ..core.records import Platform, Registration
from ..core.specs import PlatformSpec
from .applying import WrongFile

log = logging.getLogger(__name__)
_OWNED = {"file": "platform_of_file", "config": "platform_of_config"}


class PlatformsPort(Protocol):
    """The store, as platforms need it."""

    async def known(self) -> list[Known]: ...
    async def keep(self, platform: Platform, registrations: Sequence[Registration]) -> None: ...
    async def forget(self, name: str, client_id: str | None) -> bool: ...
    async def move(self, name: str, issuer: str) -> None: ...


class Platforms:
    """The story."""

    def __init__(self, store: PlatformsPort) -> None:
        self._store = store

    async def all(self) -> list[Known]:
        """Every platform, by name."""
        return await self._store.known()

    async def one(self, name: str) -> Known:
        """One platform. Raises Refused."""
        known = {one.platform.name: one for one in await self._store.known()}
        if name not in known:
            raise Refused("platform_unknown", 404)
        return known[name]

    async def keep(self, name: str, data: Any) -> Known:
        """Make a platform, or add what `data` (a platform of a courses file, without its name) says to it.

        Of a client id that is there, deployment ids are added and addresses replaced; fields that are not named stay.
        Raises WrongFile, Refused, Clashing.
        """
        spec = _checked(name, data)
        everything = await self._store.known()
        known = next((one for one in everything if one.platform.name == name), None)
        _changeable(known)
        platform, wanted = of_spec(spec)
        platform = _with_old(platform, spec, known)
        registrations = added(known.registrations if known else (), wanted)
        others = [r for one in everything for r in one.registrations]
        for problem in (_other_issuer(platform, known), *(clash(one, others) for one in registrations)):
            if problem is not None:
                raise Clashing(problem)
        await self._store.keep(platform, registrations)
        log.info("platform %s: %d registrations kept", name, len(registrations))
        return await self.one(name)

    async def remove(self, name: str, client_id: str | None, taken_out: bool) -> dict[str, int]:
        """Drop its registrations (or one). `taken_out`: whoever owned it does not name it any more.

        {"people", "courses"}: what stays bound to the name. Raises Refused.
        """
        known = await self.one(name)
        if not taken_out:
            _changeable(known)
        if not await self._store.forget(name, client_id):
            raise Refused("registration_unknown", 404)
        log.info("platform %s: %s removed", name, "a registration" if client_id else "all registrations")
        return {"people": known.people, "courses": known.courses}

    async def move(self, name: str, issuer: str) -> Known:
        """The same LMS has another issuer: people and courses stay what they are. Raises Refused, Clashing."""
        known = await self.one(name)
        everything = await self._store.known()
        others = [r for one in everything for r in one.registrations]
        for registration in known.registrations:
            problem = clash(replace(registration, issuer=issuer), others)
            if problem is not None:
                raise Clashing(problem)
        await self._store.move(name, issuer)
        log.info("platform %s: its issuer is another now", name)
        return await self.one(name)


def _checked(name: str, data: Any) -> PlatformSpec:
    given = {**data, "name": name} if isinstance(data, dict) else data
    checked = check_data({"platforms": [given]})
    if checked.file is None:
        raise WrongFile([str(problem) for problem in checked.problems])
    spec = checked.file.platforms[0]
    if unread := unread_secrets(spec):
        raise WrongFile(unread)
    return spec


def _changeable(known: Known | None) -> None:
    owner = known.platform.owner if known is not None else PAGE
    if owner in _OWNED:
        raise Refused(_OWNED[owner], 409)


def _other_issuer(platform: Platform, known: Known | None) -> Any:
    # Nobody hangs on it, yet its registrations would become those of another LMS.
    if known is not None and known.registrations:
        known = replace(known, people=max(known.people, 1))
    return moved(platform, known)


def _with_old(platform: Platform, spec: PlatformSpec, known: Known | None) -> Platform:
    """What was not said stays."""
    if known is None:
        return platform
    old, said = known.platform, spec.model_fields_set
    if "course_creation" not in said:
        names = ("course_creation", "allowed_contexts", "course_limit", "start_from")
        platform = replace(platform, **{name: getattr(old, name) for name in names})
    title = platform.title if "title" in said else old.title
    return replace(platform, title=title, home_url=platform.home_url if "home" in said else old.home_url)
