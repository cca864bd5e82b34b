"""Platforms by the service's own doors: the API, the administrators' pages, Canvas's document; and who may not."""

import html
import json
import re

import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from jupyterhub_courses.service.platform_words import PLATFORM_WORDS
from jupyterhub_courses.service.words import words_in

from ..support.ports import free_port
from .test_process import TOKEN, Service

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOODLE = "https://moodle.example.org"
REGISTRATION = {
    "client_id": "abc",
    "deployment_ids": ["1"],
    "authorize_url": f"{MOODLE}/mod/lti/auth.php",
    "token_url": f"{MOODLE}/mod/lti/token.php",
    "keyset_url": f"{MOODLE}/mod/lti/certs.php",
}
PLATFORM = {"issuer": MOODLE, "title": "Über <uns>", "registrations": [REGISTRATION]}
PEOPLE = {"token root": ("root", True), "token ada": ("ada", False)}
PUBLIC = {"Host": "hub.example.org", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}


class HubUser(RequestHandler):
    """A hub that knows one administrator and one student by their tokens, and whose users can be made."""

    def get(self, _name=None):
        name, admin = PEOPLE.get(self.request.headers.get("Authorization", ""), ("", False))
        if not name:
            self.set_status(404 if _name else 403)
            return
        self.write({"kind": "user", "name": name, "admin": admin, "scopes": ["access:services!service=courses"]})

    def post(self, _name=None):
        self.set_status(201)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    """One service for all tests of this file."""
    hub = HTTPServer(Application([("/hub/api/users/(.*)", HubUser), ("/hub/api/user", HubUser)]))
    port = free_port()
    hub.listen(port, "127.0.0.1")
    service = Service(tmp_path_factory.mktemp("service"), port)
    service.start()
    await service.ready()
    yield service
    await service.close()
    hub.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def service(running):
    """The service, without platforms."""
    yield running
    for one in (await running.call("GET", "api/platforms"))[1]:
        await running.call("DELETE", f"api/platforms/{one['name']}?taken_out=1")


async def page(service, path, token="root", **headers):
    """A page as the hub's proxy asks for it."""
    headers = {"Authorization": f"token {token}", **PUBLIC, **headers}
    async with service.session.get(service.base + path, headers=headers) as answer:
        return answer.status, await answer.text()


def values(text):
    """Label -> value of everything that can be copied."""
    rows = re.findall(
        r'<th scope="row">([^<]*)</th>\s*<td><(?:code|pre)[^>]*data-value>(.*?)</(?:code|pre)>', text, re.S
    )
    return {html.unescape(label): html.unescape(value) for label, value in rows}


async def test_a_platform_is_made_shown_and_let_go(service):
    status, made = await service.call("PUT", "api/platforms/uni", PLATFORM)
    assert status == 200 and made["owner"] == "page" and made["registrations"][0]["launched"] is False
    assert await service.call("GET", "api/platforms") == (200, [made])
    assert await service.call("GET", "api/platforms/uni") == (200, made)
    status, moved = await service.call("POST", "api/platforms/uni/move", {"issuer": "https://new.example.org"})
    assert status == 200 and [moved["issuer"], moved["registrations"][0]["issuer"]] == ["https://new.example.org"] * 2
    assert await service.call("DELETE", "api/platforms/uni") == (200, {"people": 0, "courses": 0})
    for method, path in (("GET", "uni"), ("DELETE", "uni"), ("POST", "uni/test"), ("POST", "..%2Funi/test")):
        status, told = await service.call(method, f"api/platforms/{path}")
        assert (status, told["code"]) == (404, "platform_unknown")


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("uni", None, "is not a group of named fields"),
        (
            "uni",
            {**PLATFORM, "registrations": [{**REGISTRATION, "keyset_url": "moodle"}]},
            "registrations[1].keyset_url",
        ),
        ("uni", {**PLATFORM, "nmae": 1}, "did you mean name?"),
        ("Not a name", PLATFORM, "name"),
    ],
)
async def test_what_is_no_platform_is_refused_with_every_mistake(service, path, body, told):
    status, answer = await service.call("PUT", f"api/platforms/{path}", body)
    assert status == 400 and any(told in problem for problem in answer["problems"]), answer
    assert await service.call("GET", "api/platforms") == (200, [])


async def test_a_clash_names_the_other_platform_in_the_readers_language(service):
    await service.call("PUT", "api/platforms/uni", PLATFORM)
    status, told = await service.call("PUT", "api/platforms/second", PLATFORM)
    assert (status, told["code"]) == (409, "platform_clash") and "belongs to platform uni" in told["message"]
    headers = {"Authorization": f"token {TOKEN}", "Accept-Language": "de"}
    url = service.base + "api/platforms/second"
    async with service.session.put(url, json=PLATFORM, headers=headers) as answer:
        assert "gehört zur Plattform uni" in (await answer.json())["message"]


async def test_a_file_owns_what_it_names(service):
    await service.call("POST", "api/apply", {"platforms": [{"name": "uni", **PLATFORM}]})
    for method, path in (("PUT", "uni"), ("DELETE", "uni")):
        status, told = await service.call(method, f"api/platforms/{path}", PLATFORM if method == "PUT" else None)
        assert (status, told["code"]) == (409, "platform_of_file")
    _, text = await page(service, "platforms")
    assert words_in("en").platform_owner_file in text and "data-method" not in text
    assert (await service.call("DELETE", "api/platforms/uni?taken_out=1"))[0] == 200


async def test_the_hub_cannot_announce_what_belongs_to_another_platform(service):
    await service.call("PUT", "api/platforms/uni", PLATFORM)
    status, told = await service.call("PUT", "api/registrations", {**REGISTRATION, "issuer": MOODLE, "platform": "lms"})
    assert (status, told["code"]) == (409, "platform_clash")


async def test_only_administrators_come_near(service):
    await service.call("PUT", "api/platforms/uni", PLATFORM)
    doors = [
        *(("GET", "api/platforms"), ("GET", "api/platforms/uni"), ("PUT", "api/platforms/uni")),
        *(("DELETE", "api/platforms/uni"), ("POST", "api/platforms/uni/test"), ("POST", "api/platforms/uni/move")),
        *(("GET", "platforms"), ("GET", "platforms/connect")),
    ]
    for method, path in doors:
        for token, expected in (("ada", 403), ("nobody", 401)):
            headers = {"Authorization": f"token {token}"}
            request = service.session.request(method, service.base + path, headers=headers, json=PLATFORM)
            async with request as answer:
                given = answer.status if not answer.history else 401  # a page sends to the login
                assert given == expected, (method, path, token)
    assert len((await service.call("GET", "api/platforms"))[1]) == 1


async def test_a_test_is_kept_for_the_page_in_the_readers_language(service):
    nowhere = f"http://127.0.0.1:{free_port()}"
    urls = {name: f"{nowhere}/{name}" for name in ("authorize_url", "token_url", "keyset_url")}
    body = {"issuer": nowhere, "registrations": [{"client_id": "abc", **urls}]}
    await service.call("PUT", "api/platforms/uni", body)
    status, report = await service.call("POST", "api/platforms/uni/test")
    steps = {step["step"]: step for step in report["registrations"][0]["steps"]}
    assert status == 200 and report["right"] is False
    assert steps["keyset"]["code"] == "fault_unreachable" and steps["deployments"]["code"] == "deployments_none"
    assert (await service.call("GET", "api/platforms/uni"))[1]["tested"]["right"] is False
    for language in ("en", "de"):
        status, text = await page(service, "platforms", **{"Accept-Language": language})
        assert status == 200 and words_in(language).platform_wrong in text
        assert words_in(language).platform_no_deployment in text
        assert dict(re.findall(r'data-step="(\w+)" data-state="(\w+)"', text))["keyset"] == "wrong"
    assert "Kann" not in text and "erreichbar" in text


async def test_the_page_of_platforms_escapes_what_it_shows(service):
    _, text = await page(service, "platforms")
    assert words_in("en").platforms_none in text
    await service.call("PUT", "api/platforms/uni", PLATFORM)
    _, text = await page(service, "platforms")
    assert "Über &lt;uns&gt;" in text and "<uns>" not in text
    assert 'data-post="/services/courses/api/platforms/uni/test"' in text and 'data-method="DELETE"' in text
    status, home = await page(service, "")
    assert status == 200 and 'href="/services/courses/platforms"' in home
    assert 'href="/services/courses/platforms"' not in (await page(service, "", token="ada"))[1]


async def test_an_administrator_without_courses_is_shown_where_to_begin(service):
    _, home = await page(service, "")
    assert words_in("en").no_courses_admin in html.unescape(home)
    assert 'class="btn btn-primary" href="/services/courses/platforms"' in home
    _, home = await page(service, "", token="ada")
    assert words_in("en").no_courses in home and "btn-primary" not in home


async def test_every_value_to_copy_is_this_hubs_own(service):
    status, text = await page(service, "platforms/connect")
    assert status == 200
    base = "https://hub.example.org/"
    async with service.session.get(service.base + "public-key.pem") as answer:
        pem = await answer.text()
    by_section = {
        name: values(text.partition(f'<section id="{name}">')[2].partition("</section>")[0])
        for name in ("moodle", "openedx", "canvas", "other")
    }
    login, redirect = f"{base}hub/lti13/oauth_login", f"{base}hub/lti13/oauth_callback"
    keyset = f"{base}services/courses/jwks.json"
    moodle = by_section["moodle"]
    assert moodle["Tool URL"] == moodle["Content Selection URL"] == base
    assert (moodle["Initiate login URL"], moodle["Redirection URI(s)"]) == (login, redirect)
    assert moodle["Public keyset"] == keyset and moodle["Public key (RSA key)"].strip() == pem.strip()
    openedx = by_section["openedx"]
    assert openedx["Tool Launch URL"] == openedx["Deep Linking Launch URL"] == base
    assert json.loads(openedx["Registered Redirect URIs"]) == [redirect]
    assert (openedx["Tool Initiate Login URL"], openedx["Tool Keyset URL"]) == (login, keyset)
    canvas = by_section["canvas"]
    assert canvas["JSON URL"] == f"{base}services/courses/canvas.json" and canvas["Redirect URIs"] == redirect
    assert "lti-ags/scope/score" in canvas["LTI Advantage Services"]
    assert by_section["other"]["Domain"] == "hub.example.org"
    templates = re.findall(r'name="(\w+)"[^>]*data-template="([^"]+)"', text)
    assert ("authorize_url", "/mod/lti/auth.php") in templates and len(templates) == 3
    assert 'value="https://sso.canvaslms.com/api/lti/security/jwks"' in text


async def test_canvas_reads_its_configuration_without_a_login(service):
    async with service.session.get(service.base + "canvas.json", headers=PUBLIC) as answer:
        told = await answer.json()
    base = "https://hub.example.org/"
    assert told["target_link_uri"] == base and told["oidc_initiation_url"] == f"{base}hub/lti13/oauth_login"
    assert told["public_jwk_url"] == f"{base}services/courses/jwks.json"
    (extension,) = told["extensions"]
    assert (extension["platform"], extension["domain"]) == ("canvas.instructure.com", "hub.example.org")
    assert extension["privacy_level"] == "public"
    placements = {p["placement"]: p["message_type"] for p in extension["settings"]["placements"]}
    assert placements == dict.fromkeys(("assignment_selection", "link_selection"), "LtiDeepLinkingRequest")
    assert {"title", "description", "scopes", "custom_fields"} <= told.keys()


async def test_a_request_that_names_no_sane_host_gets_no_configuration(service):
    for host in ("evil.example/x", "a b", "'><script>"):
        async with service.session.get(service.base + "canvas.json", headers={**PUBLIC, "Host": host}) as answer:
            assert answer.status == 400


async def test_every_word_stands_in_both_languages_and_differs_where_it_should():
    assert all(len(pair) == 2 and all(pair) for pair in PLATFORM_WORDS.values())
    same = {name for name, (en, de) in PLATFORM_WORDS.items() if en == de}
    assert same <= {"field_issuer", "connect_openedx", "connect_canvas"}
