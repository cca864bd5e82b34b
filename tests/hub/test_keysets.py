"""An LMS's public keys: fetched once for many, bounded, and kept while the LMS is away."""

import asyncio

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jupyterhub_courses.adapters.lms import keysets as module
from jupyterhub_courses.adapters.lms.id_tokens import verified_claims
from jupyterhub_courses.adapters.lms.keysets import Keysets, KeysetUnreachable, fetch_keyset, new_session, parse_keyset
from jupyterhub_courses.core.refusals import LaunchRefused

from .platform import Platform, jwk, key_pair


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
async def session():
    async with new_session() as session:
        yield session


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keysets(session, clock):
    return Keysets(lambda url: fetch_keyset(session, url), fresh_s=100, interval_s=10, keep_s=1000, clock=clock)


async def code_of(awaitable):
    with pytest.raises(LaunchRefused) as refusal:
        await awaitable
    return refusal.value.code


async def test_many_waiting_launches_cause_one_fetch(keysets, platform):
    platform.delay_s = 0.1
    keys = await asyncio.gather(*(keysets.key(f"{platform.url}/keys", "k1") for _ in range(50)))
    assert platform.fetches == 1 and len({id(key) for key in keys}) == 1


async def test_a_launch_that_is_given_up_does_not_end_the_others_fetch(keysets, platform):
    platform.delay_s = 0.1
    first = asyncio.create_task(keysets.key(f"{platform.url}/keys", "k1"))
    second = asyncio.create_task(keysets.key(f"{platform.url}/keys", "k1"))
    await asyncio.sleep(0.03)
    first.cancel()
    assert (await second).rsa and platform.fetches == 1


async def test_an_unknown_kid_fetches_once_in_an_interval(keysets, platform, clock):
    url = f"{platform.url}/keys"
    await keysets.key(url, "k1")
    clock.now += 11
    assert [await code_of(keysets.key(url, "forged")) for _ in range(3)] == ["key_unknown"] * 3
    assert platform.fetches == 2
    clock.now += 11
    platform.keys["k2"] = key_pair("k2")
    assert (await keysets.key(url, "k2")).rsa
    assert platform.fetches == 3


async def test_the_last_good_keyset_is_used_while_the_lms_is_away(keysets, platform, clock):
    url = f"{platform.url}/keys"
    await keysets.key(url, "k1")
    platform.status = 500
    clock.now += 500
    assert (await keysets.key(url, "k1")).rsa
    await asyncio.sleep(0.05)
    assert platform.fetches == 2
    clock.now += 600
    assert await code_of(keysets.key(url, "k1")) == "keyset_unreachable"


async def test_an_old_keyset_is_renewed_without_anybody_waiting(keysets, platform, clock):
    url = f"{platform.url}/keys"
    await keysets.key(url, "k1")
    platform.delay_s, clock.now = 0.3, clock.now + 101
    await keysets.key(url, "k1")
    assert platform.answers == 1  # the second fetch is still under way
    platform.keys = {"k2": key_pair("k2")}
    assert (await keysets.key(url, "k2")).rsa  # joins the fetch under way
    assert platform.fetches == 2
    assert await code_of(keysets.key(url, "k1")) == "key_unknown"


async def test_a_slow_lms_stalls_nobody_else(session, platform, monkeypatch):
    monkeypatch.setattr(module, "LIMIT_S", 0.3)
    slow = Platform(delay_s=30)
    app = web.Application()
    app.router.add_get("/keys", slow.keyset)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slow_url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    async with new_session() as short:
        keysets = Keysets(lambda url: fetch_keyset(short, url))
        waiting = asyncio.create_task(code_of(keysets.key(slow_url, "k1")))
        await asyncio.sleep(0.05)
        assert (await keysets.key(f"{platform.url}/keys", "k1")).rsa
        assert not waiting.done()
        assert await waiting == "keyset_unreachable"
        assert await code_of(keysets.key(slow_url, "k1")) == "keyset_unreachable"
        assert slow.fetches == 1  # a dead LMS is not asked for every launch
    await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/keys"}),
        lambda: web.Response(status=404),
        lambda: web.Response(text="no json"),
        lambda: web.Response(body=b"[" * 100_000),
        lambda: web.Response(body=b" " * (module.BODY_MAX + 1)),
        lambda: web.json_response({"keys": {}}),
        lambda: web.json_response({"keys": []}),
        lambda: web.json_response(["keys"]),
    ],
)
async def test_answers_that_are_no_keyset(session, answer):
    async def serve(request):
        return answer()

    app = web.Application()
    app.router.add_get("/keys", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    keysets = Keysets(lambda url: fetch_keyset(session, url))
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    assert await code_of(keysets.key(url, "k1")) == "keyset_unreachable"
    await runner.cleanup()


def test_only_keys_that_may_sign_a_launch_are_taken():
    import json

    key, small = key_pair("k1"), key_pair("small", 1024)
    good = [jwk(key, "bare"), jwk(key, "full", use="sig", alg="RS512")]
    bad = [
        jwk(small, "small"),
        jwk(key, "enc", use="enc"),
        jwk(key, "ps", alg="PS256"),
        jwk(key, "list", alg=["RS256"]),
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "half", "n": "AQAB"},
        {"kty": "RSA", "kid": "odd", "n": 5, "e": []},
        "text",
        None,
    ]
    found = parse_keyset(json.dumps({"keys": bad + good}).encode())
    assert set(found) == {"bare", "full"} and found["full"].alg == "RS512"
    with pytest.raises(KeysetUnreachable):
        parse_keyset(json.dumps({"keys": bad}).encode())


async def test_a_pasted_key_needs_no_keyset(keysets, platform):
    public = key_pair("k1").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    token = platform.sign(platform.claims("n"), kid="k1")
    claims = await verified_claims(token, keysets, None, f"\n{public}\n", ["RS256"])
    assert claims["sub"] == "5" and platform.fetches == 0
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    odd = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for pem in (odd, "no key", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"):
        assert await code_of(verified_claims(token, keysets, None, pem, ["RS256"])) == "key_unknown"


async def test_a_key_without_kid_counts_only_if_it_is_the_only_one(keysets, platform):
    import jwt

    token = jwt.encode({"sub": "5"}, key_pair("k1"), "RS256")
    url = f"{platform.url}/keys"
    assert (await verified_claims(token, keysets, url, None, ["RS256"]))["sub"] == "5"
    platform.keys["k2"] = key_pair("k2")
    other = f"{platform.url}/keys?two"
    assert await code_of(verified_claims(token, keysets, other, None, ["RS256"])) == "key_unknown"
