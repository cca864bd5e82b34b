"""Every launch of LTI 1.1 that must not hold, really signed and posted to a real hub: status, sentence, reference."""

import html
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from jupyterhub_courses.core.refusals import STATUS
from jupyterhub_courses.core.sentences import SENTENCES

from ..support.system import Browser
from .conftest import World
from .lms import KEY, SECRET, launch_fields, signature, signed

pytestmark = pytest.mark.timeout(600)
PAGE = re.compile(r'data-code="(\w+)"')
REFERENCE = re.compile(r"<code>([0-9a-f]{8})</code>")
AGO, AHEAD = (lambda: str(int(time.time()) - 301), lambda: str(int(time.time()) + 320))
Form = Any


@pytest.fixture(scope="module", autouse=True)
def course(world: World) -> None:
    """There is a course, so that nothing is refused for want of one."""
    world.launch("3", "Instructor")


def refused(answer: requests.Response, code: str, log: str, language: str = "en") -> None:
    """The page of `code`: its status, its sentence, and a reference that the log has."""
    assert answer.status_code == STATUS.get(code, 403), (answer.status_code, answer.text[-1500:])
    page = html.unescape(answer.content.decode())
    found, reference = PAGE.search(page), REFERENCE.search(page)
    assert found and found[1] == code, page[-1500:]
    assert SENTENCES[code][language] in page, page[-1500:]
    assert reference and f"reference {reference[1]}" in log


@dataclass(frozen=True)
class Case:
    """A form made from the address; `code`: why it is refused."""

    name: str
    code: str
    form: Callable[[str], Form]
    headers: dict[str, str] = field(default_factory=dict)


def changed(**changes: str) -> Callable[[str], Form]:
    """Fields changed after signing; "" takes one away."""
    return lambda url: {n: v for n, v in {**signed(url, launch_fields()), **changes}.items() if v}


def fields(**changes: Any) -> Callable[[str], Form]:
    """Signed with these fields."""
    return lambda url: signed(url, launch_fields(**changes))


def oauth(**changes: str) -> Callable[[str], Form]:
    """OAuth's own fields changed, and signed so."""
    return lambda url: signed(url, launch_fields(), **changes)


def twice(name: str, value: str) -> Callable[[str], Form]:
    """A field that is there twice, both signed."""

    def make(url: str) -> Form:
        pairs = [*signed(url, launch_fields()).items(), (name, value)]
        pairs = [pair for pair in pairs if pair[0] != "oauth_signature"]
        return [*pairs, ("oauth_signature", signature("POST", url, pairs, SECRET))]

    return make


CASES = [
    Case("a wrong secret", "consumer_unknown", oauth(secret="another-secret-of-16")),
    Case("no secret", "consumer_unknown", oauth(secret="")),
    Case("an unknown key", "consumer_unknown", oauth(key="nobody")),
    Case("an unknown key, signed with no secret", "consumer_unknown", oauth(key="nobody", secret="")),
    Case("a key in other letters", "consumer_unknown", oauth(key=KEY.upper())),
    Case("a changed role", "consumer_unknown", changed(roles="Instructor")),
    Case("another person", "consumer_unknown", changed(user_id="3")),
    Case("a field more", "consumer_unknown", changed(custom_git="https://evil.example/x.git")),
    Case("a field less", "consumer_unknown", changed(custom_assignment="")),
    Case("a changed nonce", "consumer_unknown", changed(oauth_nonce="f" * 32)),
    Case("a changed time", "consumer_unknown", changed(oauth_timestamp="1795315069")),
    Case("no signature", "form_incomplete", changed(oauth_signature="")),
    Case("no nonce", "form_incomplete", oauth(nonce="")),
    Case("no time", "form_incomplete", oauth(timestamp="")),
    Case("a time that is none", "form_incomplete", oauth(timestamp="12e9")),
    Case("a negative time", "form_incomplete", oauth(timestamp="-5")),
    Case("no key", "form_incomplete", oauth(key="")),
    Case("a plain-text signature", "algorithm_refused", lambda url: plain(url)),
    Case("an RSA signature", "algorithm_refused", oauth(signature_method="RSA-SHA1")),
    Case("a method of no name", "algorithm_refused", oauth(signature_method="none")),
    Case("another version of OAuth", "version_unknown", oauth(version="2.0")),
    Case("an old launch", "token_expired", lambda url: signed(url, launch_fields(), timestamp=AGO())),
    Case("a launch of the future", "token_from_future", lambda url: signed(url, launch_fields(), timestamp=AHEAD())),
    Case("another address", "consumer_unknown", lambda url: signed(url.replace("/launch", "/x"), launch_fields())),
    Case("another host", "consumer_unknown", lambda url: signed("http://evil.example/lti11/launch", launch_fields())),
    Case("https signed, http posted", "consumer_unknown", lambda url: signed("https" + url[4:], launch_fields())),
    Case(
        "signed without the port", "consumer_unknown", lambda url: signed(re.sub(r":\d+/", "/", url), launch_fields())
    ),
    Case("another message", "message_type_unknown", fields(lti_message_type="ContentItemSelectionRequest")),
    Case("no message", "message_type_unknown", fields(lti_message_type=None)),
    Case("LTI 2", "version_unknown", fields(lti_version="LTI-2p0")),
    Case("no version", "version_unknown", fields(lti_version=None)),
    Case("no person", "sub_missing", fields(user_id=None)),
    Case("a person of 10 kB", "sub_odd", fields(user_id="x" * 10_000)),
    Case("an odd person", "sub_odd", fields(user_id="ä\0")),
    Case("no context", "no_context", fields(context_id=None)),
    Case("a context whose id is cut to another's", "context_odd", fields(context_id="4" * 300)),
    Case("a context whose id is another's but for what nobody sees", "context_odd", fields(context_id="4\u200b")),
    Case("no activity", "resource_link_missing", fields(resource_link_id=None)),
    Case("no role", "no_role", fields(roles=None)),
    Case("a system role alone", "no_role", fields(roles="urn:lti:sysrole:ims/lis/Administrator")),
    Case("two keys", "form_incomplete", twice("oauth_consumer_key", KEY)),
    Case("two nonces", "form_incomplete", twice("oauth_nonce", "1")),
    Case("two versions of OAuth", "form_incomplete", twice("oauth_version", "1.0")),
    Case("two persons", "form_incomplete", twice("user_id", "3")),
    Case("two roles", "form_incomplete", twice("roles", "Instructor")),
    Case("two assignments", "form_incomplete", twice("custom_assignment", "ps2")),
    Case(
        "300 fields",
        "form_too_large",
        lambda url: {**signed(url, launch_fields()), **{f"x{n}": "" for n in range(300)}},
    ),
    Case("100 kB", "form_too_large", fields(resource_link_description="x" * 100_000)),
    Case(
        "a form in parts",
        "form_incomplete",
        lambda url: parts(url),
        {"Content-Type": "multipart/form-data; boundary=b"},
    ),
    Case("JSON", "form_incomplete", lambda url: b'{"oauth_consumer_key": "x"}', {"Content-Type": "application/json"}),
    Case(
        "bytes that are no text",
        "form_incomplete",
        lambda url: b"user_id=%ff%fe",
        FORM := {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Case("raw bytes", "form_incomplete", lambda url: b"user_id=\xff\xfe", FORM),
    Case("nothing", "form_incomplete", lambda url: b"", FORM),
]


def plain(url: str) -> Form:
    return {**signed(url, launch_fields(), signature_method="PLAINTEXT"), "oauth_signature": f"{SECRET}&"}


def parts(url: str) -> Form:
    form = signed(url, launch_fields())
    lines = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in form.items()]
    return ("".join(lines) + "--b--\r\n").encode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_launch_that_does_not_hold_is_refused(world, case):
    answer = world.post(case.form(world.address), headers=case.headers)
    refused(answer, case.code, world.system.log.read_text(errors="replace"))
    assert "jupyterhub-hub-login" not in answer.cookies


def test_the_same_person_launches_where_everything_is_right(world):
    """What the cases above change is all that is wrong with them."""
    assert world.post(signed(world.address, launch_fields())).status_code == 303
    sha256 = signed(world.address, launch_fields(), signature_method="HMAC-SHA256")
    assert world.post(sha256).status_code == 303
    assert world.post(signed(world.address, launch_fields(), version="")).status_code == 303


def test_a_form_is_good_once(world):
    form = signed(world.address, launch_fields())
    assert world.post(form).status_code == 303
    log = world.system.log
    refused(world.post(form), "nonce_replayed", log.read_text(errors="replace"))
    # Signed anew with the nonce of another moment, or of another key, it is another form.
    later = str(int(form["oauth_timestamp"]) + 1)
    assert world.post(signed(world.address, launch_fields(), nonce=form["oauth_nonce"], timestamp=later)).ok


def test_a_refused_form_does_not_use_a_nonce_up(world):
    nonce, stamp = secrets.token_hex(16), str(int(time.time()))
    wrong = signed(world.address, launch_fields(), secret="another-secret-of-16", nonce=nonce, timestamp=stamp)
    assert world.post(wrong).status_code == 401
    assert world.post(signed(world.address, launch_fields(), nonce=nonce, timestamp=stamp)).status_code == 303


def test_the_reader_is_answered_in_their_language(world):
    browser = Browser(world.system)
    browser.session.headers["Accept-Language"] = "de"
    answer = browser.post(world.address, data=signed(world.address, launch_fields(), secret="x" * 16))
    refused(answer, "consumer_unknown", world.system.log.read_text(errors="replace"), "de")


def test_there_is_no_launch_in_a_get(world):
    browser = Browser(world.system)
    answer = browser.get(world.address, params=signed(world.address, launch_fields()))
    assert answer.status_code == 405 and PAGE.search(answer.text)[1] == "start_in_lms"
    assert browser.get(world.address).status_code == 405


def test_the_address_that_counts_is_the_browsers_and_not_the_proxys(world):
    """Behind a proxy that ends TLS the LMS signs https; whoever posts to http with that form is refused (above)."""
    public = "https://hub.example.edu/hub/lti11/launch"
    behind = {"Host": "hub.example.edu", "X-Forwarded-Proto": "https", "X-Scheme": "https"}
    for spelled in (public, "https://hub.example.edu:443/hub/lti11/launch"):
        # Whoever signs leaves the default port out of the base string, however the address was typed in (RFC 5849).
        form = signed(public, launch_fields())
        host = {"Host": spelled.split("/")[2]}
        assert world.post(form, headers={**behind, **host}).status_code == 303, spelled
    other = signed("https://hub.example.edu:8443/hub/lti11/launch", launch_fields())
    assert world.post(other, headers=behind).status_code == 401
    assert world.post(other, headers={**behind, "Host": "hub.example.edu:8443"}).status_code == 303


def test_a_query_of_the_tools_address_is_part_of_what_is_signed(world):
    pairs = [*signed(world.address, launch_fields()).items(), ("from", "a b")]
    pairs = [pair for pair in pairs if pair[0] != "oauth_signature"]
    sign = ("oauth_signature", signature("POST", world.address, pairs, SECRET))
    query = {"url": f"{world.address}?from=a+b"}
    # Moodle repeats the query in the form and signs it once.
    assert world.post([*pairs, sign], **query).status_code == 303
    again = [pair for pair in pairs if pair[0] not in ("from", "oauth_nonce")] + [("oauth_nonce", secrets.token_hex(8))]
    sign = ("oauth_signature", signature("POST", world.address, [*again, ("from", "a b")], SECRET))
    assert world.post([*again, sign], **query).status_code == 303
    again = [pair for pair in again if pair[0] != "oauth_nonce"] + [("oauth_nonce", secrets.token_hex(8))]
    sign = ("oauth_signature", signature("POST", world.address, [*again, ("from", "a b")], SECRET))
    assert world.post([*again, sign], url=f"{world.address}?from=c").status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_a_form_that_another_sites_page_posts_logs_nobody_in_unasked(world, origin):
    """Else anybody could put somebody into an account that is not theirs: nothing in LTI 1.1 names the browser."""
    answer = world.post(signed(world.address, launch_fields()), origin=origin)
    assert answer.status_code == 200 and PAGE.search(answer.text)[1] == "open_window"
    assert "jupyterhub-hub-login" not in answer.cookies and "Location" not in answer.headers


def test_refusals_leave_nobodys_name_in_the_log(world):
    log = world.system.log.read_text(errors="replace")
    assert "consumer_unknown" in log
    for word in (SECRET, "Byronovna", "augusta", "x" * 100):
        assert word not in log
