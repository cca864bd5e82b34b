"""Materials of a course in git: which place a link opens, given what the course's spec allows.

A link's words are a teacher's, or anybody's who can edit an activity: only repositories that the spec names count.
"""

from collections.abc import Sequence

from . import notation
from .goals import GitPlace
from .specs import Material


def allowed_place(asked: GitPlace, materials: Sequence[Material]) -> GitPlace | None:
    """What opens: the asked place in one of the course's repositories; without address the first one's. None: none."""
    wanted = same_address(asked.git)
    found = next((m for m in materials if not asked.git or same_address(m.git) == wanted), None)
    if found is None:
        return None
    try:
        branch = notation.git_ref(asked.branch) if asked.branch else found.branch or ""
        path = notation.path_inside(asked.path) if asked.path else found.path or ""
    except ValueError:
        return None
    return GitPlace(found.git, branch, path)


def same_address(git: str) -> str:
    """Addresses of one repository that differ by a slash or `.git` at their end are the same."""
    return git.rstrip("/").removesuffix(".git").rstrip("/")
