"""What a cluster does to spawners, and what reaches people of it."""

import asyncio
import logging
from types import SimpleNamespace

import jupyterhub.utils
import pytest

from jupyterhub_courses.core.sentences import SENTENCES
from jupyterhub_courses.spawner import namespaces

from .world import placement, spawner_of, start

NS = "course-ml101"
POD = "jupyter-ada--ml101"


@pytest.fixture
def ada(service):
    service.placements["ada", "ml101"] = placement(NS)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def refused(app, spawner):
    """The sentence of a start that fails."""
    with pytest.raises(Exception) as caught:  # its class depends on the hub
        await start(app, spawner)
    assert hasattr(caught.value, "jupyterhub_message"), caught.getrepr()
    return caught.value.jupyterhub_message


async def test_nothing_stays_connected_when_a_start_is_long_over(hub, api, ada, nothing_stays):
    spawner = spawner_of(hub, "ada")
    assert await start(hub, spawner) == "http://10.0.0.7:8888"
    await until(lambda: api.watching.total() == 0)
    assert (api.count("list"), api.count("watch"), api.count("watch", "events")) == (1, 1, 1)
    assert (api.count("create"), api.count("create", "persistentvolumeclaims")) == (1, 1)
    assert len(api.asked) == 5


async def test_a_start_ends_when_the_cluster_says_that_the_pod_runs(hub, api, ada, monkeypatch):
    """KubeSpawner's own loop would look again when the start's time is up, as its back-off may after seconds."""
    monkeypatch.setattr(jupyterhub.utils, "random", SimpleNamespace(uniform=lambda least, most: 3600.0))
    api.starts = False
    spawner = spawner_of(hub, "ada")
    starting = asyncio.create_task(start(hub, spawner))
    await until(lambda: spawner._view and spawner._view.pod(POD))
    assert not spawner.is_pod_running(spawner._view.pod(POD)) and not starting.done()
    api.run(NS, POD, phase="Running", podIP="10.0.0.7", containerStatuses=[{"name": "notebook", "ready": False}])
    await until(lambda: spawner._view.pod(POD)["status"]["phase"] == "Running")
    assert not spawner.is_pod_running(spawner._view.pod(POD)) and not starting.done()
    api.break_watches()
    api.run(NS, POD)
    async with asyncio.timeout(20):
        assert await starting == "http://10.0.0.7:8888"
    assert spawner.is_pod_running(spawner._view.pod(POD))


async def test_the_next_start_asks_for_the_pod_alone(hub, api, service):
    for name in ("ada", "bob"):
        service.placements[name, "ml101"] = placement(NS, username=name)
    ada, bob = spawner_of(hub, "ada"), spawner_of(hub, "bob")
    await start(hub, ada)
    api.asked.clear()
    await start(hub, bob)
    assert sorted(api.asked) == [("create", "persistentvolumeclaims", NS), ("create", "pods", NS)]
    assert await asyncio.gather(ada.poll(), bob.poll()) == [None, None]
    await ada.stop()
    api.asked.clear()
    await start(hub, ada)
    assert api.asked == [("create", "pods", NS)]
    api.remove(NS, POD)
    await until(lambda: not ada._view.pod(POD))
    assert (await ada.poll(), api.asked) == (1, [("create", "pods", NS)])


async def test_no_more_than_some_namespaces_stay_watched(hub, api, service, monkeypatch):
    monkeypatch.setattr(namespaces, "STAYING", 2)
    for number in range(5):
        course = f"c{number}"
        service.placements["ada", course] = placement(f"course-{course}", course=course)
        await start(hub, spawner_of(hub, "ada", course))
    watched = {("pods", "course-c3"), ("events", "course-c3"), ("pods", "course-c4"), ("events", "course-c4")}
    await until(lambda: {one for one, count in api.watching.items() if count} == watched)


@pytest.mark.parametrize("what", ["a start", "a poll"])
async def test_a_watch_that_broke_while_nobody_used_it_is_not_believed(hub, api, ada, what):
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    await api.stop()
    view = spawner._view
    await until(lambda: not view._is_live)
    api.remove(NS, POD)
    await api.start()
    assert await start(hub, spawner) if what == "a start" else await spawner.poll() == 1
    assert api.count("list") == 2


async def test_starts_of_one_course_share_its_watches(hub, api, service):
    names = [f"p{number}" for number in range(20)]
    for name in names:
        service.placements[name, "ml101"] = placement(NS, username=name)
    api.starts = False
    starting = [asyncio.create_task(start(hub, spawner_of(hub, name))) for name in names]
    await until(lambda: api.count("create") == 20)
    for name in names:
        api.run(NS, f"jupyter-{name}--ml101")
    assert len(await asyncio.gather(*starting)) == 20
    assert (api.count("list"), api.count("watch"), api.most_watching) == (1, 1, 2)


async def test_servers_of_a_namespace_share_a_list_when_they_are_polled(hub, api, service, nothing_stays):
    spawners = []
    for name in ("ada", "bob", "eve"):
        service.placements[name, "ml101"] = placement(NS, username=name)
        spawners.append(spawner_of(hub, name))
        await start(hub, spawners[-1])
    await until(lambda: api.watching.total() == 0)
    for spawner in spawners:
        spawner._view._good_until = 0  # as some seconds later
    api.asked.clear()
    assert await asyncio.gather(*(spawner.poll() for spawner in spawners * 3)) == [None] * 9
    assert api.asked == [("list", "pods", NS)]


@pytest.mark.parametrize("status", [401, 403, 429, 500, None])
async def test_an_answer_that_does_not_come_leaves_a_running_server_running(
    hub, api, ada, always_look, nothing_stays, status, service
):
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    await until(lambda: api.watching.total() == 0)
    if status is None:
        await api.stop()
    else:
        api.fault = lambda verb, resource, namespace: (status, "no")
    assert await spawner.poll() is None
    again = spawner_of(hub, "ada")  # as after a hub restart, with the API server still away
    assert await again.poll() is None
    await service.stop()
    assert await again.poll() is None
    if status is None:
        await api.start()
    api.fault = None
    assert await spawner.poll() is None and await again.poll() is None
    api.remove(NS, POD)
    assert await spawner.poll() == 1 and await again.poll() == 1


async def test_a_failed_list_poisons_nothing(hub, api, ada):
    spawner = spawner_of(hub, "ada")
    api.fault = lambda verb, resource, namespace: (
        (403, "pods is forbidden: User cannot list resource") if verb == "list" else None
    )
    assert SENTENCES["hub_right_missing"]["en"] in await refused(hub, spawner)
    api.fault = None
    assert await start(hub, spawner_of(hub, "ada"))


async def test_a_namespace_that_went_with_its_course_has_no_servers(hub, api, ada, always_look, nothing_stays, service):
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    await until(lambda: api.watching.total() == 0)
    service.refusal = (404, {"code": "course_unknown", "message": "", "reference": "0"})
    api.fault = lambda verb, resource, namespace: (403, "forbidden")  # the hub's rights went, too
    await spawner.stop()
    assert await spawner.poll() == 1


async def test_a_right_that_is_missing_for_a_stop_is_an_error(hub, api, ada):
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    api.fault = lambda verb, resource, namespace: (403, "forbidden") if verb == "delete" else None
    with pytest.raises(Exception, match="403"):
        await spawner.stop()
    assert await spawner.poll() is None


async def test_stop_and_poll_need_no_service(hub, api, ada, always_look, service):
    await start(hub, spawner_of(hub, "ada"))
    await service.stop()
    spawner = spawner_of(hub, "ada")
    assert await spawner.poll() is None
    await spawner.stop()
    assert (NS, POD) not in api.pods
    assert await spawner.poll() is not None


async def test_a_start_goes_on_when_its_watches_break(hub, api, ada):
    api.starts = False
    starting = asyncio.create_task(start(hub, spawner_of(hub, "ada")))
    await until(lambda: api.count("create") == 1 and api.watching.total() == 2)
    api.break_watches()
    await until(lambda: api.count("watch") == 2)
    assert api.count("list") == 1  # taken up where it was
    api.break_watches({"code": 410, "reason": "Expired"})
    await until(lambda: api.count("list") == 2)
    await api.stop()
    await asyncio.sleep(0)
    await api.start()
    api.run(NS, POD)
    assert await starting


async def test_a_list_that_comes_late_is_not_believed(hub, api, service, ada, nothing_stays):
    service.placements["bob", "ml101"] = placement(NS, username="bob")
    await start(hub, spawner_of(hub, "bob"))
    await until(lambda: api.watching.total() == 0)
    bob = spawner_of(hub, "bob")
    (await bob._start_watching_pods())._good_until = 0
    api.listing = asyncio.Event()
    polling = asyncio.create_task(bob.poll())
    await until(lambda: api.count("list") == 2)
    held, api.listing = api.listing, None
    ada_spawner = spawner_of(hub, "ada")
    await start(hub, ada_spawner)  # begins and ends while the list is on its way
    held.set()
    assert await polling is None
    assert await ada_spawner.poll() is None


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_answers_that_mean_not_now_are_tried_again(hub, api, ada, status):
    seen = []

    def once(verb, resource, namespace):
        seen.append((verb, resource))
        return (
            (status, "object has been modified") if seen.count(("create", resource)) == 1 and verb == "create" else None
        )

    api.fault = once
    assert await start(hub, spawner_of(hub, "ada"))
    assert api.count("create") == 2


async def test_a_pod_that_was_left_over_is_replaced(hub, api, ada):
    left = {"metadata": {"name": POD}, "spec": {"containers": []}, "status": {"phase": "Failed"}}
    uid = api.put("pods", NS, left, "ADDED")["metadata"]["uid"]
    spawner = spawner_of(hub, "ada")
    assert await start(hub, spawner)
    assert api.pods[NS, POD]["metadata"]["uid"] != uid
    assert await spawner.poll() is None


@pytest.mark.parametrize(
    ("resource", "status", "message", "code"),
    [
        ("pods", 403, "exceeded quota: course", "quota_used_up"),
        ("pods", 404, 'namespaces "course-ml101" not found', "course_place_missing"),
        ("pods", 403, 'violates PodSecurity "restricted"', "pod_refused"),
        ("persistentvolumeclaims", 403, 'cannot create resource "persistentvolumeclaims"', "hub_right_missing"),
        ("persistentvolumeclaims", 403, "exceeded quota: course", "quota_used_up"),
    ],
)
@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_refused_start_is_a_sentence_with_a_reference(
    hub, api, ada, resource, status, message, code, language, caplog
):
    def fault(verb, what, namespace):
        return (status, message) if what == resource and verb == "create" else None

    api.fault = fault
    spawner = spawner_of(hub, "ada")
    spawner.handler = Asked(language)
    said = await refused(hub, spawner)
    assert SENTENCES[code][language] in said
    reference = said.rpartition(": ")[2].rstrip(")")
    (line,) = [line for line in caplog.messages if reference in line]
    assert message in line and code in line


class Asked:
    """A request, as far as a refusal reads it."""

    def __init__(self, language):
        self.request = self
        self.headers = {"Accept-Language": language}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (
            {
                "phase": "Pending",
                "containerStatuses": [
                    {"name": "notebook", "ready": False, "state": {"waiting": {"reason": "ImagePullBackOff"}}}
                ],
            },
            "image_unavailable",
        ),
        ({"phase": "Failed", "reason": "Evicted"}, "server_taken_away"),
    ],
)
async def test_a_pod_that_cannot_start_is_not_waited_for(hub, api, ada, status, code):
    api.starts = False
    failing = asyncio.create_task(refused(hub, spawner_of(hub, "ada")))
    await until(lambda: (NS, POD) in api.pods)
    api.run(NS, POD, **status)
    async with asyncio.timeout(5):
        assert SENTENCES[code]["en"] in await failing


async def test_a_pod_that_is_deleted_while_it_starts_is_not_waited_for(hub, api, ada):
    api.starts = False
    spawner = spawner_of(hub, "ada")
    failing = asyncio.create_task(refused(hub, spawner))
    await until(lambda: spawner._uid is not None)
    api.remove(NS, POD)
    async with asyncio.timeout(5):
        assert SENTENCES["server_taken_away"]["en"] in await failing


async def test_when_the_time_is_up_the_cause_is_told(hub, api, ada):
    api.starts = False
    spawner = spawner_of(hub, "ada")
    spawner.start_timeout = 7
    failing = asyncio.create_task(refused(hub, spawner))
    await until(lambda: (NS, POD) in api.pods)
    message = "0/3 nodes are available: 3 Insufficient memory."
    api.run(NS, POD, phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": message}])
    assert SENTENCES["no_room"]["en"] in await failing


async def test_a_home_that_somebody_deleted_is_made_again(hub, api, ada):
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    await spawner.stop()
    api.claims.clear()
    api.starts = False
    again = spawner_of(hub, "ada")
    starting = asyncio.create_task(start(hub, again))
    await until(lambda: (NS, POD) in api.pods)
    message = 'persistentvolumeclaim "home-ada" not found'
    api.run(NS, POD, phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": message}])
    await until(lambda: (NS, "home-ada") in api.claims)
    api.run(NS, POD)
    assert await starting


async def test_a_hub_that_was_killed_during_a_start_finds_the_pod(hub, api, ada, always_look):
    api.starts = False
    starting = asyncio.create_task(start(hub, spawner_of(hub, "ada")))
    await until(lambda: (NS, POD) in api.pods)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    found = spawner_of(hub, "ada")
    assert (found.namespace, await found.poll()) == (NS, None)


async def test_a_pod_on_a_node_that_is_gone_does_not_run(hub, api, ada, always_look, nothing_stays):
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    await until(lambda: api.watching.total() == 0)
    pod = api.pods[NS, POD]
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert await spawner.poll() == 1


async def test_a_refused_start_asks_the_cluster_nothing(hub, api, service):
    spawner = spawner_of(hub, "ada")
    assert SENTENCES["not_a_member"]["en"] in await refused(hub, spawner)
    assert await spawner.poll() == 0
    await spawner.stop()
    assert api.asked == []


async def test_no_token_gets_into_the_log(hub, api, ada, caplog):
    caplog.set_level(logging.DEBUG)
    spawner = spawner_of(hub, "ada")
    api.fault = lambda verb, resource, namespace: (
        (403, "exceeded quota") if (verb, resource) == ("create", "pods") else None
    )
    await refused(hub, spawner)
    assert spawner.api_token not in caplog.text
