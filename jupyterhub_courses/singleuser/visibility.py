"""Which parts of nbgrader a person sees: students their assignments, graders all but the course list.

Hiding is a convenience: what a student may do is decided by the exchange and the hub, not by a menu.
"""

from typing import Any

_FORMGRADER = "nbgrader.server_extensions.formgrader"
_COURSE_LIST = "nbgrader.server_extensions.course_list"
#: Asks everybody, over their first notebook, whether to be told the project's news, and fetches them from outside.
NEWS = "@jupyterlab/apputils-extension:announcements"


def hidden_server_extensions(is_grader: bool) -> tuple[str, ...]:
    """Names of nbgrader's server extensions that are not loaded."""
    # The course list asks the hub for formgraders in a way that does not find ours.
    return (_COURSE_LIST,) if is_grader else (_COURSE_LIST, _FORMGRADER)


def hidden_plugins(is_grader: bool) -> tuple[str, ...]:
    """JupyterLab's ids of nbgrader's plugins that stay off; its menu leaves out what has no command."""
    # nbgrader's formgrader plugin shows it in a frame, which the hub rightly forbids (frame-ancestors);
    # ours (labextension/) gives graders the same menu entry in a tab of its own.
    hidden = ("@jupyter/nbgrader:course-list", "@jupyter/nbgrader:formgrader")
    return hidden if is_grader else (*hidden, "@jupyter/nbgrader:create-assignment")


def page_config_hook(earlier: Any, is_grader: bool) -> Any:
    """A hook for JupyterLab's page configuration; calls the `earlier` one (JupyterHub's, or None) first."""

    def hook(handler: Any, page_config: dict[str, Any]) -> dict[str, Any]:
        if earlier is not None:
            page_config = earlier(handler, page_config)
        disabled = page_config.get("disabledExtensions") or []
        if isinstance(disabled, dict):
            disabled = [name for name, off in disabled.items() if off]
        page_config["disabledExtensions"] = list(dict.fromkeys([*disabled, NEWS, *hidden_plugins(is_grader)]))
        page_config["coursesRole"] = "grader" if is_grader else "student"
        return page_config

    return hook
