"""What a course on a cluster starts from, copied by the graders' own server: nobody else has its volume.

Promises: copied once, whole or not at all (`source` comes last); a copy that failed says so in a file that graders
see, and the next start of the server tries again. On one machine the service does it, and nothing is to do here.
"""

import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from jupyterhub_courses.adapters.processes.starting import CannotStart, copy_start
from jupyterhub_courses.core.specs import StartFrom

from .surroundings import PREFIX


def begin(course_dir: Path, environ: Mapping[str, str]) -> str | None:
    """Copy what the course starts from, unless it has begun. Returns a sentence where that is not possible."""
    told = environ.get(PREFIX + "START_FROM")
    if not told or (course_dir / "source").exists():
        return None
    note = course_dir.parent / f"{course_dir.name}-could-not-start.txt"
    fresh = course_dir.parent / f".new-{secrets.token_hex(4)}"
    try:
        copy_start(StartFrom.model_validate(json.loads(told)), fresh)
        _move(fresh, course_dir)
    except (CannotStart, OSError) as error:
        sentence = str(error) if isinstance(error, CannotStart) else "The course to start from cannot be copied."
        note.write_text(f"{sentence}\nStart this server again to have another try, or make source/ yourself.\n")
        return sentence
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    note.unlink(missing_ok=True)
    return None


def _move(fresh: Path, course_dir: Path) -> None:
    """What graders or nbgrader have made already stays."""
    (fresh / "source").mkdir(exist_ok=True)
    course_dir.mkdir(parents=True, exist_ok=True)
    for entry in sorted(fresh.iterdir(), key=lambda entry: entry.name == "source"):
        if not (course_dir / entry.name).exists():
            entry.rename(course_dir / entry.name)
