"""`register-link PLATFORM`: a link by which an LMS registers itself (LTI Dynamic Registration)."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from traitlets import Enum, Unicode

from .app import JsonCommand


class RegisterLink(JsonCommand):
    """Print a link to paste into an LMS: it registers itself as this platform, or updates its registration, once."""

    name = "register-link"
    usage = "register-link PLATFORM [--title TEXT] [--course-creation on|off] [--json]"
    arguments = 1

    title = Unicode("", help="What people call the platform.").tag(config=True)
    course_creation = Enum(
        ["", "on", "off"],
        "",
        help="Whether a teacher's first launch makes a course; on for a new platform, unchanged for one that is there.",
    ).tag(config=True)
    aliases: ClassVar[Any] = {
        **JsonCommand.aliases,
        "title": "RegisterLink.title",
        "course-creation": "RegisterLink.course_creation",
    }

    def run(self, *arguments: str) -> int:
        wish: dict[str, Any] = {"platform": arguments[0]}
        if self.title:
            wish["title"] = self.title
        if self.course_creation:
            wish["course_creation"] = self.course_creation
        answer = self.ask("POST", "registration-links", wish)
        if self.as_json:
            print(json.dumps(answer, indent=2))
            return 0
        print(answer["url"])
        until = datetime.fromisoformat(answer["expires_at"]).astimezone(UTC)
        print(
            f"It registers one LMS as {answer['platform']}, once, until {until:%Y-%m-%d %H:%M} UTC. In Moodle: Site "
            "administration → Plugins → Activity modules → External tool → Manage tools; paste it, “Add LTI Advantage”."
        )
        return 0
