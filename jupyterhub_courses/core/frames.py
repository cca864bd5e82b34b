"""Where a browser shows an answer, and what follows from that: an LMS may open an activity inside its own page.

Notebook and formgrader refuse frames, and the hub's login does not come back in one of another site. So whoever
arrives in a frame gets a button there that goes on in a window of its own.
"""

from collections.abc import Mapping
from enum import StrEnum


class Shown(StrEnum):
    """Where the browser will show the answer."""

    WINDOW = "window"
    FRAME = "frame"
    UNKNOWN = "unknown"  # a browser that does not say: an old one, or any over plain http


def shown_in(headers: Mapping[str, str]) -> Shown:
    """Where, by a request's headers (https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header).

    Browsers leave the header out over http (but for localhost), and programs always: those show nothing at all.
    """
    destination = headers.get("Sec-Fetch-Dest")
    if destination in ("iframe", "frame", "embed", "object", "fencedframe"):
        return Shown.FRAME
    if destination is None and "text/html" in headers.get("Accept", ""):
        return Shown.UNKNOWN
    return Shown.WINDOW


def sent_by_own_page(headers: Mapping[str, str], host: str) -> bool:
    """Whether a form was sent by a page of `host` (`name` or `name:port`, as the browser sees it) itself.

    A browser says so in one of two ways, and no page can make it say otherwise.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    scheme, _, origin = headers.get("Origin", "").partition("://")
    return scheme in ("http", "https") and bool(host) and origin.lower() == host.lower()
