"""What is there against what we want: what is to be applied, made anew or taken away, and what is nobody's business."""

import copy
from dataclasses import replace

import pytest

from jupyterhub_courses.core.comparing import covers, difference, key
from jupyterhub_courses.core.manifests import course_manifests

from .conftest import TOKEN, spec_with


@pytest.fixture
def wanted(everything, settings):
    return course_manifests(everything, TOKEN, settings)


@pytest.fixture
def there(wanted):
    """As an API server gives them back: with fields of its own."""
    live = {key(one): copy.deepcopy(one) for one in wanted if one["kind"] != "Secret"}
    for one in live.values():
        one["metadata"].update(uid="1", resourceVersion="7", managedFields=[{"manager": "x"}])
    live["Deployment", "ngshare"]["spec"]["template"]["spec"]["schedulerName"] = "default-scheduler"
    live["Service", "ngshare"]["spec"]["clusterIP"] = "10.96.1.2"
    live["PersistentVolumeClaim", "grader"]["spec"]["volumeName"] = "pv-1"
    return live


def test_nothing_is_to_do_where_all_is_as_asked(wanted, there):
    assert difference(wanted, there).is_none


def test_everything_is_applied_where_nothing_is_there(wanted):
    assert difference(wanted, {}).apply == tuple(one for one in wanted if one["kind"] != "Secret")


@pytest.mark.parametrize("name", ["default-deny", "servers", "ngshare"])
def test_a_deleted_policy_is_drift(wanted, there, name):
    del there["NetworkPolicy", name]
    change = difference(wanted, there)
    assert [key(one) for one in change.apply] == list(change.drifted) == [("NetworkPolicy", name)]


def test_a_rule_that_somebody_added_is_drift_though_all_that_we_ask_is_there(wanted, there):
    there["NetworkPolicy", "servers"]["spec"]["ingress"].append({})
    assert difference(wanted, there).drifted == (("NetworkPolicy", "servers"),)


def test_a_wider_peer_is_drift(wanted, there):
    peer = there["NetworkPolicy", "default-deny"]["spec"]
    peer["podSelector"] = {"matchLabels": {"nobody": "has"}}
    assert difference(wanted, there).drifted == (("NetworkPolicy", "default-deny"),)


def test_a_changed_quota_is_drift_and_one_more_limit_is_not(wanted, there):
    hard = there["ResourceQuota", "course"]["spec"]["hard"]
    hard["configmaps"] = "5"
    assert difference(wanted, there).is_none
    hard["pods"] = "1000"
    assert difference(wanted, there).drifted == (("ResourceQuota", "course"),)


def test_another_spec_is_applied_and_is_no_drift(there, settings):
    change = difference(course_manifests(spec_with(quota={"servers": 2}), TOKEN, settings), there)
    assert ("ResourceQuota", "course") in {key(one) for one in change.apply}
    assert ("ResourceQuota", "course") not in change.drifted


def test_a_field_that_we_no_longer_ask_for_is_applied_away(wanted, there, everything, settings):
    """It is still there, and all that we ask is there too: the digest tells."""
    quota = everything.quota.model_copy(update={"memory": None})
    fewer = course_manifests(everything.model_copy(update={"quota": quota}), TOKEN, settings)
    assert [key(one) for one in difference(fewer, there).apply] == [("ResourceQuota", "course")]


def test_a_binding_to_another_role_is_made_anew(wanted, there):
    there["RoleBinding", "courses-hub"]["roleRef"]["name"] = "cluster-admin"
    change = difference(wanted, there)
    assert [key(one) for one in change.replace] == [("RoleBinding", "courses-hub")] and not change.apply


def test_one_more_subject_of_a_binding_is_drift(wanted, there):
    binding = there["RoleBinding", "courses-hub"]
    binding["subjects"].append({"kind": "User", "name": "mallory"})
    assert difference(wanted, there).drifted == (("RoleBinding", "courses-hub"),)


def test_an_object_with_our_labels_that_we_do_not_want_goes_and_a_volume_never(wanted, there):
    for name in (("NetworkPolicy", "allow-all"), ("PersistentVolumeClaim", "home-ada")):
        there[name] = {"kind": name[0], "metadata": {"name": name[1]}}
    assert [key(one) for one in difference(wanted, there).prune] == [("NetworkPolicy", "allow-all")]


def test_a_shared_volume_that_is_no_longer_asked_for_stays(there, everything, settings):
    without = course_manifests(everything.model_copy(update={"shared": None}), TOKEN, settings)
    assert not difference(without, there).prune


def test_a_volume_is_never_asked_to_shrink(wanted, there):
    there["PersistentVolumeClaim", "grader"]["spec"]["resources"]["requests"]["storage"] = "1Ti"
    assert difference(wanted, there).is_none
    there["PersistentVolumeClaim", "grader"]["spec"]["resources"]["requests"]["storage"] = "1Gi"
    assert difference(wanted, there).drifted == (("PersistentVolumeClaim", "grader"),)


def asked_for(there, everything, settings, **volume):
    """What is to be done about the exchange's volume when settings for volumes are others."""
    other = replace(settings, **volume)
    change = difference(course_manifests(everything.model_copy(update={"storage_class": None}), TOKEN, other), there)
    named = ("PersistentVolumeClaim", "ngshare")
    applied = [one["spec"] for one in change.apply if key(one) == named]
    return applied, named in {key(one) for one in change.replace}


def test_a_volume_that_is_there_keeps_its_class_and_never_shrinks_whatever_is_asked_now(there, everything, settings):
    live = there["PersistentVolumeClaim", "ngshare"]
    live["status"] = {"phase": "Bound"}
    live["spec"] |= {"storageClassName": "old", "volumeName": "pv-1"}
    ((spec,), is_replaced) = asked_for(there, everything, settings, storage_class="new", exchange_size=2**20)
    assert not is_replaced and spec["storageClassName"] == "old"
    assert spec["resources"] == live["spec"]["resources"]
    ((spec,), is_replaced) = asked_for(there, everything, settings, storage_class="new", exchange_size=2**50)
    assert not is_replaced and spec["resources"]["requests"]["storage"] == "1Pi"


def test_a_claim_to_which_no_volume_ever_came_is_made_anew(there, everything, settings):
    live = there["PersistentVolumeClaim", "ngshare"]
    live["status"] = {"phase": "Pending"}
    live["spec"]["storageClassName"] = "no-such"
    assert asked_for(there, everything, settings, storage_class="new") == ([], True)
    live["metadata"]["deletionTimestamp"] = "2026-03-02T10:15:00Z"
    assert asked_for(there, everything, settings, storage_class="new") == ([], False)
    del live["metadata"]["deletionTimestamp"]
    live["status"]["phase"] = "Lost"
    (_, is_replaced) = asked_for(there, everything, settings, storage_class="new")
    assert not is_replaced


@pytest.mark.parametrize(
    ("live", "wanted", "is_covered"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ({"a": "1"}, {"a": 1}, False),
        ([{"name": "x", "v": 1}, {"name": "y"}], [{"name": "x", "v": 1}], True),
        ([{"name": "x", "v": 2}], [{"name": "x", "v": 1}], False),
        ([1, 2], [1], False),
        ([], [], True),
        ([1], [], False),
        (None, {}, False),
        ({}, {}, True),
    ],
)
def test_what_we_ask_is_covered_by_what_is_there(live, wanted, is_covered):
    assert covers(live, wanted) is is_covered
