"""The `Link: <…>; rel="next"` header of LMSs, as they really write it.

Moodle's has typographic quotes and `&amp;` in the address (facts: recordings 03, 05); others are as RFC 8288
says.
"""

import re

_LINK = re.compile(r"<([^<>]{1,4096})>\s*((?:;[^,<]*)*)")
_NEXT = re.compile(r";\s*rel\s*=\s*[\"'\u201c\u201d]?\s*(?:[\w:/.-]+\s+)*next\b", re.IGNORECASE)


def next_page(link: str) -> str | None:
    """The address of the next page; None on the last."""
    for address, parameters in _LINK.findall(_latin_to_utf8(link)):
        if _NEXT.search(parameters):
            return str(address).replace("&amp;", "&")
    return None


def _latin_to_utf8(text: str) -> str:
    # HTTP libraries hand out header bytes as Latin-1, or as UTF-8 with surrogates.
    try:
        return text.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text
