"""Launches of LTI 1.1, as the browser sees them: the LMS's page posts a signed form here, and that is all.

Off unless an administrator switches it on (`lti11`). The secret stays in the service, which checks the signature
(usecases/consuming.py); here the form is taken as it came, with the address that the browser posted it to.
"""

import secrets

from ..core.lti11 import SignedForm, fields_of
from ..core.refusals import LaunchRefused
from .base import LaunchPage

LAUNCH_PATH = "/lti11/launch"
FORM = "application/x-www-form-urlencoded"


class Lti11Launch(LaunchPage):
    """`/hub/lti11/launch`."""

    async def get(self):
        """Somebody reloaded, or found the address: there is no launch in a GET."""
        await self.show("start_in_lms", 405)

    async def post(self):
        """Log the person of the launch in."""
        await self.or_refuse(self.launched())

    async def launched(self):
        """Have the form checked and the person admitted, and send on. Raises LaunchRefused, Refused, ServiceDown."""
        if not self.authenticator.lti11:
            raise LaunchRefused("lti11_off")
        address = f"{self.public_scheme}://{self.public_host}{self.request.path}"
        # What a wrong address is found by: a proxy that changes scheme or host makes every signature wrong.
        self.where = f"LTI 1.1, posted to {address}"
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
            raise LaunchRefused("form_incomplete")
        form = SignedForm(
            url=f"{address}?{self.request.query}" if self.request.query else address,
            fields=fields_of(self.request.body),
            origin=self.request.headers.get("Origin"),
            attempt=secrets.token_hex(8),
        )
        arrival, proven = await self.authenticator.courses.client.admit_signed(form)
        await self.welcome(arrival, self.where, proven=proven)
