"""`platforms test` against the real Moodle: what it answers to each mistake is what the test says."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import KeyRing
from jupyterhub_courses.adapters.lms.probes import Probes
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.core.platforms import Known
from jupyterhub_courses.core.probes import SCOPES
from jupyterhub_courses.core.records import Platform, Registration
from jupyterhub_courses.usecases.probing import Own, Probing

from ..support.ports import free_port
from .lab import Lab

OWN = Own("http://127.0.0.1:8000/hub/lti13/oauth_callback", "http://127.0.0.1:8000/services/courses/jwks.json")
GRADES = {"scope_lineitem", "scope_result.readonly", "scope_score"}


@dataclass
class Tools:
    """Tools in Moodle, each its own registration; forgotten at the end."""

    lab: Lab
    key: Path
    made: list[str]

    def registered(self, **options: str) -> Registration:
        name = f"platforms-{secrets.token_hex(4)}"
        options = {"activity": name, "custom": "", "redirect_uris": OWN.redirect_uri, **options}
        seeded: dict[str, Any] = self.lab.seed(name, **options)
        self.made.append(str(seeded["deployment_id"]))
        return Registration(
            id=1,
            platform_id=1,
            platform="moodle",
            issuer=self.lab.url,
            client_id=seeded["client_id"],
            deployment_ids=(str(seeded["deployment_id"]),),
            authorize_url=seeded["authorization_endpoint"],
            token_url=seeded["token_endpoint"],
            keyset_url=seeded["jwks_uri"],
            public_key=None,
        )

    def right(self, **options: str) -> Registration:
        """With our key pasted."""
        return self.registered(public_key=str(self.key), **options)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing(tmp_path_factory.mktemp("keys"))


def _pem(folder: Path, ring: KeyRing) -> Path:
    """The public key in a file that Moodle's own user can read."""
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    path = folder / "tool.pem"
    path.write_text(ring.signing().public_pem())
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def tools(moodle: Lab, ring: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tools]:
    tools = Tools(moodle, _pem(tmp_path_factory.mktemp("moodle-keys"), ring), [])
    yield tools
    for type_id in tools.made:
        moodle.do("forget", type_id)


@pytest.fixture(scope="module")
def right(tools: Tools) -> Registration:
    return tools.right()


@pytest.fixture
async def probing(ring: KeyRing) -> AsyncIterator[Probing]:
    async with LmsHttp() as http:
        yield Probing(Probes(http, Tokens(http, ring)), lambda: datetime.now(UTC))


async def wrong(probing: Probing, registration: Registration) -> dict[str, str]:
    """Step -> code of what is wrong."""
    known = Known(Platform(1, "moodle", registration.issuer, "off", (), 1), (registration,))
    (tested,) = (await probing.test(known, OWN)).tested
    return {f.step: f.code for f in tested.findings if f.state.value == "wrong"}


async def test_a_right_tool_is_right(probing: Probing, right: Registration) -> None:
    assert await wrong(probing, right) == {}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"client_id": "nobody"}, {"token": "token_client"}),
        ({"keyset_url": "/mod/lti/cert.php"}, {"keyset": "keyset_status"}),
        ({"keyset_url": "/login/index.php"}, {"keyset": "keyset_none"}),
        ({"authorize_url": "/mod/lti/aut.php"}, {"login": "login_status"}),
        ({"token_url": "/mod/lti/tok.php"}, {"token": "token_page"}),
        ({"token_url": "/mod/lti/auth.php"}, {"token": "token_status"}),
    ],
)
async def test_a_wrong_value_is_named(
    probing: Probing, right: Registration, changes: dict[str, str], problem: dict[str, str]
) -> None:
    changes = {name: f"{right.issuer}{v}" if v.startswith("/") else v for name, v in changes.items()}
    assert await wrong(probing, replace(right, **changes)) == problem


async def test_a_moodle_with_another_key_or_without_access_to_ours_is_named(
    probing: Probing, tools: Tools, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("other-keys")
    other = tools.registered(public_key=str(_pem(folder, KeyRing(folder / "ring"))))
    assert await wrong(probing, other) == {"token": "token_key"}
    blocked = tools.registered(keyset_url=f"http://127.0.0.1:{free_port()}/jwks.json")
    assert await wrong(probing, blocked) == {"token": "token_page"}


async def test_services_that_the_tool_may_not_use_are_named_one_by_one(probing: Probing, tools: Tools) -> None:
    assert set(await wrong(probing, tools.right(ags="0", nrps="0"))) == {f"scope_{name}" for name in SCOPES}
    assert set(await wrong(probing, tools.right(ags="1"))) == {"scope_lineitem"}
    assert set(await wrong(probing, tools.right(ags="0"))) == GRADES
    assert set(await wrong(probing, tools.right(nrps="0"))) == {"scope_contextmembership.readonly"}


async def test_moodle_tells_nobody_whether_a_redirect_address_is_right(ring: KeyRing, right: Registration) -> None:
    """Which is why the test says `look` there: should this fail, it could say more."""
    async with LmsHttp() as http:
        probes = Probes(http, Tokens(http, ring))
        asked = (OWN.redirect_uri, "https://evil.invalid/callback")
        assert {(await probes.login(right, uri)).status for uri in asked} == {200}
