"""Which course this server belongs to, and as whose: read from the environment that the spawner set."""

import os
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "JUPYTERHUB_COURSES_"


@dataclass(frozen=True)
class CourseServer:
    """A server of one course. `course_dir`: set where `is_grader`; `course_page`: a URL for the browser.

    `autogrades_apart`: submissions run in pods of their own.
    """

    course: str
    is_grader: bool
    api_url: str
    course_dir: Path | None
    course_page: str
    token: str = field(repr=False)
    autogrades_apart: bool = False


def course_server(environ: Mapping[str, str]) -> CourseServer | None:
    """None: not a course's server, or not completely described as one."""
    course, role = environ.get(PREFIX + "COURSE"), environ.get(PREFIX + "ROLE")
    course_dir = environ.get(PREFIX + "COURSE_DIR")
    is_grader = role == "grader"
    if not course or role not in ("student", "grader") or (is_grader and not course_dir):
        return None
    hub = environ.get("JUPYTERHUB_HOST", "") + environ.get("JUPYTERHUB_BASE_URL", "/")
    return CourseServer(
        course=course,
        is_grader=is_grader,
        api_url=environ.get(PREFIX + "API_URL", ""),
        course_dir=Path(course_dir).absolute() if is_grader and course_dir else None,
        course_page=f"{hub}services/courses/{course}/",
        token=environ.get("JUPYTERHUB_API_TOKEN", ""),
        autogrades_apart=environ.get(PREFIX + "AUTOGRADE") == "apart",
    )


def put_python_on_path(environ: MutableMapping[str, str]) -> None:
    """nbgrader runs `alembic` from PATH, and a spawner may have started us by an absolute path."""
    folder = os.path.dirname(sys.executable)
    path = environ.get("PATH", os.defpath)
    if folder not in path.split(os.pathsep):
        environ["PATH"] = folder + os.pathsep + path
