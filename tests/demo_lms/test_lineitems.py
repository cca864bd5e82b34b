"""Line items, tokens and members beyond the recordings: erasures, crashes, scopes, the lineitem claim."""

import pytest

from .lab import CONTAINER, LINEITEM, MEMBERS, Lab

AGS = "https://purl.imsglobal.org/spec/lti-ags/"
LINEITEMS = "/mod/lti/services.php/2/lineitems?type_id=1"


@pytest.fixture
def token(lms: Lab) -> str:
    return lms.token()


def listed(lms: Lab, token: str, more: str = "") -> list[dict]:
    return lms.service("GET", LINEITEMS + more, token, CONTAINER).json()


def lineitem_claim(lms: Lab, activity: int) -> str | None:
    return lms.launch("student1", activity)[AGS + "claim/endpoint"].get("lineitem")


def test_creating_twice_makes_two_columns(lms: Lab, token: str) -> None:
    assert lms.add_column(token, resourceId="ps1") != lms.add_column(token, resourceId="ps1")
    assert len(listed(lms, token, "&resource_id=ps1")) == 2
    assert set(lms.control("GET", "gradebook")["ml101"]) == {"JupyterHub", "PS 1", "PS 1 #4"}


def test_a_change_erases_the_binding_that_it_does_not_repeat(lms: Lab, token: str) -> None:
    item = lms.add_column(token, resourceId="ps1", resourceLinkId="1")
    assert lms.service("GET", item, token, LINEITEM).json()["resourceLinkId"] == "1"
    lms.service("PUT", item, token, LINEITEM, {"label": "PS 1", "scoreMaximum": 10, "resourceId": "ps1"})
    changed = lms.service("GET", item, token, LINEITEM).json()
    assert "resourceLinkId" not in changed and changed["resourceId"] == "ps1"


def test_an_item_can_be_found_by_link_and_tag(lms: Lab, token: str) -> None:
    item = lms.add_column(token, tag="t", resourceLinkId="1")
    assert [one["id"] for one in listed(lms, token, "&tag=t&resource_link_id=1")] == [item]
    assert listed(lms, token, "&tag=t&resource_link_id=2") == []


def test_over_long_texts_crash_and_an_over_long_resource_id_leaves_an_orphan(lms: Lab, token: str) -> None:
    for data in ({"label": "L" * 256}, {"label": "PS 9", "resourceId": "r" * 513}):
        assert lms.service("POST", LINEITEMS, token, LINEITEM, {"scoreMaximum": 10, **data}).status == 502
    assert [one["label"] for one in listed(lms, token)] == ["JupyterHub"]
    assert "PS 9" in lms.control("GET", "gradebook")["ml101"]


def test_the_activitys_own_column_can_be_deleted_and_stays_so(lms: Lab, token: str) -> None:
    own = listed(lms, token)[0]["id"]
    assert lms.service("DELETE", own, token, "").status == 204
    assert lms.service("GET", own, token, LINEITEM).status == 404
    assert lineitem_claim(lms, 1) is None


@pytest.mark.parametrize("media", ["*/*", "application/json", CONTAINER])
def test_media_types_are_exact(lms: Lab, token: str, media: str) -> None:
    own = listed(lms, token)[0]["id"]
    assert lms.service("GET", own, token, media).status == 400
    assert lms.service("POST", LINEITEMS, token, media, {"label": "x", "scoreMaximum": 1}).status == 400


@pytest.mark.parametrize("data", [None, [], {"label": "x"}, {"label": "x", "scoreMaximum": "ten"}])
def test_a_line_item_needs_label_and_maximum(lms: Lab, token: str, data: object) -> None:
    assert lms.service("POST", LINEITEMS, token, LINEITEM, data).status == 400


def test_a_binding_to_a_link_of_another_course_is_forbidden(lms: Lab, token: str) -> None:
    data = {"label": "x", "scoreMaximum": 1, "resourceLinkId": "2"}
    assert lms.service("POST", LINEITEMS, token, LINEITEM, data).status == 403


# -- the lineitem claim --


def test_the_lineitem_claim_is_gone_when_a_second_column_is_bound(lms: Lab, token: str) -> None:
    assert lineitem_claim(lms, 1) == listed(lms, token)[0]["id"]
    item = lms.add_column(token, resourceLinkId="1")
    assert lineitem_claim(lms, 1) is None
    lms.service("DELETE", item, token, "")
    assert lineitem_claim(lms, 1) is not None


def test_the_lineitem_claim_of_an_ungraded_activity_is_empty_with_one_bound_column(lms: Lab, token: str) -> None:
    assert lineitem_claim(lms, 3) is None
    lms.add_column(token, course=3, resourceLinkId="3")
    assert lineitem_claim(lms, 3) == ""
    lms.add_column(token, course=3, resourceLinkId="3")
    assert lineitem_claim(lms, 3) is None


# -- tokens --


def test_a_token_does_what_its_scopes_say_in_all_courses(lms: Lab) -> None:
    token = lms.ask_token(scope=AGS + "scope/lineitem.readonly").json()["access_token"]
    for course in (2, 3):
        url = f"/mod/lti/services.php/{course}/lineitems?type_id=1"
        assert lms.service("GET", url, token, CONTAINER).status == 200
        assert lms.service("POST", url, token, LINEITEM, {"label": "x", "scoreMaximum": 1}).status == 401


def test_a_token_ends_after_an_hour_or_when_revoked(lms: Lab) -> None:
    lms.now = 1_795_400_000.0
    token = lms.token()
    lms.now += 3599
    assert lms.service("GET", LINEITEMS, token, CONTAINER).status == 200
    lms.now += 1
    assert lms.service("GET", LINEITEMS, token, CONTAINER).status == 401
    token = lms.token()
    lms.control("POST", "revoke-tokens")
    assert lms.service("GET", LINEITEMS, token, CONTAINER).status == 401


def test_a_wrong_type_id_is_refused(lms: Lab, token: str) -> None:
    assert lms.service("GET", LINEITEMS.replace("=1", "=2"), token, CONTAINER).status == 401


def test_a_foreign_signature_and_an_unknown_client_are_refused(lms: Lab) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert lms.ask_token(key=key).json() == {"error": "Signature verification failed"}
    assert lms.ask_token({"sub": "nobody"}).json() == {"error": "invalid_client"}
    assert lms.send("POST", "/mod/lti/token.php", {"content-type": "application/json"}, "{}").status == 400


# -- members --


def members(lms: Lab, token: str, more: str = "", course: int = 2) -> list[dict]:
    url = f"/mod/lti/services.php/CourseSection/{course}/bindings/1/memberships{more}"
    return lms.service("GET", url, token, MEMBERS).json()["members"]


def test_a_teaching_assistant_is_a_learner_among_the_members_but_launches_as_instructor(lms: Lab, token: str) -> None:
    roles = {one["ext_user_username"]: one["roles"] for one in members(lms, token)}
    assert roles["teacher2"] == ["Learner"] and roles["teacher1"] == ["Instructor"]
    claimed = lms.launch("teacher2")["https://purl.imsglobal.org/spec/lti/claim/roles"]
    assert claimed == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]


def test_suspended_and_removed_people_are_not_members(lms: Lab, token: str) -> None:
    lms.control("POST", "enrol", {"course": "ml101", "person": "student1", "role": "student", "suspended": True})
    lms.control("POST", "enrol", {"course": "ml101", "person": "student2", "role": None})
    lms.control("POST", "enrol", {"course": "ml101", "person": "outsider", "role": "student"})
    names = {one["ext_user_username"] for one in members(lms, token)}
    assert names == {"teacher1", "teacher2", "student3", "student4", "student5", "outsider"}


def test_the_members_of_a_link_of_another_course_crash(lms: Lab, token: str) -> None:
    url = "/mod/lti/services.php/CourseSection/2/bindings/1/memberships?rlid="
    assert lms.service("GET", url + "2", token, MEMBERS).status == 502
    assert lms.service("GET", url + "99", token, MEMBERS).status == 404
