"""Courses that start from a folder or a git repository."""

import os
import shutil
import subprocess

import pytest

from jupyterhub_courses.adapters.processes.starting import CannotStart, copy_start
from jupyterhub_courses.core.specs import StartFrom

WHO = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@lab.invalid"}
WHO |= {"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@lab.invalid", "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def course(tmp_path):
    """An nbgrader course with a gradebook of other people's and a link that leads out."""
    folder = tmp_path / "old"
    (folder / "source" / "ps1").mkdir(parents=True)
    (folder / "source" / "ps1" / "ps1.ipynb").write_text("{}")
    (folder / "gradebook.db").write_text("other people's grades")
    (folder / "out").symlink_to("/etc")
    return folder


def git(folder, *arguments):
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **WHO}).stdout.strip()


@pytest.fixture
def repository(tmp_path, course):
    """(address, first commit): the course lies in `course/`; its second commit has another assignment."""
    if shutil.which("git") is None:
        pytest.skip("left out: git (Debian's package git)")
    served = tmp_path / "served"
    work = served / "ml101"
    shutil.copytree(course, work / "course", symlinks=True)
    (work / "out").symlink_to("/etc")  # a path that leads out of the repository
    git(served, "init", "--quiet", "--initial-branch", "main", "ml101")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "one")
    first = git(work, "rev-parse", "HEAD")
    git(work, "tag", "v1")
    (work / "course" / "source" / "ps2").mkdir()
    (work / "course" / "source" / "ps2" / "ps2.ipynb").write_text("{}")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "two")
    return f"file://{work}", first


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def test_a_folder_is_copied_without_its_gradebook_and_links_stay_links(course, tmp_path):
    copy_start(StartFrom(folder=str(course)), tmp_path / "new")
    assert names(tmp_path / "new") == ["out", "source/ps1/ps1.ipynb"]
    assert (tmp_path / "new" / "out").is_symlink()


@pytest.mark.parametrize(
    ("ref", "assignments"), [(None, ["ps1", "ps2"]), ("main", ["ps1", "ps2"]), ("v1", ["ps1"]), ("first", ["ps1"])]
)
def test_a_branch_a_tag_or_a_commit_of_a_repository_is_copied(repository, tmp_path, ref, assignments):
    address, first = repository
    start = StartFrom(git=address, ref=first if ref == "first" else ref, path="course")
    copy_start(start, tmp_path / "new")
    assert sorted(p.name for p in (tmp_path / "new" / "source").iterdir()) == assignments
    assert not (tmp_path / "new" / ".git").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "old", "served"]


@pytest.mark.parametrize(
    "change", [{"ref": "nobody"}, {"path": "nowhere"}, {"path": "out"}, {"git": "file:///nowhere"}]
)
def test_what_is_not_there_is_said_and_nothing_is_left(repository, tmp_path, change):
    with pytest.raises(CannotStart):
        copy_start(StartFrom(**{"git": repository[0], "path": "course", **change}), tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old", "served"]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CannotStart, match="does not exist"):
        copy_start(StartFrom(folder=str(tmp_path / "nowhere")), tmp_path / "new")
