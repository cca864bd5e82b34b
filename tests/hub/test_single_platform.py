"""One LMS by ltiauthenticator's own settings, as its documentation writes them: what they do here.

https://ltiauthenticator.readthedocs.io/en/latest/lti13/getting-started.html; the differences stand in
docs/ltiauthenticator.md.
"""

import asyncio
import json
import runpy

import pytest
from traitlets.config import Config

from jupyterhub_courses.authenticator import CoursesLTI13Authenticator
from jupyterhub_courses.core.admissions import launch_from_json
from jupyterhub_courses.core.names import username_from

from .conftest import authentication_request, end

#: As in "Basic Settings", for the LMS of these tests, and nothing else but what this project adds.
DOCUMENTED = """
c.LTI13Authenticator.issuer = "{issuer}"
c.LTI13Authenticator.authorize_url = "https://lms.example/api/lti/authorize_redirect"
c.LTI13Authenticator.jwks_endpoint = "{url}/keys"
c.LTI13Authenticator.client_id = ["client-1", "client-9"]
"""
ADDED = """
c.CoursesLTI13Authenticator.deployment_ids = {"1"}
"""


@pytest.fixture
async def start(hub_app, hub_config, service, platform, tmp_path):
    """Start a hub with the documented settings and further lines; its platform is known when this returns."""
    service.registrations.clear()
    apps = []

    async def go(*lines):
        path = tmp_path / "documented.py"
        path.write_text(DOCUMENTED.format(issuer=platform.issuer, url=platform.url) + "\n".join(lines or (ADDED,)))
        runpy.run_path(str(path), {"c": hub_config})
        apps.append(await hub_app(config=hub_config))
        async with asyncio.timeout(10):
            while len(service.registrations) < 2:
                await asyncio.sleep(0.05)
        return apps[-1]

    yield go
    for app in apps:
        await end(app)


async def test_the_documented_settings_make_launches_work_for_each_client_id(start, browser_of_app, platform, service):
    app = await start()
    for client_id in ("client-1", "client-9"):
        platform.client_id = client_id
        browser = browser_of_app(app)
        begun = await browser.begin(platform)
        assert begun.location.startswith("https://lms.example/api/lti/authorize_redirect?")
        assert authentication_request(begun)["redirect_uri"] == f"{browser.base}/hub/lti13/oauth_callback"
        assert (await browser.launch(platform)).status == 303
    assert {launch["client_id"] for launch in service.launches} == {"client-1", "client-9"}


async def test_the_paths_are_the_documented_ones(start, browser_of_app):
    app = await start()
    browser = browser_of_app(app)
    assert app.authenticator.login_url("/hub/") == "/hub/lti13/oauth_login"
    assert app.authenticator.callback_url("/hub/") == "/hub/lti13/oauth_callback"
    assert app.authenticator.config_json_url("/hub/") == "/hub/lti13/config"
    assert (await browser.get("/hub/lti13/oauth_callback")).status == 405


async def test_the_configuration_document_is_ltiauthenticators_own(start, browser_of_app):
    app = await start(
        ADDED,
        'c.LTI13Authenticator.tool_name = "Our notebooks"',
        'c.LTI13Authenticator.tool_description = "For all courses"',
    )
    browser = browser_of_app(app)
    answer = await browser.get("/hub/lti13/config")
    told = json.loads(answer.text)
    assert answer.headers["Content-Type"] == "application/json"
    assert (told["title"], told["description"]) == ("Our notebooks", "For all courses")
    assert told["oidc_initiation_url"] == f"{browser.base}/hub/lti13/oauth_login"
    assert told["target_link_uri"] == browser.base
    assert told["custom_fields"] == {"email": "$Person.email.primary", "lms_user_id": "$User.id"}
    assert "https://purl.imsglobal.org/spec/lti-ags/scope/score" in told["scopes"]


async def test_a_tool_set_up_from_that_document_launches(start, browser_of_app, platform):
    """Its target is the host alone."""
    browser = browser_of_app(await start())
    asked = authentication_request(await browser.begin(platform, target_link_uri=browser.base))
    token = platform.sign(platform.claims(asked["nonce"], target_link_uri=browser.base))
    answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    assert answer.status == 303


@pytest.mark.parametrize("scheme", ["https", "HTTP", "auto"])
async def test_the_scheme_can_be_set(start, browser_of_app, platform, scheme):
    app = await start(ADDED, f'c.LTI13Authenticator.uri_scheme = "{scheme}"')
    browser = browser_of_app(app)
    redirect = authentication_request(await browser.begin(platform))["redirect_uri"]
    assert redirect.startswith("https://" if scheme == "https" else "http://")


@pytest.mark.parametrize(
    ("key", "wish"),
    [
        ("email", "ada.secret"),
        ("given_name", "ada"),
        ("name", "ada-lovelace"),
        ("custom_uname", "jovyan-jupyter"),
        ("sub", "5"),
        ("no_such_claim", "ada.secret"),
        ("custom_nothing", "ada.secret"),
    ],
)
async def test_username_key_names_the_claim_that_a_new_person_is_called_by(
    start, browser_of_app, platform, service, key, wish
):
    """A wish: the service makes a name of it that is nobody else's (tests/store/test_admitting.py)."""
    app = await start(ADDED, f'c.LTI13Authenticator.username_key = "{key}"')
    assert (await browser_of_app(app).launch(platform, custom={"uname": "jovyan.jupyter"})).status == 303
    launch = launch_from_json(service.launches[0])
    made = username_from([launch.login_name, launch.names["email"], launch.names["name"]], lambda name: False)
    assert made == wish.replace(".", "-")


async def test_two_people_whose_username_key_says_the_same_stay_two(start, browser_of_app, platform, service):
    """ltiauthenticator's documentation warns of it: there they would share a user of the hub."""
    app = await start(ADDED, 'c.LTI13Authenticator.username_key = "given_name"')
    for sub in ("5", "6"):
        await browser_of_app(app).launch(platform, sub=sub)
    assert [(launch["sub"], launch["preferred_username"]) for launch in service.launches] == [
        ("5", "Ada"),
        ("6", "Ada"),
    ]


async def test_algorithms_that_are_not_listed_are_refused(start, browser_of_app, platform):
    app = await start(ADDED, 'c.LTI13Authenticator.jwks_algorithms = ["RS512"]')
    answer = await browser_of_app(app).launch(platform)
    assert (answer.status, answer.code) == (401, "algorithm_refused")


async def test_the_clock_may_differ_by_the_documented_setting(start, browser_of_app, platform):
    app = await start(ADDED, "c.LTI13LaunchValidator.time_leeway = 100")
    assert app.authenticator.clock_leeway == 100
    import time

    old = {"iat": int(time.time()) - 200, "exp": int(time.time()) - 80}
    assert (await browser_of_app(app).launch(platform, **old)).status == 303
    app.authenticator.clock_leeway = 30
    assert (await browser_of_app(app).launch(platform, **old)).code == "token_expired"


def test_the_clocks_default_is_ours():
    assert CoursesLTI13Authenticator(config=Config()).clock_leeway == 30


# -- what is different


async def test_deployments_have_to_be_named(start, browser_of_app, platform, caplog):
    app = await start("")
    answer = await browser_of_app(app).launch(platform)
    assert (answer.status, answer.code) == (401, "deployment_unknown")
    assert "launches as deployment id '1'" in caplog.text


async def test_a_target_link_names_no_place_to_go(start, browser_of_app, platform):
    """It comes in a request that nobody signed; where to go is said by parameters of the signed launch."""
    browser = browser_of_app(await start())
    for target in ("/hub?next=%2Fhub%2Fadmin", "/hub/admin"):
        asked = authentication_request(await browser.begin(platform, target_link_uri=browser.base + target))
        form = {"id_token": platform.sign(platform.claims(asked["nonce"])), "state": asked["state"]}
        answer = await browser.post("/hub/lti13/oauth_callback", **form, next="/hub/admin")
        assert answer.status == 303 and answer.location.startswith("/hub/spawn/ada/ml101?next=")


async def test_claims_are_not_kept_in_the_state_of_a_login(start, browser_of_app, platform, monkeypatch):
    from jupyterhub import crypto

    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "0" * 64)
    crypto.CryptKeeper.clear_instance()
    app = await start(ADDED, "c.Authenticator.enable_auth_state = True")
    await browser_of_app(app).launch(platform)
    assert await app.users["ada"].get_auth_state() is None
    crypto.CryptKeeper.clear_instance()


async def test_the_page_to_start_from_names_the_platform_by_its_name(start, browser_of_app, service, platform):
    """The plain authenticator answers 400 there."""
    app = await start()
    answer = await browser_of_app(app).get("/hub/login")
    assert answer.status == 200 and answer.code == "start_in_lms"
    assert service.registrations[platform.issuer, "client-1"]["platform"] == "lms"
