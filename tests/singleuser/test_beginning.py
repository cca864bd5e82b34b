"""The graders' server on a cluster copies what its course starts from."""

import json
import subprocess

import pytest

from jupyterhub_courses.singleuser.beginning import begin


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    (folder / "course" / "source" / "ps1").mkdir(parents=True)
    (folder / "course" / "source" / "ps1" / "p.txt").write_text("one")
    (folder / "course" / "nbgrader_config.py").write_text("")
    (folder / "course" / "gradebook.db").write_text("other people's grades")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "course"]):
        subprocess.run([*git, *command], check=True)
    return {"JUPYTERHUB_COURSES_START_FROM": json.dumps({"git": f"file://{folder}", "path": "course"})}


@pytest.fixture
def course_dir(tmp_path):
    (tmp_path / "home" / "ml101").mkdir(parents=True)
    return tmp_path / "home" / "ml101"


def test_a_course_begins_with_the_repositorys_files_and_nobodys_grades(repository, course_dir):
    assert begin(course_dir, repository) is None
    assert (course_dir / "source" / "ps1" / "p.txt").read_text() == "one"
    assert not (course_dir / "gradebook.db").exists()
    assert [entry.name for entry in course_dir.parent.iterdir()] == ["ml101"]


def test_what_is_there_already_stays(repository, course_dir):
    (course_dir / "gradebook.db").write_text("ours")
    (course_dir / "nbgrader_config.py").write_text("ours")
    assert begin(course_dir, repository) is None
    assert (course_dir / "nbgrader_config.py").read_text() == "ours" and (course_dir / "source" / "ps1").is_dir()


def test_a_course_that_has_begun_is_left_alone(repository, course_dir):
    (course_dir / "source").mkdir()
    assert begin(course_dir, repository) is None
    assert list((course_dir / "source").iterdir()) == []


def test_a_repository_that_cannot_be_read_is_told_to_graders_and_tried_again(repository, course_dir, tmp_path):
    repository_away = tmp_path / "repository-away"
    (tmp_path / "repository").rename(repository_away)
    sentence = begin(course_dir, repository)
    assert sentence.startswith("The repository to start from cannot be read")
    note = course_dir.parent / "ml101-could-not-start.txt"
    assert sentence in note.read_text() and not (course_dir / "source").exists()
    repository_away.rename(tmp_path / "repository")
    assert begin(course_dir, repository) is None
    assert (course_dir / "source" / "ps1").is_dir() and not note.exists()


def test_a_course_that_starts_from_nothing_is_left_alone(course_dir):
    assert begin(course_dir, {}) is None
    assert list(course_dir.iterdir()) == []
