"""An empty gradebook made by nbgrader itself, once, and copies of it, for nbgrader takes a second."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyterhub_courses.adapters.gradebook.writing import create_gradebook


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty gradebook; not to be written to."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    create_gradebook(f"sqlite:///{path}", "ml101")
    return path


@pytest.fixture
def gradebook_path(empty_gradebook: Path, tmp_path: Path) -> Path:
    """A fresh gradebook, in a folder whose name needs quoting in an SQLite URI."""
    folder = tmp_path / "a course #1 100%"
    folder.mkdir()
    return Path(shutil.copy(empty_gradebook, folder / "gradebook.db"))


@pytest.fixture
def fresh_copy(empty_gradebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Gives as many fresh gradebooks as asked for."""
    return lambda: Path(shutil.copy(empty_gradebook, tmp_path_factory.mktemp("g") / "gradebook.db"))
