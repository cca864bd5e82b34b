"""nbgrader's configuration for a course, and reading it back as formgrader and the command line see it.

`configure` is all that etc/jupyter/nbgrader_config.py calls, so that nbgrader_config.py of a user or of the
course folder, which nbgrader reads later, still has the last word.
"""

import os
from collections.abc import MutableMapping
from typing import Any

from traitlets.config import Application, Config

from .surroundings import course_server, put_python_on_path

#: nbgrader's own list without the first, Execute.
_AFTER_EXECUTE = [
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
AUTOGRADE = ["jupyterhub_courses.singleuser.autograding.ExecuteWithoutTokens", *_AFTER_EXECUTE]
AUTOGRADE_APART = ["jupyterhub_courses.singleuser.apart.ExecuteApart", *_AFTER_EXECUTE]


def configure(c: Any, environ: MutableMapping[str, str]) -> None:
    """Point nbgrader at the course of `environ` and its exchange; without one, leave nbgrader as it is."""
    server = course_server(environ)
    if server is None:
        return
    from jupyterhub_courses.exchange import configure as use_our_exchange

    put_python_on_path(environ)
    c.CourseDirectory.course_id = server.course
    use_our_exchange(c)
    if server.course_dir is not None:
        c.CourseDirectory.root = str(server.course_dir)
        c.Autograde.autograde_preprocessors = AUTOGRADE_APART if server.autogrades_apart else AUTOGRADE
        c.HTMLExporter.sanitize_html = True
        c.HTMLExporter.filters = {
            name: f"jupyterhub_courses.singleuser.studentwork.{name}" for name in ("clean_html", "markdown2html")
        }


def load_config() -> Config:
    """nbgrader's configuration from all its files, the course folder's included."""
    from nbgrader.apps.baseapp import NbGrader
    from nbgrader.coursedir import CourseDirectory

    app = NbGrader()
    app.load_config_file()
    Application.load_config_file(
        app, "nbgrader_config.py", path=os.path.abspath(CourseDirectory(config=app.config).root)
    )
    config: Config = app.config
    return config


def gradebook_url(config: Config) -> str:
    """The URL of the gradebook that nbgrader uses under `config`."""
    from nbgrader.coursedir import CourseDirectory

    return str(CourseDirectory(config=config).db_url)
