"""A hub beside a release of the service, of plain manifests: what z2jh's chart would bring, as small as it can be.

Images come from the environment, so that a cluster that pulls can be given its registry's.
"""

import os
import secrets
from pathlib import Path
from typing import Any

REGISTRY = os.environ.get("COURSES_IMAGES", "localhost/courses-{}:1")
IMAGES = {name: REGISTRY.format(name) for name in ("hub", "service", "ngshare", "singleuser", "test-proxy")}
CONFIG = Path(__file__).with_name("hub_config.py")
#: What z2jh gives these pods; course namespaces' policies ask for it.
HUB, PROXY = (
    {
        "app": "jupyterhub",
        "component": name,
        "app.kubernetes.io/name": "jupyterhub",
        "app.kubernetes.io/component": name,
    }
    for name in ("hub", "proxy")
)
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
#: Once ready, ready: there is no other that could take over (the chart's own reason).
PROBE = {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 1000}
Manifest = dict[str, Any]


def manifests(namespace: str) -> list[Manifest]:
    """Hub and proxy with all they need, in a namespace that is there."""
    token, proxy_token, cookies = (secrets.token_hex(32) for _ in range(3))
    config = {"jupyterhub_config.py": CONFIG.read_text()}
    secret = {
        "hub.services.courses.apiToken": token,
        "hub.config.ConfigurableHTTPProxy.auth_token": proxy_token,
        "cookie-secret": cookies,
    }
    rules = [
        {
            "apiGroups": [""],
            "resources": ["pods", "persistentvolumeclaims", "secrets", "services"],
            "verbs": ["get", "watch", "list", "create", "delete"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "watch", "list"]},
    ]
    role_of = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "hub"}
    account = {"kind": "ServiceAccount", "name": "hub", "namespace": namespace}
    made = [
        _of("v1", "ConfigMap", "hub", data=config),
        _of("v1", "Secret", "hub", stringData=secret),
        _of("rbac.authorization.k8s.io/v1", "Role", "hub", rules=rules),
        _of("rbac.authorization.k8s.io/v1", "RoleBinding", "hub", roleRef=role_of, subjects=[account]),
        _of("v1", "PersistentVolumeClaim", "hub", spec=_volume("100Mi")),
        _service("hub", HUB, 8081, 8081),
        _service("proxy-api", PROXY, 8001, 8001),
        _service("proxy-public", PROXY, 80, 8000),
        _deployment("proxy", PROXY, _proxy()),
        _deployment("hub", HUB, _hub()),
    ]
    return [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in made]


def _hub() -> Manifest:
    container = {
        "image": IMAGES["hub"],
        "args": ["jupyterhub", "--config", "/usr/local/etc/jupyterhub/jupyterhub_config.py", "--upgrade-db"],
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "SINGLEUSER_IMAGE", "value": IMAGES["singleuser"]},
            _proxy_token(),
        ],
        "ports": [{"name": "http", "containerPort": 8081}],
        "readinessProbe": {"httpGet": {"path": "/hub/health", "port": 8081}, **PROBE},
        "volumeMounts": [
            {"name": "config", "mountPath": "/usr/local/etc/jupyterhub/jupyterhub_config.py", "subPath": CONFIG_KEY},
            {"name": "secret", "mountPath": "/usr/local/etc/jupyterhub/secret"},
            {"name": "data", "mountPath": "/srv/jupyterhub"},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": "hub"}},
        {"name": "secret", "secret": {"secretName": "hub", "defaultMode": 0o440}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "hub"}},
    ]
    return {"serviceAccountName": "hub", "containers": [container], "volumes": volumes}


CONFIG_KEY = "jupyterhub_config.py"


def _proxy() -> Manifest:
    container = {
        "image": IMAGES["test-proxy"],
        "args": [
            "configurable-http-proxy", "--ip=", "--api-ip=", "--api-port=8001", "--default-target=http://hub:8081",
            "--error-target=http://hub:8081/hub/error", "--port=8000",
        ],
        "env": [_proxy_token()],
        "ports": [{"name": "http", "containerPort": 8000}, {"name": "api", "containerPort": 8001}],
        "readinessProbe": {"httpGet": {"path": "/_chp_healthz", "port": 8000}, **PROBE},
    }  # fmt: skip
    return {"containers": [container], "automountServiceAccountToken": False}


def _proxy_token() -> Manifest:
    key = {"name": "hub", "key": "hub.config.ConfigurableHTTPProxy.auth_token"}
    return {"name": "CONFIGPROXY_AUTH_TOKEN", "valueFrom": {"secretKeyRef": key}}


def _of(version: str, kind: str, name: str, **rest: Any) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


def _volume(size: str) -> Manifest:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}


def _service(name: str, labels: Manifest, port: int, target: int) -> Manifest:
    return _of("v1", "Service", name, spec={"selector": labels, "ports": [{"port": port, "targetPort": target}]})


def _deployment(name: str, labels: Manifest, pod: Manifest) -> Manifest:
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    containers = [{"name": name, "securityContext": restricted, **one} for one in pod["containers"]]
    template = {
        "metadata": {"labels": {**labels, "hub.jupyter.org/network-access-hub": "true"}},
        "spec": {"securityContext": RESTRICTED, "enableServiceLinks": False, **pod, "containers": containers},
    }
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": template,
    }
    return _of("apps/v1", "Deployment", name, spec=spec)
