"""Launches that must not work: each with a really signed token, a 4xx, a sentence, and a reference in the log."""

import base64
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jupyterhub_courses.core.launches import DEEP_LINKING, FOR_USER
from jupyterhub_courses.core.sentences import SENTENCES

from .conftest import Browser, authentication_request
from .platform import Platform, jwk, key_pair


def check(answer, status, code, caplog, what, language="en"):
    """The page that a refused person reads, and its line in the log."""
    assert (answer.status, answer.code) == (status, code), (what, answer.status, answer.code, answer.text[-500:])
    if language in SENTENCES[code]:
        assert answer.sentence == SENTENCES[code][language], what
    assert len(answer.reference) == 8, what
    assert f"Launch refused: {code} (reference {answer.reference})" in caplog.text, what
    assert "Location" not in answer.headers
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors *", what  # an LMS's frame shows it, too
    cookies = answer.headers.getall("Set-Cookie", [])
    assert not any(cookie.startswith("jupyterhub-hub-login") for cookie in cookies), what


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def part(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def renamed(token, alg):
    """A signed token whose header names another algorithm, or none."""
    head = {"kid": "k1", "typ": "JWT"} | ({"alg": alg} if alg else {})
    return f"{part(head)}.{token.partition('.')[2]}"


def hmac_with_public_key(platform, claims):
    """The attack of CVE-2016-10555: the public key as a shared secret."""
    head = f"{part({'alg': 'HS256', 'kid': 'k1', 'typ': 'JWT'})}.{part(claims)}"
    mac = hmac.digest(public_pem(platform.keys["k1"]), head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


TOKENS = {
    "signed by somebody else": (
        lambda p, c: jwt.encode(c, key_pair("stranger"), "RS256", headers={"kid": "k1"}),
        401,
        "signature_wrong",
    ),
    "changed after signing": (
        lambda p, c: ".".join([p.sign(c).split(".")[0], part({**c, "sub": "1"}), p.sign(c).split(".")[2]]),
        401,
        "signature_wrong",
    ),
    "not signed": (lambda p, c: jwt.encode(c, None, "none", headers={"kid": "k1"}), 401, "algorithm_refused"),
    "signature left out": (lambda p, c: p.sign(c).rpartition(".")[0] + ".", 401, "signature_wrong"),
    "hmac with the public key": (hmac_with_public_key, 401, "algorithm_refused"),
    "PS256": (lambda p, c: p.sign(c, algorithm="PS256"), 401, "algorithm_refused"),
    "ES256 with a key of its own": (
        lambda p, c: jwt.encode(c, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "k1"}),
        401,
        "algorithm_refused",
    ),
    "alg in other letters": (lambda p, c: renamed(p.sign(c), "rs256"), 401, "algorithm_refused"),
    "no alg": (lambda p, c: renamed(p.sign(c), None), 401, "algorithm_refused"),
    "an encrypted token": (
        lambda p, c: f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.x.x.x.x",
        400,
        "token_malformed",
    ),
    "a key of 1024 bits": (
        lambda p, c: jwt.encode(c, key_pair("weak", 1024), "RS256", headers={"kid": "weak"}),
        401,
        "key_unknown",
    ),
    "a key that is for encryption": (
        lambda p, c: jwt.encode(c, key_pair("enc"), "RS256", headers={"kid": "enc"}),
        401,
        "key_unknown",
    ),
    "a shared secret from the keyset": (
        lambda p, c: jwt.encode(c, b"a" * 32, "HS256", headers={"kid": "oct"}),
        401,
        "algorithm_refused",
    ),
    "RS512, not allowed here": (lambda p, c: p.sign(c, algorithm="RS512"), 401, "algorithm_refused"),
    "a kid that nobody has": (
        lambda p, c: jwt.encode(c, p.keys["k1"], "RS256", headers={"kid": "k9"}),
        401,
        "key_unknown",
    ),
    "a kid that is no text": (
        lambda p, c: f"{part({'alg': 'RS256', 'kid': ['k1']})}.{part(c)}.{part({})}",
        400,
        "token_malformed",
    ),
    "its own key in the header": (
        lambda p, c: jwt.encode(c, key_pair("own"), "RS256", headers={"jwk": jwk(key_pair("own"), "k1"), "kid": "k1"}),
        401,
        "signature_wrong",
    ),
    "its own keyset in the header": (
        lambda p, c: jwt.encode(c, key_pair("own"), "RS256", headers={"jku": "http://127.0.0.1:1/", "kid": "k1"}),
        401,
        "signature_wrong",
    ),
    "a crit header": (lambda p, c: p.sign(c, crit=["exp"]), 400, "token_malformed"),
    "no token at all": (lambda p, c: "", 400, "token_missing"),
    "no JWT": (lambda p, c: "hello", 400, "token_malformed"),
    "a megabyte": (lambda p, c: "a" * 1_000_000, 413, "token_too_large"),
    "too large": (lambda p, c: p.sign({**c, "x": "y" * 70_000}), 413, "token_too_large"),
    "a claim twice": (
        lambda p, c: p.sign_text(json.dumps(c)[:-1] + ', "sub": "1"}'),
        400,
        "token_malformed",
    ),
    "a list instead of claims": (lambda p, c: p.sign_text(json.dumps([c])), 400, "token_malformed"),
    "NaN": (lambda p, c: p.sign_text(json.dumps({**c, "exp": float("nan")})), 400, "token_malformed"),
    "nested without end": (lambda p, c: p.sign_text("[" * 15_000), 400, "token_malformed"),
}

CLAIMS = {
    "another issuer": ({"iss": "https://evil.example"}, 401, "issuer_wrong"),
    "another audience": ({"aud": "client-2"}, 401, "audience_wrong"),
    "several audiences without azp": ({"aud": ["client-1", "x"]}, 401, "audience_wrong"),
    "another authorised party": ({"aud": ["client-1", "x"], "azp": "x"}, 401, "audience_wrong"),
    "expired": ({"exp": int(time.time()) - 60}, 401, "token_expired"),
    "issued long ago": ({"iat": int(time.time()) - 3600}, 401, "token_expired"),
    "issued in the future": ({"iat": int(time.time()) + 3600}, 401, "token_from_future"),
    "not valid yet": ({"nbf": int(time.time()) + 3600}, 401, "token_from_future"),
    "no expiry": ({"exp": None}, 400, "times_missing"),
    "nonce of another login": ({"nonce": "0" * 64}, 401, "nonce_wrong"),
    "no nonce": ({"nonce": None}, 401, "nonce_wrong"),
    "unknown deployment": ({"deployment_id": "7"}, 401, "deployment_unknown"),
    "LTI 2": ({"version": "2.0"}, 400, "version_unknown"),
    "no version": ({"version": None}, 400, "version_unknown"),
    "no deployment": ({"deployment_id": None}, 401, "deployment_unknown"),
    "a deployment that is a number": ({"deployment_id": 1}, 401, "deployment_unknown"),
    "proctoring": ({"message_type": "LtiStartProctoring"}, 400, "message_type_not_yet"),
    "unknown message": ({"message_type": "Hello"}, 400, "message_type_unknown"),
    "no message": ({"message_type": None}, 400, "message_type_unknown"),
    "an activity of another host": ({"target_link_uri": "https://evil.example/hub"}, 400, "target_outside"),
    "an activity of the same host with a name before it": (
        {"target_link_uri": "http://127.0.0.1@evil.example/hub"},
        400,
        "target_outside",
    ),
    "an activity at no address": ({"target_link_uri": "//127.0.0.1/hub"}, 400, "target_outside"),
    "an activity that is a script": ({"target_link_uri": "javascript:alert(1)"}, 400, "target_outside"),
    "an activity that is no text": ({"target_link_uri": {"url": "x"}}, 400, "target_outside"),
    "a choice without a place for it": ({"message_type": "LtiDeepLinkingRequest"}, 400, "selection_incomplete"),
    "a choice of nothing that we have": (
        {
            "message_type": "LtiDeepLinkingRequest",
            DEEP_LINKING: {"deep_link_return_url": "https://lms.example/return", "accept_types": ["file"]},
        },
        400,
        "selection_of_nothing",
    ),
    "a choice that shall go to a script": (
        {"message_type": "LtiDeepLinkingRequest", DEEP_LINKING: {"deep_link_return_url": "javascript:alert(1)"}},
        400,
        "selection_incomplete",
    ),
    "a review of nobody": ({"message_type": "LtiSubmissionReviewRequest"}, 400, "for_user_missing"),
    "a review of something odd": (
        {"message_type": "LtiSubmissionReviewRequest", FOR_USER: ["1"]},
        400,
        "for_user_missing",
    ),
    "nobody": ({"sub": None}, 400, "sub_missing"),
    "an empty subject": ({"sub": ""}, 400, "sub_missing"),
    "a subject that is a number": ({"sub": 5}, 400, "sub_odd"),
    "a subject with a line break": ({"sub": "5\nINFO all is well"}, 400, "sub_odd"),
    "a subject with a null": ({"sub": "5\0"}, 400, "sub_odd"),
    "a subject beyond ASCII": ({"sub": "ünï"}, 400, "sub_odd"),
    "10 kB of subject": ({"sub": "x" * 10_000}, 400, "sub_odd"),
    "odd subject": ({"sub": "a\u202eb"}, 400, "sub_odd"),
    "no course": ({"context": None}, 400, "no_context"),
    "a course whose id is cut to another's": ({"context": {"id": "2" * 300}}, 400, "context_odd"),
    "a course whose id is another's but for what nobody sees": ({"context": {"id": "2\u200b"}}, 400, "context_odd"),
    "no activity": ({"resource_link": None}, 400, "resource_link_missing"),
}


@pytest.mark.filterwarnings("ignore:The RSA key is 1024")
async def test_tokens_that_do_not_hold(hub, browser_of, platform, service, caplog):
    platform.more_jwks = [
        jwk(key_pair("weak", 1024), "weak"),
        jwk(key_pair("enc"), "enc", use="enc"),
        {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(b"a" * 32).decode()},
    ]
    browser = browser_of()
    for what, (forge, status, code) in TOKENS.items():
        asked = authentication_request(await browser.begin(platform))
        token = forge(platform, platform.claims(asked["nonce"]))
        answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
        check(answer, status, code, caplog, what)
    assert not service.launches
    assert "ada" not in {user.name for user in hub.users.values()}


async def test_claims_that_do_not_hold(hub, browser_of, platform, service, caplog):
    browser = browser_of("de")
    for what, (changes, status, code) in CLAIMS.items():
        check(await browser.launch(platform, **changes), status, code, caplog, what, "de")
    assert not service.launches
    assert "launches as deployment id '7'" in caplog.text  # an administrator can add it


async def test_a_key_of_another_platform_does_not_sign_here(hub, browser_of, platform, service, caplog):
    stranger = Platform(keys={"k2": key_pair("k2")})
    browser = browser_of()
    asked = authentication_request(await browser.begin(platform))
    token = stranger.sign(platform.claims(asked["nonce"]), kid="k2")
    answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    check(answer, 401, "key_unknown", caplog, "a key of another platform")


async def test_states_and_cookies_that_do_not_hold(hub, browser_of, platform, service, caplog, monkeypatch):
    mine, theirs = browser_of(), browser_of()
    callback = "/hub/lti13/oauth_callback"
    asked = authentication_request(await theirs.begin(platform))
    token = platform.sign(platform.claims(asked["nonce"]))
    check(await mine.post(callback, id_token=token), 400, "state_missing", caplog, "no state")
    check(await mine.post(callback, id_token=token, state="x.y"), 400, "state_invalid", caplog, "made up")
    changed = asked["state"][:-2] + "AA"
    check(await mine.post(callback, id_token=token, state=changed), 400, "state_invalid", caplog, "changed")
    # somebody sends me their own launch, so that I work in their name
    check(await mine.post(callback, id_token=token, state=asked["state"]), 400, "cookie_missing", caplog, "foreign")
    name = next(c.key for c in theirs.session.cookie_jar if c.key.startswith("courses-launch-"))
    mine.session.cookie_jar.update_cookies({name: "0" * 32})
    check(await mine.post(callback, id_token=token, state=asked["state"]), 403, "state_foreign", caplog, "fixed")
    check(await mine.post(callback, error="login_required", state="x"), 400, "platform_refused", caplog, "error")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 601)
    check(await theirs.post(callback, id_token=token, state=asked["state"]), 400, "state_expired", caplog, "late")
    assert not service.launches


async def test_a_launch_works_once_even_with_its_cookie_copied(hub, browser_of, platform, service, caplog):
    browser = browser_of()
    asked = authentication_request(await browser.begin(platform))
    kept = {c.key: c.value for c in browser.session.cookie_jar if c.key.startswith("courses-launch-")}
    form = {"id_token": platform.sign(platform.claims(asked["nonce"])), "state": asked["state"]}
    assert (await browser.post("/hub/lti13/oauth_callback", **form)).status == 303
    again = await browser.post("/hub/lti13/oauth_callback", **form)
    check(again, 400, "cookie_missing", caplog, "posted again")
    thief = browser_of()
    thief.session.cookie_jar.update_cookies(kept)
    check(await thief.post("/hub/lti13/oauth_callback", **form), 401, "nonce_replayed", caplog, "replayed")
    assert len(service.launches) == 1


async def test_what_the_specification_allows_and_some_platforms_do_is_accepted(hub, browser_of, platform, service):
    """Several audiences, keys without alg and use (Open edX), an answer with more than one key, both with a kid."""
    platform.more_jwks = [jwk(key_pair("older"), "k0", alg="RS256", use="sig"), {"kty": "EC", "kid": "e1"}]
    for changes in ({"aud": ["x", "client-1"], "azp": "client-1"}, {"aud": ["client-1"]}, {"azp": "client-1"}):
        assert (await browser_of().launch(platform, **changes)).status == 303, changes
    assert len(service.launches) == 3


async def test_logins_that_nobody_may_begin(hub, browser_of, platform, caplog):
    browser: Browser = browser_of()
    for changes, status, code in (
        ({"iss": "https://evil.example"}, 401, "registration_unknown"),
        ({"client_id": "client-9"}, 401, "registration_unknown"),
        ({"iss": ""}, 400, "login_incomplete"),
        ({"login_hint": ""}, 400, "login_incomplete"),
        ({"target_link_uri": ""}, 400, "login_incomplete"),
        ({"target_link_uri": "https://evil.example/hub"}, 400, "target_outside"),
        ({"target_link_uri": "//evil.example/hub"}, 400, "target_outside"),
        ({"target_link_uri": f"{browser.base}@evil.example/hub"}, 400, "target_outside"),
        ({"target_link_uri": f"{browser.base}\\@evil.example/"}, 400, "target_outside"),
        ({"target_link_uri": f"javascript://{browser.base[7:]}/%0aalert(1)"}, 400, "target_outside"),
        ({"login_hint": "x" * 10_000}, 400, "login_incomplete"),
        ({"iss": "x" * 10_000}, 400, "login_incomplete"),
        ({"client_id": "x" * 10_000}, 400, "login_incomplete"),
        ({"lti_message_hint": "x" * 10_000}, 400, "login_incomplete"),
    ):
        check(await browser.begin(platform, **changes), status, code, caplog, changes)
    answer = await browser.post("/hub/lti13/oauth_login?iss=https://evil.example", iss=platform.issuer)
    check(answer, 400, "login_incomplete", caplog, "an argument twice")
    login = {"iss": platform.issuer, "login_hint": "h", "target_link_uri": f"{browser.base}/hub"}
    for name in ("client_id", "lti_message_hint", "login_hint", "target_link_uri"):
        answer = await browser.post(f"/hub/lti13/oauth_login?{name}=x", **{"client_id": "client-1", **login, name: "x"})
        check(answer, 400, "login_incomplete", caplog, f"{name} twice")
    assert (await browser.post("/hub/lti13/oauth_login", client_id="", **login)).status == 302


async def test_what_the_service_refuses_is_said_in_the_readers_language(hub, browser_of, platform, service, caplog):
    body = {"code": "student_before_teacher", "message": "Not yet.", "reference": "0123abcd"}
    service.refusal = (403, body)
    for language in ("en", "de"):
        answer = await browser_of(language).launch(platform)
        check(answer, 403, "student_before_teacher", caplog, language, language)
        assert answer.reference == "0123abcd"
    service.refusal = (409, {**body, "code": "of_a_newer_service"})
    answer = await browser_of().launch(platform)
    assert (answer.status, answer.sentence) == (409, "Not yet.")


async def test_somebody_whom_the_hub_blocks_stays_out(hub, browser_of, platform, caplog):
    hub.authenticator.blocked_users = {"ada"}
    check(await browser_of().launch(platform), 403, "login_refused", caplog, "blocked")


async def test_while_the_service_or_the_lms_is_away_people_are_asked_to_try_again(
    hub, browser_of, platform, service, caplog
):
    browser = browser_of()
    asked = authentication_request(await browser.begin(platform))
    platform.status = 503
    answer = await browser.launch(platform)
    check(answer, 503, "keyset_unreachable", caplog, "keyset")
    assert answer.headers["Retry-After"]
    token = platform.sign(platform.claims(asked["nonce"]))
    hub.authenticator._keysets._keysets.clear()
    platform.status = 200
    await service.stop()
    answer = await browser.post("/hub/lti13/oauth_callback", id_token=token, state=asked["state"])
    check(answer, 503, "service_down", caplog, "admission")
    hub.authenticator.courses.registrations._known.clear()
    check(await browser.begin(platform), 503, "service_down", caplog, "login")
