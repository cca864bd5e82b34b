"""One running system with an LMS that signs: Grace teaches ML101 there, Ada studies, Olaf teaches at another LMS."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from ..hub.platform import Platform, key_pair
from ..support.system import Browser, Person, System, registration

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
RETURN = "https://lab.example/mod/lti/contentitem_return.php?course=4&id=2&sesskey=SECRETKEY"
NOTES = {"git": "https://git.example.org/notes.git", "title": "Lecture <b>notes</b>"}


def settings(**changes: Any) -> dict[str, Any]:
    """The deep_linking_settings claim as Moodle sends it."""
    return {"accept_types": ["ltiResourceLink"], "accept_multiple": True, "deep_link_return_url": RETURN} | changes


@dataclass
class World:
    """The system and its people."""

    system: System
    lab: Platform
    grace: Person
    ada: Person
    olaf: Person

    def ask(self, person: Person, course: str = "ML101", **changes: Any) -> requests.Response:
        """ "Select content" in the LMS: what the tool answers to the id_token, in a browser without any login."""
        claims = {"message_type": "LtiDeepLinkingRequest", "resource_link": None}
        asked = {DL + "deep_linking_settings": settings(**changes)}
        browser = Browser(self.system)
        return browser.launch(person.platform, **person.claims(course, **claims, **asked))

    def code(self, person: Person | None = None, course: str = "ML101", **changes: Any) -> str:
        """The code of a new request."""
        answer = self.ask(person or self.grace, course, **changes)
        assert answer.status_code == 303, answer.text
        place = urlsplit(answer.headers["Location"])
        assert place.path == "/services/courses/select"
        return parse_qs(place.query)["code"][0]

    def page(self, code: str, language: str = "en") -> requests.Response:
        """The list, as a frame without cookies gets it."""
        headers = {"Accept-Language": language}
        return requests.get(self.url, params={"code": code}, headers=headers, timeout=30, allow_redirects=False)

    def send(self, code: str, *keys: str, **fields: str) -> requests.Response:
        """Send the list's form."""
        data = [("code", code), *(("pick", key) for key in keys), *fields.items()]
        return requests.post(self.url, data=data, timeout=30, allow_redirects=False)

    @property
    def url(self) -> str:
        return f"{self.system.base}/services/courses/select"

    def claims(self, answer: requests.Response) -> dict[str, Any]:
        """What the page brings to the LMS, verified as an LMS does it."""
        assert answer.status_code == 200, answer.text
        token = found(answer, "JWT")
        keys = requests.get(f"{self.system.base}/services/courses/jwks.json", timeout=30).json()["keys"]
        (key,) = [k for k in keys if k["kid"] == jwt.get_unverified_header(token)["kid"]]
        issuer = self.lab.client_id
        return jwt.decode(token, jwt.PyJWK(key).key, ["RS256"], audience=self.lab.issuer, issuer=issuer)

    def items(self, answer: requests.Response) -> list[dict[str, Any]]:
        """The content items of the answer."""
        return self.claims(answer)[DL + "content_items"]


def found(answer: requests.Response, name: str) -> str:
    """A field of the page's form."""
    value = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert value, answer.text
    return html.unescape(value[1])


def keys(answer: requests.Response) -> list[str]:
    """The keys that the list offers."""
    return [html.unescape(one) for one in re.findall(r'name="pick" value="([^"]*)"', answer.text)]


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[World]:
    """The system; ML101 is made by Grace's first request, in its folder lie three assignments."""
    system = System(tmp_path_factory.mktemp("selecting"), chp)
    lab = Platform(issuer="https://lab.example", client_id="lab-client", keys={"k1": key_pair("lab")})
    other = Platform(issuer="https://other.example", client_id="other-client", keys={"k1": key_pair("other")})
    grace = Person(system, lab, "1", ("Grace", "Hopperowska"), "grace", "instructor")
    ada = Person(system, lab, "5", ("Augusta", "Byronovna"), "ada")
    olaf = Person(system, other, "1", ("Olafur", "Otherson"), "olaf", "instructor")
    world = World(system, lab, grace, ada, olaf)
    try:
        system.start()
        system.apply(registration(lab, "lab"), registration(other, "other"))
        world.code()
        source = system.data / "courses" / "ml101" / "grader" / "ml101" / "source"
        for name in ("ps1", "ps10", "Week <i>2"):
            (source / name).mkdir(parents=True, exist_ok=True)
        yield world
    finally:
        system.end()


@pytest.fixture(scope="package")
def with_materials(world: World) -> World:
    """ML101's spec names materials."""
    course = {"slug": "ml101", "title": "Course ML101", "lms": {"platform": "lab", "context": "ctx-ML101"}}
    platforms = [registration(world.lab, "lab")]
    body = {"platforms": platforms, "courses": [{**course, "materials": [NOTES]}], "dry_run": False}
    world.system.as_hub("POST", "apply", json.loads(json.dumps(body)))
    return world
