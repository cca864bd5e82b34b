"""A placement: where and how one person's server of one course runs."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Placement:
    """What the service tells the spawner. Paths are absolute; memory in bytes; cpu in cores; None = no limit."""

    username: str
    course: str
    role: str  # student | grader
    home: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    mem_limit: int | None = None
    cpu_limit: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the service's API."""
        return {**asdict(self), "command": list(self.command)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Placement":
        """The inverse of `as_json`; unknown keys are ignored so that a newer service can add some."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**known, "command": tuple(known["command"])})
