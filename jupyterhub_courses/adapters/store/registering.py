"""What a dynamic registration leaves in the store: a platform, a registration, and a link that is used up; all or
nothing."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from ...core.platforms import PAGE, Known, added
from ...core.records import Platform, Registration
from ...core.registrations import DONE, DONE_SECONDS, LINK, Invitation, RegistrationRefused, check_place
from .database import Database, again_on_conflict
from .once import add_code, spend_code
from .registrations import known_platforms, save_platform

COURSES_MADE_BY_LAUNCH = 100  # of a platform that a link makes


class RegistrationStore:
    """See usecases/registering.py."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> list[Known]:
        """All platforms."""
        async with self._database.reading() as session:
            return await known_platforms(session)

    @again_on_conflict
    async def keep(
        self, code: str, invitation: Invitation, registration: Registration, done: dict[str, Any], now: datetime
    ) -> None:
        """Use the link up and keep what came of it. Raises RegistrationRefused; then nothing is kept."""
        async with self._database.transaction() as session:
            if await spend_code(session, LINK, code, now) is None:
                raise RegistrationRefused("registration_link_unknown", 404)
            known = await known_platforms(session)
            check_place(invitation, registration.issuer, registration.client_id, known)
            here = next((one for one in known if one.platform.name == invitation.platform), None)
            registrations = added(here.registrations if here else (), [registration])
            platform = _platform(invitation, registration.issuer, here.platform if here else None)
            await save_platform(session, platform, list(registrations), owner=PAGE, prune=False)
            add_code(session, DONE, code, done, now, DONE_SECONDS)


def _platform(invitation: Invitation, issuer: str, present: Platform | None) -> Platform:
    """The platform as the link wants it; what the link leaves open stays as it is."""
    before = present or Platform(0, invitation.platform, issuer, "on", (), COURSES_MADE_BY_LAUNCH)
    creation = invitation.course_creation or before.course_creation
    return replace(before, course_creation=creation, title=invitation.title or before.title)
