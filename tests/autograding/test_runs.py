"""Runs on the graders' side: one for the same work, and none left when nobody waits."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyterhub_courses.adapters.courses_api.server import CallFailed, RunAnswer
from jupyterhub_courses.core.autograding import RUN, SECONDS_MAX
from jupyterhub_courses.singleuser import runs as runs_of_graders
from jupyterhub_courses.singleuser.runs import Job, RunFailed, Runs, deadline, files, remove_leftovers


class Service:
    """Answers with `answer`; at the first question of a run, `on_start` is called with its id."""

    def __init__(self, answer: RunAnswer | Exception, on_start=lambda run: None) -> None:
        self.answer, self.on_start = answer, on_start
        self.asked: list[str] = []
        self.ended: list[str] = []
        self.questions = 0

    async def autograde_run(self, run: str, seconds: int) -> RunAnswer:
        self.questions += 1
        if run not in self.asked:
            self.asked.append(run)
            self.on_start(run)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def end_autograde_run(self, run: str) -> None:
        self.ended.append(run)


def wait_until(condition: Callable[[], object]) -> None:
    tick, waited = threading.Event(), 0
    while not condition():
        waited += 1
        assert waited < 2000
        tick.wait(0.01)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "data.txt").write_text("42")
    return Job("nb", new_notebook(cells=[new_code_cell("1")]), folder, {"timeout": 30}, 60, ("ps1", "ada"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_the_same_work_runs_once_and_other_work_apart(home: Path, job: Job) -> None:
    service = Service(RunAnswer("running", ""))
    runs = Runs(service, home, every=0.01)
    first = runs.start(job)
    again = replace(job, notebook={**job.notebook, "cells": [{**c, "id": "another"} for c in job.notebook["cells"]]})
    assert runs.start(again) is first
    assert runs.start(replace(job, whose=("ps1", "bob"))) is not first
    (job.folder / "data.txt").write_text("43")
    assert runs.start(job) is not first
    runs.close()
    assert sorted(service.asked) == sorted(service.ended) and len(set(service.asked)) == 3
    assert all(RUN.fullmatch(run) for run in service.asked)
    assert not list((home / ".autograde").iterdir())


def test_a_run_whose_result_nobody_will_take_ends(home: Path, job: Job) -> None:
    service = Service(RunAnswer("running", ""))
    runs = Runs(service, home, every=0.01)
    futures = [runs.start(job)]
    wait_until(lambda: service.asked)
    runs.drop(futures)
    wait_until(lambda: service.ended == service.asked)
    runs.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RunAnswer("failed", "It ran too long."), "It ran too long."),
        (CallFailed("the courses service answered 403", 403), "refused"),
        (RunAnswer("done", ""), "no usable result"),
    ],
)
def test_what_went_wrong_is_told(home: Path, job: Job, answer: RunAnswer | Exception, told: str) -> None:
    service = Service(answer)
    with pytest.raises(RunFailed, match=told):
        Runs(service, home, every=0.01).take(job).result(20)
    assert service.ended == service.asked


def test_a_run_that_a_node_refused_has_all_of_its_time_when_there_is_room(
    home: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_of_graders, "START", 0.4 - job.seconds)  # 0.4 s in all
    service = Service(RunAnswer("running", "It runs."))
    future = Runs(service, home, every=0.01).take(job)
    wait_until(lambda: service.asked)
    service.answer = RunAnswer("waiting", "There is no room.")
    time.sleep(0.8)
    assert not future.done()
    service.answer, before = RunAnswer("running", "It runs."), service.questions
    wait_until(lambda: service.questions > before + 1)
    service.answer = RunAnswer("done", "")
    with pytest.raises(RunFailed, match="no usable result"):  # for nothing runs here
        future.result(20)


def test_a_link_is_no_file_of_a_submission(tmp_path: Path, job: Job) -> None:
    secret = tmp_path / "gradebook.db"
    secret.write_text("precious")
    (job.folder / "link.txt").symlink_to(secret)
    (job.folder / "folder").symlink_to(tmp_path)
    (job.folder / "other.ipynb").write_text("{}")
    assert [name for _, name in files(job.folder)] == ["data.txt"]


def test_old_leftovers_are_removed_and_young_runs_are_not(tmp_path: Path) -> None:
    for name in ("old", "young"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "old", (0, 0))
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["young"]


@pytest.mark.parametrize(
    ("cells", "timeout", "seconds"), [(10, 30, 700), (0, 30, 300), (1000, 30, SECONDS_MAX), (1, None, SECONDS_MAX)]
)
def test_a_pod_lives_as_long_as_its_cells_may_take(cells: int, timeout: int | None, seconds: int) -> None:
    assert deadline(cells, timeout) == seconds
