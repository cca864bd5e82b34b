"""One running system for all tests of this folder: two LMSs that sign, two courses of one and one of the other.

    platform lab     ML101: Grace teaches, Tara assists, Ada and Bob study     STATS: Theo teaches, Bob studies
    platform other   a course with ML101's very context id: Olaf teaches, Otto studies; all `sub`s as at lab

Running servers: ada's, bob's and the graders' of ml101. What people are called is searched for in the logs later.
"""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from ..hub.platform import Platform, key_pair
from ..support.system import Person, System, body, registration, wait_for, with_token

REFRESH_S = 3  # instead of the product's 60, so that losing a role can be waited for
MORE = f"""
c.CoursesLTI13Authenticator.auth_refresh_age = {REFRESH_S}
c.Spawner.args = ["--HubOAuth.cache_max_age={REFRESH_S}"]
"""
FILES = json.dumps([{"path": "ps1.ipynb", "content": base64.b64encode(b"the work of bob").decode()}])


@dataclass
class World:
    """The system, who is in it, and the tokens of the running servers, as their people read them in a shell."""

    system: System
    lab: Platform
    other: Platform
    people: dict[str, Person]
    tokens: dict[str, str] = field(default_factory=dict)
    exchange: str = ""  # ml101's, with trailing slash
    foreign_exchange: str = ""  # stats'
    secrets: set[str] = field(default_factory=set)  # everything that no log may hold

    def __getattr__(self, name: str) -> Person:
        try:
            return self.__dict__["people"][name]
        except KeyError:
            raise AttributeError(name) from None

    def api(self, method: str, path: str, token: str, scheme: str = "token ", **more: Any) -> requests.Response:
        """The service's API, asked from inside a server: not through the proxy."""
        return with_token(method, f"{self.system.direct}api/{path}", token, scheme, **more)

    def ngshare(self, method: str, path: str, token: str, **more: Any) -> requests.Response:
        """ml101's exchange."""
        return with_token(method, self.exchange + path, token, **more)

    def server_url(self, username: str) -> str:
        """A server of ml101, not through the proxy: its port is no secret on one machine."""
        pid = self.system.server(username, "ml101")
        assert pid is not None
        return self.system.environment(pid)["JUPYTERHUB_SERVICE_URL"].rstrip("/") + "/"


def state(taken_at: float | None = None, **scores: float) -> dict[str, Any]:
    """A gradebook's state with one assignment."""
    now = time.time() if taken_at is None else taken_at
    graded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    rows = [
        {"assignment": "quiz", "username": u, "score": s, "max_score": 10, "graded_at": graded, "comment": None}
        for u, s in scores.items()
    ]
    return {"taken_at": now, "assignments": [{"name": "quiz", "max_score": 10, "due_at": None}], "scores": rows}


def quiz(answer: requests.Response) -> dict[str, float]:
    """Whose scores of the assignment of `state` an answer shows."""
    return {one["username"]: one["score"] for one in body(answer) if one["assignment"] == "quiz"}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[World]:
    """The system, set up once."""
    system = System(tmp_path_factory.mktemp("security"), chp, admins=("root-of-hub",), more=MORE)
    lab = Platform(issuer="https://lab.example", client_id="lab-client", keys={"k1": key_pair("lab")})
    other = Platform(issuer="https://other.example", client_id="other-client", keys={"k1": key_pair("other")})
    people = {
        "grace": Person(system, lab, "1", ("Grace", "Hopperowska"), "grace", "instructor"),
        "tara": Person(system, lab, "2", ("Tara", "Tutoriello"), "tara", "ta"),
        "theo": Person(system, lab, "3", ("Theo", "Statistoff"), "theo", "instructor"),
        "ada": Person(system, lab, "5", ("Augusta", "Byronovna"), "ada"),
        "bob": Person(system, lab, "6", ("Roberto", "Secretario"), "bob"),
        "olaf": Person(system, other, "1", ("Olafur", "Otherson"), "grace", "instructor"),
        "otto": Person(system, other, "5", ("Ottokar", "Fremdling"), "ada"),
    }
    world = World(system, lab, other, people)
    try:
        system.start()
        system.apply(registration(lab, "lab"), registration(other, "other"))
        _launches(world)
        _servers(world)
        _scores(world)
        yield world
    finally:
        system.end()


def _launches(world: World) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda one: one[0].launch(one[1]), [(world.grace, "ML101"), (world.theo, "STATS")]))
        world.olaf.launch("ML101")
        clicks = [(world.tara, "ML101"), (world.ada, "ML101"), (world.bob, "ML101"), (world.otto, "ML101")]
        list(pool.map(lambda one: one[0].launch(one[1]), clicks))
    world.bob.launch("STATS")
    for person in world.people.values():
        world.secrets |= {person.given, person.family, person.email}


def _servers(world: World) -> None:
    def start(one: tuple[Person, str]) -> None:
        person, owner = one
        page = person.open("ml101", owner)
        assert page.ok and body(page)["course"] == "ml101", page.text[-500:]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, [(world.grace, "grader-ml101"), (world.ada, "ada"), (world.bob, "bob")]))
    for username in ("ada", "bob", "grader-ml101"):
        pid = world.system.server(username, "ml101")
        assert pid is not None
        environment = world.system.environment(pid)
        world.tokens[username] = environment["JUPYTERHUB_API_TOKEN"]
        world.exchange = environment["JUPYTERHUB_COURSES_EXCHANGE_URL"]
    pid = world.system.exchange("stats")
    assert pid is not None
    world.foreign_exchange = f"http://127.0.0.1:{world.system.environment(pid)['EXCHANGE_PORT']}/api/"
    world.secrets |= set(world.tokens.values()) | {(world.system.data / "hub-token").read_text().strip()}


def _scores(world: World) -> None:
    """Scores of both courses (stats' by the hub's side of the door: its graders' server is not needed here)."""
    status = "/user/grader-ml101/ml101/courses/status"

    def settled() -> bool:
        told = body(world.grace.browser.get(status))
        return bool(told["last_sent"] and told["roster"]["last_written"] and not told["pending"])

    wait_for(settled, "the graders' server has sent its empty gradebook and has its roster")
    grader = world.tokens["grader-ml101"]
    sent = world.api("PUT", "courses/ml101/scores", grader, json=state(ada=7, bob=9))
    assert body(sent) == {"accepted": 2, "unknown": []}, sent.text
    assignment = world.ngshare("POST", "assignment/ml101/ps1", grader, data={"files": FILES})
    submission = world.ngshare("POST", "submission/ml101/ps1", world.tokens["bob"], data={"files": FILES})
    assert body(assignment)["success"] and body(submission)["success"], submission.text


@pytest.fixture(scope="session", autouse=True)
def revoked(world: World) -> tuple[str, float]:
    """A token that was used, then revoked, and when: early, so that its test need not wait."""
    token = world.grace.token(note="revoked")
    assert world.api("GET", "courses", token).status_code == 200
    listed = body(world.grace.browser.get("/hub/api/users/grace/tokens"))["api_tokens"]
    (own,) = [one["id"] for one in listed if one["note"] == "revoked"]
    assert world.grace.browser.api("DELETE", f"/hub/api/users/grace/tokens/{own}").status_code == 204
    return token, time.monotonic()


@pytest.fixture
def system(world: World) -> System:
    return world.system


@pytest.fixture
def tokens(world: World) -> Any:
    """tokens.ada, tokens.bob, tokens.grader: of their servers of ml101."""
    return SimpleNamespace(ada=world.tokens["ada"], bob=world.tokens["bob"], grader=world.tokens["grader-ml101"])
