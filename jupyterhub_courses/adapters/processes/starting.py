"""An existing nbgrader course to start from: copied from a folder or a git repository.

Symbolic links are copied as links and never followed; a gradebook is never copied: it holds other people's grades.
"""

import os
import shutil
import subprocess
from pathlib import Path

from ...core.specs import StartFrom

GIT_LIMIT = 120  # seconds, for everything git does
LEFT_BEHIND = shutil.ignore_patterns("gradebook.db*", ".git")


class CannotStart(Exception):
    """There is nothing to copy; the text is for the course's page."""


def copy_start(start: StartFrom, target: Path) -> None:
    """Make `target` a copy of the course. Raises CannotStart; what was made by then is the caller's to remove."""
    if start.folder is not None:
        _copy(Path(start.folder), target, f"The folder to start from does not exist: {start.folder}.")
        return
    clone = target.with_name(f"{target.name}-clone")
    try:
        _fetch(start.git or "", start.ref or "HEAD", clone)
        source = clone / (start.path or "")
        if not source.resolve().is_relative_to(clone.resolve()):
            raise CannotStart(f"The repository to start from has no folder {start.path}.")
        _copy(source, target, f"The repository to start from has no folder {start.path}.")
    finally:
        shutil.rmtree(clone, ignore_errors=True)


def _copy(source: Path, target: Path, otherwise: str) -> None:
    if not source.is_dir():
        raise CannotStart(otherwise)
    try:
        shutil.copytree(source, target, symlinks=True, ignore=LEFT_BEHIND)
    except (OSError, shutil.Error) as error:
        raise CannotStart("The course to start from cannot be copied; its files cannot all be read.") from error


def _fetch(address: str, ref: str, clone: Path) -> None:
    """One commit of a branch, a tag or a commit's id. No prompts, no hooks, no configuration of the machine's."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:file",
    }
    commands = (
        ["git", "init", "--quiet", "--", str(clone)],
        ["git", "-C", str(clone), "fetch", "--quiet", "--depth", "1", "--no-recurse-submodules", "--", address, ref],
        ["git", "-C", str(clone), "checkout", "--quiet", "FETCH_HEAD"],
    )
    for command in commands:
        try:
            subprocess.run(
                command, check=True, timeout=GIT_LIMIT, env=environment, stdin=subprocess.DEVNULL, capture_output=True
            )
        except FileNotFoundError as error:
            raise CannotStart("The repository to start from needs the program git on this machine.") from error
        except (subprocess.SubprocessError, OSError) as error:
            raise CannotStart(f"The repository to start from cannot be read: {address}, {ref}.") from error
