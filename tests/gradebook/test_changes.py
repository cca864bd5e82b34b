"""A change by any connection, and a file that goes, comes or is replaced, is noticed."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyterhub_courses.adapters.gradebook.changes import ChangeSensor


@pytest.fixture
def sensor(gradebook_path: Path) -> Iterator[ChangeSensor]:
    sensor = ChangeSensor(f"sqlite:///{gradebook_path}")
    yield sensor
    sensor.close()


def change(path: Path, student: str = "ada") -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO student (id) VALUES (?)", [student])
    connection.close()


def test_nothing_changed_is_the_same_version(sensor: ChangeSensor) -> None:
    assert sensor.version() == sensor.version()


def test_a_commit_of_another_program_is_a_new_version(sensor: ChangeSensor, gradebook_path: Path) -> None:
    before = sensor.version()
    change(gradebook_path)
    assert sensor.version() != before


def test_a_commit_is_noticed_in_wal_mode_too(sensor: ChangeSensor, gradebook_path: Path) -> None:
    writer = sqlite3.connect(gradebook_path)
    writer.execute("PRAGMA journal_mode = WAL")
    before = sensor.version()
    writer.execute("INSERT INTO student (id) VALUES ('ada')")
    writer.commit()
    assert sensor.version() != before
    writer.close()


def test_a_file_that_is_missing_and_comes_back_is_a_new_version(
    sensor: ChangeSensor, gradebook_path: Path, empty_gradebook: Path
) -> None:
    before = sensor.version()
    gradebook_path.unlink()
    assert sensor.version() is None
    shutil.copy(empty_gradebook, gradebook_path)
    assert sensor.version() not in (None, before)


def test_a_replaced_file_is_a_new_version(
    sensor: ChangeSensor, gradebook_path: Path, fresh_copy: Callable[[], Path]
) -> None:
    before = sensor.version()
    os.replace(fresh_copy(), gradebook_path)
    after = sensor.version()
    assert after not in (None, before)
    change(gradebook_path)
    assert sensor.version() != after


def test_a_file_overwritten_in_place_is_a_new_version(
    sensor: ChangeSensor, gradebook_path: Path, empty_gradebook: Path
) -> None:
    before = sensor.version()
    shutil.copyfile(empty_gradebook, gradebook_path)
    assert sensor.version() != before
