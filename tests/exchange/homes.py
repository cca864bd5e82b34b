"""People with a home, the environment of their server of ml101, and nbgrader's classes at work in it."""

import contextlib
from pathlib import Path

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from traitlets.config import Config

from jupyterhub_courses import exchange as plugin

CONFIG = """
from jupyterhub_courses.exchange import configure
c = get_config()
configure(c)
c.CourseDirectory.course_id = "ml101"
"""


class Person:
    """Somebody's home, and what nbgrader does there."""

    def __init__(self, name: str, home: Path, url: str) -> None:
        self.name, self.home = name, home
        self.environment = {
            "HOME": str(home),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTERHUB_USER": name,
            "JUPYTERHUB_API_TOKEN": f"{name}.ml101",
            "JUPYTERHUB_COURSES_COURSE": "ml101",
            "JUPYTERHUB_COURSES_EXCHANGE_URL": url,
        }
        (home / "nbgrader_config.py").write_text(CONFIG)

    @contextlib.contextmanager
    def at_home(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.home)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            yield

    def config(self, **coursedir) -> Config:
        config = Config()
        plugin.configure(config)
        config.CourseDirectory.update({"root": str(self.home), "course_id": "ml101", **coursedir})
        return config

    def do(self, action: str, assignment: str = "", coursedir: dict | None = None, **traits):
        """Run one of ExchangeFactory's classes, such as `Submit`."""
        with self.at_home():
            config = self.config(**(coursedir or {}))
            course = CourseDirectory(config=config)
            course.assignment_id = assignment
            make = getattr(ExchangeFactory(config=config), action)
            return make(coursedir=course, authenticator=Authenticator(), config=config, **traits).start()

    def write(self, path: str, text: str = "{}") -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @property
    def tab(self):
        """JupyterLab's assignment list."""
        manager = AssignmentList()
        manager.root_dir = str(self.home)
        return manager
