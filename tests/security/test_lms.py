"""An LMS vouches for its own people and courses, and for nobody else's; every id_token here is really signed."""

import time

import pytest

from ..hub.platform import Platform, key_pair
from ..support.system import Browser, body


def roles(browser):
    """The role in each course of whoever is logged in."""
    browser.go("/services/courses/")
    return {one["slug"]: one["role"] for one in body(browser.get("/services/courses/api/courses"))}


def test_an_equal_sub_and_context_of_another_platform_is_another_person_and_course(world):
    assert (world.ada.sub, world.ada.login) == (world.otto.sub, world.otto.login)
    assert (world.ada.username, world.otto.username) == ("ada", "ada-2")
    assert roles(world.otto.browser) == {"ml101-2": "student"}
    assert world.otto.browser.get("/services/courses/ml101/").status_code == 403
    assert world.otto.browser.get("/user/ada/ml101/courses/status", allow_redirects=True).status_code == 403


def test_an_instructor_of_the_other_platform_grades_nothing_here(world):
    assert world.olaf.open("ml101", "grader-ml101").status_code in (403, 404)
    assert world.olaf.browser.get("/services/courses/ml101/roster", allow_redirects=True).status_code == 403


@pytest.mark.parametrize("lie", [{}, {"iss": "https://other.example"}, {"aud": "other-client"}])
def test_platform_b_cannot_sign_for_platform_a(world, lie):
    """B's key, A's names: as in a login that was begun for A."""
    browser = Browser(world.system)
    answer = browser.launch(world.lab, signer=world.other, **world.grace.claims("ML101", **lie))
    assert answer.status_code >= 400 and "jupyterhub-hub-login" not in browser.session.cookies


def test_platform_b_cannot_name_platform_a_as_issuer(world):
    """B's key, a login begun for B, claims that say A."""
    for lie in ({"iss": world.lab.issuer}, {"iss": world.lab.issuer, "aud": world.lab.client_id}):
        browser = Browser(world.system)
        answer = browser.launch(world.other, **world.olaf.claims("ML101", **lie))
        assert answer.status_code >= 400 and "jupyterhub-hub-login" not in browser.session.cookies


def test_a_foreign_deployment_is_refused(world):
    answer = Browser(world.system).launch(world.lab, **world.ada.claims("ML101", deployment_id="2"))
    assert answer.status_code in (401, 403)


def test_an_unregistered_lms_is_refused(world):
    stranger = Platform(issuer="https://stranger.example", client_id="s", keys={"k1": key_pair("stranger")})
    form = {"iss": stranger.issuer, "client_id": "s", "login_hint": "1", "target_link_uri": f"{world.system.base}/hub"}
    assert Browser(world.system).post("/hub/lti13/oauth_login", data=form).status_code in (401, 403, 404)


@pytest.mark.parametrize("changes", [{"exp": 1}, {"nonce": "another"}, {"version": "1.1"}])
def test_a_launch_that_is_not_for_now_is_refused(world, changes):
    assert Browser(world.system).launch(world.lab, **world.ada.claims("ML101", **changes)).status_code >= 400


def test_a_launch_works_once_and_in_its_browser_alone(world):
    browser = Browser(world.system)
    asked = browser.begin(world.lab)
    form = {"id_token": world.lab.sign(world.lab.claims(asked["nonce"], **world.ada.claims("ML101")))}
    form["state"] = asked["state"]
    assert Browser(world.system).post("/hub/lti13/oauth_callback", data=form).status_code >= 400
    assert browser.post("/hub/lti13/oauth_callback", data=form).status_code == 303
    assert browser.post("/hub/lti13/oauth_callback", data=form).status_code >= 400


def test_unsigned_words_beside_the_token_count_for_nothing(world):
    browser = Browser(world.system)
    asked = browser.begin(world.lab)
    form = {"id_token": world.lab.sign(world.lab.claims(asked["nonce"], **world.ada.claims("ML101")))}
    form |= {"state": asked["state"], "roles": "Instructor", "username": "root-of-hub", "admin": "1", "for_user": "bob"}
    assert browser.post("/hub/lti13/oauth_callback?username=bob", data=form).status_code == 303
    assert roles(browser) == {"ml101": "student"}


@pytest.mark.parametrize(
    "name", ["root-of-hub", "grader-ml101", "grace", "admin", "courses-service", "service-courses"]
)
def test_nobody_takes_over_an_account_by_choosing_its_name(world, name):
    browser = Browser(world.system)
    claims = world.ada.claims("ML101", sub=f"mallory-{name}", custom={"username": name}, preferred_username=name)
    assert browser.launch(world.lab, **claims).status_code == 303
    page = browser.go("/services/courses/")
    assert page.ok and f"<strong>{name}</strong>" not in page.text
    browser.go("/hub/home")
    assert body(browser.get("/hub/api/user"))["admin"] is False
    assert browser.get("/hub/admin").status_code == 403


def test_a_role_of_the_institution_makes_no_instructor_of_a_student(world):
    claimed = ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"]
    claimed += ["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"]
    claimed += ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]
    browser = Browser(world.system)
    claims = world.ada.claims("ML101", sub="dean", custom={"username": "dean"}, roles=claimed, name="Dean")
    assert browser.launch(world.lab, **claims).status_code == 303
    assert roles(browser) == {"ml101": "student"}


def test_the_tools_keyset_holds_public_keys_alone(world):
    keys = body(world.ada.browser.get("/services/courses/jwks.json"))["keys"]
    assert keys and all(set(key) <= {"kty", "n", "e", "kid", "alg", "use"} for key in keys)


def test_a_browser_that_somebody_left_logged_in_opens_nothing_of_theirs(world):
    """In a room of computers the next person clicks in the LMS: the teacher's grader server must not be open."""
    browser = Browser(world.system)
    world.grace.launch("ML101", browser=browser)
    status = "/user/grader-ml101/ml101/courses/status"
    assert browser.go(status).status_code == 200
    world.ada.launch("ML101", browser=browser)
    began = time.monotonic()
    while browser.get(status).status_code == 200:
        assert time.monotonic() - began < 20, "still open"
        time.sleep(0.3)
    assert browser.get(status, allow_redirects=True).status_code == 403
    assert browser.go("/services/courses/ml101/roster").status_code == 403
