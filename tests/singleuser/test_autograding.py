"""A hostile submission is autograded without finding a token, from the command line and from formgrader."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyterhub_courses.singleuser.autograding import kernel_environment
from jupyterhub_courses.singleuser.nbgrader_settings import AUTOGRADE, AUTOGRADE_APART

from .jupyter import Server, course_environment, nbgrader, server

HOSTILE = """
import json, os
print("LOOT", json.dumps(dict(os.environ)))
answer = 42
"""
SOURCE_TEST = "### BEGIN HIDDEN TESTS\nassert answer == 42\n### END HIDDEN TESTS"


def cell(source: str, grade_id: str, **flags: object) -> nbformat.NotebookNode:
    metadata = {"schema_version": 3, "grade_id": grade_id, "locked": False, "task": False, **flags}
    return new_code_cell(source, metadata={"nbgrader": metadata})


def source_notebook(solution: str) -> nbformat.NotebookNode:
    notebook = new_notebook(
        cells=[
            cell(solution, "solution", solution=True, grade=False),
            cell(SOURCE_TEST, "test", solution=False, grade=True, locked=True, points=5),
        ]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grader-home")


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    return course_environment(home, "grader") | {"CLOUD_SECRET": "shh-0123456789", "KEPT": "yes"}


@pytest.fixture(scope="module")
def course(home: Path, env: dict[str, str]) -> Path:
    """A course with ps1 generated, and one hostile submission each of mallory and eve."""
    course = home / "ml101"
    (course / "source" / "ps1").mkdir(parents=True)
    nbformat.write(source_notebook("### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION"), course / "source/ps1/nb.ipynb")
    made = nbgrader("generate_assignment", "ps1", home=home, env=env)
    assert made.returncode == 0, made.stderr
    released = nbformat.read(course / "release/ps1/nb.ipynb", 4)
    released.cells[0].source = HOSTILE
    for student in ("mallory", "eve"):
        folder = course / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        nbformat.write(released, folder / "nb.ipynb")
        (folder / "timestamp.txt").write_text("2026-10-02 03:04:05 UTC")
    return course


@pytest.fixture(scope="module")
def grader(course: Path, env: dict[str, str]) -> Iterator[Server]:
    with server(course.parent, env) as running:
        yield running


def loot(course: Path, student: str) -> dict[str, str]:
    """What the submission's code found in its environment."""
    notebook = nbformat.read(course / "autograded" / student / "ps1" / "nb.ipynb", 4)
    texts = [output.text for one in notebook.cells for output in one.get("outputs", []) if "text" in output]
    found: dict[str, str] = json.loads(next(t for t in texts if t.startswith("LOOT")).removeprefix("LOOT "))
    return found


def assert_harmless(found: dict[str, str]) -> None:
    assert not [name for name in found if name.startswith("JUPYTERHUB_") or "TOKEN" in name]
    assert not [name for name, value in found.items() if "token-of" in value or "shh-0123456789" in value]
    assert found["KEPT"] == "yes" and found["HOME"] and found["NBGRADER_EXECUTION"] == "autograde"


def test_no_token_from_the_command_line(course: Path, env: dict[str, str]) -> None:
    ran = nbgrader("autograde", "ps1", "--student=mallory", home=course.parent, env=env)
    assert ran.returncode == 0, ran.stderr
    assert_harmless(loot(course, "mallory"))


def test_no_token_from_formgrader(course: Path, grader: Server) -> None:
    xsrf = grader.get("formgrader/api/assignments").headers["Set-Cookie"].split("_xsrf=")[-1].split(";")[0]
    headers = {"Cookie": f"_xsrf={xsrf}", "X_XSRFToken": xsrf}
    answer = grader.get("formgrader/api/submission/ps1/eve/autograde", method="POST", **headers)
    assert answer.status == 200 and answer.json()["success"], answer.text
    assert_harmless(loot(course, "eve"))
    graded = grader.get("formgrader/api/submission/ps1/eve").json()
    assert (graded["score"], graded["needs_manual_grade"]) == (5.0, False)


def test_scripts_in_a_submission_do_not_run_on_the_hubs_origin(course: Path, grader: Server) -> None:
    shown = nbformat.read(course / "submitted/eve/ps1/nb.ipynb", 4)
    autograded = course / "autograded/eve/ps1/nb.ipynb"
    table = "<table><thead><tr><th>mean</th></tr></thead></table>"
    script = "<script>alert('loot')</script><img src=x onerror=\"alert('loot')\"><b>bold</b>" + table
    shown.cells[0].outputs = [
        nbformat.v4.new_output("display_data", data=data)
        for data in ({"text/html": script}, {"application/javascript": "alert('loot')"})
    ]
    shown.cells.insert(0, nbformat.v4.new_markdown_cell("# Title $a < b$\n\n" + script))
    (autograded.parent / "page.html").write_text(script)
    autograded.chmod(0o644)
    nbformat.write(shown, autograded)
    submission = grader.get("formgrader/api/submitted_notebooks/ps1/nb").json()
    eve = next(one for one in submission if one["student"] == "eve")
    page = grader.get(f"formgrader/submissions/{eve['id']}/")
    assert page.status == 200 and page.text.count("<b>bold</b>") == 2
    assert page.text.count("<thead><tr><th>mean</th></tr></thead>") == 2
    assert "loot" not in page.text and "onerror" not in page.text
    file = grader.get(f"formgrader/submissions/{eve['id']}/page.html")
    assert file.status == 200 and "; sandbox" in file.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("names", "first"), [(AUTOGRADE, "ExecuteWithoutTokens"), (AUTOGRADE_APART, "ExecuteApart")])
def test_our_lists_of_preprocessors_are_nbgraders_with_the_first_replaced(names: list[str], first: str) -> None:
    from nbgrader.converters import Autograde

    own = [f"{p.__module__.split('.')[0]}…{p.__name__}" for p in Autograde().autograde_preprocessors]
    ours = [f"{name.split('.')[0]}…{name.split('.')[-1]}" for name in names]
    assert own[0].endswith("…Execute") and ours[0].endswith(f"…{first}")
    assert ours[1:] == own[1:]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("PATH", "/usr/bin", True),
        ("HOME", "/home/grader-ml101", True),
        ("LC_ALL", "C", True),
        ("NBGRADER_EXECUTION", "autograde", True),
        ("KEYBOARD", "de", True),
        ("JUPYTERHUB_USER", "grader-ml101", False),
        ("JUPYTERHUB_COURSES_API_URL", "http://127.0.0.1/", False),
        ("JPY_API_TOKEN", "x", False),
        ("jupyter_token", "x", False),
        ("AWS_SECRET_ACCESS_KEY", "x", False),
        ("AWS_ACCESS_KEY_ID", "x", False),
        ("OPENAI_API_KEY", "x", False),
        ("PGPASSWORD", "x", False),
        ("SSH_AUTH_SOCK", "/tmp/agent", False),
        ("CONFIGPROXY_AUTH_TOKEN", "x", False),
        ("EXCHANGE_ADMIN_TOKEN", "x", False),
        ("DATABASE_URL", "postgresql://grader:pw@db/grades", False),
        ("HEADER", "Authorization: token of-the-server-0123", False),
    ],
)
def test_what_the_kernel_gets(name: str, value: str, kept: bool) -> None:
    found = kernel_environment({"JUPYTERHUB_API_TOKEN": "of-the-server-0123", name: value})
    assert (name in found) is kept
    assert "JUPYTERHUB_API_TOKEN" not in found


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_the_environment_of_the_parent_process_is_hidden() -> None:
    """As an ordinary user: root reads everything."""
    start = """
import ctypes, os, sys
from jupyterhub_courses.singleuser.autograding import hide_this_process
if os.geteuid() == 0:
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as after any exec
if sys.argv[1] == "hide":
    hide_this_process()
if os.fork():
    os.wait()
else:
    try:
        found = b"SECRET_TOKEN" in open(f"/proc/{os.getppid()}/environ", "rb").read()
    except PermissionError:
        found = "hidden"
    print(found, flush=True)
    os._exit(0)
"""

    def outcome(how: str) -> str:
        command = [sys.executable, "-c", start, how]
        env = {**os.environ, "SECRET_TOKEN": "t"}
        ran = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    assert (outcome("show"), outcome("hide")) == ("True", "hidden")
