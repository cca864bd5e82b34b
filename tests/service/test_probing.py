"""`platforms test` over real HTTP: the demo's LMS, which answers as the recorded Moodle, and LMSs that misbehave."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import KeyRing
from jupyterhub_courses.adapters.lms.probes import Probes
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.core.answers import Answer
from jupyterhub_courses.core.platforms import Known
from jupyterhub_courses.core.probe_sentences import STEPS, TEXTS
from jupyterhub_courses.core.probes import SCOPES, Finding, State
from jupyterhub_courses.core.records import Platform, Registration
from jupyterhub_courses.usecases.probing import Own, Probing

from ..demo_lms.lab import CLIENT, TOOL_PEM, recorded_site, running_lms
from ..support.ports import free_port

OWN = Own("https://hub.example.org/hub/lti13/oauth_callback", "https://hub.example.org/services/courses/jwks.json")


BOTH_AWAY = {"keyset": "fault_unreachable", "login": "fault_unreachable"}


def now():
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    return KeyRing(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def http():
    async with LmsHttp() as http:
        yield http


@pytest.fixture
def probing(http, ring):
    return Probing(Probes(http, Tokens(http, ring)), now)


@pytest.fixture
def lms(tmp_path, ring):
    with running_lms(tmp_path / "lms", recorded_site(public_key=ring.signing().public_pem())) as lab:
        yield lab


def registered(base, **changes):
    urls = (f"{base}/mod/lti/auth.php", f"{base}/mod/lti/token.php", f"{base}/mod/lti/certs.php")
    return replace(Registration(1, 1, "lab", base, CLIENT, ("1",), *urls, None), **changes)


async def steps_of(probing, *registrations, launched=frozenset()):
    """Step -> (state, code) of the last registration."""
    platform = Platform(1, "lab", registrations[0].issuer, "off", (), 1)
    report = await probing.test(Known(platform, registrations, launched=launched), OWN)
    found = {f.step: (f.state.value, f.code) for f in report.tested[-1].findings}
    assert report.right is all(f.state is not State.WRONG for one in report.tested for f in one.findings)
    return found


def wrong(found):
    return {step: code for step, (state, code) in found.items() if state == "wrong"}


async def test_a_right_registration_is_right_in_every_step(probing, lms):
    found = await steps_of(probing, registered(lms.base))
    assert wrong(found) == {}
    assert list(found) == [
        *("addresses", "login", "redirect", "keyset", "clock", "token"),
        *(f"scope_{name}" for name in SCOPES),
        "deployments",
    ]
    assert found["redirect"] == ("look", "redirect_unseen")
    seen = await steps_of(probing, registered(lms.base), launched=frozenset({1}))
    assert seen["redirect"] == ("ok", "redirect_seen")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"client_id": "nobody"}, {"token": "token_client"}),
        ({"keyset_url": "{base}/mod/lti/cert.php"}, {"keyset": "keyset_status"}),
        ({"keyset_url": "{base}/mod/lti/openid-configuration.php"}, {"keyset": "keyset_none"}),
        ({"keyset_url": None, "public_key": TOOL_PEM.decode()}, {}),
        ({"keyset_url": None, "public_key": "PEM"}, {"keyset": "pasted_unreadable"}),
        ({"authorize_url": "{base}/mod/lti/nothing.php"}, {"login": "login_status"}),
        ({"token_url": "{base}/mod/lti/nothing.php"}, {"token": "token_page"}),
        ({"token_url": "{base}/mod/lti/certs.php"}, {"token": "token_status"}),
        ({"token_url": None}, {"token": "token_url_missing"}),
        ({"token_url": "{free}/token"}, {"token": "fault_unreachable"}),
        ({"keyset_url": "{free}/keys", "authorize_url": "{free}/a"}, BOTH_AWAY),
        ({"authorize_url": "lms/auth"}, {"addresses": "address_malformed"}),
        ({"deployment_ids": ()}, {"deployments": "deployments_none"}),
    ],
)  # fmt: skip
async def test_each_wrong_value_is_named_by_its_step_and_nothing_else_is(probing, lms, changes, problem):
    places = {"base": lms.base, "free": f"http://127.0.0.1:{free_port()}"}
    changes = {name: value.format(**places) if isinstance(value, str) else value for name, value in changes.items()}
    assert wrong(await steps_of(probing, registered(lms.base, **changes))) == problem


async def test_an_lms_with_another_key_of_ours_says_so(probing, tmp_path):
    with running_lms(tmp_path / "other") as lab:
        assert wrong(await steps_of(probing, registered(lab.base))) == {"token": "token_key"}


async def test_an_lms_that_cannot_fetch_our_keyset_says_so(probing, tmp_path):
    address = f"http://127.0.0.1:{free_port()}/jwks.json"
    site = recorded_site()
    site = replace(site, tool=replace(site.tool, public_key=None, keyset_url=address))
    with running_lms(tmp_path / "blocked", site) as lab:
        assert wrong(await steps_of(probing, registered(lab.base))) == {"token": "token_page"}


async def test_an_lms_that_knows_a_retired_key_only_is_to_be_looked_at(http, tmp_path):
    ring = KeyRing(tmp_path / "keys")
    site = recorded_site(public_key=ring.signing().public_pem())
    ring.rotate(timedelta(hours=1))
    with running_lms(tmp_path / "lms", site) as lab:
        found = await steps_of(Probing(Probes(http, Tokens(http, ring)), now), registered(lab.base))
    assert found["token"] == ("look", "token_old_key") and wrong(found) == {}


class Fake:
    """An LMS whose clock, token answers and delays the test sets."""

    def __init__(self):
        self.ahead, self.delay, self.tokens, self.asked = timedelta(0), 0.0, {}, []
        self.scope_said = True

    async def answer(self, request):
        self.asked.append(request.path)
        await asyncio.sleep(self.delay)
        if request.path == "/mod/lti/token.php":
            scope = (await request.post())["scope"]
            status, body = self.tokens.get(scope, (200, {"access_token": "t", "scope": scope}))
            if status == 200 and not self.scope_said:
                body = {"access_token": "t"}
            return web.Response(status=status, text=body if isinstance(body, str) else json.dumps(body))
        return web.json_response(self.keyset)

    async def dated(self, _request, response):
        response.headers["Date"] = (now() + self.ahead).strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.fixture
async def fake(ring) -> AsyncIterator[Fake]:
    fake = Fake()
    fake.keyset = ring.jwks()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    app.on_response_prepare.append(fake.dated)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (timedelta(seconds=90), "clock_ahead"),
        (timedelta(seconds=-90), "clock_behind"),
        (timedelta(days=400), "clock_ahead"),
        (timedelta(seconds=8), None),
    ],
)
async def test_a_clock_that_goes_wrong_is_named_with_its_seconds(probing, fake, ahead, code):
    fake.ahead = ahead
    found = await steps_of(probing, registered(fake.base))
    assert wrong(found).get("clock") == code


@pytest.mark.parametrize("said", [True, False])
async def test_each_right_is_told_alone(probing, fake, said):
    fake.scope_said = said
    fake.tokens[SCOPES["score"]] = (400, {"error": "invalid_scope"})
    assert wrong(await steps_of(probing, registered(fake.base))) == {"scope_score": "missing_score"}


async def test_a_tool_without_services_is_known_and_may_nothing(probing, fake):
    fake.tokens = {scope: (400, {"error": "invalid_scope"}) for scope in SCOPES.values()}
    found = await steps_of(probing, registered(fake.base))
    assert found["token"] == ("ok", "token_ok")
    assert set(wrong(found)) == {f"scope_{name}" for name in SCOPES}


async def test_a_token_for_less_than_was_asked_grants_nothing(probing, fake):
    fake.tokens = {scope: (200, {"access_token": "t", "scope": ""}) for scope in SCOPES.values()}  # Open edX drops it
    assert set(wrong(await steps_of(probing, registered(fake.base)))) == {f"scope_{name}" for name in SCOPES}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            '{\n  "error" : ""kid" invalid, unable to lookup correct key"\n}',
            "token_key",
        ),  # Moodle, as it writes it
        (400, {"error": "Signature verification failed"}, "token_key"),
        (400, {"error": "Cannot handle token with iat prior to 2026-03-02T10:15:00+0000"}, "token_clock"),
        (400, {"error": "Expired token"}, "token_clock"),
        (400, {"error": "invalid_client"}, "token_client"),
        (400, {"error": "unsupported_grant_type"}, "token_refused"),
        (404, "<html>", "token_page"),
        (503, "<html>", "token_status"),
        (200, "<html>", "token_status"),
        (302, "", "token_status"),
    ],
)
async def test_what_a_refusal_means(probing, fake, status, body, code):
    fake.tokens = {scope: (status, body) for scope in SCOPES.values()}
    assert wrong(await steps_of(probing, registered(fake.base))) == {"token": code}


async def test_a_keyset_that_can_check_nothing_is_not_right(probing, fake):
    fake.keyset = {"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}]}
    assert wrong(await steps_of(probing, registered(fake.base)))["keyset"] == "keyset_empty"
    fake.keyset = {"keys": [], "more": "x" * 300_000}
    assert wrong(await steps_of(probing, registered(fake.base)))["keyset"] == "fault_too_large"


async def test_an_lms_that_hangs_ends_the_test_and_every_registration_is_told(http, ring, fake):
    fake.delay = 60
    probing = Probing(Probes(http, Tokens(http, ring)), now, seconds=0.3)
    many = [registered(fake.base, id=n, client_id=str(n)) for n in range(1, 12)]
    platform = Platform(1, "lab", fake.base, "off", (), 1)
    report = await probing.test(Known(platform, tuple(many)), OWN)
    assert [one.client_id for one in report.tested] == [str(n) for n in range(1, 12)]
    assert {f.code for one in report.tested for f in one.findings} == {"not_in_time"} and not report.right


async def test_who_asks_while_a_test_runs_gets_that_test(probing, fake):
    fake.delay = 0.2
    known = Known(Platform(1, "lab", fake.base, "off", (), 1), (registered(fake.base),))
    first, second = await asyncio.gather(probing.test(known, OWN), probing.test(known, OWN))
    assert first is second is probing.last["lab"]
    assert fake.asked.count("/mod/lti/certs.php") == 1


async def test_plain_http_is_wrong_but_on_this_machine(probing):
    found = await steps_of(probing, registered("http://127.0.0.1:1"))
    assert found["addresses"][1] == "addresses_ok"
    one = registered("https://lms.invalid", token_url="http://lms.invalid/token")
    assert (await steps_of(probing, one))["addresses"][1] == "address_plain"


def test_every_finding_is_a_sentence_in_both_languages():
    values = dict.fromkeys(
        ("name", "number", "status", "address", "seconds", "client_id", "error", "keyset", "deployments"), "VALUE"
    )
    for code in TEXTS:
        texts = {language: Finding("token", State.OK, code, values).text(language) for language in ("en", "de")}
        assert len(set(texts.values())) == 2 and "{" not in "".join(texts.values()), code
    assert all(texts.keys() == {"en", "de"} for texts in STEPS.values())


def test_no_words_of_an_lms_get_far():
    from jupyterhub_courses.core.probes import token

    told = Answer(400, body=json.dumps({"error": "x\x1b[2J" + "é" * 5000 + os.linesep}).encode())
    finding = token(registered("https://lms"), dict.fromkeys(SCOPES, told), False, OWN.keyset_url)
    assert len(finding.values["error"]) <= 80 and finding.values["error"].isprintable()
