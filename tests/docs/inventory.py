"""What there is to document: read off the installed package, the Makefile and the courses file's models."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from traitlets import HasTraits
from traitlets.config import Application
from traitlets.utils.importstring import import_item

import jupyterhub_courses
from jupyterhub_courses.cli import JupyterHubCourses
from jupyterhub_courses.core.specs import CoursesFile

PACKAGE = jupyterhub_courses.__name__


def modules() -> list[str]:
    """Every module of the package that can be imported without running it."""
    found = [module.name for module in pkgutil.walk_packages(jupyterhub_courses.__path__, f"{PACKAGE}.")]
    return [name for name in found if not name.endswith(".__main__") and ".migrations" not in name]


def configurables() -> list[type[HasTraits]]:
    """Every class of ours with traits, in whichever module it is defined."""
    for name in modules():
        importlib.import_module(name)
    todo, found = [HasTraits], set()
    while todo:
        for subclass in todo.pop().__subclasses__():
            if subclass not in found:
                found.add(subclass)
                todo.append(subclass)
    return sorted((cls for cls in found if cls.__module__.startswith(f"{PACKAGE}.")), key=lambda cls: cls.__name__)


def settings() -> set[str]:
    """`Class.trait` of every configurable trait; a command's own traits are options and belong to options()."""
    found = set()
    for cls in configurables():
        own = cls.class_own_traits(config=True)
        if cls.__module__.startswith(f"{PACKAGE}.cli."):
            # One class in a configuration file speaks for all commands.
            own = own if cls.__name__ == "Settings" else {}
            found |= {f"{JupyterHubCourses.__name__}.{name}" for name in own}
        else:
            found |= {f"{cls.__name__}.{name}" for name in own}
    return found


def commands(app: type[Application] = JupyterHubCourses, prefix: str = "") -> Iterator[tuple[str, type[Application]]]:
    """(name, class) of every subcommand; a nested one's name has its parent's before it."""
    # A class that declares none still has traitlets' own trait of that name.
    declared = app.subcommands if isinstance(app.subcommands, dict) else {}
    for name, (target, _) in declared.items():
        cls = import_item(target) if isinstance(target, str) else target
        yield f"{prefix}{name}", cls
        yield from commands(cls, f"{prefix}{name} ")


def options(cls: type[Application]) -> set[str]:
    """The `--options` that a command takes beside traitlets' own."""
    given: set[str] = set()
    for name in [*cls.flags, *cls.aliases]:
        given |= {name} if isinstance(name, str) else set(name)
    return {f"--{name}" for name in given - {*Application.flags, *Application.aliases} if len(name) > 1}


def environment_variables() -> set[str]:
    """Every variable of ours that the code reads or sets."""
    found: set[str] = set()
    for path in Path(jupyterhub_courses.__path__[0]).rglob("*.py"):
        found |= set(re.findall(r"\bJUPYTERHUB_COURSES_[A-Z_]*[A-Z]\b", path.read_text()))
    return found


def make_targets(root: Path) -> set[str]:
    """The targets that `make` lists."""
    return set(re.findall(r"^([a-z0-9-]+):.*## ", (root / "Makefile").read_text(), re.MULTILINE))


def file_fields(model: type[BaseModel] = CoursesFile, path: str = "") -> Iterator[str]:
    """`courses.memory.limit` and the like: every field of a courses file."""
    for name, field in model.model_fields.items():
        here = f"{path}{name}"
        yield here
        for inner in _models(field.annotation):
            yield from file_fields(inner, f"{here}.")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
