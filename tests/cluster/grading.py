"""A course's namespace as the service makes it, with a pod in the place of the graders' server.

Its calls of the courses service come to the tests through kubectl, so that no network has to lead here: the real use
case answers them, with the pods of the real cluster.
"""

import asyncio
import json
import os
import secrets
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyterhub_courses.adapters.kubernetes import KubernetesApi
from jupyterhub_courses.adapters.kubernetes.autograding import AutogradePods
from jupyterhub_courses.core.cluster import HOME, ROLE, SERVER, ClusterSettings
from jupyterhub_courses.core.manifests import course_manifests
from jupyterhub_courses.core.sentences import sentence
from jupyterhub_courses.core.specs import CourseSpec
from jupyterhub_courses.usecases.autograding import Autograding

from ..autograding.conftest import course
from .kube import Kube

IMAGE = os.environ.get("JUPYTERHUB_COURSES_SINGLEUSER_IMAGE", "localhost/courses-singleuser:1")
SLUG = "ml101"
TOKEN = "token-of-grader-ml101-0123456789"
MADE = ("Namespace", "ServiceAccount", "ResourceQuota", "LimitRange", "NetworkPolicy", "PersistentVolumeClaim")
#: In the graders' pod: requests go out as lines, answers come in as lines.
RELAY = """
import json, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
lock = threading.Lock()
class Relay(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with lock:
            print(json.dumps([self.command, self.path, body]), flush=True)
            status, text = json.loads(sys.stdin.readline())
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    do_PUT = do_DELETE = answer
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 8085), Relay)
print("ready", flush=True)
server.serve_forever()
"""


class CountedPods(AutogradePods):
    """The service's own, counting how many live at once, and keeping what the cluster said of each."""

    live, most = 0, 0

    async def create_pod(self, namespace: str, pod: dict[str, Any]) -> None:
        await super().create_pod(namespace, pod)
        self.live += 1
        self.most = max(self.most, self.live)

    async def delete_pod(self, namespace: str, name: str) -> None:
        self.live -= 1
        await super().delete_pod(namespace, name)


class Grading:
    """One course. `spec`: what its CourseSpec says beside slug and title. `said`: the states of runs, as answered."""

    def __init__(self, kube: Kube, **spec: Any) -> None:
        self.kube, self._spec = kube, spec
        self.settings = ClusterSettings(exchange_image=IMAGE, prefix=f"t{secrets.token_hex(3)}", grader_size=200 << 20)
        self.namespace = self.settings.namespace(SLUG)
        self.said: list[str] = []
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def begin(self) -> None:
        """The namespace and the graders' pod, with the relay."""
        spec = CourseSpec(slug=SLUG, title="Machine Learning", **self._spec)
        self.kube.apply(*(one for one in course_manifests(spec, "t", self.settings) if one["kind"] in MADE))
        self.kube.apply(self._graders())
        self.kube.run("-n", self.namespace, "wait", "--for=condition=Ready", "pod/grader", "--timeout=120s")
        self._api = KubernetesApi(os.environ["KUBECONFIG"])
        self.pods = CountedPods(self._api, self.settings)
        self._autograding = Autograding(self.pods, lambda: datetime.now(UTC))
        self._relay = subprocess.Popen(
            ["kubectl", "-n", self.namespace, "exec", "-i", "grader", "--", "python3", "-c", RELAY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._relay.stdout is not None and self._relay.stdout.readline() == "ready\n"
        threading.Thread(target=self._answer, daemon=True).start()

    def end(self) -> None:
        """Nothing is left."""
        self._relay.terminate()
        self._relay.wait()
        asyncio.run_coroutine_threadsafe(self._api.close(), self._loop).result(20)
        self.kube.run("delete", "namespace", "--wait=false", self.namespace)

    def put(self, folder: Path) -> None:
        """Copy the course's folder in `folder` into the graders' home."""
        packed = subprocess.run(["tar", "c", "-C", folder, SLUG], capture_output=True, check=True).stdout
        self._exec("tar", "x", "--no-same-owner", "-C", HOME, stdin=packed)

    def get(self, folder: Path) -> None:
        """Copy the course's folder out of the graders' home."""
        folder.mkdir()
        packed = self._exec("tar", "c", "-C", HOME, SLUG).stdout
        subprocess.run(["tar", "x", "-C", folder], input=packed, check=True)

    def nbgrader(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """As in a terminal of the graders' server."""
        return self._exec("nbgrader", *arguments, check=False)

    def in_home(self, *command: str) -> str:
        """What a command in the graders' server prints."""
        return self._exec(*command).stdout.decode()

    def _exec(self, *command: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        kubectl = ["kubectl", "-n", self.namespace, "exec", "-i", "grader", "--", *command]
        return subprocess.run(kubectl, input=stdin, capture_output=True, timeout=280, check=check)

    def _answer(self) -> None:
        assert self._relay.stdin is not None and self._relay.stdout is not None
        for line in self._relay.stdout:
            method, path, body = json.loads(line)
            work = self._put(path.rsplit("/", 1)[1], body) if method == "PUT" else self._end(path.rsplit("/", 1)[1])
            try:
                answer = 200, json.dumps(asyncio.run_coroutine_threadsafe(work, self._loop).result(60))
            except Exception as error:
                answer = 500, json.dumps({"code": repr(error)})
            self._relay.stdin.write(json.dumps(answer) + "\n")
            self._relay.stdin.flush()

    async def _put(self, run: str, body: str) -> dict[str, str]:
        state = await self._autograding.run(course(SLUG, **self._spec), run, json.loads(body)["seconds"])
        self.said.append(state.reason or state.state)
        return {"state": state.state, "message": sentence(state.reason) if state.reason else ""}

    async def _end(self, run: str) -> dict[str, str]:
        await self._autograding.end(course(SLUG), run)
        return {"state": "ended"}

    def _graders(self) -> dict[str, Any]:
        environment = {
            "JUPYTERHUB_COURSES_COURSE": SLUG,
            "JUPYTERHUB_COURSES_ROLE": "grader",
            "JUPYTERHUB_COURSES_API_URL": "http://127.0.0.1:8085/services/courses/api/",
            "JUPYTERHUB_COURSES_EXCHANGE_URL": "http://127.0.0.1:9/api/",
            "JUPYTERHUB_COURSES_COURSE_DIR": f"{HOME}/{SLUG}",
            "JUPYTERHUB_COURSES_AUTOGRADE": "apart",
            "JUPYTERHUB_API_TOKEN": TOKEN,
        }
        labels = {**self.settings.labels(SLUG, SERVER), ROLE: "grader"}
        container = {
            "name": "notebook",
            "image": IMAGE,
            "command": ["sleep", "infinity"],
            "env": [{"name": name, "value": value} for name, value in environment.items()],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "home", "mountPath": HOME}],
        }
        user = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 100, "fsGroup": 100}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "grader", "namespace": self.namespace, "labels": labels},
            "spec": {
                "serviceAccountName": SERVER,
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
                "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "grader"}}],
            },
        }
