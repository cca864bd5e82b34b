"""A launch that arrived in a frame goes on here, in a window of its own.

Only a form of our own page leads here (core/frames.py): else anybody could send somebody into an account that is not
theirs, with a code of their own launch.
"""

from jupyterhub.utils import url_path_join

from ..core.frames import sent_by_own_page
from ..core.refusals import LaunchRefused
from ..core.sentences import sentence
from .base import CONTINUE_PATH, LaunchPage


class LaunchContinuation(LaunchPage):
    """`/hub/lti13/continue`: where the button of a frame leads."""

    async def get(self):
        """Somebody reloaded, or found the address: there is no code in a GET."""
        await self.show("start_in_lms", 405)

    async def post(self):
        """Log the person in whose code this is."""
        await self.or_refuse(self.gone_on())

    async def gone_on(self):
        """Spend the code; ask first where the browser is not known to be the person's. Raises LaunchRefused."""
        if not sent_by_own_page(self.request.headers, self.public_host):
            raise LaunchRefused("continue_foreign")
        code, sure = self.one_argument("code"), self.one_argument("sure") == "1"
        if not code:
            raise LaunchRefused("continue_spent")
        arrival, spent = await self.authenticator.courses.client.go_on(code, sure)
        if spent:
            return await self.log_in(arrival)
        return await self.ask(arrival.access.username, code)

    async def ask(self, name: str, code: str):
        """A page that says as whom somebody is about to work. Never in a frame, where it could lie under others."""
        action = url_path_join(self.hub.base_url, CONTINUE_PATH)
        text = sentence("confirm_person", self.language).format(name=name)
        button = sentence("confirm_person_button", self.language).format(name=name)
        fields = {"code": code, "sure": "1"}
        form = {"action": action, "window": False, "fields": fields, "button": button}
        await self.show("confirm_person", 200, text=text, form=form)
