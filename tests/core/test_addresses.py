"""Which host an address leads to: what is read in more than one way leads nowhere."""

import pytest

from jupyterhub_courses.core.addresses import host_of, origins, trusted
from jupyterhub_courses.core.records import Registration

LMS = Registration(
    1,
    1,
    "lab",
    "https://lms.example",
    "c",
    ("1",),
    "https://sso.example:8443/auth",
    "http://[::1]/token",
    "https://lms.example/keys",
    None,
)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://LMS.example/x", "lms.example:443"),
        ("http://lms.example:8000/?a=b", "lms.example:8000"),
        ("HTTPS://lms.example", "lms.example:443"),
        (" https://lms.example/", None),
        ("ht\ttps://lms.example/", None),
        ("https://lms.exa\nmple/", None),
        ("https://lms.example/a b", None),
        ("\x1fhttps://lms.example/", None),
        ("https://user@lms.example/", None),
        ("https://lms.example:99999/", None),
        ("https://[::1/", None),
        ("//lms.example/", None),
        ("file:///etc/passwd", None),
        ("", None),
        (None, None),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "https://lms.example.evil.example/",
        "https://evil.example/https://lms.example/",
        "https://lms.example\\.evil.example/",
        "https://evil.example\\@lms.example/",
        "http://lms.example/",
        "https://lms.example:8443/",
        " https://lms.example/",
    ],
)
def test_only_an_lmss_own_hosts_are_trusted(url):
    assert trusted(url, LMS) is None and trusted("https://sso.example:8443/x", LMS)


def test_a_policy_names_what_it_can_name():
    assert origins(LMS, " https://evil.example/", "javascript:alert(1)") == (
        "https://lms.example",
        "https://sso.example:8443",
    )
