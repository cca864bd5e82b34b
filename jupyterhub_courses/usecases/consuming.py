"""Launches of LTI 1.1: a form that an LMS signed is checked here, where the secret is, and admitted like any launch.

Promises: a form is good once, for a few minutes, and for the address it was signed for; an unknown key and a wrong
signature look the same from outside; where a student's grade goes is kept from their own launch alone.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ..core.addresses import host_of, trusted, trusted_hosts
from ..core.admissions import Admission, Launch, Refused, ResultPlace
from ..core.lti11 import WINDOW, Signature, SignedForm, check_form, launch_from_form, signature_of
from ..core.records import Registration
from ..core.refusals import LaunchRefused
from ..core.roles import Role

log = logging.getLogger(__name__)
NONCE_SECONDS = 2.0 * WINDOW + 60


class RegistrationsPort(Protocol):
    """Consumers of LTI 1.1."""

    async def consumer(self, key: str) -> Registration | None: ...


class OncePort(Protocol):
    """What may be used once."""

    async def spend_nonce(self, nonce: str, attempt: str, now: datetime, seconds: float) -> bool: ...


class AdmittingPort(Protocol):
    """Admission of whoever is proven to come."""

    async def enter(self, launch: Launch, registration: Registration) -> Admission: ...


class OutcomesPort(Protocol):
    """Where results go."""

    async def remember(
        self, course: str, username: str, assignment: str, registration_id: int, place: ResultPlace
    ) -> None: ...


class Consuming:
    """The story. `is_signed(form, signature, secret)` checks a signature; `clock` gives the present."""

    def __init__(
        self,
        registrations: RegistrationsPort,
        once: OncePort,
        admitting: AdmittingPort,
        outcomes: OutcomesPort,
        is_signed: Callable[[SignedForm, Signature, str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._registrations, self._once, self._admitting = registrations, once, admitting
        self._outcomes, self._is_signed, self._clock = outcomes, is_signed, clock

    async def admit(self, form: SignedForm) -> tuple[Admission, bool]:
        """The admission, and whether a page of the LMS itself sent the form.

        Else it may be anybody's page, which sends somebody into an account that is not theirs. Raises Refused.
        """
        try:
            signature = signature_of(form)
            registration = await self._consumer(form, signature)
            check_form(form, signature, self._clock().timestamp())
            launch = launch_from_form(form, registration)
        except LaunchRefused as refusal:
            raise Refused(refusal.code, refusal.status) from None
        if not await self._once.spend_nonce(signature.once, form.attempt, self._clock(), NONCE_SECONDS):
            raise Refused("nonce_replayed", 401)
        admission = await self._admitting.enter(launch, registration)
        await self._remember(launch, registration, admission)
        return admission, host_of(form.origin) in trusted_hosts(registration)

    async def _consumer(self, form: SignedForm, signature: Signature) -> Registration:
        found = await self._registrations.consumer(signature.key)
        # An unknown key is checked too, against nothing: it takes as long as a wrong signature.
        if not self._is_signed(form, signature, (found and found.secret) or "") or found is None or not found.secret:
            raise LaunchRefused("consumer_unknown")
        return found

    async def _remember(self, launch: Launch, registration: Registration, admission: Admission) -> None:
        if launch.result is None or launch.assignment is None or admission.role is not Role.STUDENT:
            return
        if trusted(launch.result.url, registration) is None:
            log.warning("Platform %s names an address for grades that is not its own", registration.platform)
            return
        await self._outcomes.remember(
            admission.course, admission.username, launch.assignment, registration.id, launch.result
        )
