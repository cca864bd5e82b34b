"""Addresses that an LMS tells us are used only where they point to the LMS itself.

Claims are signed, yet a signed claim with somebody else's address would make us send tokens and scores there
(server-side request forgery); so every endpoint must lie on a host of its registration.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from .records import Registration

URL_MAX = 1024
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_.-]+")


def host_of(url: str | None) -> str | None:
    """`host:port` of an http(s) URL, lowercase and with its default port; None for anything else.

    Blanks and control characters, which urlsplit leaves out and others do not, make no URL.
    """
    if not url or len(url) > URL_MAX or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.hostname.lower()}:{port or (443 if parts.scheme == 'https' else 80)}"


def origins(registration: Registration, *more: str) -> tuple[str, ...]:
    """`scheme://host:port` of the registration's addresses and of `more`, for a Content-Security-Policy.

    A default port is left out, as browsers do; a host that such a policy cannot name (IPv6) is, too.
    """
    urls = (registration.issuer, registration.authorize_url, registration.token_url, registration.keyset_url, *more)
    found: dict[str, None] = {}
    for url in urls:
        name, _, port = (host_of(url) or "").rpartition(":")
        scheme = (url or "").partition(":")[0].lower()
        if _HOST.fullmatch(name):
            found[f"{scheme}://{name}" + ("" if int(port) == _PORTS[scheme] else f":{port}")] = None
    return tuple(found)


def trusted_hosts(registration: Registration) -> frozenset[str]:
    """The hosts that an administrator named when registering the LMS."""
    urls: Iterable[str | None] = (
        registration.issuer,
        registration.authorize_url,
        registration.token_url,
        registration.keyset_url,
    )
    return frozenset(host for host in map(host_of, urls) if host)


def trusted(url: str | None, registration: Registration) -> str | None:
    """`url` if it lies on one of the registration's hosts, else None."""
    host = host_of(url)
    return url if host and host in trusted_hosts(registration) else None
