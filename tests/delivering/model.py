"""A store, an LMS and a world's clock in memory, for thousands of schedules of faults and crashes.

The LMS follows Moodle's rule: a score whose timestamp is not larger than the one it holds is stale. Every
step at which a process can be killed is a crossing; at the one chosen everything freezes, as after kill -9.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub_courses.core.answers import Answer, LmsFailure, Outcome, common_outcome, outcome_of_score
from jupyterhub_courses.core.deliveries import (
    ColumnReceipt,
    Delivery,
    Held,
    Intent,
    PendingCourse,
    Receipt,
    held_after,
)
from jupyterhub_courses.core.drift import Choice
from jupyterhub_courses.core.lineitems import Column, LineItem
from jupyterhub_courses.core.looks import Awaited, Reading, chosen, looked
from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.scores import Desired, Result
from jupyterhub_courses.core.searching import Search
from jupyterhub_courses.usecases.delivering import Deliverer
from jupyterhub_courses.usecases.reading_back import ReadingBack

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
HOST = "http://lms.invalid"
REGISTRATION = Registration(1, 1, "lab", HOST, "c", ("1",), f"{HOST}/auth", f"{HOST}/token", f"{HOST}/certs", None)
#: What can happen to a request; `late`: it reaches the LMS only some time after it was given up.
FAULTS = ("ok", "no_request", "no_answer", "late", "401", "429", "500", "503", "html")


class World:
    """One course, one assignment, some people."""

    def __init__(self) -> None:
        self.clock = START
        self.faults: list[str] = []
        self.crash_in: int | None = None  # crossings until the process dies
        self.frozen: asyncio.Event | None = None
        self.during: Callable[[], None] | None = None  # what happens while a score is on its way
        self.story: list[str] = []
        self.store, self.lms = MemoryStore(self), MoodleModel(self)
        self.restart()

    def restart(self) -> None:
        self.ticks = 0.0
        pace = Pace(Search(most=3))
        self.outbox = Deliverer(self.store, self.lms, self.lms, lambda: self.clock, lambda: 0.5, pace, self.tick)
        hour = timedelta(hours=1)
        self.reading_back = ReadingBack(self.store, self.store, self.lms, lambda: self.clock, lambda: 0.5, hour)

    def tick(self) -> float:
        """Each look at the clock is a thousandth of a second later: the pace is found alike in every run."""
        self.ticks += 0.001
        return self.ticks

    async def crossing(self, name: str) -> None:
        """A place where the process may die."""
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0 and self.frozen is not None:
                if not self.frozen.is_set():
                    self.story.append(f"killed {name}")
                self.frozen.set()
                await asyncio.Event().wait()
        await asyncio.sleep(0)

    async def deliver(self) -> bool:
        """One pass; True when the process was killed in it (it is started again)."""
        self.frozen = asyncio.Event()
        run, killed = asyncio.create_task(self.outbox.deliver_due()), asyncio.create_task(self.frozen.wait())
        await asyncio.wait({run, killed}, return_when=asyncio.FIRST_COMPLETED)
        died = self.frozen.is_set()
        self.store.dead = died
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(run, killed, return_exceptions=True)
        for _ in range(5):
            await asyncio.sleep(0)
        self.store.dead, self.crash_in, self.frozen = False, None, None
        if died:
            self.restart()
        elif run.done() and not run.cancelled():
            assert run.result().failed == 0
        return died

    def pass_time(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def fault(self) -> str:
        return self.faults.pop(0) if self.faults else "ok"


class MemoryStore:
    """DeliveryStore with the semantics of the real one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead = False
        self.rows: dict[int, Held] = {}
        self.column = Column(1, 1, "ps1", 10.0, REGISTRATION, f"{HOST}/2/lineitems")
        self.column_next: datetime | None = None

    def want(self, person: int, score: float, version: int) -> None:
        """As recording a snapshot does."""
        desired = Desired(score, 10.0, START + timedelta(seconds=version))
        held = self.rows.get(person)
        if held is None:
            self.rows[person] = Held(desired)
        elif held.desired.score != score:
            self.rows[person] = replace(held, desired=desired, state="due", reason="", attempts=0, next_at=None)

    async def _change(self, name: str, change: Callable[[], None]) -> None:
        await self.world.crossing(f"before {name}")
        assert not self.dead, "a dead process wrote"
        change()
        await self.world.crossing(f"after {name}")

    def _due(self, now: datetime) -> list[int]:
        open_ = [p for p, h in self.rows.items() if h.state in ("due", "waiting")]
        return [p for p in open_ if (self.rows[p].next_at or now) <= now]

    def _column_open(self, now: datetime) -> bool:
        return not self.column.error or (self.column_next is not None and self.column_next <= now)

    async def pending(self, now: datetime) -> Sequence[PendingCourse]:
        return [PendingCourse(1, 1)] if self._due(now) and self._column_open(now) else []

    async def columns(self, course_id: int, now: datetime) -> Sequence[Column]:
        return [self.column] if self._due(now) and self._column_open(now) else []

    async def due(self, assignment_id: int, lineitem: str, now: datetime, limit: int) -> Sequence[Delivery]:
        held = sorted((self.rows[p].attempts, p) for p in self._due(now))[:limit]
        return [
            Delivery(
                p,
                str(p),
                h.desired,
                h.sent,
                h.in_doubt,
                h.last_timestamp,
                h.attempts,
                h.reason,
                choice=h.choice,
                shown=h.shown and replace(h.shown, timestamp=None),  # a store keeps none
            )
            for p, h in ((p, self.rows[p]) for _, p in held)
        ]

    async def begin(self, intents: Sequence[Intent]) -> None:
        def change() -> None:
            for i in intents:
                self.rows[i.score_id] = replace(self.rows[i.score_id], last_timestamp=i.timestamp, in_doubt=True)

        await self._change("an intent was stored", change)

    async def record(self, receipts: Sequence[Receipt]) -> None:
        def change() -> None:
            for r in receipts:
                assert r.lineitem == self.column.lineitem
                self.rows[r.score_id] = held_after(self.rows[r.score_id], r)

        await self._change("a receipt was stored", change)

    async def record_column(self, receipt: ColumnReceipt) -> None:
        def change() -> None:
            assert receipt.before == self.column.lineitem
            self.column = replace(
                self.column,
                lineitem=receipt.lineitem,
                label=receipt.label,
                maximum=receipt.maximum,
                error=receipt.error,
                attempts=receipt.attempts,
            )
            self.column_next = receipt.next_at

        await self._change("a column was stored", change)

    async def record_readings(self, readings: Sequence[Reading]) -> None:
        def change() -> None:
            for reading in readings:
                self.rows[reading.score_id] = looked(self.rows[reading.score_id], reading)

        await self._change("readings were stored", change)

    def choose(self, person: int, choice: Choice) -> None:
        if person in self.rows:
            self.rows[person] = chosen(self.rows[person], choice)

    async def due_columns(self, now: datetime, limit: int) -> Sequence[Column]:
        return [self.column] if self.column.lineitem and not self.column.error else []

    async def claim(self, assignment_id: int, now: datetime, until: datetime) -> bool:
        return True

    async def awaited(self, assignment_id: int) -> Sequence[Awaited]:
        sent = [(p, h) for p, h in self.rows.items() if h.sent is not None and not h.in_doubt]
        return [Awaited(p, str(p), h.last_timestamp, h.sent_at or START) for p, h in sent]

    async def unread(self, assignment_id: int) -> Sequence[Awaited]:
        return [one for one in await self.awaited(assignment_id) if self.rows[one.score_id].read_at is None]

    async def record_look(self, assignment_id: int, readings: Sequence[Reading], at: datetime) -> None:
        await self.record_readings(readings)

    async def release(self, assignment_id: int, claimed: datetime, again_at: datetime) -> None:
        return None

    async def next_at(self, now: datetime) -> datetime | None:
        return None


@dataclass
class Cell:
    """A grade in the LMS."""

    score: float
    timestamp: int
    version: int  # of the desired value
    overridden: bool = False
    protected: bool = False  # a teacher's, which nothing of ours may replace


@dataclass
class MoodleModel:
    """The LMS: one course, its columns."""

    world: World
    items: list[LineItem] = field(default_factory=list)
    cells: dict[str, Cell] = field(default_factory=dict)
    late: list[Callable[[], Any]] = field(default_factory=list)
    requests: int = 0
    newest: dict[str, int] = field(default_factory=dict)

    def clock_offset(self, registration: Registration, url: str) -> float:
        return 0.0

    async def prepare(self, registration: Registration) -> None:
        return None

    async def find(self, registration: Registration, container: str, resource_id: str) -> list[LineItem]:
        self.requests += 1
        self._fail(self.world.fault())
        return [item for item in self.items if item.resource_id == resource_id]

    async def get(self, registration: Registration, url: str) -> LineItem | None:
        return next((item for item in self.items if item.url == url), None)

    async def create(self, registration: Registration, container: str, item: LineItem) -> LineItem:
        self.requests += 1
        await self.world.crossing("before a column was made")
        fault = self.world.fault()
        made = replace(item, url=f"{HOST}/2/lineitems/{len(self.items)}/lineitem")
        if fault in ("ok", "no_answer"):
            self.items.append(made)
        await self.world.crossing("after a column was made")
        self._fail(fault)
        return made

    async def update(self, registration: Registration, item: LineItem) -> LineItem:
        raise AssertionError("the maximum never changes here")

    def _fail(self, fault: str) -> None:
        if fault != "ok":
            raise LmsFailure(common_outcome(_answer(fault)))

    async def post_score(
        self, registration: Registration, lineitem: str, user_id: str, desired: Desired, timestamp: int
    ) -> Outcome:
        self.requests += 1
        fault = self.world.fault()
        version = int((desired.graded_at - START).total_seconds())
        assert timestamp <= self.world.clock.timestamp(), "a timestamp in the future"
        await self.world.crossing("before a score reached the LMS")
        if self.world.during is not None:
            self.world.during()
            self.world.during = None
        answer = _answer(fault)
        if fault in ("ok", "no_answer"):
            stored = self._store(user_id, desired.score, timestamp, version)
            if fault == "ok":
                answer = stored
        elif fault == "late":
            self.late.append(lambda: self._store(user_id, desired.score, timestamp, version))
        self.world.story.append(f"{user_id} <- {desired.score} (v{version}, t{timestamp % 1000}): {fault}")
        await self.world.crossing("after a score reached the LMS")
        return outcome_of_score(answer)

    def _store(self, user_id: str, score: float, timestamp: int, version: int) -> Answer:
        cell = self.cells.get(user_id)
        if cell is not None and timestamp <= cell.timestamp:
            return Answer(409, body=b"[]", reason="Refusing score with an earlier timestamp")
        assert version >= self.newest.get(user_id, 0), "an older value has overwritten a newer one"
        assert cell is None or not cell.protected, "a teacher's grade was overwritten"
        self.newest[user_id] = version
        self.cells[user_id] = Cell(score, timestamp, version)
        return Answer(200)

    def override(self, user_id: str, score: float) -> None:
        """A teacher edits the grade. It is hers once ours was there; in doubt, its time has to tell."""
        now, held = int(self.world.clock.timestamp()), self.world.store.rows.get(int(user_id))
        ours = held is None or held.sent is None or held.choice is Choice.OURS
        is_late = held is not None and (not held.in_doubt or now > held.last_timestamp)
        self.cells[user_id] = Cell(score, now, 0, overridden=True, protected=not ours and is_late)

    def unprotect(self, user_id: str | None = None) -> None:
        """A teacher wants ours, or nobody can tell whose it is."""
        for user, cell in self.cells.items():
            if user_id in (None, user):
                cell.protected = False

    def arrive(self) -> None:
        """A request given up long ago reaches the LMS."""
        if self.late:
            self.late.pop(0)()

    async def results(self, registration: Registration, lineitem: str, user_id: str | None = None) -> dict[str, Result]:
        fault = self.world.fault()
        if fault in ("401", "500"):
            self.unprotect()  # after some tries, scores go to an LMS that tells no results
        self._fail(fault)
        cells = self.cells.items()
        return {u: Result(c.score, 10.0, c.timestamp) for u, c in cells if user_id in (None, u)}


def _answer(fault: str) -> Answer:
    if fault in ("no_request", "no_answer", "late"):
        return Answer(0, fault="timeout")
    if fault == "html":
        return Answer(200, "text/html", b"<html>maintenance</html>")
    if fault == "401":
        # What the client says after the second token was refused as well.
        return Answer(500)
    return Answer(200 if fault == "ok" else int(fault), retry_after=2.0 if fault == "429" else None)
