"""Which names and file paths may travel through an exchange; the server and its clients ask the same
functions.

Promises: a path accepted here stays below the folder it is joined to on any POSIX file system, and a name
accepted here is one visible path component. Pure; symbolic links on disk are the caller's business (write
to a fresh folder).
"""

import re

NAME_MAX = 255  # bytes of one component on ext4, xfs, NFS
PATH_MAX = 1024

_BAD_CHARACTERS = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")


def is_safe_name(name: str) -> bool:
    """Whether `name` can name a course, an assignment or a person: one visible component."""
    return _is_component(name) and not name.startswith(".") and name == name.strip()


def is_safe_path(path: str) -> bool:
    """Whether `path` (with `/` between components) is relative and goes only downwards."""
    if len(path) > PATH_MAX or _BAD_CHARACTERS.search(path):
        return False
    return all(_is_component(part) for part in path.split("/"))


def _is_component(part: str) -> bool:
    if not part or part in (".", "..") or "/" in part or _BAD_CHARACTERS.search(part):
        return False
    return len(part.encode()) <= NAME_MAX
