"""LMSs that hang, in their hundreds, and the one that does not."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from jupyterhub_courses.adapters.lms import resolving
from jupyterhub_courses.adapters.lms.keysets import Keysets, fetch_keyset, new_session, parse_keyset
from jupyterhub_courses.adapters.lms.resolving import LmsResolver
from jupyterhub_courses.core.refusals import LaunchRefused

from ..hub.conftest import platform  # noqa: F401 - a fixture
from ..hub.platform import Platform

HANGING = 300


@pytest.fixture
def hanging() -> Iterator[list[str]]:
    """Keyset addresses that take a connection and never answer."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(HANGING)]
    yield [f"http://127.0.0.1:{each.getsockname()[1]}/keys" for each in listeners]
    for each in listeners:
        each.close()


async def test_three_hundred_lmss_that_hang_hold_up_no_launch_of_another(
    hanging: list[str],
    platform: Platform,  # noqa: F811
) -> None:
    async with new_session() as session:
        keysets = Keysets(lambda url: fetch_keyset(session, url))
        waiting = [asyncio.create_task(keysets.key(url, "k1")) for url in hanging]
        async with asyncio.timeout(4):  # less than the time after which the others are given up
            while len(session.connector._acquired) < HANGING:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
            assert (await keysets.key(f"{platform.url}/keys", "k1")).rsa
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_names_that_nobody_answers_for_hold_up_no_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = threading.Event()
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **more: object) -> object:
        if host.startswith("silent"):
            silent.wait(30)
            raise OSError("no answer")
        return look_up("127.0.0.1", *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(resolving.socket, "getaddrinfo", getaddrinfo)
    resolver = LmsResolver()
    waiting = [asyncio.create_task(resolver.resolve(f"silent{n}.invalid", 443)) for n in range(100)]
    try:
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            (found,) = await resolver.resolve("lms.invalid", 443)
        assert (found["host"], found["port"]) == ("127.0.0.1", 443) and not any(task.done() for task in waiting)
        async with asyncio.timeout(20):  # the process's own lookups have their threads, too
            assert await asyncio.get_running_loop().getaddrinfo("hub.invalid", 80)
    finally:
        silent.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        await resolver.close()


async def test_a_name_that_was_found_before_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "PATIENCE_S", 0.05)
    gone = threading.Event()
    answers = iter([False, True])

    def getaddrinfo(*_arguments: object, **_more: object) -> object:
        if next(answers):
            gone.wait(30)
            raise OSError("no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(resolving.socket, "getaddrinfo", getaddrinfo)
    resolver = LmsResolver()
    first = await resolver.resolve("lms.invalid", 443)
    assert await resolver.resolve("lms.invalid", 443) == first
    gone.set()
    await resolver.close()


def test_a_key_that_takes_long_to_check_is_none() -> None:
    import base64

    def number(bits: int) -> str:
        value = (1 << (bits - 1)) + 129
        return base64.urlsafe_b64encode(value.to_bytes(bits // 8, "big")).decode().rstrip("=")

    def key(bits: int, e: str = "AQAB") -> dict[str, str]:
        return {"kty": "RSA", "e": e, "n": number(bits), "kid": f"{bits} {len(e)}"}

    keys = [key(bits) for bits in (4096, 8192, 16384, 500_000)] + [key(3072, "Aw"), key(3072, number(2048))]
    assert set(parse_keyset(json.dumps({"keys": keys}).encode())) == {"4096 4", "8192 4", "3072 2"}


async def test_what_a_token_says_about_keys_is_never_fetched(platform: Platform) -> None:  # noqa: F811
    """`jku`, `x5u` and `iss` name addresses; the registration's alone counts."""
    import jwt

    from jupyterhub_courses.adapters.lms.id_tokens import verified_claims

    from ..hub.platform import key_pair

    evil = f"{platform.url}/evil"
    headers = {"kid": "k2", "jku": f"{platform.url}/keys", "x5u": evil, "jwk": {"kty": "RSA"}}
    token = jwt.encode({"iss": evil, "sub": "5", "iat": int(time.time())}, key_pair("k1"), "RS256", headers=headers)
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        return b'{"keys": []}'

    with pytest.raises(LaunchRefused):
        await verified_claims(token, Keysets(fetch), "http://registered.invalid/keys", None, ["RS256"])
    assert asked == ["http://registered.invalid/keys"] and platform.fetches == 0
