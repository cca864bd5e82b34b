"""Courses on a cluster: a namespace each, made and kept by server-side apply."""

from .client import ApiProblem, KubernetesApi
from .host import ClusterHost
from .lease import Lease

__all__ = ["ApiProblem", "ClusterHost", "KubernetesApi", "Lease"]
