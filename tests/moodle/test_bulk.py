"""A class's scores at once into a column that the service makes in Moodle, and a kill in the midst of them."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from nbgrader.api import BaseCell, Grade, Gradebook

from .conftest import MANY, World
from .running import until

pytestmark = [
    pytest.mark.moodle,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),  # nbgrader's own
]
COURSE, ASSIGNMENT, MAXIMUM = "stats", "exercises", 20


class Scores:
    """The gradebook of `stats`, written as a teacher's own script would; all scores of a call come at once."""

    def __init__(self, path: Path, students: Mapping[str, str]) -> None:
        self.path, self.students = path, students  # LMS username -> hub username

    def prepare(self) -> None:
        """Everybody has submitted; nothing is graded to its end."""
        with Gradebook(f"sqlite:///{self.path}", COURSE) as book:
            book.add_assignment(ASSIGNMENT)
            book.add_notebook("n", ASSIGNMENT)
            book.add_grade_cell("c", "n", ASSIGNMENT, max_score=MAXIMUM, cell_type="code")
            for hub_username in self.students.values():
                book.update_or_create_student(hub_username)
                book.add_submission(ASSIGNMENT, hub_username)
            for grade in book.db.query(Grade):
                grade.needs_manual_grade = True
            book.db.commit()

    def give(self, points: Mapping[str, float]) -> None:
        with Gradebook(f"sqlite:///{self.path}", COURSE) as book:
            wanted = {self.students[username]: score for username, score in points.items()}
            for grade in book.db.query(Grade).join(BaseCell):
                grade.manual_score, grade.needs_manual_grade = wanted[grade.notebook.student.id], False
            book.db.commit()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def scores(world: World) -> Scores:
    """`stats` is made by its teacher's click; its students come by the roster alone."""
    server = await world.visitor("teacher2").open_server(world.tool, COURSE, "Exercises")
    assert server.user == f"grader-{COURSE}"
    people = {f"bulk{number:04d}": id for number, id in enumerate(world.tool.seeded["bulk"]["ids"], 1)}
    assert len(people) == MANY
    known: dict[str, str] = {}

    async def there() -> bool:
        known.update(await world.hub.usernames(COURSE))
        return set(people.values()) <= known.keys()

    await until(there, 60, lambda: f"{len(known)} people are in the roster\n{world.hub.tail()}")
    path = world.hub.data / "courses" / COURSE / "grader" / COURSE / "gradebook.db"
    await until(path.is_file, 60, world.hub.tail)
    scores = Scores(path, {username: known[id] for username, id in people.items()})
    await asyncio.to_thread(scores.prepare)
    return scores


async def test_a_service_killed_amid_a_class_of_scores_loses_none(
    world: World, scores: Scores, say: Callable[[str], None]
) -> None:
    points = {username: float(number % (MAXIMUM + 1)) for number, username in enumerate(scores.students)}
    before = world.tool.scores_posted(COURSE)
    pid = world.hub.service_pid()
    assert pid is not None
    await asyncio.to_thread(scores.give, points)
    await until(lambda: world.tool.scores_posted(COURSE) >= before + MANY // 6, 60, world.hub.tail, every=0.005)
    os.kill(pid, signal.SIGKILL)
    killed, posted = time.monotonic(), world.tool.scores_posted(COURSE) - before
    assert posted < MANY, "all scores were there before the kill"
    say(f"kill -9 after {posted} of {MANY} scores")
    await world.grades_are(COURSE, ASSIGNMENT, points, limit=120)
    say(f"all of them in Moodle {time.monotonic() - killed:.0f} s after the kill")
    assert world.hub.service_pid() not in (None, pid)
    await settled(world)
    again = world.tool.scores_posted(COURSE) - before - MANY
    assert 0 <= again <= 8, f"{again} scores were sent twice; only those on their way at the kill may be"
    columns = world.tool.gradebook(COURSE)[ASSIGNMENT]
    assert [(column["own"], column["max"]) for column in columns] == [(False, MAXIMUM)]


async def test_a_class_of_regrades_arrives_and_each_is_sent_once(
    world: World, scores: Scores, say: Callable[[str], None]
) -> None:
    points = {username: float(MAXIMUM - number % 7) for number, username in enumerate(scores.students)}
    before = world.tool.scores_posted(COURSE)
    held = world.tool.grades(COURSE, ASSIGNMENT, points)
    changed = sum(held[username] != score for username, score in points.items())
    await asyncio.to_thread(scores.give, points)
    given = time.monotonic()
    await until(lambda: world.tool.scores_posted(COURSE) > before, 60, world.hub.tail, every=0.005)
    first = time.monotonic()
    await until(lambda: world.tool.scores_posted(COURSE) >= before + changed, 60, world.hub.tail, every=0.005)
    took = time.monotonic() - first
    say(f"{changed} scores, the first after {first - given:.1f} s, then {(changed - 1) / took:.0f} scores/s")
    await world.grades_are(COURSE, ASSIGNMENT, points)
    await settled(world)
    assert world.tool.scores_posted(COURSE) == before + changed


async def settled(world: World) -> None:
    """Wait until the service has nothing left to send."""

    async def done() -> bool:
        held = (await world.hub.scores(COURSE)).values()
        return len(held) == MANY and all(score["state"] == "sent" and not score["reason"] for score in held)

    await until(done, 60, world.hub.tail)
