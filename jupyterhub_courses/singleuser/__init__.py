"""What a course adds to a Jupyter server: assignments that open from the LMS, scores sent, nbgrader set up.

Switched on by a data file; where the course's environment is absent, everything here does nothing.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .extension import CoursesExtension

    return [{"module": "jupyterhub_courses.singleuser.extension", "app": CoursesExtension}]
