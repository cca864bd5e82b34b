"""The cluster that KUBECONFIG names, through kubectl alone: whatever way in it has, kubectl knows it.

Promises: requests carry the administrator's rights, or those of an account that a test names; nothing that was there
before is changed.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import requests
import yaml

APPLY = "application/apply-patch+yaml"


def program() -> str | None:
    """kubectl, where it and a cluster's configuration are."""
    return shutil.which("kubectl") if Path(os.environ.get("KUBECONFIG") or "/nonexistent").exists() else None


class Kube:
    """One cluster."""

    def __init__(self, kubectl: str) -> None:
        self._kubectl = kubectl
        self._proxy = subprocess.Popen([kubectl, "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        assert self._proxy.stdout is not None
        said = self._proxy.stdout.readline()
        address = re.search(r"127\.0\.0\.1:\d+", said)
        assert address, f"kubectl proxy says {said!r}"
        self._base = f"http://{address[0]}"
        self._session = requests.Session()

    def close(self) -> None:
        """End kubectl's proxy."""
        self._session.close()
        self._proxy.terminate()
        self._proxy.wait()

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """What kubectl prints."""
        done = subprocess.run(
            [self._kubectl, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        """As an administrator does."""
        self.run("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def get(self, path: str) -> Any:
        """An object, or a list; None where there is none."""
        answer = self.ask("GET", path)
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.ok else None

    def ask(
        self, method: str, path: str, body: Any = None, account: str = "", content: str = "application/json"
    ) -> requests.Response:
        """A request of the API. account: `namespace:name` of a ServiceAccount, in whose name it is made."""
        headers = {"Content-Type": content}
        if account:
            headers["Impersonate-User"] = f"system:serviceaccount:{account}"
            # An account's other groups are bound to nothing here, and requests sends a header once.
            headers["Impersonate-Group"] = "system:authenticated"
        data = None if body is None else json.dumps(body)
        return self._session.request(method, self._base + path, data=data, headers=headers, timeout=60)

    def may(self, account: str, verb: str, resource: str, namespace: str) -> bool:
        """Whether an account may (SelfSubjectAccessReview). resource: `pods/log`, `group:plural`."""
        group, _, plural = resource.rpartition(":")
        plural, _, subresource = plural.partition("/")
        asked = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "namespace": namespace}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self.ask("POST", path, {**body, "spec": {"resourceAttributes": asked}}, account)
        assert answer.status_code == 201, answer.text
        return bool(answer.json()["status"].get("allowed"))
