"""The story on a real Moodle, from the first click to Moodle's gradebook. The plays follow each other."""

import asyncio

import pytest

from jupyterhub_courses.core.score_sentences import SCORE_SENTENCES
from jupyterhub_courses.core.sentences import sentence
from jupyterhub_courses.demo.story.people import Teacher

from .conftest import World
from .lab import words
from .running import until
from .table import GRADES, PROBLEM_SET

pytestmark = [pytest.mark.moodle, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="package")]


async def test_a_student_who_clicks_before_the_teacher_is_told_so(world: World) -> None:
    assert sentence("student_before_teacher", "en") in world.too_early


async def test_a_teachers_first_click_makes_the_course_and_opens_formgrader(world: World, teacher: Teacher) -> None:
    assert teacher.server.user == "grader-ml101"
    assert "/user/grader-ml101/ml101/formgrader" in teacher.server.opened, teacher.server.opened
    courses = {course["slug"]: course for course in await world.hub.api("courses")}
    assert courses["ml101"]["title"] == "Machine Learning 101" and courses["ml101"]["state"] == "ready"


async def test_the_roster_brings_students_who_never_clicked(world: World, teacher: Teacher) -> None:
    everybody = {one["id"] for one in world.tool.seeded["students"]}
    found: dict[str, str] = {}

    async def there() -> bool:
        found.update(await world.hub.usernames("ml101"))
        return everybody <= found.keys()

    await until(there, 60, lambda: f"of {everybody} only {found} are in the roster\n{world.hub.tail()}")
    members = {one["lms_user_id"]: one for one in (await world.hub.api("courses/ml101/roster"))["members"]}
    never = next(one for one in world.tool.seeded["students"] if one["username"] == "student4")
    assert (members[never["id"]]["name"], members[never["id"]]["role"]) == ("Ding 李", "student")


async def test_a_teaching_assistant_still_grades_after_the_roster_came(world: World, teacher: Teacher) -> None:
    assistant = world.visitor("teacher2")
    assert (await assistant.open_server(world.tool, "ml101")).base == teacher.server.base
    # Moodle's roster lists a non-editing teacher as Learner.
    synced = await world.hub.api("courses/ml101/roster/sync", "POST")
    assert synced["error"] == "" and synced["removed"] == 0, synced
    members = {one["lms_user_id"]: one for one in (await world.hub.api("courses/ml101/roster"))["members"]}
    told = next(one for one in world.tool.seeded["teachers"] if one["username"] == "teacher2")
    assert members[told["id"]]["role"] == "grader" and members[told["id"]]["active"]
    page = await assistant.browser.click(f"{world.hub.url}/services/courses/ml101/")
    assert page.status == 200 and "formgrader" in page.text
    assert (await assistant.open_server(world.tool, "ml101")).base == teacher.server.base


async def test_an_activity_that_names_no_assignment_opens_the_course_page(world: World, teacher: Teacher) -> None:
    page = await world.visitor("student2").launch(world.tool, "ml101", "Exercises")
    assert page.path == "/services/courses/ml101/" and "Machine Learning 101" in words(page)


async def test_moodles_gradebook_has_exactly_the_grades_of_the_table(world: World, graded: dict[str, str]) -> None:
    await world.grades_are("ml101", PROBLEM_SET, GRADES)
    await everything_sent(world)
    assert world.tool.scores_posted("ml101") == len(graded), "every score is sent once, and only when it is complete"
    book = world.tool.gradebook("ml101")
    assert {name: len(columns) for name, columns in book.items()} == {PROBLEM_SET: 1}
    assert book[PROBLEM_SET][0]["own"] and book[PROBLEM_SET][0]["max"] == 100
    assert PROBLEM_SET in (report := await world.visitor("student2").grade_report(world.tool, "ml101"))
    assert "50.00" in report.partition(PROBLEM_SET)[2][:200], report


async def test_a_regrade_arrives(world: World, teacher: Teacher, graded: dict[str, str]) -> None:
    posted = world.tool.scores_posted("ml101")
    await teacher.mark(graded["student3"], "explanation", 4)
    await world.grades_are("ml101", PROBLEM_SET, {**GRADES, "student3": 100.0})
    await everything_sent(world)  # Moodle shows a grade before it has answered, and logs the request after that
    assert world.tool.scores_posted("ml101") == posted + 1


async def test_what_moodle_has_is_not_sent_again(world: World, teacher: Teacher, graded: dict[str, str]) -> None:
    await everything_sent(world)
    posted, taken_at = world.tool.scores_posted("ml101"), world.hub.gradebook_taken_at("ml101")
    # At its start the graders' server sends the whole state.
    await teacher.server.stop()
    reopened = await world.visitor("teacher1").open_server(world.tool, "ml101")
    assert reopened.opened.endswith("/formgrader/manage_submissions/ps1"), reopened.opened
    await until(lambda: world.hub.gradebook_taken_at("ml101") > taken_at, 60, world.hub.tail)
    await everything_sent(world)
    await asyncio.sleep(5)  # more than twice what the outbox waits between two looks
    assert world.tool.scores_posted("ml101") == posted


async def test_a_grade_that_was_changed_by_hand_in_moodle_stays_and_teachers_are_told(
    world: World, teacher: Teacher, graded: dict[str, str]
) -> None:
    course = world.tool.course_id("ml101")
    world.moodle.do("override", course, world.tool.type_id, PROBLEM_SET, "student1", 42)
    assert world.tool.grades("ml101", PROBLEM_SET, ["student1"]) == {"student1": 42.0}
    await teacher.mark(graded["student1"], "explanation", 3)
    await delivery_is(world, graded["student1"], state="kept", score=9.0, reason="overridden_in_lms")
    assert world.tool.grades("ml101", PROBLEM_SET, GRADES) == {**GRADES, "student1": 42.0, "student3": 100.0}
    page = await world.visitor("teacher1").browser.click(f"{world.hub.url}/services/courses/ml101/deliveries")
    assert SCORE_SENTENCES["overridden_in_lms"]["en"] in words(page)


async def test_a_score_of_somebody_who_left_the_course_is_refused_with_a_sentence_and_kept(
    world: World, teacher: Teacher, graded: dict[str, str]
) -> None:
    course = world.tool.course_id("ml101")
    world.moodle.do("unenrol", course, "student5")
    try:
        await teacher.mark(graded["student5"], "explanation", 2)
        await delivery_is(world, graded["student5"], state="refused", score=8.0, reason="not_in_lms")
        page = await world.visitor("teacher1").browser.click(f"{world.hub.url}/services/courses/ml101/deliveries")
        assert SCORE_SENTENCES["not_in_lms"]["en"] in words(page)
    finally:
        world.moodle.do("enrol", course, "student5")
    assert await world.hub.api("courses/ml101/scores/retry", "POST")
    await delivery_is(world, graded["student5"], state="sent", score=8.0, reason="")
    await world.grades_are("ml101", PROBLEM_SET, {"student5": 80.0})


async def everything_sent(world: World) -> None:
    """Wait until the service is done."""

    async def done() -> bool:
        scores = (await world.hub.scores("ml101")).values()
        return bool(scores) and all(score["state"] == "sent" for score in scores)

    await until(done, 60, world.hub.tail)


async def delivery_is(world: World, username: str, **wanted: object) -> None:
    """Wait until a student's delivery stands so."""
    found: dict[str, object] = {}

    async def so() -> bool:
        found.update((await world.hub.scores("ml101"))["ps1", username])
        return {name: found[name] for name in wanted} == wanted

    await until(so, 90, lambda: f"{found} and should be {wanted}\n{world.hub.tail()}")
