"""Where a launch leads, and which addresses count as this hub's."""

from urllib.parse import parse_qs, urlsplit

import pytest

from jupyterhub_courses.core.destinations import after_launch, is_inside
from jupyterhub_courses.core.goals import Goal, Kind
from jupyterhub_courses.core.login_states import STATE_SECONDS, is_bound, new_state, nonce_of, seal, unseal
from jupyterhub_courses.core.refusals import LaunchRefused
from jupyterhub_courses.core.roles import Role


def to(assignment: str | None) -> Goal:
    """The goal of a link that names an assignment, or none."""
    return Goal(Kind.ASSIGNMENT, assignment=assignment) if assignment else Goal()


OPEN = "/courses/open?assignment=ps1"


@pytest.mark.parametrize(
    ("base", "role", "ready", "assignment", "path", "next_url"),
    [
        ("/", Role.STUDENT, True, "ps1", "/hub/spawn/ada/ml101", "/user/ada/ml101" + OPEN),
        ("/x/", Role.STUDENT, True, "ps1", "/x/hub/spawn/ada/ml101", "/x/user/ada/ml101" + OPEN),
        ("/", Role.GRADER, True, "ps1", "/hub/spawn/grader-ml101/ml101", "/user/grader-ml101/ml101" + OPEN),
        ("/", Role.INSTRUCTOR, True, "ps1", "/hub/spawn/grader-ml101/ml101", "/user/grader-ml101/ml101" + OPEN),
        ("/", Role.STUDENT, True, None, "/services/courses/ml101/", None),
        ("/", Role.INSTRUCTOR, False, None, "/services/courses/ml101/opening", "/services/courses/ml101/"),
    ],
)
def test_after_a_launch(base, role, ready, assignment, path, next_url):
    place = urlsplit(after_launch(base, "ada", "ml101", role, ready, to(assignment)))
    assert (place.scheme, place.netloc, place.path) == ("", "", path)
    assert parse_qs(place.query) == ({"next": [next_url]} if next_url else {})


def test_a_course_in_the_making_is_shown_first_and_leads_on():
    place = urlsplit(after_launch("/", "ada", "ml101", Role.STUDENT, False, to("ps1")))
    assert place.path == "/services/courses/ml101/opening"
    assert parse_qs(place.query)["next"] == [after_launch("/", "ada", "ml101", Role.STUDENT, True, to("ps1"))]


@pytest.mark.parametrize("assignment", ["a b", "a&next=//evil.example", "ä", "a/../b", "a?b#c"])
def test_odd_names_stay_one_argument(assignment):
    place = urlsplit(after_launch("/", "ada", "ml101", Role.STUDENT, True, to(assignment)))
    inner = urlsplit(parse_qs(place.query)["next"][0])
    assert list(parse_qs(place.query)) == ["next"] and inner.path == "/user/ada/ml101/courses/open"
    assert parse_qs(inner.query) == {"assignment": [assignment]}


@pytest.mark.parametrize(
    ("url", "host", "base"),
    [
        ("http://127.0.0.1:8000/hub", "127.0.0.1:8000", "/"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "/"),
        ("https://hub.example/hub/lti13/oauth_callback", "hub.example", "/"),
        ("https://HUB.example:443/hub?next=/x", "hub.example", "/"),
        ("http://hub.example/hub", "hub.example", "/"),
        ("https://hub.example/jupyter/hub", "hub.example", "/jupyter/"),
        ("https://hub.example/jupyter", "hub.example", "/jupyter/"),
    ],
)
def test_addresses_inside_this_hub(url, host, base):
    assert is_inside(url, host, base)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/hub",
        "hub",
        "//evil.example/hub",
        "///evil.example",
        "https:evil.example",
        "https:///evil.example/jupyter/",
        "https://evil.example/jupyter/hub",
        "https://hub.example.evil.example/jupyter/",
        "https://hub.example@evil.example/jupyter/",
        "https://evil.example\\@hub.example/jupyter/",
        "https://hub.example\\.evil.example/jupyter/",
        "https://hub.example%2eevil.example/jupyter/",
        "https://hub.example:444/jupyter/",
        "https://hub.example:x/jupyter/",
        "https://hub.example/other",
        "https://hub.example/jupyterx/hub",
        "https://hub.example/jupyter/../other",
        "https://hub.example/jupyter/%2e%2e/other",
        "https://hub.example/jupyter/.%2E/other",
        "javascript://hub.example/jupyter/%0aalert(1)",
        "data:text/html,x",
        "ftp://hub.example/jupyter/",
        "https://hub.example/jupyter/\nx",
        " https://evil.example/jupyter/",
        "https://hub。example/jupyter/",
        "https://[::1/jupyter/",
    ],
)
def test_addresses_outside_this_hub(url):
    assert not is_inside(url, "hub.example", "/jupyter/")


def test_a_state_is_bound_to_its_browser_and_ends_after_ten_minutes():
    state = new_state("https://lms.example", "c1", "attempt", "secret", 1000.7)
    sealed = seal(state, b"key")
    assert unseal(sealed, b"key", 1000 + STATE_SECONDS - 1) == state
    assert is_bound(state, "secret") and not is_bound(state, "other")
    other = new_state("https://lms.example", "c1", "attempt 2", "secret", 1000.7)
    nonces = {nonce_of(state, b"key"), nonce_of(state, b"another key"), nonce_of(other, b"key")}
    assert len(nonces) == 3 and nonce_of(state, b"key") == nonce_of(unseal(sealed, b"key", 1000), b"key")
    assert "secret" not in sealed
    assert state.cookie_name < new_state("", "", "attempt", "", 2000).cookie_name
    with pytest.raises(LaunchRefused, match="state_expired"):
        unseal(sealed, b"key", 1000 + STATE_SECONDS)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: ".",
        lambda text: text.partition(".")[0],
        lambda text: text.partition(".")[0] + ".",
        lambda text: "A" + text,
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text + "x" * 5000,
        lambda text: "ä" + text,
    ],
)
def test_a_changed_state_is_worth_nothing(change):
    sealed = seal(new_state("https://lms.example", "c1", "attempt", "secret", 1000), b"key")
    with pytest.raises(LaunchRefused, match="state_invalid"):
        unseal(change(sealed), b"key", 1000)
    with pytest.raises(LaunchRefused, match="state_invalid"):
        unseal(sealed, b"another key", 1000)
