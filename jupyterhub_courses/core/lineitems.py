"""Line items: the LMS's column of an assignment, how it is named there, and what it needs before scores can
go.

The activity's own column is used when a launch's link names the assignment, and is not ours to rename or
rescale (an LMS rescales each score by its scoreMaximum). Otherwise the column with our resourceId, found
before one is made: making is not idempotent. What a teacher changes in a column, its title or due date, is theirs.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from .answers import COLUMN_GONE
from .records import Registration
from .scores import number

#: Open edX refuses a label above 100 characters; Moodle answers a long label or resourceId with a server
#: error.
LABEL_MAX = 100
RESOURCE_ID_MAX = 200


@dataclass(frozen=True)
class LineItem:
    """A line item as the LMS has it. `url` is its id; `due`: when no more is submitted; `rest`: what else it says, such
    as whether students see their grades.
    """

    url: str
    label: str
    maximum: float | None
    resource_id: str = ""
    tag: str = ""
    resource_link_id: str = ""
    due: datetime | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The body of a POST or PUT. Everything known is said: a PUT erases what it does not repeat
        (Moodle).
        """
        said = {"resourceId": self.resource_id, "tag": self.tag, "resourceLinkId": self.resource_link_id}
        body = {**self.rest, "label": self.label, "scoreMaximum": number(self.maximum or 0)}
        body |= {"endDateTime": self.due.isoformat()} if self.due else {}
        body |= {name: value for name, value in said.items() if value}
        return {"id": self.url, **body} if self.url else body


def lineitem_of(data: Any) -> LineItem | None:
    """A line item from an LMS's JSON; None when it is none."""
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not data["id"]:
        return None
    texts = {n: str(data.get(k) or "") for n, k in _TEXTS.items()}
    maximum = data.get("scoreMaximum")
    known = isinstance(maximum, int | float) and not isinstance(maximum, bool) and math.isfinite(maximum)
    due = _time(data.get("endDateTime"))
    said = _SAID | {"endDateTime"} if due else _SAID
    return LineItem(
        url=data["id"],
        maximum=float(maximum) if known and maximum is not None else None,
        due=due,
        rest={name: value for name, value in data.items() if name not in said and value is not None},
        **texts,
    )


_TEXTS = {"label": "label", "resource_id": "resourceId", "tag": "tag", "resource_link_id": "resourceLinkId"}
#: `ltiLinkId`: what Moodle calls resourceLinkId as well.
_SAID = frozenset({"id", "scoreMaximum", "ltiLinkId", *_TEXTS.values()})


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Column:
    """An assignment of a course and its line item, as stored. `label`, `maximum`, `due`: as last told, None for the
    link's; `due_at`: the assignment's.
    """

    assignment_id: int
    course_id: int
    name: str
    max_score: float
    registration: Registration  # of the line item, or of where one would be found or made
    container: str | None
    link_registration: Registration | None = None
    link_lineitem: str | None = None
    resource_link_id: str | None = None
    lineitem: str | None = None
    label: str | None = None
    maximum: float | None = None
    error: str = ""
    attempts: int = 0
    due_at: datetime | None = None
    due: datetime | None = None
    taken: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)  # {address: whose} in the course

    @property
    def by_outcomes(self) -> bool:
        """Whether scores go by LTI 1.1: to an address of each person, without a line item."""
        return self.registration.is_lti11


class Step(Enum):
    """What a column needs."""

    READY = "ready"
    USE_LINK = "use_link"
    FIND_OR_MAKE = "find_or_make"
    UPDATE = "update"
    NONE = "none"  # the LMS offers nowhere to put scores
    BLOCKED = "blocked"  # deleted in the LMS: made again only when asked


def step(column: Column) -> Step:
    """The next step towards a column that takes scores."""
    if column.by_outcomes:
        return Step.READY
    link = column.link_lineitem if column.link_registration else None
    if column.error == COLUMN_GONE:
        return Step.USE_LINK if link and link != column.lineitem else Step.BLOCKED
    ours = column.label is not None
    if link and link != column.lineitem and (column.lineitem is None or ours):
        # Two activities may name one assignment; the first one found keeps it, or scores would move at every
        # launch.
        return Step.USE_LINK
    if column.lineitem is None:
        return Step.FIND_OR_MAKE if column.container else Step.NONE
    return Step.UPDATE if ours and _is_news(column) else Step.READY


def _is_news(column: Column) -> bool:
    """Whether the assignment has a maximum, a name or a due date that its column was not told."""
    has_maximum = column.max_score > 0 and column.maximum != column.max_score
    return has_maximum or column.label != label_of(column.name) or column.due != column.due_at


def retold(item: LineItem, column: Column) -> LineItem:
    """The line item with what is new; a title, due date or maximum that a teacher changed there stays."""
    has_maximum = column.max_score > 0 and column.maximum != column.max_score
    return replace(
        item,
        label=label_of(column.name) if item.label == column.label else item.label,
        maximum=column.max_score if has_maximum else item.maximum,
        due=column.due_at if item.due in (None, column.due) else item.due,
        resource_id=resource_id_of(column.name),
    )


def variants(item: LineItem) -> list[LineItem]:
    """What an LMS may take instead, best first: Open edX refuses a fraction, another may refuse a due date."""
    whole = replace(item, maximum=whole_maximum(item.maximum or 0))
    found = [item, whole, replace(item, due=None), replace(whole, due=None)]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def label_of(name: str) -> str:
    """The column's title: the assignment's name, cut with an ellipsis."""
    return name if len(name) <= LABEL_MAX else name[: LABEL_MAX - 1] + "…"


def resource_id_of(name: str) -> str:
    """What binds a column to the assignment: its name; a long one is cut and made unique by a digest."""
    if len(name) <= RESOURCE_ID_MAX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: RESOURCE_ID_MAX - 17]}-{digest}"


def choose(items: list[LineItem], column: Column) -> LineItem | None:
    """The column of the assignment among an LMS's answer (not every LMS filters); bound to the link first.

    One that another assignment has is never meant: an activity's own keeps the name that its assignment had.
    """
    free = [item for item in items if column.taken.get(item.url, column.assignment_id) == column.assignment_id]
    found = [item for item in free if item.resource_id == resource_id_of(column.name)]
    bound = [i for i in found if column.resource_link_id and i.resource_link_id == column.resource_link_id]
    return next(iter(bound or found), None)


def belongs_to_an_activity(item: LineItem, column: Column) -> bool:
    """Whether a column that was found is an activity's own (Deep Linking gives it our resourceId at once).

    Those that we made for an activity without one name the activity of the assignment's link.
    """
    return bool(item.resource_link_id) and item.resource_link_id != column.resource_link_id


def new_item(column: Column) -> LineItem:
    """The line item to make."""
    return LineItem(
        url="",
        label=label_of(column.name),
        maximum=column.max_score,
        resource_id=resource_id_of(column.name),
        resource_link_id=column.resource_link_id or "",
        due=column.due_at,
    )


def whole_maximum(maximum: float) -> float:
    """For an LMS that refuses fractions: the next whole number; scores carry their own maximum and are
    rescaled.
    """
    return float(math.ceil(maximum))
