"""What is outside: two LMSs and the browsers of everybody, in a namespace of their own. They reach names and ports as
anybody does who is not of the release, and nothing of the release is told about them but their platforms.
"""

import json
from pathlib import Path
from typing import Any

from jupyterhub_courses.demo import files
from jupyterhub_courses.demo.story.table import world

from .hub import IMAGES, RESTRICTED
from .kube import Kube

#: Stand-ins for the demo's addresses, until the cluster's names take their places.
PORTS = {"hub": 1, "northfield": 2, "eastlake": 3}
TELLING = Path(__file__).with_name("telling.py")
PORT = 8000


class Outside:
    """LMSs with so many students, for one hub. `hub`: the address that browsers use."""

    def __init__(self, kube: Kube, namespace: str, hub: str, students: int) -> None:
        self.kube, self.namespace, self.hub, self.students = kube, namespace, hub, students
        self.world = world(students)
        self.sites = {
            site.name: f"http://{site.name}.{namespace}.svc.cluster.local:{PORT}" for site in self.world.sites
        }

    def begin(self) -> None:
        """The namespace, and both LMSs in it."""
        self.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        scenarios = {f"{site.name}.json": self._addressed(files.scenario(site, PORTS)) for site in self.world.sites}
        config = {**scenarios, "telling.py": TELLING.read_text()}
        self._make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "outside"}, "data": config})
        for name, address in self.sites.items():
            arguments = [
                "python3", "-m", "jupyterhub_courses.demo.lms", f"--port={PORT}", "--host=0.0.0.0", "--state=/tmp/lms",
                f"--scenario=/outside/{name}.json", "--control", f"--url={address}",
            ]  # fmt: skip
            self._make(pod(name, arguments), service(name))
        for name in self.sites:
            self.kube.run("wait", "-n", self.namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=90s")

    def courses_file(self) -> str:
        """The platforms as the service takes them; courses are made by their teachers' first clicks."""
        told = files.courses_file(files.Folder(Path("/nowhere")), self.world, PORTS)
        for platform in told["platforms"]:
            del platform["course_creation"]["start_from"]
        return self._addressed(told)

    def tell(self) -> None:
        """Begin the story."""
        arguments = [f"{name}={address}" for name, address in self.sites.items()]
        self._make(pod("story", ["python3", "/outside/telling.py", str(self.students), *arguments]))

    def _addressed(self, told: dict[str, Any]) -> str:
        text = json.dumps(told).replace(files.hub_url(PORTS), self.hub)
        for site in self.world.sites:
            text = text.replace(files.lms_url(site, PORTS), self.sites[site.name])
        return text

    def _make(self, *manifests: dict[str, Any]) -> None:
        self.kube.apply(*({**one, "metadata": {**one["metadata"], "namespace": self.namespace}} for one in manifests))


def service(name: str) -> dict[str, Any]:
    """A name for the pod."""
    spec = {"selector": {"outside": name}, "ports": [{"port": PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def pod(name: str, command: list[str]) -> dict[str, Any]:
    """A pod that has this package, and no rights."""
    container = {
        "name": "main",
        "image": IMAGES["service"],
        "command": command,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "outside", "mountPath": "/outside"}, {"name": "tmp", "mountPath": "/tmp"}],
    }
    if name != "story":
        container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": RESTRICTED,
        "containers": [container],
        "volumes": [{"name": "outside", "configMap": {"name": "outside"}}, {"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"outside": name}}, "spec": spec}
