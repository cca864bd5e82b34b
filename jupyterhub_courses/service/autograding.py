"""Autograding apart, for the graders' server: have a run run and see how it is, and end it."""

from ..core.autograding import RUN, SECONDS_MAX
from ..core.sentences import sentence
from .access import Action
from .base import BadBody, BaseHandler


class AutogradeRunHandler(BaseHandler):
    """One run; its id is the graders' server's choice."""

    action = Action.AUTOGRADE

    async def put(self, slug: str, run: str) -> None:
        """{"seconds": how long it may take} -> {"state", "reason", "message"}; asked again, only looks."""
        body = self.body_json()
        seconds = body.get("seconds") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= SECONDS_MAX:
            raise BadBody(f"seconds: a whole number from 1 to {SECONDS_MAX}")
        state = await self.parts.autograding.run(self.this_course, _run_id(run), seconds)
        message = sentence(state.reason, self.language) if state.reason else ""
        self.answer({"state": state.state, "reason": state.reason, "message": message})

    async def delete(self, slug: str, run: str) -> None:
        """Also where there is none."""
        await self.parts.autograding.end(self.this_course, _run_id(run))
        self.answer({"state": "ended"})


def _run_id(run: str) -> str:
    if not RUN.fullmatch(run):
        raise BadBody("run: 8 to 40 small letters, digits and hyphens")
    return run
