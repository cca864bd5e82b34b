"""The tool's keys, for administrators: which there are, and a new one."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from ..adapters.lms.keys import KeyRing
from .access import Action
from .base import BadBody, BaseHandler

log = logging.getLogger(__name__)
KEEP_HOURS = 24.0  # LMSs keep a copy of the keyset for minutes to hours
KEEP_MAX = 24.0 * 366


class KeysHandler(BaseHandler):
    """What is published at jwks.json."""

    action = Action.ADMINISTER

    def get(self) -> None:
        """[{"kid", "signs", "until"}], the one that signs first."""
        self.answer(_view(self.parts.lms.keys))


class RotateHandler(BaseHandler):
    """Change keys."""

    action = Action.ADMINISTER

    async def post(self) -> None:
        """{"keep_hours"?} -> as KeysHandler; the key before stays published for so long."""
        body = self.body_json()
        hours = (body or {}).get("keep_hours", KEEP_HOURS) if isinstance(body, dict | None) else None
        if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= KEEP_MAX:
            raise BadBody(f"keep_hours: a number from 0 to {KEEP_MAX:g}")
        keys = self.parts.lms.keys
        new = await asyncio.to_thread(keys.rotate, timedelta(hours=hours))
        log.info("keys: %s signs from now on; the one before is kept for %g hours", new.kid, hours)
        self.answer(_view(keys), 201)


def _view(keys: KeyRing) -> list[dict[str, Any]]:
    return [
        {
            "kid": key.kid,
            "signs": key.until is None,
            "until": None if key.until is None else datetime.fromtimestamp(key.until, UTC),
        }
        for key in keys.usable()
    ]
