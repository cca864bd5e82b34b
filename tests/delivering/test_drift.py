"""What is changed in the LMS by hand, against the LMS of the demo over real HTTP and a real store."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from jupyterhub_courses.adapters.store.looks import Looks
from jupyterhub_courses.adapters.store.models import AssignmentRow
from jupyterhub_courses.core.drift import Choice
from jupyterhub_courses.usecases.reading_back import ReadingBack

from .conftest import Course
from .test_delivering import delete_lineitem
from .world import LmsProcess, World, now

HOUR = timedelta(hours=1)


@pytest.fixture
def looks(world: World) -> Looks:
    return Looks(world.database, world.store)


@pytest.fixture
def reading_back(world: World, looks: Looks) -> ReadingBack:
    return ReadingBack(looks, world.store, world.ags, now, lambda: 0.0, HOUR)


async def time_to_look(world: World) -> None:
    async with world.database.transaction() as session:
        due = update(AssignmentRow).where(AssignmentRow.look_at.is_not(None))
        await session.execute(due.values(look_at=now()))


def override(lms: LmsProcess, person: str, score: float, item: str = "ps9") -> None:
    lms.control("override", {"course": "ml101", "item": item, "person": person, "score": score})


async def a_second() -> None:
    """LMSs know whole seconds."""
    await asyncio.sleep(1.1)


async def ten_sent(world: World, course: Course, score: float = 4) -> int:
    assignment = await world.want(course.id, "ps9", {course.people[str(n)]: score for n in range(1, 11)})
    await world.settle()
    return assignment


async def test_a_look_finds_what_was_changed_and_what_is_gone(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    assignment = await ten_sent(world, course)
    override(lms, "s1", 1)
    override(lms, "s2", 4)  # the same by hand is no difference
    lms.forget()
    await time_to_look(world)
    assert await reading_back.look() == 1
    assert lms.control("requests") == {"results.get": {"200": 1}}
    assert await world.states(assignment) == {("sent", "overridden_in_lms"): 1, ("sent", ""): 9}
    first = (await world.rows(assignment))[0]
    assert (first.score, first.sent_score, first.lms_score) == (4, 4, 1)
    await world.outbox.deliver_due()
    assert lms.posts() == {}


@pytest.mark.parametrize("changed", [1, 10])
async def test_a_later_score_of_ours_does_not_go_over_a_grade_that_was_changed_there(
    world: World, lms: LmsProcess, course: Course, changed: int
) -> None:
    """Nobody had looked before: a regrade is preceded by a look, of one or of all."""
    await ten_sent(world, course)
    await a_second()
    override(lms, "s1", 1)
    await a_second()
    lms.forget()
    scores = {course.people[str(n)]: 6.0 for n in range(1, changed + 1)}
    assignment = await world.want(course.id, "ps9", scores)
    await world.settle()
    assert lms.grades("ml101", "ps9")["s1"] == 1
    row = (await world.rows(assignment))[0]
    assert (row.state, row.reason, row.score, row.sent_score, row.lms_score) == ("kept", "overridden_in_lms", 6, 4, 1)
    assert lms.posts() == ({} if changed == 1 else {"200": changed - 1})
    lms.forget()
    await world.outbox.deliver_due()
    assert lms.control("requests") == {}


async def test_a_newer_edit_that_the_lms_itself_defends_is_kept_too(
    world: World, lms: LmsProcess, course: Course
) -> None:
    """Between our look and our request somebody edits: Moodle says 409, and the grade there stays."""
    assignment = await ten_sent(world, course)
    await a_second()
    blind = world.ags

    class LooksTooEarly:
        def __getattr__(self, name: str) -> object:
            return getattr(blind, name)

        first = True

        async def results(self, *arguments: object) -> object:
            found = await blind.results(*arguments)  # type: ignore[arg-type]
            if self.first:
                self.first = False
                override(lms, "s1", 1)
            return found

    await world.want(course.id, "ps9", {course.people["1"]: 6})
    await world.settle(outbox=world.fresh_outbox(LooksTooEarly()))
    assert lms.grades("ml101", "ps9")["s1"] == 1
    row = (await world.rows(assignment))[0]
    assert (row.state, row.reason, row.lms_score) == ("kept", "overridden_in_lms", 1)


async def test_a_teacher_sends_ours_for_one_student_and_it_is_remembered(
    world: World, lms: LmsProcess, course: Course, looks: Looks, reading_back: ReadingBack
) -> None:
    assignment = await ten_sent(world, course)
    override(lms, "s1", 1)
    override(lms, "s2", 2)
    await time_to_look(world)
    await reading_back.look()
    await a_second()
    assert await looks.choose(course.id, "ps9", Choice.OURS, f"p{course.platform[0]}-1")
    await world.settle()
    grades = lms.grades("ml101", "ps9")
    assert (grades["s1"], grades["s2"]) == (4, 2)
    # Remembered: another change there is undone at the next look, the other student's is not.
    await a_second()
    override(lms, "s1", 3)
    await a_second()
    await time_to_look(world)
    await reading_back.look()
    await world.settle()
    grades = lms.grades("ml101", "ps9")
    assert (grades["s1"], grades["s2"]) == (4, 2)
    assert await world.states(assignment) == {("sent", "overridden_in_lms"): 1, ("sent", ""): 9}


async def test_a_choice_for_the_assignment_is_for_everybody(
    world: World, lms: LmsProcess, course: Course, looks: Looks, reading_back: ReadingBack
) -> None:
    assignment = await ten_sent(world, course)
    for person in ("s1", "s2", "s3"):
        override(lms, person, 1)
    await time_to_look(world)
    await reading_back.look()
    await a_second()
    assert await looks.choose(course.id, "ps9", Choice.KEEP, f"p{course.platform[0]}-3")
    assert await looks.choose(course.id, "ps9", Choice.OURS)
    await world.settle()
    assert set(lms.grades("ml101", "ps9").values()) == {4}
    assert await world.states(assignment) == {("sent", ""): 10}
    assert not await looks.choose(course.id, "ps77", Choice.OURS)
    assert not await looks.choose(course.id, "ps9", Choice.OURS, "nobody")


async def test_an_override_that_the_lms_holds_fast_to_is_sent_over_once(
    world: World, lms: LmsProcess, course: Course, looks: Looks, reading_back: ReadingBack
) -> None:
    """Moodle takes a score for an activity's own column and goes on showing what was typed there."""
    own = lms.control("gradebook?detail=1")["ml101"]["Problem set 1"]["s1"]["item"]
    link = f"{lms.base}/mod/lti/services.php/2/lineitems/{own}/lineitem?type_id=1"
    at_link = {"link_lineitem": link, "link_registration_id": course.platform[1]}
    assignment = await world.want(course.id, "ps1", {course.people["1"]: 4}, **at_link)
    await world.settle()
    await a_second()
    override(lms, "s1", 90, "Problem set 1")
    await looks.choose(course.id, "ps1", Choice.OURS)
    await a_second()
    lms.forget()
    for _ in range(4):
        await time_to_look(world)
        await reading_back.look()
        await world.settle()
    assert lms.posts() == {"200": 1}
    assert await world.states(assignment) == {("sent", "overridden_in_lms"): 1}
    assert (await world.rows(assignment))[0].lms_score == 9


async def test_a_grade_put_back_there_lets_ours_go_on(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    assignment = await ten_sent(world, course)
    await a_second()
    override(lms, "s1", 1)
    await world.want(course.id, "ps9", {course.people["1"]: 6})
    await world.settle()
    assert (await world.rows(assignment))[0].state == "kept"
    override(lms, "s1", 4)
    await a_second()
    await time_to_look(world)
    await reading_back.look()
    await world.settle()
    assert lms.grades("ml101", "ps9")["s1"] == 6
    assert await world.states(assignment) == {("sent", ""): 10}


async def test_a_new_maximum_is_no_override(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    await ten_sent(world, course)
    await a_second()
    scores = {course.people[str(n)]: float(n) for n in range(1, 11)}
    assignment = await world.want(course.id, "ps9", scores, maximum=30)
    await world.settle()
    assert lms.grades("ml101", "ps9")["s7"] == 7
    await time_to_look(world)
    await reading_back.look()
    assert await world.states(assignment) == {("sent", ""): 10}


async def test_nothing_is_asked_before_something_was_sent_nor_twice_in_a_period(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    lms.control("enrol", {"course": "ml101", "person": "s1", "role": None})
    await world.want(course.id, "ps9", {course.people["1"]: 4})
    await world.settle()
    lms.forget()
    assert await reading_back.look() == 0
    await world.want(course.id, "ps9", {course.people["2"]: 4})
    await world.settle()
    lms.forget()
    assert await reading_back.look() == 0  # what was just delivered may still settle
    await time_to_look(world)
    assert [await reading_back.look() for _ in range(3)] == [1, 0, 0]
    assert lms.control("requests") == {"results.get": {"200": 1}}


async def test_a_column_deleted_there_is_noticed_without_a_delivery(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    assignment = await ten_sent(world, course)
    column = (await world.assignment(assignment)).lineitem
    assert column
    await delete_lineitem(world, column)
    await time_to_look(world)
    await reading_back.look()
    assert (await world.assignment(assignment)).lineitem_error == "column_gone"
    lms.forget()
    await time_to_look(world)
    assert await reading_back.look() == 0
    assert lms.control("requests") == {}


async def test_an_lms_that_is_away_is_asked_once_and_nothing_changes(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    await world.want(course.id, "ps8", {course.people["1"]: 4})
    assignment = await ten_sent(world, course)
    lms.faults(status_503=5, endpoints=["results"])
    lms.forget()
    await time_to_look(world)
    assert await reading_back.look() == 0
    assert lms.control("requests") == {"results.get": {"503": 1}}
    assert await world.states(assignment) == {("sent", ""): 10}
    assert await reading_back.look() == 0
    assert lms.control("requests") == {"results.get": {"503": 1}}


async def test_a_regrade_waits_for_an_lms_that_can_not_tell_what_it_shows(
    world: World, lms: LmsProcess, course: Course
) -> None:
    assignment = await ten_sent(world, course)
    await a_second()
    lms.faults(status_503=1, endpoints=["results"])
    await world.want(course.id, "ps9", {course.people["1"]: 6})
    await world.outbox.deliver_due()
    assert lms.grades("ml101", "ps9")["s1"] == 4
    await world.settle(outbox=world.fresh_outbox())
    assert lms.grades("ml101", "ps9")["s1"] == 6
    assert await world.states(assignment) == {("sent", ""): 10}


async def test_a_grade_that_is_not_there_is_sent_again_when_asked(
    world: World, lms: LmsProcess, course: Course, reading_back: ReadingBack
) -> None:
    assignment = await ten_sent(world, course)
    column = (await world.assignment(assignment)).lineitem
    async with world.database.transaction() as session:  # as if the LMS had forgotten one person's
        row = await session.get_one(AssignmentRow, assignment)
        row.look_at = now()
    blind = world.ags

    class WithoutOne:
        def __getattr__(self, name: str) -> object:
            return getattr(blind, name)

        async def results(self, *arguments: object) -> object:
            found = await blind.results(*arguments)  # type: ignore[arg-type]
            found.pop("1", None)
            return found

    looks = Looks(world.database, world.store)
    await ReadingBack(looks, world.store, WithoutOne(), now, lambda: 0.0, HOUR).look()  # type: ignore[arg-type]
    assert column
    assert await world.states(assignment) == {("sent", "missing_in_lms"): 1, ("sent", ""): 9}
    await a_second()
    lms.forget()
    assert await world.store.retry(course.id, course.people["1"], "ps9") == 1
    await world.settle(outbox=world.fresh_outbox(WithoutOne()))
    assert lms.posts() == {"200": 1}
    # Where it is there after all, nothing has to be sent for seeing it.
    assert await world.store.retry(course.id, course.people["1"], "ps9") == 1
    await world.settle()
    assert lms.posts() == {"200": 1}
    assert await world.states(assignment) == {("sent", ""): 10}
