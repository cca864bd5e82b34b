"""The use case: runs are asked for again and again, and each happens once, within limits."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jupyterhub_courses.core.admissions import Refused
from jupyterhub_courses.core.autograding import LIVE_MAX, RUN, RunState
from jupyterhub_courses.usecases.autograding import Autograding

from .conftest import course
from .pods import Pods

NOW = datetime.now(UTC)
RUNNING = RunState("running", "autograde_running")


def asking(pods: Pods | None, now: datetime = NOW) -> Autograding:
    return Autograding(pods, lambda: now)


async def test_asking_again_looks_and_starts_nothing():
    pods = Pods()
    autograding = asking(pods)
    answers = await asyncio.gather(*(autograding.run(course(), "run-00001", 60) for _ in range(5)))
    assert set(answers) == {RUNNING} and len(pods.made) == 1
    pods.here["autograde-run-00001"]["status"] = {"phase": "Succeeded"}
    assert await asking(pods).run(course(), "run-00001", 60) == RunState("done")  # of a service that was restarted
    await autograding.end(course(), "run-00001")
    await autograding.end(course(), "run-00001")
    assert set(pods.here) == {"grader"}


async def test_a_course_has_so_many_runs_at_once_and_no_more():
    pods = Pods()
    autograding = asking(pods)
    answers = await asyncio.gather(*(autograding.run(course(), f"run-{n:05}", 60) for n in range(LIVE_MAX + 3)))
    assert answers.count(RUNNING) == len(pods.made) == LIVE_MAX
    assert answers.count(RunState("waiting", "autograde_many")) == 3
    pods.here["autograde-run-00000"]["status"] = {"phase": "Failed"}
    assert await autograding.run(course(), "run-99999", 60) == RUNNING


async def test_runs_that_nobody_fetched_are_swept_and_living_ones_are_not():
    pods, now = Pods(), datetime.now(UTC)
    for run, phase in (("run-00001", "Succeeded"), ("run-00002", "Failed"), ("run-00003", "Running")):
        await asking(pods).run(course(), run, 60)
        pods.here[f"autograde-{run}"]["status"] = {"phase": phase}
    await asking(pods, now + timedelta(minutes=50)).run(course(), "run-00004", 60)
    assert not pods.deleted
    await asking(pods, now + timedelta(minutes=70)).run(course(), "run-00005", 60)
    assert pods.deleted == ["autograde-run-00001", "autograde-run-00002"]


async def test_what_stands_in_the_way_is_told_and_may_go_away():
    pods = Pods()
    grader = pods.here.pop("grader")
    assert await asking(pods).run(course(), "run-00001", 60) == RunState("waiting", "autograde_no_grader")
    pods.here["grader"] = grader
    pods.quota = 0
    assert await asking(pods).run(course(), "run-00001", 60) == RunState("waiting", "autograde_quota")
    pods.quota = None
    assert await asking(pods).run(course(), "run-00001", 60) == RUNNING


async def test_a_run_that_its_node_refused_is_given_to_a_node_again():
    pods = Pods()
    autograding = asking(pods)
    await autograding.run(course(), "run-00001", 60)
    pods.here["autograde-run-00001"]["status"] = {"phase": "Failed", "reason": "OutOfcpu"}
    assert await autograding.run(course(), "run-00001", 60) == RunState("waiting", "autograde_no_room")
    assert pods.deleted == ["autograde-run-00001"]
    assert await autograding.run(course(), "run-00001", 60) == RUNNING and len(pods.made) == 2


async def test_limits_are_the_specs_and_a_volume_of_many_nodes_binds_no_run_to_one():
    pods = Pods()
    pods.modes = ["ReadWriteMany"]
    limits = {"cpu": {"limit": 2}, "memory": {"guarantee": "512M", "limit": "2G"}}
    asked = course(**limits, resources={"example.org/gpu": 1}, variables={"OMP_NUM_THREADS": "2"})
    await asking(pods).run(asked, "run-00001", 77)
    spec = pods.made[0]["spec"]
    assert spec["initContainers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": str(512 * 2**20), "example.org/gpu": "1"},
        "limits": {"cpu": "2000m", "memory": str(2 * 2**30), "example.org/gpu": "1"},
    }
    assert {"name": "OMP_NUM_THREADS", "value": "2"} in spec["initContainers"][0]["env"]
    assert spec["activeDeadlineSeconds"] == 77 and "affinity" not in spec


@pytest.mark.parametrize(
    ("pods", "asked", "code"),
    [
        (None, course(), "autograde_here"),
        (Pods(), course(autograde="server"), "autograde_here"),
        (Pods(), course(state="deleting"), "course_deleting"),
    ],
)
async def test_where_nothing_runs_apart_nothing_is_started(pods, asked, code):
    with pytest.raises(Refused) as refusal:
        await asking(pods).run(asked, "run-00001", 60)
    assert refusal.value.code == code
    assert pods is None or not pods.made


@pytest.mark.parametrize(
    ("run", "good"),
    [
        ("0123456789abcdef", True),
        ("a" * 8, True),
        ("a" * 40, True),
        ("a" * 41, False),
        ("short", False),
        ("-bcdefgh", False),
        ("abcdefg-", False),
        ("../../etc/passwd", False),
        ("abcd/../efgh", False),
        ("ABCDEFGH", False),
        ("abcdefgh\n", False),
        ("", False),
    ],
)
def test_a_runs_id_is_no_path(run, good):
    assert bool(RUN.fullmatch(run)) is good
