"""What is installed is whole: the wheel holds every file of the package, the data files lie where Jupyter looks."""

import importlib.metadata
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import jupyterhub_courses

NAME = "jupyterhub-courses"


@pytest.fixture(scope="module")
def distribution() -> importlib.metadata.Distribution:
    try:
        found = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed from a wheel: `make test` does that")
    return found


def test_the_suite_tests_the_installed_package(distribution, root):
    assert Path(jupyterhub_courses.__file__).is_relative_to(sys.prefix)
    assert str(root) not in sys.path
    assert distribution.version == jupyterhub_courses.__version__


def test_the_wheel_holds_every_file_of_the_package(distribution, root):
    source = root / "jupyterhub_courses"
    files = {path.relative_to(root).as_posix() for path in source.rglob("*") if path.is_file()}
    wanted = {name for name in files if not re.search(r"(^|/)(\.|__pycache__)", name)}
    installed = {path.as_posix() for path in distribution.files or ()}
    assert wanted - installed == set()


def test_every_folder_with_python_files_is_a_package(root):
    folders = {path.parent for path in (root / "jupyterhub_courses").rglob("*.py")}
    bare = {folder.relative_to(root).as_posix() for folder in folders if not (folder / "__init__.py").exists()}
    assert {folder for folder in bare if "/migrations" not in folder} == set()


def test_jupyters_configuration_lies_below_the_prefix(distribution, root):
    folder = root / "config" / "singleuser"
    for path in (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        installed = Path(sys.prefix, path.relative_to(folder))
        assert installed.exists() and installed.read_bytes() == path.read_bytes(), f"{installed} is not {path}"


def test_entry_points_can_be_loaded(distribution):
    entries = {(entry.group, entry.name): entry for entry in distribution.entry_points}
    assert set(entries) == {
        ("console_scripts", "jupyterhub-courses"),
        ("jupyterhub.authenticators", "courses-lti13"),
        ("jupyterhub.spawners", "courses"),
        ("jupyterhub.spawners", "courses-local"),
    }
    assert all(entry.load() for entry in entries.values())


def test_the_command_says_its_version(distribution):
    command = [Path(sys.prefix, "bin", NAME), "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert distribution.version in answer.stdout


def test_pyproject_says_how_to_build_and_nothing_else(root):
    import tomllib

    assert set(tomllib.loads((root / "pyproject.toml").read_text())) == {"build-system"}


def test_data_files_named_in_setup_cfg_exist(root):
    setup = ConfigParser()
    setup.read(root / "setup.cfg")
    named = [name for names in setup["options.data_files"].values() for name in names.split()]
    assert [name for name in named if not (root / name).is_file()] == []
    folder = root / "config" / "singleuser"
    assert {root / name for name in named} == {path for path in folder.rglob("*") if path.is_file()}
