"""A course is left alone while the cluster has it as wanted; whatever changes there or in its spec is looked at."""

import copy
from dataclasses import replace

import pytest

from jupyterhub_courses.adapters.kubernetes import ClusterHost
from jupyterhub_courses.adapters.kubernetes.seeing import Unchanged
from jupyterhub_courses.core.cluster import EXCHANGE_PORT
from jupyterhub_courses.core.comparing import key
from jupyterhub_courses.core.manifests import course_manifests
from jupyterhub_courses.core.records import Course
from jupyterhub_courses.core.specs import spec_of

from .conftest import TOKEN, settings_with

SETTINGS = settings_with()


class Listed:
    """An API server's answers to lists."""

    def __init__(self, objects):
        self.objects = objects

    async def list(self, kind, selector="", namespace=None, keep=copy.deepcopy):
        return [keep(copy.deepcopy(one)) for one in self.objects if one["kind"] == kind]

    async def get(self, kind, name, namespace=None):
        return copy.deepcopy(self.named(kind, name))

    def named(self, kind, name=None):
        return next(one for one in self.objects if one["kind"] == kind and name in (None, one["metadata"]["name"]))

    def touch(self, one):
        one["metadata"]["resourceVersion"] += "0"


@pytest.fixture
def course(make_course):
    return make_course()


@pytest.fixture
def make_course():
    def make_course(**spec):
        values = {name: None for name in Course.__dataclass_fields__}
        values |= {"id": 1, "slug": "ml101", "title": "ML", "spec": spec, "exchange_token": TOKEN, "state": "ready"}
        values |= {"reason": "", "exchange_port": 8080}
        return Course(**values)

    return make_course


@pytest.fixture
def there(course):
    """All objects as wanted, the exchange available."""
    objects = copy.deepcopy(course_manifests(spec_of(course), TOKEN, SETTINGS))
    for number, one in enumerate(objects):
        one["metadata"].update(resourceVersion=str(number + 1), generation=1)
    listed = Listed(objects)
    status = {"observedGeneration": 1, "availableReplicas": 1, "updatedReplicas": 1}
    listed.named("Deployment")["status"] = status
    return listed


@pytest.fixture
def host(there):
    async def assignments(course_id):
        return set()

    return ClusterHost(SETTINGS, there, assignments)


@pytest.fixture
def looked(host, course):
    async def looked(course=course):
        await host.look()
        return host.settled(course)

    return looked


async def test_what_is_as_wanted_is_settled_look_after_look(looked):
    assert [await looked() for _ in range(3)] == [True, True, True]


async def test_a_look_serves_a_course_once(looked, host, course):
    assert await looked() and not host.settled(course)


async def test_without_a_look_nothing_is_known(host, course):
    assert not host.settled(course)


@pytest.mark.parametrize("settled_before", [True, False])
@pytest.mark.parametrize("kind", ["ResourceQuota", "NetworkPolicy", "Service"])
async def test_what_somebody_changed_is_not_settled(looked, there, kind, settled_before):
    if settled_before:
        assert await looked()
    there.named(kind)["spec"] = {"changed": "by somebody"}
    there.touch(there.named(kind))
    assert not await looked()


@pytest.mark.parametrize("kind", ["Namespace", "RoleBinding", "Deployment"])
async def test_what_somebody_deleted_is_not_settled(looked, there, kind):
    assert await looked()
    there.objects.remove(there.named(kind))
    assert not await looked()


async def test_an_exchange_that_is_not_available_is_not_settled(looked, there):
    assert await looked()
    there.named("Deployment")["status"]["availableReplicas"] = 0
    there.touch(there.named("Deployment"))
    assert not await looked()


async def test_after_a_change_that_takes_nothing_away_a_course_is_looked_at_once(looked, there, host, course):
    assert await looked()
    there.named("Service")["metadata"].setdefault("annotations", {})["example.org/note"] = "x"
    there.touch(there.named("Service"))
    assert not await looked()
    assert await host.ensure(course) == EXCHANGE_PORT  # and nothing was written
    assert await looked()


async def test_of_what_is_unchanged_a_look_keeps_no_more_than_that(looked, there, host, course):
    assert await looked()
    await host.look()
    kept = host._seeing.peek("ml101").values()
    assert {one["kind"] for one in kept if isinstance(one, Unchanged)} >= {"Deployment", "NetworkPolicy", "RoleBinding"}
    assert not any("spec" in one for one in kept if isinstance(one, Unchanged))
    assert not host.settled(replace(course, spec={"quota": {"servers": 3}}))
    whole = await host._seeing.course("ml101")  # it is compared with all that is there
    assert whole[key(there.named("Deployment"))]["spec"] == there.named("Deployment")["spec"]


async def test_another_spec_or_title_is_not_settled(looked, course, make_course):
    assert await looked()
    assert not await looked(make_course(quota={"servers": 3}))
    assert await looked(replace(course, spec={}))


async def test_a_spec_beyond_the_limits_is_not_settled(looked, make_course):
    assert not await looked(make_course(quota={"servers": 501}))
