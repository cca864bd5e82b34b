"""Finds the service that a request is for: by path and exact media type, as Moodle's services.php does.

Promises: one place decides what a token may (its scopes; the type_id must be the tool's); each service is a
function of (site, call, course, item) that answers or raises Refusal or Crash.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from jupyterhub_courses.demo.lms import lineitems, memberships, results, scores
from jupyterhub_courses.demo.lms.answers import Answer, Call, Crash, Refusal, crashed, refused
from jupyterhub_courses.demo.lms.scopes import (
    LINEITEM,
    LINEITEM_READONLY,
    MEMBERSHIPS_READONLY,
    RESULT_READONLY,
    SCORE,
)
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import CourseRow, Item

Serve = Callable[[Site, Call, CourseRow, Item | None], Answer]


@dataclass(frozen=True)
class Resource:
    """One kind of address. `strict`: its GET refuses Accept: */* too, not only other types."""

    name: str
    path: re.Pattern[str]
    formats: tuple[str, ...]
    methods: dict[str, tuple[Serve, tuple[str, ...]]]  # method -> (function, scopes of which one is enough)
    strict: bool = True


IMS = "application/vnd.ims."
RESOURCES = (
    Resource(
        "lineitem",
        re.compile(r"/(?P<course>[^/]+)/lineitems/(?P<item>[^/]+)/lineitem"),
        (lineitems.LINEITEM_TYPE,),
        {
            "GET": (lineitems.read, (LINEITEM, LINEITEM_READONLY)),
            "PUT": (lineitems.change, (LINEITEM,)),
            "DELETE": (lineitems.delete, (LINEITEM,)),
        },
    ),
    Resource(
        "lineitems",
        re.compile(r"/(?P<course>[^/]+)/lineitems"),
        (lineitems.CONTAINER_TYPE, lineitems.LINEITEM_TYPE),
        {
            "GET": (lineitems.listed, (LINEITEM, LINEITEM_READONLY)),
            "POST": (lineitems.create, (LINEITEM,)),
        },
    ),
    Resource(
        "results",
        re.compile(r"/(?P<course>[^/]+)/lineitems/(?P<item>[^/]+)/lineitem/results"),
        (results.RESULTS_TYPE,),
        {"GET": (results.listed, (RESULT_READONLY,))},
    ),
    Resource(
        "scores",
        re.compile(r"/(?P<course>[^/]+)/lineitems/(?P<item>[^/]+)/lineitem/scores"),
        (IMS + "lis.v1.scorecontainer+json", scores.SCORE_TYPE),
        {"POST": (scores.receive, (SCORE,))},
    ),
    Resource(
        "memberships",
        re.compile(r"/CourseSection/(?P<course>[^/]+)/bindings/(?P<type>[^/]+)/memberships"),
        (memberships.MEMBERSHIPS_TYPE,),
        {"GET": (memberships.listed, (MEMBERSHIPS_READONLY,))},
        strict=False,
    ),
)


def find(call: Call) -> tuple[Resource, re.Match[str]] | None:
    """The resource for the path and the media type: a wrong type is an unknown address to Moodle."""
    for resource in RESOURCES:
        if call.method == "GET":
            wanted = call.accept if call.accept and "*/*" not in call.accept else None
        else:
            wanted = None if call.method == "DELETE" else call.content_type
        if wanted is not None and wanted not in resource.formats:
            continue
        if match := resource.path.fullmatch(call.path):
            return resource, match
    return None


def endpoint(call: Call) -> str:
    """The name that counts and faults go by; a request of a wrong media type is counted at its path."""
    for resource in RESOURCES:
        if resource.path.fullmatch(call.path):
            return f"{resource.name}.{call.method.lower()}"
    return "unknown"


def serve(site: Site, call: Call) -> Answer:
    """The answer to any request below services.php."""
    try:
        found = find(call)
        if found is None:
            reason = f"No handler found for {call.path} {call.accept if call.method == 'GET' else ''} "
            raise Refusal(400, reason + (call.content_type if call.method != "GET" else ""))
        resource, match = found
        if call.method not in resource.methods:
            raise Refusal(405)
        function, scopes = resource.methods[call.method]
        _check_token(site, call, scopes, match.groupdict().get("type"))
        _check_type(resource, call)
        course, item = _subject(site, match)
        return function(site, call, course, item)
    except Refusal as refusal:
        return refused(call, refusal)
    except Crash:
        return crashed()


def _check_token(site: Site, call: Call, scopes: tuple[str, ...], type_in_path: str | None) -> None:
    granted = site.store.token_scopes(call.token, call.now)
    type_id = type_in_path or call.query.get("type_id")
    if granted.isdisjoint(scopes) or (type_id is not None and type_id != site.type_id):
        raise Refusal(401)


def _check_type(resource: Resource, call: Call) -> None:
    """What passed the search but is refused by the resource itself: */*, and a list's type for one thing."""
    if call.method == "GET":
        wrong = bool(call.accept) and call.accept not in resource.formats and resource.strict
        wrong = wrong or (resource.name == "lineitems" and bool(call.accept) and call.accept != resource.formats[0])
    else:
        wrong = call.method == "POST" and call.content_type != resource.formats[1]
    if wrong:
        raise Refusal(400, "No context or unsupported content type")


def _subject(site: Site, match: re.Match[str]) -> tuple[CourseRow, Item | None]:
    """The course and line item of the path. Another course's item is not found here; Moodle would find it."""
    parts = match.groupdict()
    course = site.store.course(_id(parts["course"]))
    if course is None:
        raise Refusal(404, f"Not Found: Course {parts['course']} doesn't exist")
    if parts.get("item") is None:
        return course, None
    item = site.store.item(_id(parts["item"]))
    if item is None:
        raise Refusal(404, f"Not Found: Grade item {parts['item']} doesn't exist")
    if item.orphan or item.course != course.id:
        raise Refusal(404, "Line item does not exist")
    return course, item


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
