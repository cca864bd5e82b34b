"""Columns over time: names, due dates and maxima change here and there, and each assignment keeps its column."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.registrations import Registrations
from jupyterhub_courses.adapters.store.scores import Scores
from jupyterhub_courses.adapters.store.standings import Standings
from jupyterhub_courses.core.answers import LmsFailure, Outcome, Verdict
from jupyterhub_courses.core.gradebooks import AssignmentState, GradebookState, ScoreState
from jupyterhub_courses.core.lineitems import Column, LineItem, lineitem_of
from jupyterhub_courses.core.records import Link, Registration
from jupyterhub_courses.usecases.columns import made_ready

from .conftest import Course
from .test_delivering import delete_lineitem
from .world import LmsProcess, World

DUE = datetime(2027, 3, 1, 12, tzinfo=UTC)
BOTH = (AssignmentState("ps8", 10, None, "a"), AssignmentState("hw8", 10, None, "b"))
_times = itertools.count(1)


async def graded(world: World, course: Course, *assignments: AssignmentState, **points: float) -> None:
    """The gradebook has these assignments, and person 1 these points; all of it is delivered."""
    person = f"p{course.platform[0]}-1"
    maxima = {one.name: one.max_score for one in assignments}
    rows = tuple(ScoreState(name, person, score, maxima[name], DUE, None) for name, score in points.items())
    await Scores(world.database).record(course.id, GradebookState(float(next(_times)), assignments, rows), DUE)
    await world.settle()


def shown(lms: LmsProcess) -> dict[str, float]:
    """What the LMS shows of person 1: {column: score}, in the LMS's order."""
    columns = lms.control("gradebook")["ml101"].items()
    return {title: people["s1"] for title, people in columns if people["s1"] is not None}


async def address(world: World, course: Course, name: str) -> str:
    """The line item of an assignment."""
    (found,) = [one.lineitem for one in await Scores(world.database).assignments(course.id) if one.name == name]
    assert found is not None
    return found


async def change_there(world: World, course: Course, url: str, **changes: Any) -> None:
    """A teacher changes a column in the LMS."""
    registration = await Registrations(world.database).by_id(course.platform[1])
    assert registration is not None
    item = await world.ags.get(registration, url)
    assert item is not None
    await world.ags.update(registration, replace(item, **changes))


async def test_an_assignment_that_is_renamed_keeps_its_column(world: World, lms: LmsProcess, course: Course) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None, "a"), ps8=4)
    column = await address(world, course, "ps8")
    lms.forget()
    await graded(world, course, AssignmentState("hw8", 10, None, "a"), hw8=4)
    assert await address(world, course, "hw8") == column
    assert shown(lms) == {"hw8": 4}  # its title follows
    assert lms.posts() == {}  # and what was sent is not sent again


async def test_a_new_assignment_of_an_old_name_has_a_column_of_its_own(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None, "a"), ps8=4)
    both = (AssignmentState("hw8", 10, None, "a"), AssignmentState("ps8", 10, None, "b"))
    await graded(world, course, *both, hw8=4, ps8=9)
    assert shown(lms) == {"hw8": 4, "ps8": 9}


async def test_an_activity_that_has_the_new_name_first_takes_the_column_from_nobody(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None, "a"), ps8=4)
    column = await address(world, course, "ps8")
    link = Link("hw8", "11", None, course.lineitems, course.platform[1])
    await Courses(world.database).set_link(course.id, link)
    await graded(world, course, AssignmentState("hw8", 10, None, "a"), hw8=4)
    (assignment,) = await Scores(world.database).assignments(course.id)
    assert (assignment.name, assignment.lineitem, assignment.resource_link_id) == ("hw8", column, "11")
    assert shown(lms) == {"hw8": 4}


async def test_two_that_change_names_with_each_other_keep_their_columns(
    world: World, lms: LmsProcess, course: Course
) -> None:
    one, other = AssignmentState("ps8", 10, None, "a"), AssignmentState("ps9", 10, None, "b")
    await graded(world, course, one, other, ps8=4, ps9=9)
    columns = [await address(world, course, name) for name in ("ps8", "ps9")]
    await graded(world, course, replace(one, name="ps9"), replace(other, name="ps8"), ps9=4, ps8=9)
    assert [await address(world, course, name) for name in ("ps9", "ps8")] == columns
    assert shown(lms) == {"ps9": 4, "ps8": 9}


def activity(course: Course, lms: LmsProcess, assignment: str, number: int = 11) -> Link:
    """What a launch from this activity tells, whose parameter names the assignment."""
    own = f"{lms.base}/mod/lti/services.php/2/lineitems/1/lineitem?type_id=1"  # the first line item is activity 11's
    return Link(assignment, str(number), own, course.lineitems, course.platform[1])


async def test_an_activity_that_names_another_assignment_gives_that_one_its_column(
    world: World, lms: LmsProcess, course: Course
) -> None:
    courses = Courses(world.database)
    await courses.set_link(course.id, activity(course, lms, "ps8"))
    await graded(world, course, *BOTH, ps8=4, hw8=9)
    assert shown(lms) == {"Problem set 1": 40, "hw8": 9}  # of 100 points there
    await courses.set_link(course.id, activity(course, lms, "hw8"))
    await graded(world, course, *BOTH, ps8=4, hw8=9)
    assert shown(lms) == {"Problem set 1": 90, "hw8": 9, "ps8": 4}
    lms.forget()
    await courses.set_link(course.id, activity(course, lms, "hw8"))
    await graded(world, course, *BOTH, ps8=4, hw8=9)
    assert lms.posts() == {}


async def test_an_assignment_that_is_renamed_keeps_its_activitys_column_beside_a_new_one_of_the_old_name(
    world: World, lms: LmsProcess, course: Course
) -> None:
    courses, old = Courses(world.database), AssignmentState("ps8", 10, None, "a")
    await courses.set_link(course.id, activity(course, lms, "ps8"))
    await graded(world, course, old, ps8=4)
    own = await address(world, course, "ps8")
    await change_there(world, course, own, resource_id="ps8")  # as Deep Linking gives it
    renamed = replace(old, name="hw8")
    await graded(world, course, renamed, hw8=4)
    await courses.set_link(course.id, activity(course, lms, "ps8"))  # somebody clicks: the activity has the old name
    await graded(world, course, renamed, hw8=5)
    assert (await address(world, course, "hw8"), shown(lms)) == (own, {"Problem set 1": 50})
    await graded(world, course, renamed, replace(old, id="b"), hw8=5, ps8=9)
    assert (await address(world, course, "hw8"), shown(lms)) == (own, {"Problem set 1": 50, "ps8": 9})


async def test_activities_that_share_a_column_move_it_from_nobody(
    world: World, lms: LmsProcess, course: Course
) -> None:
    courses = Courses(world.database)
    for _ in range(2):
        await courses.set_link(course.id, activity(course, lms, "ps8", 11))
        await courses.set_link(course.id, activity(course, lms, "hw8", 12))
        await graded(world, course, *BOTH, ps8=4, hw8=9)
        assert shown(lms) == {"Problem set 1": 40, "hw8": 9}


async def test_a_column_that_a_teacher_renamed_there_keeps_that_title(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None, "a"), ps8=4)
    await change_there(world, course, await address(world, course, "ps8"), label="Sheet 8")
    await graded(world, course, AssignmentState("hw8", 20, DUE, "a"), hw8=5)
    assert shown(lms) == {"Sheet 8": 5}
    assert lms.control("gradebook?detail=1")["ml101"]["Sheet 8"]["s1"]["max"] == 20


async def test_a_maximum_that_a_teacher_changed_there_stays_when_only_the_name_is_new(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None, "a"), ps8=4)
    await change_there(world, course, await address(world, course, "ps8"), maximum=100.0)
    await graded(world, course, AssignmentState("hw8", 10, None, "a"), hw8=5)
    assert shown(lms) == {"hw8": 50}


async def test_a_new_maximum_rescales_what_a_teacher_typed_there_and_the_page_says_so(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None), ps8=4)
    (column,) = await Standings(world.database).columns(course.id)
    assert (column.rescaled_from, column.rescaled_at) == (None, None)
    lms.control("override", {"course": "ml101", "item": "ps8", "person": "s2", "score": 8})
    await graded(world, course, AssignmentState("ps8", 20, None), ps8=4)
    assert lms.grades("ml101", "ps8") == {"s1": 4, "s2": 16}
    (column,) = await Standings(world.database).columns(course.id)
    assert column.rescaled_from == 10 and column.rescaled_at is not None


async def test_a_new_maximum_is_told_although_nobody_has_a_score_that_is_due(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None), ps8=4)
    await graded(world, course, AssignmentState("ps8", 20, None))  # a regrade has begun: no score is complete
    assert lms.control("gradebook?detail=1")["ml101"]["ps8"]["s1"]["max"] == 20
    lms.forget()
    await world.outbox.deliver_due()
    assert lms.control("requests") == {}


async def test_columns_are_made_in_the_order_of_their_due_dates(world: World, lms: LmsProcess, course: Course) -> None:
    days = {"a-last": None, "b-second": DUE + timedelta(days=7), "c-first": DUE}
    states = [AssignmentState(name, 10, due) for name, due in days.items()]
    await graded(world, course, *states, **{name: 5.0 for name in days})
    assert list(shown(lms)) == ["c-first", "b-second", "a-last"]


async def test_a_renamed_assignment_whose_column_was_deleted_is_made_again_only_when_asked(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await graded(world, course, AssignmentState("ps8", 10, None, "a"), ps8=4)
    await delete_lineitem(world, await address(world, course, "ps8"))
    await graded(world, course, AssignmentState("hw8", 10, None, "a"), hw8=4)
    assert shown(lms) == {}
    (column,) = await Standings(world.database).columns(course.id)
    assert column.error == "column_gone"
    await world.store.retry(course.id)
    await world.settle()
    assert shown(lms) == {"hw8": 4}


REGISTRATION = Registration(1, 1, "lab", "https://lms.invalid", "c", ("1",), "", None, None, None)
COLUMN = Column(1, 1, "ps8", 10.0, REGISTRATION, "https://lms.invalid/items", due_at=DUE)


class Keeping:
    """An LMS that keeps whatever a line item says, as Open edX and Canvas do; Moodle knows no dates. `refuses`: names
    of members that it answers 400 to.
    """

    def __init__(self, refuses: tuple[str, ...] = ()) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.refuses, self.writes = refuses, 0

    async def find(self, registration: Registration, container: str, resource_id: str) -> list[LineItem]:
        found = map(lineitem_of, self.items.values())
        return [item for item in found if item is not None and item.resource_id == resource_id]

    async def get(self, registration: Registration, url: str) -> LineItem | None:
        return lineitem_of(self.items.get(url))

    async def create(self, registration: Registration, container: str, item: LineItem) -> LineItem:
        return await self.update(registration, replace(item, url=f"{container}/{len(self.items)}"))

    async def update(self, registration: Registration, item: LineItem) -> LineItem:
        body = item.as_json()
        if any(name in body for name in self.refuses):
            raise LmsFailure(Outcome(Verdict.REFUSED, "refused_by_lms"))
        self.items[item.url], self.writes = body, self.writes + 1
        return item


async def test_a_due_date_goes_along_and_follows_its_assignment() -> None:
    lms = Keeping()
    column = await made_ready(lms, COLUMN)
    (item,) = lms.items.values()
    assert item["endDateTime"] == "2027-03-01T12:00:00+00:00"
    assert await made_ready(lms, column) == column and lms.writes == 1
    column = await made_ready(lms, replace(column, due_at=DUE + timedelta(days=1)))
    assert lms.items[column.lineitem or ""]["endDateTime"] == "2027-03-02T12:00:00+00:00"
    column = await made_ready(lms, replace(column, due_at=None))
    assert "endDateTime" not in lms.items[column.lineitem or ""]


async def test_a_due_date_that_a_teacher_changed_there_stays() -> None:
    lms = Keeping()
    column = await made_ready(lms, COLUMN)
    lms.items[column.lineitem or ""]["endDateTime"] = "2027-04-01T00:00:00Z"
    await made_ready(lms, replace(column, due_at=None, max_score=20.0))
    (item,) = lms.items.values()
    assert (item["endDateTime"], item["scoreMaximum"]) == ("2027-04-01T00:00:00+00:00", 20)


async def test_what_a_teacher_set_there_outlives_every_change_of_ours() -> None:
    """Whether students see their grades, when it opens, what an LMS adds of its own."""
    lms = Keeping()
    column = await made_ready(lms, COLUMN)
    theirs = {"gradesReleased": False, "startDateTime": "2027-02-01T00:00:00Z", "https://lms.invalid/order": 7}
    lms.items[column.lineitem or ""] |= theirs
    await made_ready(lms, replace(column, name="hw8", max_score=20.0, due_at=None))
    (item,) = lms.items.values()
    assert {name: item[name] for name in theirs} == theirs
    assert (item["label"], item["resourceId"], item["scoreMaximum"]) == ("hw8", "hw8", 20)


@pytest.mark.parametrize("maximum", [10.0, 7.5])
async def test_an_lms_that_takes_no_dates_gets_its_column_without(maximum: float) -> None:
    lms = Keeping(refuses=("endDateTime",))
    column = await made_ready(lms, replace(COLUMN, max_score=maximum))
    (item,) = lms.items.values()
    assert (item["label"], "endDateTime" in item) == ("ps8", False)
    assert await made_ready(lms, column) == column


async def test_a_title_that_is_refused_holds_up_no_score_and_a_maximum_does() -> None:
    lms = Keeping()
    column = await made_ready(lms, COLUMN)
    lms.refuses = ("label",)
    renamed = await made_ready(lms, replace(column, name="hw8"))
    assert await made_ready(lms, renamed) == renamed
    with pytest.raises(LmsFailure, match="column_refused"):
        await made_ready(lms, replace(column, max_score=20.0))
