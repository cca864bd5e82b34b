"""Answers as values, in Moodle's shapes: error JSON, its error page, nginx's page when PHP crashed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

# The reasons that Moodle fills in itself; others fall back to their hundred's.
REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """One request to a service: what Moodle looks at."""

    method: str
    path: str  # behind services.php
    uri: str  # path and query as sent
    query: Mapping[str, str]
    accept: str
    content_type: str  # without parameters
    token: str
    body: str
    now: float

    def number(self, name: str) -> int:
        """A query parameter as PHP reads it as a whole number: leading digits, else 0."""
        digits = ""
        for char in self.query.get(name, ""):
            if not (char.isascii() and char.isdigit()):
                break
            digits += char
        return int(digits or 0)


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str = HTML
    body: str = ""
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason_phrase(self) -> str:
        return self.reason or REASONS.get(self.status) or REASONS[self.status // 100 * 100]


class Refusal(Exception):
    """A request that a service refuses. Without a reason Moodle says the status code's own."""

    def __init__(self, status: int, reason: str = ""):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Crash(Exception):
    """PHP dies here in Moodle; the web server in front answers for it."""


def refused(call: Call, refusal: Refusal) -> Answer:
    """Moodle's error JSON, which repeats the request."""
    reason = refusal.reason or REASONS[refusal.status]
    body = {
        "status": refusal.status,
        "reason": reason,
        "request": {
            "method": call.method,
            "url": call.uri,
            "accept": call.accept,
            "contentType": call.content_type,
        },
    }
    return Answer(refusal.status, JSON, json.dumps(body, indent=4), reason.rstrip())  # nginx trims it


def crashed() -> Answer:
    page = (
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return Answer(502, "text/html", page)


def error_page(site_name: str, status: int = 404) -> Answer:
    """The page that Moodle shows for an exception nobody caught: status 404, whatever was wrong."""
    page = (
        '<!DOCTYPE html>\n\n<html  dir="ltr" lang="en" xml:lang="en">\n<head>\n'
        f"    <title>Error | {escape(site_name)}</title>\n</head>\n"
        "<body><p>Something went wrong here.</p></body>\n</html>\n"
    )
    return Answer(status, HTML, page)


def number(value: float) -> float | int:
    """A number as PHP writes it in JSON: 10, not 10.0."""
    return int(value) if value == int(value) else value


def links(url: str, query: Mapping[str, Any], limit: int, start: int, total: int) -> dict[str, str]:
    """AGS's paging header as Moodle writes it, broken: typographic quotes, &amp; between parameters."""

    def page(position: int, relation: str) -> str:
        parts = [f"{name}={value}" for name, value in {**query, "limit": limit, "from": position}.items()]
        return f"<{url}?{'&amp;'.join(parts)}>; rel=\u201c{relation}\u201d"

    inside = 0 <= start < total
    pages = [page(0, "first")]
    if start > 0 and inside:
        pages.append(page(max(start - limit, 0), "prev"))
    pages.append(page(start, "canonical"))
    if start + limit <= total - 1 and inside:
        pages.append(page(start + limit, "next"))
    pages.append(page(max(total - limit + 1, 0), "last"))
    return {"Link": ", ".join(pages)}
