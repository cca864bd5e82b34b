"""A course's exchange on a cluster: Secret, volume, Deployment and Service, as pure functions."""

import hashlib
from typing import Any

from . import quantities
from .cluster import EXCHANGE, EXCHANGE_PORT, MAY_REACH_HUB, SERVER, UID, ClusterSettings
from .specs import CourseSpec

Manifest = dict[str, Any]
FOLDER = "/srv/exchange"
#: A digest of what the Secret says: with another token, another pod.
SECRET_DIGEST = "jupyterhub-courses/secret"


def exchange(spec: CourseSpec, token: str, settings: ClusterSettings) -> list[Manifest]:
    """In the order in which they are needed."""
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": EXCHANGE}, "stringData": {"token": token}},
        claim(EXCHANGE, settings.exchange_size, "ReadWriteOnce", spec.storage_class or settings.storage_class),
        _service(spec, settings),
        _deployment(spec, token, settings),
    ]


def claim(name: str, size: int, access_mode: str, storage_class: str | None) -> Manifest:
    """A volume of the course."""
    spec: Manifest = {
        "accessModes": [access_mode],
        "resources": {"requests": {"storage": quantities.size(size)}},
    }
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def _service(spec: CourseSpec, settings: ClusterSettings) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": EXCHANGE},
        "spec": {
            "type": "ClusterIP",
            "selector": settings.labels(spec.slug, EXCHANGE),
            "ports": [{"name": "http", "port": EXCHANGE_PORT, "protocol": "TCP", "targetPort": EXCHANGE_PORT}],
        },
    }


def _deployment(spec: CourseSpec, token: str, settings: ClusterSettings) -> Manifest:
    labels = settings.labels(spec.slug, EXCHANGE)
    pod: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "serviceAccountName": SERVER,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(spec, settings)],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": EXCHANGE}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
        ],
    }
    if settings.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": EXCHANGE},
        "spec": {
            "replicas": 1,  # SQLite on a volume that one pod has
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": 120,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {
                    "labels": {**labels, MAY_REACH_HUB: "true"},
                    "annotations": {SECRET_DIGEST: hashlib.sha256(token.encode()).hexdigest()[:32]},
                },
                "spec": pod,
            },
        },
    }


def _container(spec: CourseSpec, settings: ClusterSettings) -> Manifest:
    health = {"httpGet": {"path": "/healthz", "port": EXCHANGE_PORT, "scheme": "HTTP"}}
    told = {
        "EXCHANGE_COURSE": spec.slug,
        "EXCHANGE_DIR": FOLDER,
        "EXCHANGE_HOST": "0.0.0.0",
        "EXCHANGE_PORT": str(EXCHANGE_PORT),
        "EXCHANGE_HUB_API_URL": settings.hub_api_url,
        "EXCHANGE_UPLOAD_LIMIT": str(spec.exchange.upload_limit),
    }
    secret = {"secretKeyRef": {"name": EXCHANGE, "key": "token"}}
    return {
        "name": EXCHANGE,
        "image": settings.exchange_image,
        "imagePullPolicy": settings.pull_policy,
        "env": [
            *({"name": name, "value": value} for name, value in told.items()),
            {"name": "EXCHANGE_ADMIN_TOKEN", "valueFrom": secret},
        ],
        "ports": [{"name": "http", "containerPort": EXCHANGE_PORT, "protocol": "TCP"}],
        "startupProbe": {**health, "periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {**health, "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {**health, "periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": FOLDER}, {"name": "tmp", "mountPath": "/tmp"}],
    }
