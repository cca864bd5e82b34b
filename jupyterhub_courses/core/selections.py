"""Deep Linking: what a teacher may pick for an activity, and what the LMS is told of it.

Promises: what is told comes from the course's own list, never from the form; an LMS that takes whole maxima only
(Moodle: 1 to 100) takes every one of ours, for a score carries its own maximum and is rescaled there.
Rules: https://www.imsglobal.org/spec/lti-dl/v2p0/#deep-linking-response-message
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from .admissions import ASSIGNMENT, TEXT_MAX, SelectionRequest
from .goals import GitPlace
from .launches import LTI
from .lineitems import label_of, resource_id_of
from .materials import allowed_place
from .records import Registration
from .specs import Material

DL: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/"
TITLE_MAX = 255  # Moodle's form refuses a longer one, and among several makes no activity of it
PICKS_MAX = 50
MAXIMUM = 100  # the column's, where the assignment's own is none that every LMS takes
LIFETIME = 600  # seconds; a browser without script waits for a click
BACKDATED = 30  # seconds; an LMS whose clock is behind refuses what is from its future
#: What a teacher may look at: everything that a student has begun (https://www.imsglobal.org/spec/lti-sr/v1p0/).
REVIEWABLE: Final = ("InProgress", "Submitted", "Completed")


class Sort(StrEnum):
    """What an option opens."""

    ASSIGNMENT = "assignment"
    MATERIALS = "materials"
    COURSE = "course"


@dataclass(frozen=True)
class Assignment:
    """An assignment as the course's parts know it. `maximum`: 0 while nobody knows it; `linked`: by an activity."""

    name: str
    maximum: float = 0.0
    linked: bool = False


@dataclass(frozen=True)
class Option:
    """One line of the list. `key` is what the form sends; `nameable`: whether a link can carry the name."""

    key: str
    sort: Sort
    title: str
    maximum: float = 0.0
    released: bool = False
    linked: bool = False
    nameable: bool = True
    place: GitPlace | None = None

    @property
    def column_maximum(self) -> int:
        """The column's maximum in the LMS."""
        return column_maximum(self.maximum)


@dataclass(frozen=True)
class Pick:
    """An option that was picked; materials at the path that the teacher wrote."""

    option: Option
    place: GitPlace | None = None


class WrongPick(Exception):
    """The teacher has to choose again. `code` is a word of the page, `key` the option that it is about."""

    def __init__(self, code: str, key: str = "") -> None:
        super().__init__(code)
        self.code, self.key = code, key


def options_of(
    assignments: Iterable[Assignment], released: Collection[str], materials: Sequence[Material], course_title: str
) -> tuple[Option, ...]:
    """The list: assignments by name, then materials, then the course's page. `released`: names in the exchange."""
    in_order = sorted(assignments, key=lambda one: _as_people_sort(one.name))
    found = [_assignment(one, one.name in released) for one in in_order]
    found += [_materials(material) for material in materials]
    return (*found, Option("course", Sort.COURSE, course_title))


def picked(
    options: Sequence[Option],
    keys: Sequence[str],
    paths: Mapping[str, str],
    materials: Sequence[Material],
    multiple: bool,
) -> tuple[Pick, ...]:
    """What the form says, each of it in the list. `paths`: by key, inside a repository. Raises WrongPick."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        raise WrongPick("pick_nothing")
    if len(wanted) > (PICKS_MAX if multiple else 1):
        raise WrongPick("pick_too_many" if multiple else "pick_one")
    by_key = {option.key: option for option in options if option.nameable}
    if not all(key in by_key for key in wanted):
        raise WrongPick("pick_gone")
    return tuple(_pick(by_key[key], paths.get(key), materials) for key in wanted)


def content_item(pick: Pick, launch_url: str, accept_lineitem: bool) -> dict[str, Any]:
    """The `ltiResourceLink` of a pick (https://www.imsglobal.org/spec/lti-dl/v2p0/#lti-resource-link)."""
    option = pick.option
    title = _title_at(option.title, pick.place, option.place)
    item: dict[str, Any] = {"type": "ltiResourceLink", "title": title, "url": launch_url}
    if pick.place is not None:
        item["custom"] = {name: value for name, value in pick.place.as_json().items() if value}
    if option.sort is Sort.ASSIGNMENT:
        item["custom"] = {"assignment": option.title}
        if accept_lineitem:
            item["lineItem"] = {
                "label": label_of(option.title),
                "scoreMaximum": option.column_maximum,
                "resourceId": resource_id_of(option.title),
                "submissionReview": {"reviewableStatus": list(REVIEWABLE)},
            }
    return item


def response_claims(
    registration: Registration,
    deployment_id: str,
    request: SelectionRequest,
    items: Sequence[dict[str, Any]],
    now: float,
    nonce: str,
) -> dict[str, Any]:
    """The claims of the LtiDeepLinkingResponse; no items: the teacher has chosen nothing. `now`: epoch seconds.

    Never a message or an error: Moodle shows neither, and drops the items beside an error.
    """
    issued = int(now) - BACKDATED
    data = {} if request.data is None else {DL + "data": request.data}
    return {
        "iss": registration.client_id,
        "aud": [registration.issuer],
        "iat": issued,
        "exp": issued + BACKDATED + LIFETIME,
        "nonce": nonce,
        LTI + "deployment_id": deployment_id,
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        DL + "content_items": list(items),
        **data,
    }


def column_maximum(maximum: float) -> int:
    """The assignment's own maximum where it is a whole number from 1 to 100, else 100."""
    return int(maximum) if 1 <= maximum <= MAXIMUM and maximum == int(maximum) else MAXIMUM


def _assignment(one: Assignment, released: bool) -> Option:
    nameable = ASSIGNMENT.fullmatch(one.name) is not None
    return Option(
        f"assignment:{one.name}", Sort.ASSIGNMENT, one.name, one.maximum, released, one.linked, nameable=nameable
    )


def _materials(material: Material) -> Option:
    place = GitPlace(material.git, material.branch or "", material.path or "")
    digest = hashlib.sha256("\0".join((place.git, place.branch, place.path)).encode()).hexdigest()[:16]
    nameable = max(map(len, place.as_json().values())) <= TEXT_MAX  # a launch's parameters are cut there
    title = material.title or _repository(place)
    return Option(f"materials:{digest}", Sort.MATERIALS, title, nameable=nameable, place=place)


def _pick(option: Option, path: str | None, materials: Sequence[Material]) -> Pick:
    if option.place is None:
        return Pick(option)
    wanted = option.place.path if path is None else path.strip().strip("/")
    if not wanted.isprintable() or len(wanted) > TEXT_MAX:
        raise WrongPick("pick_path_wrong", option.key)
    # What the link will say must open: the same rule as at the click, which fills a path that is not said.
    place = GitPlace(option.place.git, option.place.branch, wanted)
    opens = allowed_place(place, materials)
    if opens is None or (wanted and opens.path != wanted):
        raise WrongPick("pick_path_wrong", option.key)
    return Pick(option, place)


def _repository(place: GitPlace) -> str:
    name = (urlsplit(place.git).path or place.git).rstrip("/").rpartition("/")[2].removesuffix(".git")
    return f"{name}: {place.path}" if place.path else name or place.git


def _title_at(title: str, place: GitPlace | None, default: GitPlace | None) -> str:
    if place is not None and default is not None and place.path not in ("", default.path):
        title = f"{title}: {place.path}"
    return title if len(title) <= TITLE_MAX else title[: TITLE_MAX - 1] + "…"


def _as_people_sort(name: str) -> tuple[str, str]:
    """`ps2` before `ps10`."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(9), name.casefold()), name
