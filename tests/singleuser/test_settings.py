"""nbgrader is pointed at the course by its environment, with our exchange, and by nothing without one."""

import os
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

from jupyterhub_courses.singleuser.nbgrader_settings import configure
from jupyterhub_courses.singleuser.visibility import (
    NEWS,
    hidden_plugins,
    hidden_server_extensions,
    page_config_hook,
)

from .jupyter import course_environment


def test_without_an_environment_nothing_is_configured() -> None:
    config, environ = Config(), {"PATH": "/bin"}
    configure(config, environ)
    assert (config, environ) == (Config(), {"PATH": "/bin"})


@pytest.mark.parametrize("role", ["student", "grader"])
def test_every_part_of_the_exchange_is_ours(role: str, tmp_path: Path) -> None:
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange import ExchangeFactory

    config = Config()
    configure(config, course_environment(tmp_path, role))
    factory = ExchangeFactory(config=config)
    names = [name for name in factory.trait_names() if name not in ("config", "log", "parent")]
    assert len(names) == 8
    assert {getattr(factory, name).__module__.rpartition(".")[0] for name in names} == {"jupyterhub_courses.exchange"}
    assert CourseDirectory(config=config).course_id == "ml101"
    root = CourseDirectory(config=config).root
    assert root == (str(tmp_path / "ml101") if role == "grader" else os.getcwd())


def test_nbgrader_finds_alembic_on_the_path(tmp_path: Path) -> None:
    environ = course_environment(tmp_path, "student")
    configure(Config(), environ)
    configure(Config(), environ)
    assert environ["PATH"].split(os.pathsep).count(os.path.dirname(sys.executable)) == 1


def test_what_is_hidden_exists_in_this_nbgrader() -> None:
    """A new nbgrader that names its parts differently would show them all."""
    import importlib

    import nbgrader

    for name in hidden_server_extensions(is_grader=False):
        importlib.import_module(name)
    scripts = "".join(path.read_text() for path in Path(nbgrader.__file__).parent.glob("labextension/static/*.js"))
    for plugin in hidden_plugins(is_grader=False):
        assert f'"{plugin}"' in scripts
    assert '"nbgrader:open-formgrader"' in scripts


def test_jupyterhubs_own_page_configuration_is_kept() -> None:
    def hubs(handler: object, config: dict) -> dict:
        return {**config, "hubUser": "ada", "disabledExtensions": {"one": True, "two": False}}

    config = page_config_hook(hubs, is_grader=True)(None, {})
    assert config["hubUser"] == "ada"
    assert config["disabledExtensions"] == ["one", NEWS, *hidden_plugins(is_grader=True)]
    assert page_config_hook(None, is_grader=False)(None, {})["coursesRole"] == "student"
