"""The token door under fire: whatever is posted, it never fails, lets nobody in, and writes nobody's name down."""

import base64
import json

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..hub.platform import LTI
from ..support.system import Browser
from .conftest import COURSE, form_of, logged_in

CALLBACK, BEGIN = "/hub/lti13/oauth_callback", "/hub/lti13/oauth_login"
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
CANARY = "Zaubernuss-Quitte"  # a name that only these launches hold
FIRE = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
#: Claims that decide; with any other value there is no login.
DECISIVE = ["iss", "aud", "exp", "iat", "nonce", LTI + "deployment_id", LTI + "version", LTI + "target_link_uri", "sub"]

TEXT = st.text(max_size=60) | st.sampled_from(["", "\0", "x" * 9000, "%00", "../../", "{{7*7}}", "' or 1=1 --"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["id_token", "state", "error", "iss", "client_id", "login_hint", "target_link_uri", "lti_message_hint", "code"]


class Door:
    """Posts whatever comes; the door may say no, and must not fail."""

    def __init__(self, system, platform, person) -> None:
        self.platform, self.person = platform, person
        self.browser = Browser(system)
        self.browser.session.headers["Sec-Fetch-Dest"] = "document"

    def fresh(self):
        """A launch that would work, up to its posting: claims, and the form without its token."""
        self.forget()
        asked = self.browser.begin(self.platform)
        claims = self.platform.claims(asked["nonce"], **self.person.claims(COURSE, name=CANARY))
        return claims, {"state": asked["state"]}

    def forget(self) -> None:
        """Whoever is logged in already gets no new login."""
        self.browser.session.cookies.clear()

    def post(self, path, data, **headers) -> requests.Response:
        answer = self.browser.post(path, data=data, headers=headers)
        assert answer.status_code < 500, (answer.status_code, path, str(data)[:500])
        return answer

    def signed(self, claims, form) -> requests.Response:
        """Post claims, whatever they are, with a signature that is right."""
        return self.post(CALLBACK, {**form, "id_token": self.platform.sign_text(json.dumps(claims))})


@pytest.fixture(scope="module")
def door(system, platform, students):
    yield Door(system, platform, students[0])
    log = system.log.read_text()
    assert "Traceback" not in log and "Uncaught exception" not in log
    assert CANARY not in log


def test_an_unchanged_launch_works(door):
    assert door.signed(*door.fresh()).status_code == 303


@FIRE
@given(place=st.floats(0, 1, exclude_max=True), piece=st.text(max_size=4), cut=st.integers(0, 4))
def test_a_token_with_anything_changed_in_it(door, place, piece, cut):
    claims, form = door.fresh()
    token = door.platform.sign(claims)
    signed = token.rpartition(".")[0]
    at = int(place * len(signed))
    changed = token[:at] + piece + token[at + cut :]
    if changed == token:
        return
    answer = door.post(CALLBACK, {**form, "id_token": changed})
    assert answer.status_code >= 400 and not logged_in(answer)


@FIRE
@given(name=st.sampled_from(DECISIVE), value=JSON)
def test_a_signed_token_with_anything_in_a_claim_that_decides(door, name, value):
    claims, form = door.fresh()
    if (
        claims.get(name) == value
        or (name == "sub" and isinstance(value, str))
        or (name.endswith("uri") and value is None)
    ):
        return
    if name in ("exp", "iat") and isinstance(value, int | float):
        return  # times have tests of their own; a number may be a good one
    answer = door.signed({**claims, name: value}, form)
    assert answer.status_code >= 400 and not logged_in(answer), (name, value)


@FIRE
@given(
    changes=st.dictionaries(
        st.sampled_from(
            [
                *DECISIVE,
                LTI + "roles",
                LTI + "context",
                LTI + "custom",
                "name",
                "email",
                LTI + "resource_link",
                LTI + "message_type",
                LTI + "for_user",
                "azp",
                "nbf",
                LTI + "ext",
            ]
        ),
        JSON,
        max_size=4,
    )
)
def test_signed_tokens_with_anything_anywhere(door, changes):
    claims, form = door.fresh()
    answer = door.signed({**claims, **changes}, form)
    assert logged_in(answer) == (answer.status_code == 303)


@FIRE
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "jku", "x5u", "b64", "zip"]), JSON),
    body=JSON,
)
def test_tokens_made_of_anything(door, header, body):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, body)]
    _, form = door.fresh()
    answer = door.post(CALLBACK, {**form, "id_token": ".".join([*parts, "c2ln"])})
    assert answer.status_code >= 400 and not logged_in(answer)


@FIRE
@given(
    path=st.sampled_from([CALLBACK, BEGIN, "/hub/lti13/continue"]),
    pairs=st.lists(st.tuples(st.sampled_from(FIELDS), TEXT | st.binary(max_size=40)), max_size=8),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "Sec-Fetch-Dest": st.sampled_from(["iframe", "document", "x"]),
            "Origin": st.sampled_from(["null", "https://[", "http://127.0.0.1"]),
            "Accept-Language": st.sampled_from(["de;q=x", ",,,;;;", "en" * 500]),
            "Cookie": st.sampled_from(
                ["courses-launch-x=", "courses-launch-000=a; =b", "jupyterhub-hub-login=2|1:0|x"]
            ),
        },
    ),
)
def test_forms_made_of_anything(door, path, pairs, headers):
    door.forget()
    answer = door.post(path, pairs, **headers)
    assert not logged_in(answer) and answer.status_code in (200, 302, 400, 401, 403, 405)


@pytest.mark.parametrize("path", [CALLBACK, BEGIN, "/hub/lti13/continue"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe" * 1000, FORM),
        (b"{" * 1000, "application/json"),
        (b"--x\r\n", MULTIPART),
        (b"--x\r\nContent-Disposition: form-data; name=\"state\"\r\n\r\na.b\r\n--x--\r\n", MULTIPART),
        (b"a=" + b"b" * 2_000_000, FORM),
        (b"&".join(b"state=%d" % n for n in range(500)), FORM),
        (b"", "text/plain"),
    ],
)  # fmt: skip
def test_bodies_of_any_kind(door, path, body, kind):
    door.forget()
    answer = door.post(path, body, **{"Content-Type": kind})
    assert not logged_in(answer)


def test_the_door_still_works_afterwards(system, platform, students):
    browser = Browser(system)
    answer = browser.post(CALLBACK, data=form_of(browser, platform, **students[1].claims(COURSE)))
    assert answer.status_code == 303 and logged_in(answer)
