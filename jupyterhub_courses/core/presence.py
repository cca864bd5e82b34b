"""What the store has when a courses file is compared with it."""

from dataclasses import dataclass

from .diffs import OwnedSpec
from .platforms import Known


@dataclass(frozen=True)
class Present:
    """What the store has: courses with owner, the slug of each (platform, context), platforms by name."""

    courses: tuple[OwnedSpec, ...]
    contexts: dict[tuple[str, str], str]  # (platform name, context id) -> slug
    platforms: dict[str, Known]
