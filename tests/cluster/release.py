"""What config/kubernetes makes in a namespace of its own, under a prefix of its own, and its end without a trace."""

import secrets
from pathlib import Path
from typing import Any

from .kube import Kube

#: Releases of one cluster have these together.
SHARED = ("courses-service", "courses-service-in-course", "courses-hub-in-course")


class Release:
    """One release of the service. `patches`: further ones of its kustomization."""

    def __init__(self, kube: Kube, root: Path, folder: Path, patches: str = "", overlay: str = "sqlite") -> None:
        mark = secrets.token_hex(3)
        self.kube, self.namespace, self.prefix = kube, f"release-{mark}", f"t{mark}"
        self.service, self.hub = f"{self.namespace}:courses", f"{self.namespace}:hub"
        self._kustomization = folder / f"release-{mark}"
        self._kustomization.mkdir()
        up = "/".join([".."] * len(self._kustomization.resolve().parts[1:]))
        base = f"{up}{root.resolve()}"
        (self._kustomization / "kustomization.yaml").write_text(
            KUSTOMIZATION.format(namespace=self.namespace, prefix=self.prefix, base=base, overlay=overlay, more=patches)
        )

    def begin(self) -> None:
        """Apply it."""
        self.kube.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "hub", "namespace": self.namespace}},
        )
        self.kube.run("apply", "-k", str(self._kustomization))

    def end(self) -> None:
        """Everything that it made, and everything that was made through it."""
        label = f"jupyterhub-courses/instance={self.prefix}"
        self.kube.run("delete", "namespace", "--wait=false", "--ignore-not-found", "-l", label)
        self.kube.run("delete", "namespace", "--wait=false", "--ignore-not-found", self.namespace)
        name = f"courses-service.{self.prefix}"
        kinds = "clusterrolebinding", "validatingadmissionpolicybinding", "validatingadmissionpolicy"
        for kind in kinds:
            self.kube.run("delete", kind, name, "--ignore-not-found")
        bindings = self.kube.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")["items"]
        if not any(one["roleRef"]["name"] in SHARED for one in bindings):
            self.kube.run("delete", "clusterrole", "--ignore-not-found", *SHARED)

    def admin(self, command: list[str], stdin: str | None = None) -> str:
        """What an administrator's command says, in the service's pod."""
        return self.kube.run("exec", "-i", "-n", self.namespace, "deploy/courses", "--", *command, stdin=stdin)

    def logs(self) -> str:
        """The last that service and hub have said."""
        parts = [
            self.kube.run("logs", "-n", self.namespace, f"deploy/{name}", "--tail=60") for name in ("courses", "hub")
        ]
        return "\n".join(parts)

    def course(self, slug: str) -> dict[str, Any]:
        """The namespace of a course, as the service makes it."""
        labels = {
            "app.kubernetes.io/managed-by": "jupyterhub-courses",
            "jupyterhub-courses/instance": self.prefix,
            "jupyterhub-courses/course": slug,
        }
        metadata = {"name": f"{self.prefix}-{slug}", "labels": labels}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


KUSTOMIZATION = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
resources:
  - {base}/config/kubernetes/overlays/{overlay}
patches:
  - target: {{kind: ConfigMap, name: courses}}
    patch: |
      - {{op: replace, path: /data/JUPYTERHUB_COURSES_NAMESPACE_PREFIX, value: {prefix}}}
{more}
transformers:
  - {base}/config/kubernetes/release
"""
