"""Claims of any shape: what comes out is a launch of bounded size or a refusal with a code, and nothing else."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyterhub_courses.core.admissions import TEXT_MAX, URL_MAX, launch_from_json
from jupyterhub_courses.core.destinations import after_launch, is_inside
from jupyterhub_courses.core.goals import Goal, Kind
from jupyterhub_courses.core.launches import (
    AGS,
    DEEP_LINKING,
    FOR_USER,
    LTI,
    MESSAGES,
    NRPS,
    Expected,
    check_claims,
    launch_as_json,
    launch_from_claims,
)
from jupyterhub_courses.core.login_states import unseal
from jupyterhub_courses.core.refusals import STATUS, LaunchRefused
from jupyterhub_courses.core.roles import Role, role_from_claims

NOW = 1_800_000_000
HUB = "hub.example"
EXPECTED = Expected("https://lms.example", "c1", "n0", frozenset({"1"}), HUB)

# Whatever JSON can say, with lone surrogates ("\ud800" is valid in it), numbers beyond any type, and long texts.
TEXT = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Lu"]), max_size=10),
    st.sampled_from(["", "Instructor", "1.3.0", "https://lms.example/x", "x" * 5000, "\0", "$User.username"]),
)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=8
)

GOOD = {
    "iss": "https://lms.example",
    "aud": "c1",
    "azp": "c1",
    "sub": "5",
    "exp": NOW + 60,
    "iat": NOW,
    "nbf": NOW,
    "nonce": "n0",
    "name": "Ada Lovelace",
    "email": "ada@lms.invalid",
    "preferred_username": "ada",
    LTI + "deployment_id": "1",
    LTI + "version": "1.3.0",
    LTI + "message_type": "LtiResourceLinkRequest",
    LTI + "target_link_uri": f"https://{HUB}/hub",
    LTI + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
    LTI + "context": {"id": "2", "label": "ml101", "title": "Machine Learning"},
    LTI + "resource_link": {"id": "7"},
    LTI + "custom": {"assignment": "ps1", "git": "https://git.example/x"},
    LTI + "ext": {"user_username": "ada"},
    AGS: {"lineitems": "https://lms.example/items", "lineitem": "https://lms.example/items/1"},
    NRPS: {"context_memberships_url": "https://lms.example/members"},
    FOR_USER: {"user_id": "6"},
    DEEP_LINKING: {"deep_link_return_url": "https://lms.example/r", "accept_types": ["ltiResourceLink"], "data": "d"},
}
#: Every place of a claim, and every place one level inside.
PLACES = [(name,) for name in GOOD] + [
    (n, inner) for n, value in GOOD.items() if isinstance(value, dict) for inner in value
]


def changed(place, value):
    claims = json.loads(json.dumps(GOOD))
    inside = claims
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    return claims


def bounded(launch):
    texts = [launch.sub, launch.context_id, launch.context_label, launch.context_title, launch.resource_link_id]
    texts += [launch.login_name, launch.assignment, launch.for_user, *launch.roles, *launch.names.values()]
    if launch.materials:
        texts += [launch.materials.git, launch.materials.branch, launch.materials.path]
    assert all(isinstance(text, str) and len(text) <= TEXT_MAX and text.isprintable() for text in texts if text)
    for url in (launch.lineitems_url, launch.lineitem_url, launch.members_url):
        assert url is None or (len(url) <= URL_MAX and url.startswith(("http://", "https://")) and url.isascii())
    assert launch.sub and launch.sub.isascii() and launch.context_id


def outcome(claims):
    """The launch of `claims`, or None where they are refused with a code; anything else fails the test."""
    try:
        check_claims(claims, EXPECTED, NOW)
        return launch_from_claims(claims, "c1", "custom_login")
    except LaunchRefused as refusal:
        assert refusal.code in STATUS and 400 <= refusal.status < 500
        return None


def held(claims):
    launch = outcome(claims)
    if launch is not None:
        bounded(launch)
        body = launch_as_json(launch, "lab")
        assert len(json.dumps(body)) < 200_000
        assert role_from_claims(launch.roles) in (None, *Role)
        try:
            read = launch_from_json(json.loads(json.dumps(body)))
        except ValueError:
            return  # the service refuses what it cannot read, as 400
        bounded(read)


def test_the_good_claims_hold_for_every_message():
    for message in MESSAGES:
        launch = outcome({**GOOD, LTI + "message_type": message})
        assert launch is not None and launch.message is MESSAGES[message]
        bounded(launch)
        assert launch_from_json(launch_as_json(launch, "lab")) == launch


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(PLACES), JSON, st.sampled_from(sorted(MESSAGES)))
def test_any_json_in_any_place_is_a_bounded_launch_or_a_refusal(place, value, message):
    claims = changed(place, value)
    if place != (LTI + "message_type",):
        claims[LTI + "message_type"] = message
    held(claims)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(GOOD)), JSON, max_size=6), st.sets(st.sampled_from(sorted(GOOD)), max_size=3)
)
def test_several_odd_claims_at_once_and_some_missing(odd, missing):
    held({name: value for name, value in {**GOOD, **odd}.items() if name not in missing})


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_the_service_reads_any_json_or_names_what_is_wrong(data):
    for body in (
        data,
        {**GOOD, "context": data},
        {"issuer": "i", "client_id": "c", "sub": "5", "nonce": "n", "custom": data},
    ):
        try:
            read = launch_from_json(body)
        except ValueError:
            continue
        assert len(read.sub) <= TEXT_MAX


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda b: b.decode("latin-1")))
def test_a_state_that_nobody_sealed_is_refused(text):
    with pytest.raises(LaunchRefused, match="state_invalid"):
        unseal(text, b"key", NOW)


@given(TEXT, TEXT, st.sampled_from(list(Role)), st.booleans(), TEXT, st.sampled_from(list(Kind)))
def test_every_destination_lies_inside_this_hub(username, slug, role, ready, text, kind):
    if any("\ud800" <= c <= "\udfff" for c in username + slug + text):
        return  # no admission holds one: it could not be stored
    goal = Goal(kind, assignment=text, student=text, code=text)
    place = after_launch("/jupyter/", username, slug, role, ready, goal)
    assert is_inside(f"https://{HUB}{place.partition('?')[0]}", HUB, "/jupyter/") or "." in (username + slug)
    assert place.startswith("/jupyter/") and "\n" not in place and place.isascii()


SPELLINGS = [
    "https:",
    "http:",
    "javascript:",
    "//",
    "/",
    "\\",
    "@",
    "hub.example",
    "evil.example",
    "%2f",
    "..",
    "?",
    "#",
    ":",
    "\t",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from([*SPELLINGS, "jupyter/", "x", ".", "[", "]", "\n", "%2e"]), max_size=9).map("".join))
def test_no_spelling_of_another_host_counts_as_inside(url):
    if is_inside(url, HUB, "/jupyter/"):
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        assert scheme in ("http", "https") and host in (HUB, f"{HUB}:443", f"{HUB}:80", f"{HUB}:")
        assert "\\" not in url and "@" not in host and ".." not in path.partition("?")[0].split("/")
