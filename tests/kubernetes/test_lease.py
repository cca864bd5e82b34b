"""One of several replicas reconciles: against an API that refuses a write of what somebody else has changed."""

import copy

import pytest

from jupyterhub_courses.adapters.kubernetes.client import ApiProblem
from jupyterhub_courses.adapters.kubernetes.lease import DURATION_S, RENEW_S, Lease


class Api:
    """One Lease, with the API server's optimistic locking."""

    def __init__(self):
        self.lease, self.version, self.is_away = None, 0, False

    def _answer(self):
        if self.is_away:
            raise ApiProblem("The Kubernetes API does not answer.")

    async def get(self, kind, name, namespace):
        self._answer()
        return copy.deepcopy(self.lease)

    async def create(self, manifest):
        self._answer()
        if self.lease is not None:
            raise ApiProblem("already exists", 409)
        self._store(manifest)

    async def update(self, manifest):
        self._answer()
        if manifest["metadata"]["resourceVersion"] != self.version:
            raise ApiProblem("the object has been modified", 409)
        self._store(manifest)

    def _store(self, manifest):
        self.version += 1
        self.lease = copy.deepcopy(manifest)
        self.lease["metadata"]["resourceVersion"] = self.version


class Time:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def replica(api, time):
    return lambda name: Lease(api, "jupyterhub", name, time)


async def test_one_replica_reconciles_and_goes_on_doing_so(replica, time):
    one, other = replica("one"), replica("other")
    for _ in range(20):
        assert (await one.hold(), await other.hold()) == (True, False)
        time.now += 20


async def test_a_holder_that_is_gone_is_followed_after_the_leases_time_and_not_before(replica, time):
    one, other = replica("one"), replica("other")
    assert await one.hold() and not await other.hold()
    time.now += DURATION_S - 1
    assert not await other.hold()
    time.now += 2
    assert await other.hold()
    assert not await one.hold()


async def test_a_replica_that_ends_lets_the_next_begin_at_once(replica):
    one, other = replica("one"), replica("other")
    assert await one.hold() and not await other.hold()
    await one.release()
    assert await other.hold() and not await one.hold()


async def test_of_two_that_take_it_at_the_same_moment_one_has_it(api, replica, time):
    """Both have read it when the first writes."""
    one, other = replica("one"), replica("other")
    read, real = copy.deepcopy(api.lease), api.get

    async def before(*_):
        return read

    api.get = before
    assert (await one.hold(), await other.hold()) == (True, False)
    api.get = real
    time.now += RENEW_S
    assert (await one.hold(), await other.hold()) == (True, False)


async def test_a_holder_who_cannot_ask_stops_before_another_may_begin(api, replica, time):
    one = replica("one")
    assert await one.hold()
    api.is_away = True
    time.now += DURATION_S - 1
    assert await one.hold()
    time.now += 1
    assert not await one.hold()
