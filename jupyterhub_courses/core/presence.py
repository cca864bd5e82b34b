"""What the store has when a courses file is compared with it."""

from dataclasses import dataclass

from .diffs import OwnedSpec


@dataclass(frozen=True)
class Present:
    """What the store has: courses with owner, platform of each (platform, context), names of platforms."""

    courses: tuple[OwnedSpec, ...]
    contexts: dict[tuple[str, str], str]  # (platform name, context id) -> slug
    platforms: frozenset[str]
    registrations: dict[tuple[str, str], str]  # (issuer, client id) -> platform name
