"""The real hub with the real courses service: what only both together can show of a launch."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ..hub.platform import Platform, key_pair
from ..support.system import Browser, Person, System, registration

COURSE = "ML101"


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[System]:
    """The running system, without anybody in it."""
    system = System(tmp_path_factory.mktemp("launching"), chp, admins=("root-of-hub",))
    try:
        system.start()
        yield system
    finally:
        system.end()


@pytest.fixture(scope="session")
def platform(system: System) -> Platform:
    """An LMS that the system knows."""
    platform = Platform(issuer="https://lab.example", client_id="lab-client", keys={"k1": key_pair("lab")})
    system.apply(registration(platform, "lab"))
    return platform


@pytest.fixture(scope="session")
def teacher(system: System, platform: Platform) -> Person:
    """Grace, whose first click made the course."""
    grace = Person(system, platform, "1", ("Grace", "Hopperowska"), "grace", "instructor")
    grace.launch(COURSE)
    return grace


@pytest.fixture(scope="session")
def students(system: System, platform: Platform, teacher: Person) -> tuple[Person, Person]:
    """Ada and Bob, each launched once."""
    ada = Person(system, platform, "5", ("Augusta", "Byronovna"), "ada")
    bob = Person(system, platform, "6", ("Roberto", "Secretario"), "bob")
    ada.launch(COURSE)
    bob.launch(COURSE)
    return ada, bob


def refused(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a page of refusal, which has a sentence and a reference, and logs nobody in."""
    code = re.search(r'data-code="(\w+)"', answer.text)
    assert code, answer.text[-500:]
    assert re.search(r"<code>[0-9a-z]{8,}</code>", answer.text), answer.text[-500:]
    assert not logged_in(answer)
    return answer.status_code, code[1]


def logged_in(answer: requests.Response) -> bool:
    """Whether the answer begins a session at the hub."""
    return any(name.startswith("jupyterhub-hub-login") for name in answer.cookies.get_dict())


def form_of(browser: Browser, platform: Platform, **claims: Any) -> dict[str, str]:
    """A launch as the LMS makes the browser post it."""
    asked = browser.begin(platform)
    return {"id_token": platform.sign(platform.claims(asked["nonce"], **claims)), "state": asked["state"]}
