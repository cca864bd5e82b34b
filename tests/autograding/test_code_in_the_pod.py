"""The pod's two programs, with submissions that try what they can; and what the graders' side makes of results.

As processes of this machine. What a pod's walls add (files, network, memory) is tests/cluster/test_autograding.py's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyterhub_courses.core.autograding import RESULT_MAX
from jupyterhub_courses.singleuser.apart import put_outputs
from jupyterhub_courses.singleuser.autograde_pod import CUT, OUTPUTS_MAX
from jupyterhub_courses.singleuser.runs import RunFailed, read_result

MODULE = [sys.executable, "-m", "jupyterhub_courses.singleuser.autograde_pod"]
OPTIONS = {"timeout": 30, "kernel_name": "python3", "interrupt_on_timeout": True}


class Pod:
    """The folders of one run, and its containers as processes."""

    def __init__(self, folder: Path) -> None:
        self.given, self.work, self.result, self.out = (folder / name for name in ("in", "work", "result", "out"))
        for one in (self.given / "files", self.work, self.result, self.out):
            one.mkdir(parents=True)

    def run(self, *sources: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        (self.given / "job.json").write_text(json.dumps({"notebook": notebook, "options": {**OPTIONS, **options}}))
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.work), "COURSE_TOKEN": "shh-0123456789"}
        return subprocess.run(
            [*MODULE, "run", self.given, self.work / "submission", self.result],
            env=environment,
            cwd=self.result,
            capture_output=True,
            timeout=200,
            check=False,
        )

    def collect(self) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*MODULE, "collect", self.result, self.out], capture_output=True, check=False)

    def outputs(self) -> list[list[dict]]:
        """Of each code cell, as the graders' side would get them."""
        assert self.collect().returncode == 0
        result = read_result(self.out)
        assert "cells" in result, result
        return [cell["outputs"] for cell in result["cells"]]


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_a_submission_runs_with_its_files_and_is_given_no_secret(pod: Pod) -> None:
    (pod.given / "files" / "sub").mkdir()
    (pod.given / "files" / "sub" / "data.txt").write_text("42")
    (pod.given / "files" / "sub" / "data.txt").chmod(0o444)
    look = "import json, os; print(json.dumps([dict(os.environ), sorted(os.listdir())]))"
    ran = pod.run(look, "open('sub/data.txt', 'a').write('!'); open('sub/data.txt').read()", "1 / 0", "'last'")
    assert ran.returncode == 0, ran.stderr
    looked, read, error, last = pod.outputs()
    environment, names = json.loads(looked[0]["text"])
    assert names == ["sub"] and environment["NBGRADER_EXECUTION"] == "autograde"
    assert not [name for name, value in environment.items() if "TOKEN" in name or "shh" in value]
    assert read[0]["data"]["text/plain"] == "'42!'"
    assert error[0]["ename"] == "ZeroDivisionError" and last[0]["data"]["text/plain"] == "'last'"
    assert (pod.given / "files" / "sub" / "data.txt").read_text() == "42"


def test_a_cell_that_takes_too_long_is_an_error_and_the_next_runs(pod: Pod) -> None:
    assert pod.run("while True: pass", "6 * 7", timeout=3).returncode == 0
    endless, after = pod.outputs()
    assert [one["ename"] for one in endless if one["output_type"] == "error"]
    assert after[0]["data"]["text/plain"] == "42"


def test_a_submission_that_ends_its_kernel_gets_no_outputs_and_says_so(pod: Pod) -> None:
    pod.run("import os; os._exit(1)")
    assert pod.collect().returncode == 0
    result = read_result(pod.out)
    with pytest.raises(RunFailed, match="ended its kernel"):
        put_outputs(new_notebook(cells=[new_code_cell("x")]), result)


def test_outputs_without_end_are_cut_and_errors_stay(pod: Pod) -> None:
    flood = "import sys\nfor _ in range(400): sys.stdout.write('x' * 1_000_000); sys.stdout.flush()"
    complain = "print('careful', file=sys.stderr)"
    assert pod.run(flood, complain, "raise ValueError('y' * 100_000)", timeout=120).returncode == 0
    flooded, complained, raised = pod.outputs()
    assert flooded[-1]["text"] == CUT
    assert sum(len(one["text"]) for one in flooded) < OUTPUTS_MAX + len(CUT)
    assert {one["name"] for one in complained} == {"stderr"}  # which costs the points, as ever
    assert raised[0]["ename"] == "ValueError" and len(raised[0]["evalue"]) <= 10_000


def test_a_result_that_the_submission_wrote_itself_does_not_count(pod: Pod) -> None:
    forge = f"""
import json, os, pathlib
forged = json.dumps({{"cells": [{{"outputs": [], "execution_count": 1}}] * 2, "language": "forged"}})
for name in ("result.json", ".result.json"):
    pathlib.Path({str(pod.result)!r}, name).write_text(forged)
"""
    assert pod.run(forge, "assert False").returncode == 0
    assert pod.outputs()[1][0]["ename"] == "AssertionError"


def test_a_link_in_the_results_place_leads_nowhere(pod: Pod, tmp_path: Path) -> None:
    target = tmp_path / "of-somebody-else"
    target.write_text("precious")
    link = f"import os; os.symlink({str(target)!r}, os.path.join({str(pod.result)!r}, '.result.json'))"
    assert pod.run(link).returncode == 0
    assert target.read_text() == "precious" and pod.outputs() == [[]]


def test_processes_that_a_submission_leaves_behind_are_not_waited_for(pod: Pod) -> None:
    fork = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "
    fork += "start_new_session=True); print(p.pid)"
    assert pod.run(fork).returncode == 0
    left = psutil.Process(int(pod.outputs()[0][0]["text"]))
    left.kill()  # in a pod it ended with the first container


@pytest.mark.parametrize("what", ["link", "pipe", "folder", "large", "nothing"])
def test_only_one_plain_file_of_bounded_size_is_collected(pod: Pod, tmp_path: Path, what: str) -> None:
    place = pod.result / "result.json"
    if what == "link":
        secret = tmp_path / "secret.json"
        secret.write_text("{}")
        place.symlink_to(secret)
    elif what == "pipe":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    elif what == "large":
        with place.open("wb") as file:
            file.truncate(RESULT_MAX + 1)  # takes no room on the disk
    ran = pod.collect()
    assert ran.returncode != 0 and not list(pod.out.iterdir())
    with pytest.raises(RunFailed, match="no usable result"):
        read_result(pod.out)


def graded_notebook() -> nbformat.NotebookNode:
    nbgrader = {"grade": True, "grade_id": "test", "points": 5, "locked": True, "solution": False, "schema_version": 3}
    test = new_code_cell("assert answer == 42", metadata={"nbgrader": nbgrader})
    return new_notebook(cells=[new_markdown_cell("# Task"), new_code_cell("answer = 1"), test])


def cells(*outputs: object) -> dict:
    return {"cells": [None, *({"outputs": one, "execution_count": 1} for one in outputs)], "language": "python"}


def test_grade_ids_points_and_sources_are_not_the_pods_to_say() -> None:
    forged = cells([], [])
    forged["cells"][2] |= {
        "source": "pass",
        "cell_type": "markdown",
        "metadata": {"nbgrader": {"grade_id": "test", "points": 500}},
    }
    forged |= {"metadata": {"kernelspec": {"name": "evil"}}, "nbformat": 3}
    notebook = graded_notebook()
    before = json.loads(json.dumps(notebook))
    put_outputs(notebook, forged)
    after = json.loads(json.dumps(notebook))
    assert after["cells"][2].pop("execution_count") == after["cells"][1].pop("execution_count") == 1
    assert after["metadata"].pop("language_info") == {"name": "python"}
    for one in before["cells"][1:]:
        del one["execution_count"]
    assert after == before


DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"cells": []},
        {"cells": [None, None, None]},
        {"cells": {"0": 1, "1": 2, "2": 3}},
        {"cells": cells([], [])["cells"][:2]},
        {"cells": [*cells([], [])["cells"], None]},
        cells([], None),
        cells([], "outputs"),
        cells([], [1]),
        cells([], [{"output_type": "stream"}]),
        cells([], [{"output_type": "nonsense", "text": "x"}]),
        cells([], [{"output_type": "error", "ename": 1, "evalue": 2, "traceback": 3}]),
        cells([], [{"output_type": "display_data", "data": {"text/plain": {"a": 1}}, "metadata": {}}]),
        cells([], [{"output_type": "stream", "name": "stdout", "text": "x", "metadata": {"nbgrader": {}}}]),
        cells([], [{"output_type": "display_data", "data": {"application/json": DEEP}, "metadata": {}}]),
        {"cells": [None, {"outputs": []}, {"outputs": []}]},
        {"cells": [None, *[{"outputs": [], "execution_count": "1"}] * 2]},
    ],
)
def test_what_is_no_list_of_outputs_for_each_cell_changes_nothing(result: dict) -> None:
    notebook = graded_notebook()
    with pytest.raises(RunFailed):
        put_outputs(notebook, result)
    assert notebook == {**graded_notebook(), "cells": notebook.cells}
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_outputs_of_several_lines_are_read_as_one_text() -> None:
    notebook = graded_notebook()
    stream = new_output("stream", name="stdout", text="")
    put_outputs(notebook, cells([{**stream, "text": ["a\n", "b\n"]}], []))
    assert notebook.cells[1].outputs[0].text == "a\nb\n"


@pytest.mark.parametrize("text", ["[" * 100_000, "[1, 2]", "null", "{", "\x00", '{"cells": ' + "9" * 5000 + "}"])
def test_a_result_that_is_no_object_is_unusable(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(RunFailed, match="no usable result"):
        read_result(tmp_path)
