"""The tool's own keys: made once, changed without a gap, gone when their time is over."""

import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web

from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import DRAFT, FILE, KeyRing
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.core.answers import LmsFailure
from jupyterhub_courses.core.records import Registration

from ..delivering.world import CLIENT_ID, LmsProcess, running_lms
from .conftest import Clock, Serve

DAY = timedelta(hours=24)
SCOPES = ("https://purl.imsglobal.org/spec/lti-ags/scope/score",)


def names(folder: Path) -> set[str]:
    return {path.name.split("-")[0] for path in folder.iterdir()} - {".lock"}


def kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in ring.jwks()["keys"]]


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    (file,) = (tmp_path / "keys").iterdir()
    assert file.name == FILE and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    key = ring.signing()
    assert KeyRing(tmp_path / "keys").signing().kid == key.kid
    (jwk,) = ring.jwks()["keys"]
    assert (jwk["kid"], jwk["alg"], jwk["use"]) == (key.kid, "RS256", "sig") and "d" not in jwk
    signed = jwt.encode({"a": 1}, key.private, "RS256")
    assert jwt.decode(signed, jwt.PyJWK(jwk).key, ["RS256"]) == {"a": 1}


def test_a_key_that_another_process_made_first_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = KeyRing(tmp_path).signing()
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self: False if self.name == FILE else exists(self))
    assert KeyRing(tmp_path).signing().kid == first.kid
    assert os.listdir(tmp_path) == [FILE]


def test_a_new_key_signs_and_the_old_one_stays_published_until_its_time_is_over(tmp_path: Path, clock: Clock) -> None:
    ring = KeyRing(tmp_path, clock)
    old = ring.signing().kid
    new = ring.rotate(DAY).kid
    assert kids(ring) == [new, old] and new != old
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    clock.forward(hours=23)
    assert kids(ring) == [new, old] == kids(KeyRing(tmp_path, clock))  # a restart changes nothing
    clock.forward(hours=2)
    assert kids(ring) == [new] and names(tmp_path) == {FILE}


def test_other_processes_of_the_folder_see_a_change_at_once(tmp_path: Path, clock: Clock) -> None:
    one, other = KeyRing(tmp_path, clock), KeyRing(tmp_path, clock)
    for _ in range(3):
        new = one.rotate(DAY)
        assert other.signing().kid == new.kid and kids(other) == kids(one)
    assert len(kids(one)) == 4
    clock.forward(days=2)
    assert kids(other) == [new.kid] == kids(one)


def test_a_look_at_unchanged_keys_parses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = KeyRing(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", lambda _self: pytest.fail("a key was read again"))
    assert ring.usable() == ring.usable()


def test_a_key_file_with_something_else_in_it_is_named(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    curve = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / FILE).write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match=r"tool\.pem holds no RSA key"):
        KeyRing(tmp_path)


@pytest.mark.parametrize("step", ["link", "replace"])
def test_a_change_that_ends_half_way_changes_nothing_that_counts(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ring = KeyRing(tmp_path, clock)
    before = kids(ring)

    def killed(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, step, killed)
        ring.rotate(DAY)
    again = KeyRing(tmp_path, clock)
    assert kids(again) == before == kids(ring)
    new = again.rotate(DAY).kid
    assert kids(again) == [new, *before]
    clock.forward(days=2)
    assert kids(again) == [new]
    again.sweep()
    assert not [name for name in os.listdir(tmp_path) if name.startswith((DRAFT, "retired"))]


def test_kill_9_at_any_moment_leaves_keys_that_work(tmp_path: Path) -> None:
    chance = random.Random(4)
    last = ""
    for _ in range(6):
        command = [sys.executable, str(Path(__file__).with_name("rotating.py")), str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(chance.randint(1, 3)):
            last = process.stdout.readline().strip()
        time.sleep(chance.random() * 0.2)
        process.kill()
        rest = process.communicate()[0].split()
        last = rest[-1] if rest and len(rest[-1]) == len(last) else last
        ring = KeyRing(tmp_path)
        assert last in kids(ring)  # what signed a moment ago is still published
        signed = jwt.encode({"a": 1}, ring.signing().private, "RS256")
        assert jwt.decode(signed, jwt.PyJWK(ring.jwks()["keys"][0]).key, ["RS256"]) == {"a": 1}
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


# Tokens, before and after a change


@pytest.fixture
def ring(tmp_path: Path, clock: Clock) -> KeyRing:
    return KeyRing(tmp_path / "keys", clock)


@pytest.fixture
def pasted(ring: KeyRing, tmp_path: Path) -> Iterator[LmsProcess]:
    """The demo's LMS with the public key of the first key pasted."""
    with running_lms(tmp_path / "lms", ring.signing().public_pem(), 3) as running:
        yield running


def registration(base: str, token_url: str = "") -> Registration:
    token_url = token_url or f"{base}/mod/lti/token.php"
    return Registration(1, 1, "lab", base, CLIENT_ID, ("1",), f"{base}/auth", token_url, f"{base}/keys", None)


async def test_an_lms_with_a_pasted_key_works_until_the_old_keys_time_is_over(
    ring: KeyRing, pasted: LmsProcess, clock: Clock
) -> None:
    old = ring.signing()
    async with LmsHttp() as http:

        async def token() -> str:
            return await Tokens(http, ring).get(registration(pasted.base), SCOPES)

        assert await token()
        new = ring.rotate(DAY)
        assert await token()
        tokens = Tokens(http, ring)
        assert tokens.key_for(1).kid == new.kid
        await tokens.get(registration(pasted.base), SCOPES)
        assert tokens.key_for(1).kid == old.kid  # what else is signed for this LMS is signed so that it can be read
        clock.forward(hours=25)
        assert tokens.key_for(1).kid == new.kid
        with pytest.raises(LmsFailure, match="token_refused"):
            await token()


async def test_an_lms_that_fetches_the_keyset_takes_the_new_key(
    ring: KeyRing, tmp_path: Path, clock: Clock, serve: Serve
) -> None:
    async def keyset(_request: web.Request) -> web.Response:
        return web.json_response(ring.jwks())

    app = web.Application()
    app.router.add_get("/jwks.json", keyset)
    url = await serve(app)
    with running_lms(tmp_path / "lms", "", 3, keyset_url=f"{url}/jwks.json") as lms:
        async with LmsHttp() as http:
            for _ in range(2):
                tokens = Tokens(http, ring)
                assert await tokens.get(registration(lms.base), SCOPES)
                assert tokens.key_for(1).kid == ring.signing().kid
                ring.rotate(timedelta(0))
            assert len(kids(ring)) == 1
            assert await Tokens(http, ring).get(registration(lms.base), SCOPES)


@pytest.mark.parametrize(("status", "asked"), [(400, 2), (401, 2), (404, 2), (500, 1), (503, 1)])
async def test_the_old_key_is_tried_where_the_new_one_is_refused_and_only_there(
    ring: KeyRing, serve: Serve, status: int, asked: int
) -> None:
    used: list[str] = []

    async def endpoint(request: web.Request) -> web.Response:
        form = await request.post()
        used.append(jwt.get_unverified_header(str(form["client_assertion"]))["kid"])
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/token", endpoint)
    url = await serve(app)
    ring.rotate(DAY)
    async with LmsHttp() as http:
        with pytest.raises(LmsFailure):
            await Tokens(http, ring).get(registration(url, f"{url}/token"), SCOPES)
    assert used == kids(ring)[:asked]
