"""Deep Linking's page: a teacher picks, in the LMS's own dialogue, what an activity opens.

It stands in a frame of another site, where no cookie comes back: the code of its address is the authority
(usecases/selecting.py). Neither the code nor the LMS's address nor what was signed is logged or told to anybody else:
what the browser says about where it comes from ends before the path.
"""

from typing import Any
from urllib.parse import parse_qsl

from ..core.addresses import origins
from ..core.admissions import Refused
from ..core.selections import PICKS_MAX, WrongPick
from ..usecases.selecting import Dialogue, Sending
from .base import BaseHandler

FORM_MAX = 256 * 1024  # a course has at most 1000 assignments with names of 100 characters
FIELDS_MAX = 3000
CODE_MAX = 64
PATH = "path:"


class SelectionPage(BaseHandler):
    """The list, and what was chosen from it on its way to the LMS."""

    is_page = True
    action = None
    body_max = FORM_MAX

    async def admit(self) -> None:
        """Nobody is asked who they are; the store has to be there."""
        if not self.parts.ready:
            raise Refused("starting", 503)

    def set_default_headers(self) -> None:
        """As everywhere, but for what other sites learn: the form's site, not its address."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "strict-origin")

    async def get(self) -> None:
        """The list."""
        code = self.get_query_argument("code", "")[:CODE_MAX]
        self._show_list(code, await self.parts.selecting.look(code))

    async def post(self) -> None:
        """What was chosen, signed, on a page that sends it; or the list again with what is wrong."""
        form = self._form()
        code = _last(form, "code")[:CODE_MAX]
        paths = {name.removeprefix(PATH): value for name, value in form if name.startswith(PATH)}
        try:
            if _last(form, "cancel"):
                sending = await self.parts.selecting.cancel(code)
            else:
                keys = [value for name, value in form if name == "pick"]
                sending = await self.parts.selecting.choose(code, keys, paths)
        except WrongPick as wrong:
            keys = [value for name, value in form if name == "pick"]
            self.set_status(422)
            self._show_list(code, await self.parts.selecting.look(code), wrong, keys, paths)
            return
        self._show_sending(sending)

    def _form(self) -> list[tuple[str, str]]:
        if len(self._chunks) > self.body_max:
            raise Refused("too_large", 413)
        try:
            return parse_qsl(self._chunks.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError:  # also what is no UTF-8
            raise Refused("bad_request", 400) from None

    def _show_list(
        self,
        code: str,
        dialogue: Dialogue,
        wrong: WrongPick | None = None,
        keys: list[str] | None = None,
        paths: dict[str, str] | None = None,
    ) -> None:
        self._allow(dialogue.registration, dialogue.request.return_url)
        self._show(
            "select.html",
            code=code,
            dialogue=dialogue,
            many=dialogue.request.accept_multiple,
            most=PICKS_MAX,
            wrong=wrong,
            chosen=frozenset(keys or ()),
            paths=paths or {},
        )

    def _show_sending(self, sending: Sending) -> None:
        self._allow(sending.registration, sending.return_url)
        self._show("sending.html", sending=sending)

    def _allow(self, registration: Any, return_url: str) -> None:
        """Frames and forms of the LMS alone; its answer to the form may lead on within itself."""
        theirs = " ".join(origins(registration, return_url))
        self._set_policy(f"frame-ancestors {theirs}", f"form-action 'self' {theirs}")

    def _set_policy(self, frames: str, forms: str) -> None:
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
            f"img-src 'self' data:; base-uri 'none'; {frames}; {forms}",
        )

    def _show(self, template: str, **values: Any) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(self.parts.render(template, self, **values))

    def show_refusal(self, text: str, reference: str) -> None:
        """A sentence, to be read in whatever frame it is: there is nothing on it to be clicked."""
        self._set_policy("frame-ancestors *", "form-action 'none'")
        self._show("select_refused.html", text=text, reference=reference)


def _last(form: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in reversed(form) if key == name), "")
