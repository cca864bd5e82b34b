"""Where a browser goes after a launch, and which addresses count as ours.

Promises: what is built here lies inside this hub; names are escaped. Never `/user/…` directly: the hub would
show a "not running" page there, so a server is always reached through `/hub/spawn/<user>/<course>?next=…`,
with nothing but `next` in the query (anything else would count as the spawner's options).
"""

from urllib.parse import quote, urlencode, urlsplit

from .goals import Goal, Kind
from .names import SERVICE_NAME, grader_username
from .roles import Role

_DEFAULT_PORTS = {"http": 80, "https": 443}


def course_page(base_url: str, slug: str) -> str:
    """The course's page; `base_url` is the public path of everything, with slashes at both ends."""
    return f"{base_url}services/{SERVICE_NAME}/{quote(slug, safe='')}/"


def open_server(base_url: str, username: str, slug: str, **what: str | None) -> str:
    """Start (or find) the server `slug` of `username` and open in it what its `courses/open` is told by `what`."""
    server = f"{quote(username, safe='')}/{quote(slug, safe='')}"
    inside = f"{base_url}user/{server}/courses/open"
    told = {name: value for name, value in what.items() if value}
    if told:
        inside += "?" + urlencode(told)
    return f"{base_url}hub/spawn/{server}?" + urlencode({"next": inside})


def after_launch(base_url: str, username: str, slug: str, role: Role, ready: bool, goal: Goal = Goal()) -> str:
    """The next address of somebody who was just admitted.

    An assignment opens the person's own server, or the shared grader's for those who grade; materials open the
    person's own; a review is the graders', and for students their course page. A course that is still being made
    shows that first and goes on by itself; a selection needs no course that runs.
    """
    page = course_page(base_url, slug)
    if goal.kind is Kind.SELECTION:
        return f"{base_url}services/{SERVICE_NAME}/select?" + urlencode({"code": goal.code or ""})
    where = page
    if goal.kind is Kind.ASSIGNMENT:
        owner = grader_username(slug) if role.grades else username
        where = open_server(base_url, owner, slug, assignment=goal.assignment)
    elif goal.kind is Kind.REVIEW and role.grades:
        where = open_server(base_url, grader_username(slug), slug, assignment=goal.assignment, student=goal.student)
    elif goal.kind is Kind.MATERIALS and goal.materials is not None:
        where = open_server(base_url, username, slug, **goal.materials.as_json())
    return where if ready else f"{page}opening?" + urlencode({"next": where})


def is_inside(url: str, host: str, base_url: str) -> bool:
    """Whether `url`, as an LMS names its target, lies on `host` (`name` or `name:port`) below `base_url`.

    The scheme may differ (a proxy in front may end TLS). Everything that browsers read in more than one way
    is outside: backslashes, user names, control characters, schemes other than http(s), dots that climb.
    """
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        ours = urlsplit(f"{parts.scheme}://{host}")
        same = (parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)) == (
            ours.hostname,
            ours.port or _DEFAULT_PORTS.get(parts.scheme),
        )
    except ValueError:
        return False
    if parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc or not parts.hostname or not same:
        return False
    path = parts.path or "/"
    return (path + "/").startswith(base_url) and ".." not in path.lower().replace("%2e", ".").split("/")
