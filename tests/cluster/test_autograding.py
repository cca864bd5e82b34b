"""Submissions autograded apart on a real cluster: scores come back, and hostile code fails at everything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..autograding.test_round_trip import grades, make_course, outputs
from ..singleuser.jupyter import course_environment
from .grading import HOME, SLUG, TOKEN, Grading
from .kube import Kube

#: What a submission tries, each a function that returns what it got; whatever does not raise is loot.
HOSTILE = """
import ctypes, glob, json, os, signal, socket, subprocess, sys
from pathlib import Path

def environment():
    found = {k: v for k, v in os.environ.items() if "TOKEN" in k or k.startswith(("JUPYTERHUB", "KUBERNETES"))}
    assert found
    return found

def parents_environment():
    return [open(f"/proc/{pid}/environ").read() for pid in (1, os.getppid())]

def parents_memory():
    return open(f"/proc/{os.getppid()}/mem", "rb").read(1)

def parents_files():
    return os.listdir(f"/proc/{os.getppid()}/fd")

def service_account():
    return os.listdir("/var/run/secrets/kubernetes.io/serviceaccount")

def of_others():
    found = []
    for folder, folders, names in os.walk("/"):
        if folder.split("/")[1:2] in (["proc"], ["sys"], ["opt"], ["usr"], ["dev"]):
            folders.clear()
        found += [os.path.join(folder, n) for n in [*folders, *names] if n in OTHERS]
    assert found
    return found

def write_what_is_given():
    Path("/autograde/in/job.json").write_text("{}")

def write_what_goes_back():
    Path("/autograde/out/result.json").write_text("{}")

def write_the_program():
    import jupyterhub_courses
    Path(jupyterhub_courses.__file__).write_text("")

def write_the_system():
    Path("/etc/loot").write_text("x")

def become_root():
    os.setuid(0)

def become_root_by_a_program():
    found = subprocess.run(["su", "-c", "id -u"], capture_output=True, text=True, timeout=10).stdout
    assert found.strip() == "0"
    return found

def mount():
    assert ctypes.CDLL(None, use_errno=True).mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0

def new_namespaces():
    assert ctypes.CDLL(None, use_errno=True).unshare(0x10000000 | 0x40000000) == 0

def kill_the_runner():
    # One that is asked to end would, so this only asks whether it could be told from outside of the pod.
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if b"jupyterhub-singleuser" in open(f"/proc/{pid}/cmdline", "rb").read()] or 1 / 0

def names():
    return socket.getaddrinfo("kubernetes.default.svc.cluster.local", 443)

got, refused = {}, {}
for attempt in (environment, parents_environment, parents_memory, parents_files, service_account, of_others,
                write_what_is_given, write_what_goes_back, write_the_program, write_the_system, become_root,
                become_root_by_a_program, mount, new_namespaces, kill_the_runner, names):
    try:
        got[attempt.__name__] = repr(attempt())[:500]
    except BaseException as error:
        refused[attempt.__name__] = type(error).__name__
os.symlink("/autograde/in/job.json", "/autograde/result/result.json")
subprocess.Popen([sys.executable, "-c", FORGE], start_new_session=True)
print("LOOT", json.dumps([got, refused, sorted(os.environ)]))
answer = 41
"""
#: A process that outlives the cell and writes a perfect result again and again.
FORGE = """
import json, os, pathlib, time
forged = json.dumps({"cells": [None, *[{"outputs": [], "execution_count": 1}] * 3], "language": "forged"})
while True:
    try:
        pathlib.Path("/autograde/result/result.json").write_text(forged)
    except OSError:
        pass
    time.sleep(1)
"""
SUBMISSIONS = {
    "ada": "answer = 42",
    "bob": "answer = 41",
    "mallory": f"OTHERS, FORGE = ('gradebook.db', 'ada', 'bob', 'submitted', 'source'), {FORGE!r}\n" + HOSTILE,
    "quine": "import os; os._exit(0)",
    "greedy": "found = []\nwhile True: found.append(bytearray(50 << 20))",
    "zoe": "answer = float(open('data.txt').read())",
}


@pytest.fixture(scope="module")
def grading(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grading]:
    home = tmp_path_factory.mktemp("home")
    env = course_environment(home, "grader")
    make_course(home, env, SUBMISSIONS)
    # Room for the graders' server and two runs at once.
    grading = Grading(kube, memory={"limit": "600M", "guarantee": "200M"}, quota={"memory": "500M"})
    try:
        grading.begin()
        grading.put(home)
        yield grading
    finally:
        grading.end()


@pytest.fixture(scope="module")
def autograded(grading: Grading, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The course's folder after `nbgrader autograde` of everything, and what that printed."""
    ran = grading.nbgrader("autograde", "ps1")
    folder = tmp_path_factory.mktemp("after") / "home"
    grading.get(folder)
    return folder / SLUG, ran.stderr.decode()


def test_scores_come_back_into_the_gradebook(autograded: tuple[Path, str]) -> None:
    found = {student: grades(autograded[0])[student, "test"] for student in ("ada", "bob", "zoe")}
    assert found == {"ada": (5.0, False), "bob": (0.0, False), "zoe": (5.0, False)}, autograded[1]


def test_many_run_at_once_and_wait_where_the_quota_is_used_up(grading: Grading, autograded: tuple[Path, str]) -> None:
    assert grading.pods.most >= 2
    assert "autograde_quota" in grading.said


def test_a_hostile_submission_fails_at_everything(autograded: tuple[Path, str]) -> None:
    course, log = autograded
    texts = [one["text"] for cell in outputs(course, "mallory") for one in cell if "text" in one]
    loot = next(text for text in texts if text.startswith("LOOT")).removeprefix("LOOT ")
    got, refused, _ = json.loads(loot)
    assert not got and len(refused) == 16, got
    assert TOKEN not in json.dumps(texts)
    assert grades(course)["mallory", "test"] == (0.0, False), log  # what it forged did not count


def test_submissions_that_end_their_kernel_or_take_all_memory_fail_alone_and_it_is_said(
    autograded: tuple[Path, str],
) -> None:
    course, log = autograded
    for student in ("quine", "greedy"):
        assert not (course / "autograded" / student / "ps1").exists()
        assert f"There was an error processing assignment 'ps1' for student '{student}'" in log
    assert "needed more memory than it may" in log


def test_nothing_of_the_runs_is_left(grading: Grading, autograded: tuple[Path, str]) -> None:
    assert grading.in_home("ls", f"{HOME}/.autograde") == ""
    pods = grading.kube.get(f"/api/v1/namespaces/{grading.namespace}/pods")["items"]
    living = [pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    assert living == ["grader"]
