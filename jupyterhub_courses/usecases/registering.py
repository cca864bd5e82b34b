"""Dynamic Registration: a link that an administrator gave becomes a registration of an LMS.

Promises: nothing happens before somebody who has the link presses the button; a link registers one LMS for one
platform, works until it has done so, and is not used up by a failure; whatever happened, the same link goes on where
it ended (an entry that the LMS made and we did not keep is taken over by an update of it); twice the same window
changes nothing.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from weakref import WeakValueDictionary

from ..core.answers import Answer
from ..core.platforms import Known
from ..core.records import Registration
from ..core.registrations import (
    DONE,
    LINK,
    LINK_SECONDS,
    Configuration,
    Entry,
    Invitation,
    RegistrationRefused,
    check_place,
    is_update,
    our_registration,
    read_configuration,
    read_entry,
    usable_address,
    usable_token,
    written,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Registered:
    """What a registration came to. `window`: a digest of the LMS's window that it happened in."""

    platform: str
    title: str
    issuer: str
    client_id: str
    deployment_id: str | None
    updated: bool
    ungranted: tuple[str, ...]
    family: str
    window: str


class OncePort(Protocol):
    """What may be used once."""

    async def issue(self, kind: str, data: dict[str, Any], now: datetime, seconds: float) -> str: ...
    async def look(self, kind: str, code: str, now: datetime) -> dict[str, Any] | None: ...


class StorePort(Protocol):
    """Platforms; `keep` in one transaction with the end of the code. Raises Refused."""

    async def known(self) -> list[Known]: ...
    async def keep(
        self, code: str, invitation: Invitation, registration: Registration, done: dict[str, Any], now: datetime
    ) -> None: ...


class LmsPort(Protocol):
    """An LMS's addresses for registering."""

    async def configuration(self, url: str) -> Answer: ...
    async def entry(self, url: str, token: str) -> Answer: ...
    async def send(self, url: str, token: str, body: bytes) -> Answer: ...


class Registering:
    """The story. `clock` gives the present as an aware UTC time."""

    def __init__(self, once: OncePort, store: StorePort, lms: LmsPort, clock: Callable[[], datetime]) -> None:
        self._once, self._store, self._lms, self._clock = once, store, lms, clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def invite(self, invitation: Invitation) -> tuple[str, datetime]:
        """A code for a link, and until when it works. Raises RegistrationRefused for a platform of a file."""
        check_place(invitation, None, None, await self._store.known())
        now = self._clock()
        code = await self._once.issue(LINK, asdict(invitation), now, LINK_SECONDS)
        return code, now + timedelta(seconds=LINK_SECONDS)

    async def invitation(self, code: str) -> Invitation:
        """What the link is for. Raises RegistrationRefused."""
        data = await self._once.look(LINK, code, self._clock())
        if data is None:
            raise RegistrationRefused("registration_link_unknown", 404)
        return Invitation(**data)

    async def done(self, code: str, url: str, token: str) -> Registered | None:
        """What this very window of the LMS has already come to, for a page that is loaded again."""
        data = await self._once.look(DONE, code, self._clock())
        if data is None or data["window"] != _window(url, token):
            return None
        return Registered(**{**data, "ungranted": tuple(data["ungranted"])})

    async def register(self, code: str, url: str, token: str, base: str) -> Registered:
        """Register at the LMS whose configuration is at `url`. `base`: our public address with its slash.

        Raises RegistrationRefused.
        """
        turn = self._turns.setdefault(code, asyncio.Lock())
        async with turn:  # a double click
            if done := await self.done(code, url, token):
                return done
            try:
                return await self._register(code, url, token, base)
            except RegistrationRefused:
                if done := await self.done(code, url, token):  # another process was quicker
                    return done
                raise

    async def _register(self, code: str, url: str, token: str, base: str) -> Registered:
        invitation = await self.invitation(code)
        if not usable_address(url):
            raise RegistrationRefused("registration_address_wrong", 400)
        if not usable_token(token):
            raise RegistrationRefused("registration_token_refused", 400)
        configuration = read_configuration(url, await self._lms.configuration(url))
        known = await self._store.known()
        check_place(invitation, configuration.issuer, None, known)
        endpoint = configuration.registration_endpoint
        present = None
        if is_update(token):
            present = read_entry(await self._lms.entry(endpoint, token), asking=True)
            check_place(invitation, configuration.issuer, present.client_id or None, known)
        ours = our_registration(base, configuration, present)
        entry = read_entry(await self._lms.send(endpoint, token, written(ours)))
        registered = _registered(invitation, configuration, entry, present, _window(url, token))
        registration = _registration(invitation, configuration, entry)
        await self._store.keep(code, invitation, registration, asdict(registered), self._clock())
        what = "updated" if registered.updated else "registered"
        log.info("platform %s: %s as client id %s", invitation.platform, what, entry.client_id)
        return registered


def _registered(
    invitation: Invitation, configuration: Configuration, entry: Entry, present: Entry | None, window: str
) -> Registered:
    return Registered(
        platform=invitation.platform,
        title=invitation.title,
        issuer=configuration.issuer,
        client_id=entry.client_id,
        deployment_id=entry.deployment_id,
        updated=present is not None,
        ungranted=entry.ungranted,
        family=configuration.family,
        window=window,
    )


def _registration(invitation: Invitation, configuration: Configuration, entry: Entry) -> Registration:
    return Registration(
        id=0,
        platform_id=0,
        platform=invitation.platform,
        issuer=configuration.issuer,
        client_id=entry.client_id,
        deployment_ids=(entry.deployment_id,) if entry.deployment_id else (),
        authorize_url=configuration.authorize_url,
        token_url=configuration.token_url,
        keyset_url=configuration.keyset_url,
        public_key=None,
    )


def _window(url: str, token: str) -> str:
    return hashlib.sha256(f"{url}\0{token}".encode()).hexdigest()
