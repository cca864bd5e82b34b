"""LMSs as arithmetic: how long requests take there when so many are under way, in virtual time and seeded."""

import heapq
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.core.searching import Sample, Search

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
#: Requests under way -> scores a second, of a real Moodle on two cores: new grades, regrades, an activity's own column.
MOODLE = ((1, 45.0), (4, 81.0), (8, 70.0), (16, 70.0), (32, 59.0))
MOODLE_REGRADE = ((1, 62.0), (4, 119.0), (8, 118.0), (16, 103.0), (32, 112.0))
MOODLE_ACTIVITY = ((1, 33.0), (4, 56.0), (8, 67.0), (16, 63.0), (32, 45.0))


def between(table: Sequence[tuple[int, float]]) -> Callable[[float], float]:
    """The curve through a table's points; flat after the last one, through nothing before the first."""
    points = [(0, 0.0), *table]

    def curve(busy: float) -> float:
        at = bisect_right([n for n, _ in points], busy)
        if at == len(points):
            return points[-1][1]
        (n, low), (m, high) = points[at - 1], points[at]
        return low + (high - low) * (busy - n) / (m - n)

    return curve


@dataclass
class Model:
    """`rate(n)`: scores a second while it works on n; `away`: seconds of the way there and back. It says "too many" to
    more than `accepts` at a time, with `retry_after`; durations differ by up to `spread`.
    """

    rate: Callable[[float], float]
    away: float = 0.0
    accepts: int = 1000
    retry_after: float | None = None
    spread: float = 0.4
    down: tuple[float, float] = (0.0, 0.0)  # from, until: nothing is answered but "busy"


def moodle(table: Sequence[tuple[int, float]] = MOODLE) -> Model:
    return Model(between(table))


def far(away: float = 0.05, cores: int = 1, each: float = 0.0025) -> Model:
    """An LMS some way off that scales, until the sender's own CPU is used up."""
    return Model(lambda n: min(n, cores) / each, away)


@dataclass
class Run:
    """What a simulation saw."""

    seconds: float = 0.0
    refused: int = 0
    closings: int = 0
    most: int = 0
    limits: tuple[int, ...] = ()
    pace: Pace = Pace()
    while_down: int = 0  # requests that came while the LMS was away
    together_while_probing: int = 0

    @property
    def mean_limit(self) -> float:
        return sum(self.limits) / len(self.limits)


def play(model: Model, pace: Pace, scores: int, seed: int = 0, began: float = 0.0) -> Run:
    """Send so many scores as the gate does: as many at a time as the pace allows, none while it is closed."""
    dice, run = random.Random(seed), Run()
    now, left, area = began, scores, 0.0
    started: dict[int, tuple[float, float]] = {}  # request -> start, area then
    coming: list[tuple[float, int]] = []  # on the way there
    working: dict[int, float] = {}  # request -> work left
    number, limits = 0, []

    def when() -> datetime:
        return START + timedelta(seconds=now)

    while left > 0:
        while len(started) < min(left, pace.room(when())):
            number += 1
            started[number] = (now, area)
            heapq.heappush(coming, (now + model.away, number))
            run.most = max(run.most, len(started))
            if pace.failures:
                run.together_while_probing = max(run.together_while_probing, len(started))
        speed = model.rate(len(working)) / len(working) if working else 0.0
        done = min(working, key=lambda one: working[one]) if working else None
        ends = now + working[done] / speed if done is not None else float("inf")
        arrives = coming[0][0] if coming else float("inf")
        opens = float("inf")
        if not started and pace.closed_until is not None:
            opens = (pace.closed_until - START).total_seconds() + 1e-6
        following = min(ends, arrives, opens)
        for one in working:
            working[one] -= (following - now) * speed
        area += len(started) * (following - now)
        now = following
        if following == opens:
            continue
        refused, one = False, done
        if arrives <= ends:
            one = heapq.heappop(coming)[1]
            down = model.down[0] <= now < model.down[1]
            run.while_down += down
            refused = down or len(working) >= model.accepts
            if not refused:
                working[one] = 1 + model.spread * (2 * dice.random() - 1)
                continue
        assert one is not None
        working.pop(one, None)
        start, then = started.pop(one)
        if refused:
            run.refused += 1
            run.closings += not pace.failures
            pace = pace.after_failure(when(), dice.random(), model.retry_after)
        else:
            left -= 1
            pace = pace.after_success(when(), Sample(now - start, (area - then) / (now - start)))
        limits.append(pace.search.limit)
    run.seconds, run.limits, run.pace = now - began, tuple(limits), pace
    return run


class Fixed(Pace):
    """Always the same number at a time."""

    def after_success(self, now: datetime, sample: Sample | None = None) -> Pace:
        return super().after_success(now)


def best_fixed(model: Model, scores: int, seed: int, numbers: Sequence[int]) -> float:
    """Seconds with the best of these numbers of requests at a time."""
    runs = []
    for number in numbers:
        pace = Fixed(Search(most=number, base=number))
        runs.append(play(model, pace, scores, seed).seconds)
    return min(runs)
