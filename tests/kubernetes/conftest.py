"""A course that asks for everything, and the settings it is made with."""

import pytest

from jupyterhub_courses.core.cluster import ClusterSettings, Limits
from jupyterhub_courses.core.specs import CourseSpec

TOKEN = "t" * 64
EVERYTHING = {
    "slug": "ml101",
    "title": "Machine Learning 101",
    "environment": {"image": "registry.example.org/ml101:2"},
    "cpu": {"guarantee": 0.25, "limit": 2},
    "memory": {"guarantee": "512M", "limit": "2G"},
    "storage": "3G",
    "storage_class": "fast",
    "resources": {"nvidia.com/gpu": 1},
    "node_selector": {"example.org/pool": "gpu"},
    "tolerations": [{"key": "gpu"}, {"key": "pool", "value": "teaching", "effect": "NoSchedule"}],
    "variables": {"DATA": "/home/jovyan/shared"},
    "shared": {"size": "20G", "storage_class": "nfs"},
    "quota": {"servers": 40, "cpu": 10.5, "memory": "20G", "storage": "200G"},
    "egress": {"internet": True, "to": [{"cidr": "10.1.2.0/24", "ports": [5432]}, {"cidr": "169.0.0.0/8"}]},
    "grader": {"memory": "4G", "storage": "7G"},
    "profiles": [{"title": "Small"}, {"title": "GPU", "image": "registry.example.org/gpu:1", "memory": "8G"}],
    "exchange": {"upload_limit": "32M"},
    "idle_timeout": "2h",
}


def spec_with(**fields):
    return CourseSpec.model_validate({"slug": "ml101", "title": "ML", **fields})


def settings_with(**fields):
    return ClusterSettings(exchange_image="localhost/courses-ngshare:1", **fields)


@pytest.fixture
def everything():
    return CourseSpec.model_validate(EVERYTHING)


@pytest.fixture
def settings():
    return settings_with(limits=Limits(servers=100))
