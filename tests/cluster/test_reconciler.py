"""Courses on a real cluster: made, kept, deleted and brought back; what is somebody else's stays as it is."""

from datetime import UTC, datetime

import aiohttp
import pytest

from jupyterhub_courses.adapters.kubernetes import Lease
from jupyterhub_courses.core.cluster import ClusterSettings
from jupyterhub_courses.core.comparing import difference, key
from jupyterhub_courses.core.manifests import course_manifests
from jupyterhub_courses.core.records import Person
from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.core.specs import CourseSpec

from ..kubernetes.conftest import EVERYTHING, TOKEN
from .reconciling import as_account


def writes(reconciler):
    return [one for one in reconciler.api.sent if one[0] not in ("list", "get")]


async def test_a_new_course_becomes_ready_and_is_left_alone_after(reconciler):
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    reconciler.api.sent.clear()
    await reconciler.provisioner.pass_once()
    assert {verb for verb, _ in reconciler.api.sent} == {"list"}


async def test_requests_grow_with_kinds_of_object_and_not_with_courses(reconciler):
    for slug in ("a", "b", "c"):
        await reconciler.make(slug)
        await reconciler.until_state(slug, "ready")
        reconciler.api.sent.clear()
        await reconciler.provisioner.pass_once()
        assert len(reconciler.api.sent) == 10


async def test_what_somebody_changes_is_as_it_was_again_and_noted(reconciler):
    await reconciler.make("ml101", quota={"servers": 3})
    await reconciler.until_state("ml101", "ready")
    namespace = reconciler.settings.namespace("ml101")
    await reconciler.other.delete("NetworkPolicy", "default-deny", namespace)
    quota = await reconciler.get("ResourceQuota", "course", "ml101")
    quota["spec"]["hard"]["pods"] = "1000"
    await reconciler.other.update({**quota, "kind": "ResourceQuota"})
    await reconciler.provisioner.pass_once()
    assert await reconciler.get("NetworkPolicy", "default-deny", "ml101")
    assert (await reconciler.get("ResourceQuota", "course", "ml101"))["spec"]["hard"]["pods"] == "12"
    assert {text.split(" had")[0] for kind, text in await reconciler.events("ml101") if kind == "repaired"} == {
        "NetworkPolicy default-deny",
        "ResourceQuota course",
    }


async def test_another_spec_is_applied_with_what_it_no_longer_says_and_is_no_repair(reconciler):
    course = await reconciler.make("ml101", quota={"servers": 3, "memory": "1G"})
    await reconciler.until_state("ml101", "ready")
    await reconciler.courses.change(course.id, spec={"quota": {"servers": 4}})
    await reconciler.provisioner.pass_once()
    hard = (await reconciler.get("ResourceQuota", "course", "ml101"))["spec"]["hard"]
    assert hard["pods"] == "13" and "requests.memory" not in hard
    assert not [kind for kind, _ in await reconciler.events("ml101") if kind == "repaired"]


async def test_fields_of_others_stay(reconciler):
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    name = reconciler.settings.namespace("ml101")
    space = await reconciler.other.get("Namespace", name)
    space["metadata"]["labels"]["example.org/team"] = "physics"
    del space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    await reconciler.other.update({**space, "kind": "Namespace"})
    await reconciler.provisioner.pass_once()
    labels = (await reconciler.other.get("Namespace", name))["metadata"]["labels"]
    assert labels["example.org/team"] == "physics" and labels["pod-security.kubernetes.io/enforce"] == "restricted"


async def test_a_deleted_courses_volumes_are_kept_and_a_new_one_of_its_name_finds_them(reconciler):
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    volume = await reconciler.get("PersistentVolumeClaim", "ngshare", "ml101")
    await reconciler.delete("ml101")
    await reconciler.until_gone("ml101")
    name = reconciler.settings.namespace("ml101")
    space = await reconciler.other.get("Namespace", name)
    assert space["metadata"]["labels"]["jupyterhub-courses/kept"] == "true"
    for kind in ("Pod", "Deployment", "Service", "Secret", "RoleBinding"):
        assert await reconciler.other.list(kind, namespace=name) == [], kind
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    again = await reconciler.get("PersistentVolumeClaim", "ngshare", "ml101")
    assert again["metadata"]["uid"] == volume["metadata"]["uid"] and again["status"]["phase"] == "Bound"
    assert "jupyterhub-courses/kept" not in (await reconciler.other.get("Namespace", name))["metadata"]["labels"]


async def test_a_course_that_is_to_be_erased_leaves_nothing(reconciler):
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    await reconciler.delete("ml101", erase=True)
    await reconciler.until_gone("ml101")
    assert await reconciler.other.get("Namespace", reconciler.settings.namespace("ml101")) is None


async def test_a_namespace_of_somebody_else_is_neither_taken_nor_deleted(reconciler):
    name = reconciler.settings.namespace("ml101")
    foreign = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": "x"}}}
    await reconciler.other.create(foreign)
    try:
        before = await reconciler.other.get("Namespace", name)
        await reconciler.make("ml101")
        await reconciler.until_state("ml101", "degraded", f"^The namespace {name} belongs to somebody else")
        await reconciler.delete("ml101", erase=True)
        await reconciler.until_gone("ml101")
        assert await reconciler.other.get("Namespace", name) == before
        assert await reconciler.other.list("RoleBinding", namespace=name) == []
    finally:
        await reconciler.other.delete("Namespace", name)


async def test_a_namespace_of_another_release_is_not_taken(reconciler_with):
    """Two prefixes, one of which the other begins with: their courses' namespaces can have the same name."""
    one = await reconciler_with()
    other = await reconciler_with(prefix=f"{one.settings.prefix}-ml")
    await one.make("ml-a")
    await one.until_state("ml-a", "ready")
    await other.make("a")
    await other.until_state("a", "degraded", "belongs to somebody else")
    await other.delete("a", erase=True)
    await other.until_gone("a")
    await one.provisioner.pass_once()
    assert await one.state("ml-a") == ("ready", "")


async def test_a_storage_class_that_does_not_exist_is_named_and_heals_and_another_course_is_ready_meanwhile(reconciler):
    bad = await reconciler.make("bad", storage_class="no-such-class")
    await reconciler.make("good")
    await reconciler.until_state("bad", "degraded", r"^StorageClass no-such-class does not exist\.$")
    await reconciler.until_state("good", "ready")
    await reconciler.courses.change(bad.id, spec={})
    await reconciler.until_state("bad", "ready")


async def test_a_volume_stays_as_it_is_whatever_storage_class_is_asked_for_later(reconciler):
    course = await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    volume = await reconciler.get("PersistentVolumeClaim", "ngshare", "ml101")
    await reconciler.courses.change(course.id, spec={"storage_class": "no-such-class"})
    await reconciler.provisioner.pass_once()
    await reconciler.until_state("ml101", "ready", "^$")
    after = await reconciler.get("PersistentVolumeClaim", "ngshare", "ml101")
    assert after["spec"] == volume["spec"] and after["metadata"]["uid"] == volume["metadata"]["uid"]
    # The graders' has never been used, so it is as asked.
    await reconciler.provisioner.pass_once()
    graders = await reconciler.get("PersistentVolumeClaim", "grader", "ml101")
    assert graders["spec"]["storageClassName"] == "no-such-class"
    assert not [text for kind, text in await reconciler.events("ml101") if kind == "repaired"]


async def test_an_image_that_cannot_be_pulled_is_named(reconciler_with):
    reconciler = await reconciler_with(exchange_image="localhost/no-such-image:1")
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "degraded", r"^The image localhost/no-such-image:1 cannot be pulled\.$")


async def test_a_quota_that_is_too_small_is_named_and_heals(reconciler):
    course = await reconciler.make("ml101", quota={"memory": "1M"})
    await reconciler.until_state("ml101", "degraded", r"^The course's quota is used up: course")
    await reconciler.courses.change(course.id, spec={})
    await reconciler.until_state("ml101", "ready")


async def test_a_spec_beyond_the_limits_changes_nothing_and_says_so(reconciler):
    course = await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    await reconciler.courses.change(course.id, spec={"quota": {"servers": 501}})
    reconciler.api.sent.clear()
    await reconciler.until_state("ml101", "degraded", r"^quota\.servers: 501 is more than")
    assert not writes(reconciler)


async def test_while_the_api_is_away_a_running_course_stays_ready_and_lets_new_students_in(reconciler):
    """The service reaches an exchange without the API server."""
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    exchange = reconciler.host.exchange_url("ml101")
    reconciler.api.is_away = True
    await reconciler.until_state("ml101", "ready", r"^The cluster has not answered since .* UTC;")
    course, now = await reconciler.courses.by_slug("ml101"), datetime.now(UTC)
    person = await reconciler.people.create(Person(0, None, None, "ada"), now)
    await reconciler.people.set_membership(person.id, course.id, Role.STUDENT, "launch", now)
    assert await reconciler.provisioner.admit(course, "ada", Role.STUDENT)
    await reconciler.provisioner.heard_of(course, "ada")
    headers = {"Authorization": f"token {course.exchange_token}"}
    async with aiohttp.request("GET", f"{exchange}students/ml101", headers=headers) as answer:
        assert [one["username"] for one in (await answer.json())["students"]] == ["ada"]
    reconciler.api.is_away = False
    await reconciler.until_state("ml101", "ready", "^$")
    # One that goes on saying that it cannot now is away, too.
    reconciler.api.answers = [(503, "the server is currently unable to handle the request")] * 30
    await reconciler.until_state("ml101", "ready", "^The cluster has not answered since")
    reconciler.api.answers = []
    await reconciler.until_state("ml101", "ready", "^$")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_api_is_asked_again_and_nobody_notices(reconciler, status):
    await reconciler.make("ml101")
    await reconciler.until_state("ml101", "ready")
    reconciler.api.answers = [(status, "busy")]
    await reconciler.provisioner.pass_once()
    assert await reconciler.state("ml101") == ("ready", "")


async def test_a_conflict_is_told_and_the_next_pass_is_right(reconciler):
    await reconciler.make("ml101")
    reconciler.api.answers = [(409, "the object has been modified")] * 12
    await reconciler.provisioner.pass_once()
    assert (await reconciler.state("ml101"))[0] == "degraded"
    await reconciler.until_state("ml101", "ready")


async def test_a_missing_right_is_named_with_its_verb(reconciler_with, kubeconfig, tmp_path):
    """The account of no rights at all that every cluster has, by its own credentials."""
    nobody = await reconciler_with(account=as_account(kubeconfig, tmp_path, "default", "default"))
    await nobody.make("ml101")
    await nobody.until_state("ml101", "degraded", r"^A right is missing: the service may not list ")


async def test_of_two_replicas_one_reconciles_and_the_next_follows_when_it_ends(reconciler):
    one, other = (Lease(reconciler.other, "default", name) for name in ("one", "other"))
    try:
        assert (await one.hold(), await other.hold()) == (True, False)
        await one.release()
        assert (await other.hold(), await one.hold()) == (True, False)
    finally:
        await reconciler.other.delete("Lease", "courses", "default")


async def test_an_api_server_gives_back_what_was_asked(reconciler):
    """Of every object of a course that asks for everything: accepted, and no difference after."""
    settings = ClusterSettings(exchange_image="localhost/x:1", prefix=reconciler.settings.prefix)
    spec = CourseSpec.model_validate({**EVERYTHING, "slug": "dry"})
    space, *others = course_manifests(spec, TOKEN, settings)
    made = [{**await reconciler.other.create(space), "kind": "Namespace"}]
    made += [await reconciler.other.apply(one, dry_run=True) for one in others]
    assert difference([space, *others], {key(one): one for one in made}).is_none
