"""A course's namespace in memory: pods of runs are executed as processes of this machine, as their manifests say."""

import asyncio
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyterhub_courses.core.autograding import Place, QuotaUsedUp

LABELS = {
    "app.kubernetes.io/managed-by": "jupyterhub-courses",
    "jupyterhub-courses/instance": "course",
    "jupyterhub-courses/course": "ml101",
}
GRADER = {
    "metadata": {
        "name": "grader",
        "creationTimestamp": "2026-10-01T00:00:00Z",
        "labels": {**LABELS, "app.kubernetes.io/component": "server", "jupyterhub-courses/role": "grader"},
    },
    "spec": {"nodeName": "node-1", "containers": [{"name": "notebook", "image": "example.org/lab:1"}]},
    "status": {"phase": "Running"},
}


class Pods:
    """PodsPort. `executes`: whether made pods run; otherwise their status is the test's to set."""

    def __init__(self, volume: Path | None = None) -> None:
        self.volume = volume
        self.here: dict[str, dict[str, Any]] = {"grader": GRADER}
        self.made: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.modes = ["ReadWriteOnce"]
        self.quota: int | None = None
        self.most = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def place(self, slug: str) -> Place:
        return Place(f"course-{slug}", LABELS)

    async def pods(self, namespace: str, labels: dict[str, str]) -> list[dict[str, Any]]:
        return [pod for pod in self.here.values() if labels.items() <= pod["metadata"]["labels"].items()]

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self.here.get(name)

    async def claim(self, namespace: str, name: str) -> dict[str, Any] | None:
        return {"spec": {"accessModes": self.modes}}

    async def create_pod(self, namespace: str, pod: dict[str, Any]) -> None:
        running = [one for one in self.here.values() if one["status"].get("phase") not in ("Succeeded", "Failed")]
        if self.quota is not None and len(running) > self.quota:
            raise QuotaUsedUp
        pod = {**pod, "status": {}, "metadata": {**pod["metadata"], "creationTimestamp": datetime.now(UTC).isoformat()}}
        self.here[pod["metadata"]["name"]] = pod
        self.made.append(pod)
        self.most = max(self.most, len(running))
        if self.volume is not None:
            task = asyncio.create_task(self._run(pod, self.volume))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def delete_pod(self, namespace: str, name: str) -> None:
        self.deleted.append(name)
        self.here.pop(name, None)

    async def _run(self, pod: dict[str, Any], volume: Path) -> None:
        scratch = Path(tempfile.mkdtemp(prefix="pod-"))
        try:
            for container in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]):
                if await execute(pod, container, volume, scratch):
                    pod["status"] = {"phase": "Failed", "initContainerStatuses": []}
                    return
            pod["status"] = {"phase": "Succeeded"}
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


async def execute(pod: dict[str, Any], container: dict[str, Any], volume: Path, scratch: Path) -> int:
    """One container's exit status."""
    folders = {}
    claims = {v["name"]: "persistentVolumeClaim" in v for v in pod["spec"]["volumes"]}
    for mount in container["volumeMounts"]:
        source = volume / mount["subPath"] if claims[mount["name"]] else scratch / mount["name"]
        source.mkdir(exist_ok=True)
        folders[mount["mountPath"]] = str(source)

    def here(text: str) -> str:
        for path in sorted(folders, key=len, reverse=True):
            if text == path or text.startswith(path + "/"):
                return folders[path] + text[len(path) :]
        return text

    environment = {"PATH": os.environ["PATH"], **{e["name"]: here(e["value"]) for e in container["env"]}}
    process = await asyncio.create_subprocess_exec(
        *map(here, container["command"]), env=environment, cwd=here(container["workingDir"])
    )
    return await process.wait()
