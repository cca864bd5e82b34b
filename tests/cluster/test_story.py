"""The whole story on a cluster: from the click in an LMS outside it to the grade in that LMS, in three namespaces."""

from collections.abc import Iterator

import pytest

from ..support.system import wait_for
from .outside import Outside

STUDENTS = 3
LIMIT = 900.0


@pytest.fixture(scope="module")
def outside(kube, release) -> Iterator[Outside]:
    """Both LMSs, known to the service."""
    name = f"outside-{release.prefix}"
    outside = Outside(kube, name, f"http://proxy-public.{release.namespace}.svc.cluster.local", STUDENTS)
    try:
        outside.begin()
        command = ["jupyterhub-courses", "apply", "/dev/stdin"]
        release.admin(command, stdin=outside.courses_file())
        yield outside
    finally:
        kube.run("delete", "namespace", "--wait=false", "--ignore-not-found", name)


@pytest.mark.timeout(1200)
def test_from_the_click_to_the_grade(kube, release, outside):
    outside.tell()
    path = f"/api/v1/namespaces/{outside.namespace}/pods/story"

    def ended() -> str:
        phase = kube.get(path)["status"]["phase"]
        return phase if phase in ("Succeeded", "Failed") else ""

    phase = wait_for(ended, "the story ends", LIMIT, every=1)
    told = kube.run("logs", "-n", outside.namespace, "story")
    print(told)
    assert phase == "Succeeded", told[-3000:] + release.logs()
    namespaces = kube.get(f"/api/v1/namespaces?labelSelector=jupyterhub-courses/instance={release.prefix}")["items"]
    courses = {one["metadata"]["labels"]["jupyterhub-courses/course"] for one in namespaces}
    assert courses >= {"ml101", "algo2", "stat1"}  # other tests have theirs here
