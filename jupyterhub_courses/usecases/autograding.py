"""Autograding apart: a submission's notebook runs in a pod of the course's namespace, asked for by the graders' server.

Keeps nothing: the pod is the state, so a restart of the service loses no run, and asking again changes nothing.
What a run reads and gives lies on the graders' own volume; nothing of it passes through here.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..core.admissions import Refused
from ..core.autograding import (
    AUTOGRADE,
    CPU_LIMIT,
    LIVE_MAX,
    MEMORY_LIMIT,
    Place,
    QuotaUsedUp,
    Run,
    RunState,
    grader_pod,
    is_over,
    pod_manifest,
    pod_name,
    run_state,
    was_rejected,
)
from ..core.cluster import COMPONENT, GRADER, ROLE, SERVER
from ..core.records import Course
from ..core.specs import CourseSpec, spec_of

log = logging.getLogger(__name__)
KEPT = timedelta(hours=1)  # a pod that is over and was not fetched


class PodsPort(Protocol):
    """The pods of courses' namespaces. An absent object is None, or nothing to delete."""

    def place(self, slug: str) -> Place: ...
    async def pods(self, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]: ...
    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None: ...
    async def claim(self, namespace: str, name: str) -> dict[str, Any] | None: ...
    async def create_pod(self, namespace: str, pod: dict[str, Any]) -> None: ...  # raises QuotaUsedUp
    async def delete_pod(self, namespace: str, name: str) -> None: ...


class Autograding:
    """The story. `pods`: None where courses have no pods, on one machine."""

    def __init__(self, pods: PodsPort | None, clock: Callable[[], datetime]) -> None:
        self._ports, self._clock = pods, clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, course: Course, run: str, seconds: int) -> RunState:
        """Have the run run, for at most `seconds`, and say how it is. Raises Refused."""
        pods, spec = self._pods(course), spec_of(course)
        if course.state == "deleting":
            raise Refused("course_deleting", 409)
        place = pods.place(course.slug)
        async with self._locks[course.slug]:
            pod = await pods.pod(place.namespace, pod_name(run))
            if pod is not None:
                if was_rejected(pod):  # it will not try again itself, so make room for another at the next question
                    await self._remove(pods, place, pod)
                return run_state(pod)
            if await self._live(pods, place) >= LIVE_MAX:
                return RunState("waiting", "autograde_many")
            graders = {**place.labels, COMPONENT: SERVER, ROLE: GRADER}
            grader = grader_pod(await pods.pods(place.namespace, graders))
            if grader is None:
                return RunState("waiting", "autograde_no_grader")
            claim = await pods.claim(place.namespace, GRADER)
            try:
                await pods.create_pod(place.namespace, pod_manifest(_run(run, place, spec, seconds, claim), grader))
            except QuotaUsedUp:
                return RunState("waiting", "autograde_quota")
        log.info("course %s: autograding run %s", course.slug, run)
        return RunState("running", "autograde_running")

    async def end(self, course: Course, run: str) -> None:
        """The run's result was read, or nobody waits for it any more."""
        pods = self._pods(course)
        place = pods.place(course.slug)
        pod = await pods.pod(place.namespace, pod_name(run))
        if pod is not None:
            await self._remove(pods, place, pod)

    async def _remove(self, pods: PodsPort, place: Place, pod: dict[str, Any]) -> None:
        if place.labels.items() <= (pod["metadata"].get("labels") or {}).items():
            await pods.delete_pod(place.namespace, pod["metadata"]["name"])

    def _pods(self, course: Course) -> PodsPort:
        if self._ports is None or spec_of(course).autograde == "server":
            raise Refused("autograde_here", 409)
        return self._ports

    async def _live(self, pods: PodsPort, place: Place) -> int:
        """How many runs the course has; those over for long, whose graders' server is gone, are swept."""
        runs = await pods.pods(place.namespace, {**place.labels, COMPONENT: AUTOGRADE})
        over = [pod for pod in runs if is_over(pod)]
        for pod in over:
            if self._clock() - datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) > KEPT:
                await pods.delete_pod(place.namespace, pod["metadata"]["name"])
        return len(runs) - len(over)


def _run(run: str, place: Place, spec: CourseSpec, seconds: int, claim: dict[str, Any] | None) -> Run:
    modes = (claim or {}).get("spec", {}).get("accessModes") or ()
    return Run(
        id=run,
        namespace=place.namespace,
        labels=place.labels,
        seconds=seconds,
        one_node="ReadWriteMany" not in modes,
        cpu_limit=spec.cpu.limit or CPU_LIMIT,
        memory_limit=spec.memory.limit or MEMORY_LIMIT,
        cpu_guarantee=spec.cpu.guarantee,
        memory_guarantee=spec.memory.guarantee,
        resources=spec.resources,
        variables=spec.variables,
    )
