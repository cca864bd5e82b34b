"""Folders as the exchange carries them: a list of {"path", "content": base64}. Both ways refuse what could
escape.

Promises: a folder is written completely or not at all, and nothing of it lies outside; the caller gives a
folder that did not exist before, so no symbolic link of somebody else is followed.
"""

import base64
import contextlib
import fnmatch
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jupyterhub_courses.adapters.exchange_server.paths import is_safe_path


class FilesError(Exception):
    """A folder that cannot be sent, or a received one that cannot be kept; the message is for people."""


def encode(entries: Iterable[tuple[str, bytes]]) -> str:
    """The JSON text of files given as (path, content)."""
    return json.dumps([{"path": path, "content": base64.b64encode(data).decode()} for path, data in entries])


def read_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below `folder` as (path with slashes, content), in a steady order."""
    for directory, subdirectories, names in os.walk(folder):
        subdirectories.sort()
        for name in sorted(names):
            file = Path(directory, name)
            path = file.relative_to(folder).as_posix()
            if not is_safe_path(path):
                raise FilesError(f"The file {path!r} has a name that cannot be sent. Rename it and try again.")
            yield path, file.read_bytes()


def write_folder(files: Any, folder: Path, ignore: Sequence[str] = ()) -> None:
    """Write received files into the new folder `folder`; names that match a glob of `ignore` are left out."""
    folder.mkdir(parents=True)
    for path, data in decode(files):
        if any(fnmatch.fnmatch(part, glob) for part in path.split("/") for glob in ignore):
            continue
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:
                file.write(data)
        except (FileExistsError, NotADirectoryError) as error:
            raise FilesError(f"The exchange sent two files of the same name: {path!r}.") from error


def decode(files: Any) -> Iterator[tuple[str, bytes]]:
    """(path, content) of received files; FilesError when one is not what it should be."""
    if not isinstance(files, list):
        raise FilesError("The exchange sent no list of files.")
    for entry in files:
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not is_safe_path(path):
            raise FilesError(f"The exchange sent a file whose path leads elsewhere: {path!r}. Nothing was written.")
        try:
            yield path, base64.b64decode(entry["content"])
        except (KeyError, TypeError, ValueError) as error:
            raise FilesError(f"The exchange sent a file that cannot be read: {path!r}.") from error


@contextlib.contextmanager
def beside(destination: Path) -> Iterator[Path]:
    """A path next to `destination` that does not exist yet and is gone afterwards: fill it, then rename it."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    path = destination.parent / f".{destination.name[:100]}-{secrets.token_hex(6)}"
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
