"""The console script `jupyterhub-courses`: a thin client of the courses service, and the demo's start.

Promises: no command knows more than the service's API tells; every failure is a sentence on standard error
and an exit status (0 done, 1 refused or failed, 2 wrong use, 3 a wrong courses file).
"""

from .app import JupyterHubCourses

__all__ = ["JupyterHubCourses", "main"]


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script."""
    JupyterHubCourses.launch_instance(argv)
