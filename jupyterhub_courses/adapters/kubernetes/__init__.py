"""Courses on a cluster: a namespace each, made and kept by server-side apply."""

from .client import ApiProblem, KubernetesApi
from .host import ClusterHost

__all__ = ["ApiProblem", "ClusterHost", "KubernetesApi"]
