"""An exchange that dies in the middle of a submit, and a node that is drained: on the real cluster, with real servers.

Each test says what the student is told, what the exchange has afterwards, and what the course's status says meanwhile.
"""

import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ..support.system import wait_for
from .classroom import ASSIGNMENT, NOTEBOOK, NOTEBOOK_TEXT, STUDENTS, Classroom

pytestmark = pytest.mark.timeout(600)  # a hub, two courses and two servers are made first
UNCERTAIN = "Whether it got this is unknown: look at the list, then try again."
MINE = f"/home/jovyan/{ASSIGNMENT}/"
#: `nbgrader submit` over a slow line: from the body's half on, bytes dribble, so the exchange dies in the middle of it.
SLOWLY = f"""
import http.client, os, sys, time
from nbgrader.apps import NbGraderApp
real = http.client.HTTPConnection.send
def send(self, data):
    if len(data) > 2**20:
        half = len(data) // 2
        real(self, data[:half])
        print("half of it is sent", flush=True)
        for at in range(half, len(data), 1024):
            real(self, data[at : at + 1024])
            time.sleep(0.02)
    else:
        real(self, data)
http.client.HTTPConnection.send = send
os.chdir("/home/jovyan")
sys.exit(NbGraderApp.launch_instance(["submit", "{ASSIGNMENT}"]))
"""
#: What nbgrader in Ada's server remembers of what she has sent, and what lies there half done.
CACHE = (
    "sh",
    "-c",
    "mkdir -p ~/.local/share/jupyter/nbgrader_cache/north && ls -A ~/.local/share/jupyter/nbgrader_cache/north",
)
#: The exchange's own process; process 1 of a container cannot be killed from inside.
KILL = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    if pid != str(os.getpid()) and b"exchange_server" in open(f"/proc/{pid}/cmdline", "rb").read().split(b"tini")[0]:
        os.kill(int(pid), signal.SIGKILL)
"""
#: Every file of the exchange's storage that no row names, and every row's file that is not there.
ASTRAY = """
import os, sqlite3
rows = sqlite3.connect("/srv/exchange/ngshare.db").execute("SELECT actual_name FROM files")
print(sorted({name for (name,) in rows} ^ set(os.listdir("/srv/exchange/files"))))
"""


@pytest.fixture(scope="module")
def work(classroom: Classroom) -> str:
    """What Ada has in her home: a notebook, and so much beside it that sending takes its time."""
    text = secrets.token_hex(2 << 20)
    classroom.shell("ada", "sh", "-c", f"mkdir -p {MINE} && cat > {MINE}data.txt", stdin=text)
    classroom.shell("ada", "sh", "-c", f"cat > {MINE}{NOTEBOOK}", stdin=NOTEBOOK_TEXT)
    return text


def in_exchange(classroom: Classroom, code: str) -> str:
    """What Python says in the exchange's container."""
    where = ("-n", classroom.namespace("north"), "deploy/ngshare")
    return classroom.kube.run("exec", *where, "--", "python3", "-c", code).strip()


def kill(classroom: Classroom) -> None:
    """The container ends with its process, and what kubectl runs in it: how that ends says nothing."""
    command = ["kubectl", "exec", "-n", classroom.namespace("north"), "deploy/ngshare", "--", "python3", "-c", KILL]
    subprocess.run(command, capture_output=True, timeout=60, check=False)


def delete(classroom: Classroom) -> None:
    pod = classroom.exchange_pod("north")
    assert pod is not None
    classroom.kube.run(
        "delete", "pod", "-n", classroom.namespace("north"), pod["metadata"]["name"], "--wait=false", "--now"
    )


def identity(classroom: Classroom) -> Any:
    """Of the exchange's process that serves; None while there is none."""
    pod = classroom.exchange_pod("north")
    status = ((pod or {}).get("status", {}).get("containerStatuses") or [{}])[0]
    return status.get("containerID") if status.get("ready") else None


@pytest.mark.parametrize("dies", [kill, delete], ids=["process", "pod"])
def test_a_submit_during_which_the_exchange_dies_is_whole_or_nothing(classroom, work, dies):
    before, killed, cached = classroom.submissions("ada"), identity(classroom), classroom.shell("ada", *CACHE)
    submitting = classroom.python("ada", SLOWLY)
    assert submitting.stdout is not None
    said = ""
    for line in submitting.stdout:
        said += line
        if line.startswith("half"):
            dies(classroom)
    assert submitting.wait(60) != 0 and UNCERTAIN in said, said
    wait_for(lambda: identity(classroom) not in (None, killed), "another exchange serves", every=0.3)
    assert classroom.submissions("ada") == before
    assert in_exchange(classroom, ASTRAY) == "[]"
    assert classroom.shell("ada", *CACHE) == cached  # it says nothing of what did not arrive

    classroom.shell("ada", "nbgrader", "submit", ASSIGNMENT)
    after = classroom.submissions("ada")
    assert after[: len(before)] == before and len(after) == len(before) + 1
    assert len(classroom.shell("ada", *CACHE).split("\n")) == len(cached.split("\n")) + 1
    wait_for(lambda: classroom.state("north") == ("ready", ""), "the course is ready", every=0.5)


def test_the_exchange_that_is_killed_again_and_again_is_told_and_heals(classroom):
    """The first time the container begins anew at once; then Kubernetes waits, and the course says what is wrong."""

    def told() -> bool:
        if identity(classroom) is not None:
            kill(classroom)
        return "ends again and again (exit code 137)" in classroom.state("north")[1]

    wait_for(told, "the course's status names the cause", every=0.5)
    assert classroom.state("north")[0] == "degraded"
    wait_for(lambda: classroom.state("north") == ("ready", ""), "the course has healed", every=0.5)


def evict(classroom: Classroom, namespace: str, pod: str) -> int:
    """As `kubectl drain` asks for each pod of a node; the answer's status."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    return classroom.kube.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", body).status_code


@pytest.fixture
def drained(classroom: Classroom) -> Iterator[tuple[str, list[str]]]:
    """A node from which the exchange of a course, a student's server and the service have been evicted; what the
    exchange had before."""
    kube, release = classroom.kube, classroom.release.namespace
    exchange = classroom.exchange_pod("north")
    assert exchange is not None
    node, before = exchange["spec"]["nodeName"], classroom.submissions("ada")
    service = kube.get(f"/api/v1/namespaces/{release}/pods?labelSelector=app.kubernetes.io/name=courses")["items"][0]
    kube.run("cordon", node)
    try:
        assert evict(classroom, classroom.namespace("north"), exchange["metadata"]["name"]) == 201
        assert evict(classroom, classroom.namespace("north"), classroom.pod("ada")) == 201
        # Its budget lets one go at a time, and there is one.
        assert evict(classroom, release, service["metadata"]["name"]) == 201
        yield node, before
    finally:
        kube.run("uncordon", node)


def test_a_drained_node_gives_everything_back(classroom, work, drained):
    kube, (node, before) = classroom.kube, drained
    wait_for(lambda: "north" not in classroom.at_hub("ada"), "the hub has seen that the server is gone", every=0.5)
    assert STUDENTS["bob"] in classroom.at_hub("bob")  # he was not on the list
    kube.run("uncordon", node)
    kube.run("rollout", "status", "-n", classroom.release.namespace, "deployment/courses", "--timeout=110s")
    wait_for(lambda: classroom.state("north") == ("ready", ""), "the course is ready", every=0.5)
    classroom.open("ada")
    assert classroom.shell("ada", "cat", f"{MINE}data.txt") == work
    assert classroom.submissions("ada") == before


def test_an_exchange_without_a_node_is_told(classroom):
    """While the service itself runs, and the node of the exchange takes no pod."""
    exchange = classroom.exchange_pod("north")
    assert exchange is not None
    node, name = exchange["spec"]["nodeName"], exchange["metadata"]["name"]
    before = classroom.submissions("ada")
    classroom.kube.run("cordon", node)
    try:
        assert evict(classroom, classroom.namespace("north"), name) == 201

        def told() -> bool:
            moved = (classroom.exchange_pod("north") or exchange)["spec"].get("nodeName", node) != node
            return moved or "waits for a node" in classroom.state("north")[1]

        wait_for(told, "the course says what it waits for", every=0.3)
    finally:
        classroom.kube.run("uncordon", node)
    wait_for(lambda: classroom.state("north") == ("ready", ""), "the course is ready", every=0.5)
    assert classroom.submissions("ada") == before
