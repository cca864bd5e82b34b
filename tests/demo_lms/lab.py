"""An LMS of the demo in a thread, an HTTP client that hides nothing, and a tool's key."""

import asyncio
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jupyterhub_courses.demo.lms.keys import signing_key
from jupyterhub_courses.demo.lms.scenario import Scenario, parse
from jupyterhub_courses.demo.lms.scopes import GRANTED
from jupyterhub_courses.demo.lms.server import KEY_FILE, Running, start

TOOL_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TOOL_PEM = TOOL_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
CALLBACK = "http://127.0.0.1:8000/hub/lti13/oauth_callback"
CLIENT = "XDtmnPS6chJ7LSo"
LINEITEM = "application/vnd.ims.lis.v2.lineitem+json"
CONTAINER = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def recorded_site(**tool: Any) -> Scenario:
    """The Moodle that was recorded: courses 2 and 3, teachers 3 and 4, students 5 to 9, outsider 10."""
    people = [("teacher1", "Tara", "Teacher", "T-0001"), ("teacher2", "Theo", "Tutor", "T-0002")]
    students = [("Ada", "Lovelace"), ("Blaise", "Pascal"), ("Chloé", "d'Été-Müller"), ("Ding", "李")]
    students.append(("Emmy", "Noether"))
    people += [(f"student{i}", *name, f"S-000{i}") for i, name in enumerate(students, 1)]
    people.append(("outsider", "Otto", "Outside", "S-9999"))
    return parse(
        {
            "name": "lab",
            "description": "Moodle lab",
            "client_id": CLIENT,
            "deployment_id": "1",
            "tool": {
                "login_url": "http://127.0.0.1:8000/hub/lti13/oauth_login",
                "redirect_uris": [CALLBACK],
                "target_link_uri": "http://127.0.0.1:8000/hub",
                "public_key": TOOL_PEM.decode(),
                "custom": {"username": "$User.username"},
                **tool,
            },
            "people": [
                {
                    "id": id,
                    "username": username,
                    "given": given,
                    "family": family,
                    "email": f"{username}@lab.invalid",
                    "idnumber": idnumber,
                }
                for id, (username, given, family, idnumber) in enumerate(people, 3)
            ],
            "courses": [
                {
                    "id": 2,
                    "label": "ml101",
                    "title": "Machine Learning 101",
                    "idnumber": "SIS-ml101",
                    "members": [{"person": 3, "role": "editingteacher"}, {"person": 4, "role": "teacher"}]
                    + [{"person": id, "role": "student"} for id in range(5, 10)],
                    "activities": [{"id": 1, "title": "JupyterHub"}],
                },
                {
                    "id": 3,
                    "label": "stats",
                    "title": "Statistics for Scientists",
                    "idnumber": "SIS-stats",
                    "members": [{"person": 4, "role": "editingteacher"}]
                    + [{"person": id, "role": "student"} for id in range(5, 8)],
                    "activities": [
                        {
                            "id": 2,
                            "title": "JupyterHub",
                            "custom": {"assignment": "ps1", "course": "the activity's own"},
                        },
                        {"id": 3, "title": "Reading", "graded": False},
                    ],
                },
            ],
        }
    )


@dataclass(frozen=True)
class Reply:
    status: int
    reason: str
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass
class Lab:
    """The LMS as seen from outside. `now` is its clock when set."""

    base: str = ""
    now: float | None = None
    running: Running | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    def clock(self) -> float:
        return time.time() if self.now is None else self.now

    def send(self, method: str, url: str, headers: dict[str, str] | None = None, body: str | None = None) -> Reply:
        """One request on its own connection; `url` whole or from the slash on. Keeps cookies."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.base).port or 0, timeout=10)
        sent = dict(headers or {})
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.putrequest(method, target, skip_accept_encoding=True)
            data = (body or "").encode()
            for name, value in {**sent, "content-length": str(len(data))}.items():
                connection.putheader(name, value)
            connection.endheaders(data)
            got = connection.getresponse()
            found = {name.lower(): value for name, value in got.getheaders()}
            reply = Reply(got.status, got.reason, found, got.read().decode())
        finally:
            connection.close()
        if "set-cookie" in reply.headers:
            name, _, value = reply.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    # -- as a tool --
    def ask_token(
        self,
        claims: dict[str, Any] | None = None,
        scope: str = " ".join(GRANTED),
        key: Any = TOOL_KEY,
        kid: str | None = None,
    ) -> Reply:
        now = int(self.clock())
        claims = {"iss": CLIENT, "sub": CLIENT, "aud": "any", "iat": now, "exp": now + 60, **(claims or {})}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, key, "RS256", {"kid": kid} if kid else None),
            "scope": scope,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "*/*"}
        return self.send("POST", "/mod/lti/token.php", headers, urlencode(form))

    def token(self) -> str:
        return self.ask_token().json()["access_token"]

    def service(self, method: str, url: str, token: str, media: str, data: Any = None) -> Reply:
        """`media` is what a GET accepts and what another method sends; `data` goes as compact JSON."""
        headers = {"authorization": f"Bearer {token}", "accept" if method == "GET" else "content-type": media}
        return self.send(method, url, headers, None if data is None else json.dumps(data, separators=(",", ":")))

    def add_column(self, token: str, label: str = "PS 1", maximum: float = 10, course: int = 2, **more: Any) -> str:
        """A new line item's address."""
        url = f"/mod/lti/services.php/{course}/lineitems?type_id=1"
        return self.service("POST", url, token, LINEITEM, {"label": label, "scoreMaximum": maximum, **more}).json()[
            "id"
        ]

    def send_score(
        self, token: str, item: str, user: Any = "5", given: float | None = 5, at: float = 0, **more: Any
    ) -> Reply:
        """A score, stamped now or `at`."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at or self.clock()))
        score = {"userId": user, "timestamp": moment, "scoreMaximum": 10, "activityProgress": "Completed"}
        score |= {"gradingProgress": "FullyGraded"} | ({} if given is None else {"scoreGiven": given}) | more
        return self.service("POST", item.replace("/lineitem?", "/lineitem/scores?"), token, SCORE, score)

    def results(self, token: str, item: str) -> dict[str, Any]:
        found = self.service("GET", item.replace("/lineitem?", "/lineitem/results?"), token, RESULTS).json()
        return {result["userId"]: result for result in found}

    # -- as the story and as people --
    def control(self, method: str, name: str, data: Any = None) -> Any:
        reply = self.send(method, f"/control/{name}", body=None if data is None else json.dumps(data))
        assert reply.status == 200, reply
        return reply.json()

    def cell(self, column: str, username: str, course: str = "ml101") -> dict[str, Any]:
        return self.control("GET", "gradebook?detail=1")[course][column][username]

    def sign_in(self, person: str) -> None:
        self.control("POST", f"login?person={person}")

    def begin_launch(self, activity: int = 1) -> dict[str, str]:
        """The login initiation's fields, as the tool would get them."""
        reply = self.send("GET", f"/mod/lti/launch.php?id={activity}&triggerview=0")
        return forms(reply.body)["ltiInitiateLoginForm"]["fields"]

    def authorize(self, login: dict[str, str], **changed: str) -> Reply:
        request = {
            "response_type": "id_token",
            "scope": "openid",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": login["client_id"],
            "redirect_uri": CALLBACK,
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "nonce": "a-nonce",
            "state": "a-state",
            **changed,
        }
        return self.send("GET", f"/mod/lti/auth.php?{urlencode(request)}")

    def launch(self, person: str, activity: int = 1) -> dict[str, Any]:
        """The claims that the tool gets, their signature checked with the platform's keyset."""
        self.sign_in(person)
        sent = forms(self.authorize(self.begin_launch(activity)).body)["ltiAuthForm"]["fields"]
        return self.verified(sent["id_token"])

    def verified(self, id_token: str) -> dict[str, Any]:
        keys = self.send("GET", "/mod/lti/certs.php").json()["keys"]
        assert jwt.get_unverified_header(id_token)["kid"] == keys[0]["kid"]
        options: Any = {"verify_exp": False, "verify_iat": False}
        return jwt.decode(id_token, jwt.PyJWK(keys[0]).key, ["RS256"], options, audience=CLIENT, issuer=self.base)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, Any]] = {}
        self._open: dict[str, Any] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        if tag == "form":
            self._open = {**got, "fields": {}}
            self.forms[got.get("id") or f"form-{len(self.forms)}"] = self._open
        elif tag in ("input", "button") and self._open is not None and got.get("name"):
            self._open["fields"][got["name"]] = got.get("value") or ""


def forms(html: str) -> dict[str, dict[str, Any]]:
    """A page's forms by id: their attributes and "fields"."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


@cache
def _platform_key() -> bytes:
    """One platform key for all tests: making one costs more than most of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, KEY_FILE)
        signing_key(path)
        return path.read_bytes()


@contextmanager
def running_lms(state: Path, scenario: Scenario | None = None, with_control: bool = True) -> Iterator[Lab]:
    lab, loop = Lab(), asyncio.new_event_loop()

    async def begin() -> Running:
        return start(scenario or recorded_site(), state, with_control=with_control, clock=lab.clock)

    state.mkdir(parents=True, exist_ok=True)
    Path(state, KEY_FILE).write_bytes(_platform_key())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        lab.running = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
        lab.base = lab.running.base
        yield lab
        asyncio.run_coroutine_threadsafe(lab.running.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
