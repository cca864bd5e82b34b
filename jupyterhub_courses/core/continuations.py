"""What waits for its window: somebody was admitted, and goes on elsewhere with a code that works once."""

from dataclasses import dataclass
from typing import Any

from .admissions import TEXT_MAX
from .goals import Goal
from .roles import Role

KIND = "continue"
SECONDS = 300.0  # as long as somebody may look at the button


@dataclass(frozen=True)
class Continuation:
    """Who was admitted to what; hub roles are looked up when they go on.

    proven: the browser is known to be the one in which the login began. Where it is not (its cookie was withheld in
    a frame), the person is asked before they are logged in: somebody else's launch could have been put before them.
    """

    username: str
    course: str
    role: Role
    ready: bool
    goal: Goal
    proven: bool

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API, and of its store."""
        return {
            "username": self.username,
            "course": self.course,
            "role": self.role.value,
            "ready": self.ready,
            "goal": self.goal.as_json(),
            "proven": self.proven,
        }


def continuation_from_json(data: Any) -> Continuation:
    """The inverse. Raises ValueError for anything else."""
    try:
        username, course = data["username"], data["course"]
        if not all(isinstance(text, str) and 0 < len(text) <= TEXT_MAX for text in (username, course)):
            raise ValueError("username, course: no text, or too long")
        goal = Goal.from_json(data["goal"])
        return Continuation(username, course, Role(data["role"]), data["ready"] is True, goal, data["proven"] is True)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a continuation: {type(error).__name__}") from None
