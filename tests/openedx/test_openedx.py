"""Open edX's real platform and the whole system: clicks, people, and scores in its gradebook.

The tests of one version follow each other; each can be asked for alone.
"""

from datetime import datetime
from typing import Any

import pytest

from ..support.system import wait_for
from .conftest import World
from .lms import usage_key

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]


def test_a_teachers_click_makes_the_course_and_opens_formgrader(world: World, teacher: str) -> None:
    assert teacher == "formgrader/manage_assignments"
    assert world.usernames["ines"] == f"grader-{world.course}"


def test_a_students_click_opens_the_notebook_of_its_component(world: World, teacher: str) -> None:
    assert world.opened("ada", "ps1") == "lab/tree/ps1/ps1.ipynb"
    course = world.course
    assert world.opened("ada", "ps2") == "lab/tree/ps2/ps2.ipynb"
    # Each component is a registration of its own, and all of them are one course.
    assert world.course == course


def test_the_roster_brings_a_student_who_never_clicked(world: World, graded: None) -> None:
    told = world.system.as_hub("POST", f"courses/{world.course}/roster/sync")
    assert told["error"] == "", told
    members = world.system.as_hub("GET", f"courses/{world.course}/roster")["members"]
    people = {one["name"]: (one["role"], one["active"]) for one in members}
    assert people["Bob Example"] == people["Ada Example"] == ("student", True)
    assert people["Ines Example"] == ("instructor", True)


def test_a_component_without_a_members_service_takes_no_roster_away(world: World, graded: None) -> None:
    world.openedx.set("ps2", lti_1p3_enable_nrps=False)
    try:
        world.opened("ada", "ps1")
        world.opened("ada", "ps2")
        told = world.system.as_hub("POST", f"courses/{world.course}/roster/sync")
        assert told["error"] == "", told
    finally:
        world.openedx.set("ps2", lti_1p3_enable_nrps=True)


def test_scores_reach_the_gradebook_of_the_lms(world: World, graded: None) -> None:
    world.shows("ada", "ps1", 7.0)
    world.shows("ada", "ps2", 2.0)  # 2.5 of 5 is half of the component's 4 points
    columns = [c for c in world.openedx.stored()["lineitems"] if c["resource_link_id"] == usage_key("ps2")]
    assert [(c["resource_id"], c["score_maximum"]) for c in columns] == [("ps2", 5)]


@pytest.mark.parametrize("component", ["db", "ext"])
def test_configurations_kept_outside_the_component_work_too(world: World, graded: None, component: str) -> None:
    world.shows("ada", component, 0.75)


def test_a_component_that_is_past_due_takes_the_score_and_does_not_show_it(world: World, graded: None) -> None:
    world.delivered("ada", "overdue", 8.0)
    assert "ada" not in world.openedx.grades("late")  # docs/openedx.md says so


def test_a_regrade_arrives(world: World, graded: None) -> None:
    world.shows("ada", "ps1", 7.0)
    world.grade("ada", "ps1", 4.0)
    world.shows("ada", "ps1", 4.0)


def test_a_score_of_zero_is_taken_and_an_old_open_edx_keeps_what_it_shows(world: World, graded: None) -> None:
    world.shows("ada", "ps2", 2.0)
    world.grade("ada", "ps2", 0.0)
    world.delivered("ada", "ps2", 0.0)
    # docs/openedx.md says so
    world.shows("ada", "ps2", 2.0 if world.openedx.version == "9.14.5" else 0.0)


def test_a_new_name_and_due_date_are_taken_and_the_column_stays(world: World, graded: None) -> None:
    def columns() -> dict[int, str]:
        return {c["id"]: c["label"] for c in world.openedx.stored()["lineitems"] if c["resource_id"] in names}

    names = ("by-plugin", "by-another-plugin")
    (column,) = wait_for(columns, "the component's column")
    with world.gradebook as gradebook:
        assignment = gradebook.find_assignment("by-plugin")
        assignment.name, assignment.duedate = "by-another-plugin", datetime(2027, 3, 1, 12)
        gradebook.db.commit()
    try:
        wait_for(lambda: columns() == {column: "by-another-plugin"}, "the column's new title")
        world.grade("ada", "by-another-plugin", 1.0)
        world.shows("ada", "ext", 0.25)
        assert columns() == {column: "by-another-plugin"}
    finally:
        with world.gradebook as gradebook:
            gradebook.find_assignment("by-another-plugin").name = "by-plugin"
            gradebook.db.commit()


def test_a_token_that_is_refused_is_renewed_at_once(world: World, graded: None) -> None:
    world.delivered("ada", "by-database", 3.0)
    world.openedx.new_keys()
    world.grade("ada", "by-database", 1.0)
    world.delivered("ada", "by-database", 1.0)
    world.shows("ada", "db", 0.25)


def test_what_open_edx_shows_is_read_back_and_is_what_was_sent(world: World, graded: None) -> None:
    """A minute after its last delivery each column is looked at; no grade counts as changed or missing."""

    def rows(assignment: str) -> list[dict[str, Any]]:
        told = world.system.as_hub("GET", f"courses/{world.course}/deliveries?assignment={assignment}")
        column = next(one for one in told["assignments"] if one["name"] == assignment)
        scored = [row for row in told["rows"] if row["score"] is not None]
        return scored if column["looked_at"] and all(row["lms_score"] is not None for row in scored) else []

    for assignment in ("ps1", "by-database"):
        (row,) = wait_for(lambda name=assignment: rows(name), f"a look at {assignment}")
        assert row["state"] == "delivered", row
        assert row["lms_score"] == pytest.approx(row["score"])
