"""The launch as HTML and as a dance: what a browser does with it, and what the platform refuses."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .lab import CALLBACK, Lab, forms, recorded_site, running_lms

LTI = "https://purl.imsglobal.org/spec/lti/claim/"


def test_both_pages_are_forms_that_send_themselves(lms: Lab) -> None:
    lms.sign_in("student1")
    page = lms.send("GET", "/mod/lti/launch.php?id=1&triggerview=0")
    form = forms(page.body)["ltiInitiateLoginForm"]
    assert (form["method"], form["action"]) == ("post", "http://127.0.0.1:8000/hub/lti13/oauth_login")
    assert form["enctype"] == "application/x-www-form-urlencoded"
    assert 'getElementById("ltiInitiateLoginForm").submit()' in page.body and "<noscript><button>" in page.body
    page = lms.authorize(form["fields"])
    assert forms(page.body)["ltiAuthForm"]["action"] == CALLBACK
    assert 'getElementById("ltiAuthForm").submit()' in page.body


def test_an_authorization_request_by_post_is_answered_too(lms: Lab) -> None:
    lms.sign_in("student1")
    login = lms.begin_launch()
    request = {
        "response_type": "id_token",
        "scope": "openid",
        "response_mode": "form_post",
        "client_id": login["client_id"],
        "redirect_uri": CALLBACK,
        "login_hint": login["login_hint"],
        "lti_message_hint": login["lti_message_hint"],
        "nonce": "n",
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    page = lms.send("POST", "/mod/lti/auth.php", headers, urlencode(request))
    assert "id_token" in forms(page.body)["ltiAuthForm"]["fields"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"response_type": "code"}, "unsupported_response_type"),
        ({"client_id": "another"}, "unauthorized_client"),
        ({"login_hint": "6"}, "access_denied"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
    ],
)
def test_a_wrong_authorization_request_is_told_to_the_tool(lms: Lab, changed: dict[str, str], error: str) -> None:
    lms.sign_in("student1")
    fields = forms(lms.authorize(lms.begin_launch(), **changed).body)["ltiAuthForm"]["fields"]
    assert (fields["error"], fields["state"]) == (error, "a-state") and "id_token" not in fields


@pytest.mark.parametrize("uri", [CALLBACK + "/", CALLBACK.upper(), "http://evil.invalid/", ""])
def test_a_redirect_uri_that_is_not_registered_gets_nothing(lms: Lab, uri: str) -> None:
    lms.sign_in("student1")
    page = lms.authorize(lms.begin_launch(), redirect_uri=uri)
    assert page.status == 404 and "ltiAuthForm" not in page.body


def test_a_launch_is_good_once_and_for_the_session_that_began_it(lms: Lab) -> None:
    lms.sign_in("student1")
    login = lms.begin_launch()
    assert lms.authorize(login).status == 200
    assert lms.authorize(login).status == 404
    login = lms.begin_launch()
    lms.sign_in("student2")
    assert lms.authorize(login).status == 404
    lms.cookies.clear()
    assert lms.authorize(login).status == 303


def test_who_is_not_in_the_course_or_suspended_cannot_launch(lms: Lab) -> None:
    lms.sign_in("outsider")
    assert lms.send("GET", "/mod/lti/launch.php?id=1").status == 404
    lms.control("POST", "enrol", {"course": 2, "person": "outsider", "role": "student"})
    login = lms.begin_launch()
    lms.control("POST", "enrol", {"course": 2, "person": "outsider", "role": "student", "suspended": True})
    assert lms.authorize(login).status == 404
    assert lms.send("GET", "/mod/lti/launch.php?id=1").status == 404


def test_an_activitys_parameters_come_with_the_tools_winning(tmp_path: Path) -> None:
    with running_lms(tmp_path, recorded_site(custom={"course": "$Context.label", "Mixed-Case": "$No.such"})) as lab:
        custom = lab.launch("student1", 2)[LTI + "custom"]
        url = f"{lab.base}/mod/lti/services.php/CourseSection/3/bindings/1/memberships"
    assert custom == {
        "assignment": "ps1",
        "course": "stats",
        "mixed_case": "$No.such",
        "Mixed-Case": "$No.such",
        "context_memberships_url": url,
    }


def test_without_shared_identity_names_are_kept_but_numbers_come(tmp_path: Path) -> None:
    with running_lms(tmp_path, recorded_site(share_identity=False)) as lab:
        claims = lab.launch("student1")
        listed = lab.service(
            "GET",
            "/mod/lti/services.php/CourseSection/2/bindings/1/memberships",
            lab.token(),
            "application/vnd.ims.lti-nrps.v2.membershipcontainer+json",
        ).json()["members"]
    assert not {"name", "given_name", "family_name", "email"} & set(claims)
    assert claims[LTI + "lis"]["person_sourcedid"] == "S-0001"
    assert claims[LTI + "custom"]["username"] == "student1"
    assert set(listed[0]) == {"status", "roles", "user_id", "lis_person_sourcedid"}


def test_the_tools_message_is_shown_escaped_when_it_sends_people_back(lms: Lab) -> None:
    page = lms.send("GET", "/mod/lti/return.php?lti_errormsg=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "&lt;script&gt;" in page.body and "<script>" not in page.body


def test_the_platforms_configuration_and_keyset_are_public(lms: Lab) -> None:
    about = lms.send("GET", "/mod/lti/openid-configuration.php").json()
    assert about["issuer"] == lms.base and about["jwks_uri"] == f"{lms.base}/mod/lti/certs.php"
    key = lms.send("GET", "/mod/lti/certs.php").json()["keys"][0]
    assert set(key) == {"kty", "alg", "kid", "e", "n", "use"} and re.fullmatch(r"[0-9a-f]{20}", key["kid"])


def test_two_platforms_on_localhost_do_not_share_a_session(lms: Lab, tmp_path: Path) -> None:
    with running_lms(tmp_path / "second") as other:
        other.cookies = lms.cookies  # a browser's jar does not tell ports apart
        lms.sign_in("student1")
        other.sign_in("teacher1")
        assert len(lms.cookies) == 2
        assert 'data-username="student1"' in lms.send("GET", "/my").body
