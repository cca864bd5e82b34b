"""However many scores are due, only so many are in memory: what waits, and what waits to be read back, is in the store.

Store and LMS are in memory here, and count what they gave and nobody has let go of.
"""

import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from jupyterhub_courses.core.answers import DELIVERED, Outcome
from jupyterhub_courses.core.deliveries import ColumnReceipt, Delivery, Intent, PendingCourse, Receipt
from jupyterhub_courses.core.lineitems import Column, LineItem
from jupyterhub_courses.core.looks import Awaited, Reading
from jupyterhub_courses.core.pace import IN_MEMORY, LISTS, SENDERS, round_size
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.scores import Desired, Result, Sent
from jupyterhub_courses.usecases.delivering import Deliverer

HOST = "http://lms.invalid"
REGISTRATION = Registration(1, 1, "lab", HOST, "c", ("1",), f"{HOST}/auth", f"{HOST}/token", f"{HOST}/certs", None)
COURSES, EACH = 50, 400
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@dataclass
class Held:
    """How many of some things exist, and the most that there were at a time."""

    now: int = 0
    most: int = 0

    def take(self, thing: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(thing, self._gone)
        return thing

    def _gone(self) -> None:
        self.now -= 1


class Shown(dict[str, Result]):
    """What an LMS shows for a column; it can be referred to weakly."""


@dataclass
class Pile:
    """Store and LMS. `sent_before`: the LMS has an earlier score of everybody."""

    sent_before: bool
    due_ids: dict[int, dict[int, None]] = field(default_factory=dict)  # by course, in their order
    unread_ids: dict[int, set[int]] = field(default_factory=dict)
    deliveries: Held = field(default_factory=Held)
    lists: Held = field(default_factory=Held)
    posts: int = 0
    read: int = 0

    def __post_init__(self) -> None:
        for course in range(COURSES):
            self.due_ids[course] = dict.fromkeys(range(course * EACH, (course + 1) * EACH))
            self.unread_ids[course] = set()

    async def pending(self, now: datetime) -> Sequence[PendingCourse]:
        return [PendingCourse(course, 1) for course, due in self.due_ids.items() if due]

    async def columns(self, course_id: int, now: datetime) -> Sequence[Column]:
        url = f"{HOST}/{course_id}/lineitem"
        return [
            Column(
                course_id, course_id, "ps1", 10.0, REGISTRATION, f"{HOST}/c", lineitem=url, label="ps1", maximum=10.0
            )
        ]

    async def due(self, assignment_id: int, lineitem: str, now: datetime, limit: int) -> Sequence[Delivery]:
        ids = list(self.due_ids[assignment_id])[:limit]
        sent = Sent(5.0, 10.0, None, 1) if self.sent_before else None
        last = 1 if self.sent_before else 0
        wanted = Desired(7.0, 10.0, NOW)
        return [self.deliveries.take(Delivery(i, str(i), wanted, sent, False, last)) for i in ids]

    async def begin(self, intents: Sequence[Intent]) -> None:
        assert len(intents) <= SENDERS

    async def record(self, receipts: Sequence[Receipt]) -> None:
        assert len(receipts) <= SENDERS
        for receipt in receipts:
            assert receipt.state == "sent"
            course = receipt.score_id // EACH
            del self.due_ids[course][receipt.score_id]
            self.unread_ids[course].add(receipt.score_id)

    async def record_column(self, receipt: ColumnReceipt) -> None:
        return None

    async def unread(self, assignment_id: int) -> Sequence[Awaited]:
        return [Awaited(i, str(i), 2, NOW) for i in sorted(self.unread_ids[assignment_id])]

    async def record_readings(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            assert reading.result.score == 7.0
            self.unread_ids[reading.score_id // EACH].discard(reading.score_id)
            self.read += 1

    async def next_at(self, now: datetime) -> datetime | None:
        return None

    # -- the LMS --

    def clock_offset(self, registration: Registration, url: str) -> float:
        return 0.0

    async def prepare(self, registration: Registration) -> None:
        return None

    async def get(self, registration: Registration, url: str) -> LineItem | None:
        return LineItem(url, "ps1", 10.0, "r")

    async def find(self, registration: Registration, container: str, resource_id: str) -> list[LineItem]:
        return []

    async def create(self, registration: Registration, container: str, item: LineItem) -> LineItem:
        raise AssertionError("there is a column")

    async def update(self, registration: Registration, item: LineItem) -> LineItem:
        return item

    async def post_score(
        self, registration: Registration, lineitem: str, user_id: str, desired: Desired, timestamp: int
    ) -> Outcome:
        self.posts += 1
        return DELIVERED

    async def results(self, registration: Registration, lineitem: str, user_id: str | None = None) -> dict[str, Result]:
        assert user_id is None
        course = int(lineitem.split("/")[3])
        due = self.due_ids[course]
        ids = range(course * EACH, (course + 1) * EACH)
        return self.lists.take(Shown({str(i): Result(5.0 if i in due else 7.0, 10.0) for i in ids}))


@pytest.fixture
def pushed() -> Callable[..., Any]:
    async def push(sent_before: bool) -> Pile:
        gc.collect()
        pile = Pile(sent_before)
        lms: Any = pile
        report = await Deliverer(pile, lms, lms, lambda: NOW, lambda: 0.0).deliver_due()
        assert report.states == {"sent": COURSES * EACH}
        assert (report.failed, report.troubles, pile.posts) == (0, 0, COURSES * EACH)
        assert pile.read == COURSES * EACH, "all were read back"
        return pile

    return push


async def test_only_so_many_of_the_due_scores_are_in_memory(pushed: Callable[..., Any]) -> None:
    pile = await pushed(sent_before=False)
    # Pages, what is on its way, and what a page brought along that was on its way already.
    assert 0 < pile.deliveries.most <= IN_MEMORY + 2 * SENDERS < COURSES * EACH


@pytest.mark.parametrize("sent_before", [False, True], ids=["first scores", "regrades"])
async def test_only_so_many_columns_of_an_lms_are_in_memory(pushed: Callable[..., Any], sent_before: bool) -> None:
    pile = await pushed(sent_before)
    assert 0 < pile.lists.most <= LISTS < COURSES


async def test_a_column_of_many_is_sent_in_rounds_and_read_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.delivering.test_bounds.COURSES", 1)
    monkeypatch.setattr("tests.delivering.test_bounds.EACH", 2 * round_size(1) + 10)
    pile = Pile(sent_before=False)
    lms: Any = pile
    report = await Deliverer(pile, lms, lms, lambda: NOW, lambda: 0.0).deliver_due()
    assert report.states == {"sent": EACH}
    assert pile.read == EACH
    assert pile.lists.most == 1
