"""The placement of a person's server of a course on a cluster. Pure."""

import hashlib
import json
from typing import Any

from ...core.cluster import (
    GRADER,
    HOME,
    MAY_REACH_HUB,
    MAY_REACH_PROXY,
    ROLE,
    SERVER,
    SHARED,
    ClusterSettings,
)
from ...core.names import fold
from ...core.placements import Placement, PodPlacement
from ...core.specs import CourseSpec, Cpu, Memory, Profile


def placement(spec: CourseSpec, username: str, role: str, settings: ClusterSettings) -> Placement:
    """Where and how `username`'s server runs; as `role` grader it is the course's shared one."""
    environment = {
        **spec.variables,
        "JUPYTERHUB_COURSES_COURSE": spec.slug,
        "JUPYTERHUB_COURSES_ROLE": role,
        "JUPYTERHUB_COURSES_API_URL": settings.api_url,
        "JUPYTERHUB_COURSES_EXCHANGE_URL": settings.exchange_url(spec.slug),
    }
    if role == "grader":
        environment["JUPYTERHUB_COURSES_COURSE_DIR"] = f"{HOME}/{spec.slug}"
        environment["JUPYTERHUB_COURSES_AUTOGRADE"] = spec.autograde or "apart"
        if spec.start_from is not None:
            environment["JUPYTERHUB_COURSES_START_FROM"] = spec.start_from.model_dump_json(exclude_none=True)
    pod = _pod(spec, username, role, settings)
    return Placement(username, spec.slug, role, HOME, ("jupyterhub-singleuser",), environment, pod=pod)


def _pod(spec: CourseSpec, username: str, role: str, settings: ClusterSettings) -> PodPlacement:
    is_grader = role == "grader"
    cpu = (is_grader and spec.grader.cpu) or spec.cpu
    memory = (is_grader and spec.grader.memory) or spec.memory
    volumes, mounts = _shared(spec, is_grader)
    return PodPlacement(
        namespace=settings.namespace(spec.slug),
        image=spec.environment.image or settings.image,
        service_account=SERVER,
        home_claim=GRADER if is_grader else home_claim(username),
        home_size=(spec.grader.storage or settings.grader_size) if is_grader else spec.storage,
        storage_class=spec.storage_class or settings.storage_class,
        cpu_guarantee=cpu.guarantee,
        cpu_limit=cpu.limit,
        mem_guarantee=memory.guarantee,
        mem_limit=memory.limit,
        extra_resources={name: str(count) for name, count in spec.resources.items()},
        node_selector=dict(spec.node_selector),
        tolerations=tuple(_toleration(one.key, one.value, one.effect) for one in spec.tolerations),
        volumes=volumes,
        volume_mounts=mounts,
        labels={
            **settings.labels(spec.slug, SERVER),
            ROLE: role,
            MAY_REACH_HUB: "true",
            MAY_REACH_PROXY: "true",
        },
        pull_secrets=settings.pull_secrets,
        profiles=() if is_grader else tuple(_profile(one, spec, n) for n, one in enumerate(spec.profiles)),
        idle_timeout=spec.idle_timeout,
    )


def home_claim(username: str) -> str:
    """The claim of a person's home: readable, and never two people's (a name of Kubernetes' has no `_` or `@`)."""
    readable = fold(username)[:40].strip("-")
    if readable == username and len(username) <= 40:
        return f"home-{username}"
    digest = hashlib.sha256(username.encode()).hexdigest()[:8]
    return f"home-{readable}--{digest}" if readable else f"home---{digest}"


def _shared(spec: CourseSpec, is_grader: bool) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    if spec.shared is None:
        return (), ()
    claim = {"claimName": SHARED, "readOnly": not is_grader}
    mount = {"name": SHARED, "mountPath": f"{HOME}/{SHARED}", "readOnly": not is_grader}
    return ({"name": SHARED, "persistentVolumeClaim": claim},), (mount,)


def _toleration(key: str, value: str | None, effect: str | None) -> dict[str, Any]:
    told = {"key": key, "operator": "Exists" if value is None else "Equal"}
    return {**told, **({"value": value} if value is not None else {}), **({"effect": effect} if effect else {})}


def _profile(profile: Profile, spec: CourseSpec, number: int) -> dict[str, Any]:
    """KubeSpawner's entry; it overrides image, cpu, memory and extra resources, and nothing else."""
    cpu, memory = profile.cpu or Cpu(), profile.memory or Memory()
    resources = {name: str(count) for name, count in profile.resources.items()}
    override: dict[str, Any] = {
        "image": profile.image,
        "cpu_guarantee": cpu.guarantee,
        "cpu_limit": cpu.limit,
        "mem_guarantee": memory.guarantee,
        "mem_limit": memory.limit,
        "extra_resource_guarantees": resources or None,
        "extra_resource_limits": resources or None,
    }
    digest = hashlib.sha256(json.dumps([spec.slug, profile.title]).encode()).hexdigest()[:6]
    return {
        "display_name": profile.title,
        "slug": f"{fold(profile.title)[:40].strip('-') or 'profile'}-{digest}",
        "description": profile.description,
        "default": number == 0,
        "kubespawner_override": {name: value for name, value in override.items() if value is not None},
    }
