"""The outbox against the LMS of the demo over real HTTP and a real store."""

import asyncio

from sqlalchemy import select

from jupyterhub_courses.adapters.lms.ags import SCOPES
from jupyterhub_courses.adapters.store.models import RegistrationRow
from jupyterhub_courses.adapters.store.registrations import registration_record

from .conftest import Course
from .world import LmsProcess, World


def fifty(course: Course) -> dict[int, float]:
    return {course.people[str(n)]: n / 8 for n in range(1, 51)}


def shown(count: int = 50) -> dict[str, float]:
    return {f"s{n}": n / 8 for n in range(1, count + 1)}


async def test_fifty_scores_are_delivered_and_a_second_run_sends_nothing(
    world: World, lms: LmsProcess, course: Course
) -> None:
    assignment = await world.want(course.id, "ps9", fifty(course))
    report = await world.outbox.deliver_due()
    assert report.states == {"sent": 50}
    assert lms.grades("ml101", "ps9") == shown()
    assert await world.states(assignment) == {("sent", ""): 50}
    lms.forget()
    assert (await world.outbox.deliver_due()).states == {}
    assert lms.control("requests") == {}


async def test_a_change_of_one_score_sends_one_score(world: World, lms: LmsProcess, course: Course) -> None:
    await world.want(course.id, "ps9", fifty(course))
    await world.outbox.deliver_due()
    lms.forget()
    await world.want(course.id, "ps9", {course.people["7"]: 9.5})
    await world.settle()
    assert lms.posts() == {"200": 1}
    assert lms.grades("ml101", "ps9")["s7"] == 9.5


async def test_the_activitys_own_column_is_used_when_the_link_names_the_assignment(
    world: World, lms: LmsProcess, course: Course
) -> None:
    own = lms.control("gradebook?detail=1")["ml101"]["Problem set 1"]["s1"]["item"]
    link = f"{lms.base}/mod/lti/services.php/2/lineitems/{own}/lineitem?type_id=1"
    assignment = await world.want(
        course.id,
        "ps1",
        {course.people["1"]: 4},
        maximum=8,
        link_lineitem=link,
        link_registration_id=course.platform[1],
        link_lineitems=course.lineitems,
        resource_link_id="11",
    )
    await world.outbox.deliver_due()
    assert lms.grades("ml101", "Problem set 1") == {"s1": 50}
    assert list(lms.control("gradebook")["ml101"]) == ["Problem set 1"]
    assert (await world.assignment(assignment)).lineitem_label is None


async def test_a_column_made_before_a_crash_is_found_and_not_made_twice(
    world: World, lms: LmsProcess, course: Course
) -> None:
    lms.faults(drop_answer=1, endpoints=["lineitems.post"])
    assignment = await world.want(course.id, "ps9", {course.people["1"]: 4})
    await world.outbox.deliver_due()
    await world.hurry()
    await world.settle()
    assert await world.states(assignment) == {("sent", ""): 1}
    assert [name for name in lms.control("gradebook")["ml101"] if name.startswith("ps9")] == ["ps9"]


async def test_a_new_maximum_is_told_and_the_columns_binding_stays(
    world: World, lms: LmsProcess, course: Course
) -> None:
    await world.want(course.id, "ps9", {course.people["1"]: 4})
    await world.settle()
    await world.want(course.id, "ps9", {course.people["1"]: 4}, maximum=20)
    await world.settle()
    detail = lms.control("gradebook?detail=1")["ml101"]["ps9"]["s1"]
    assert (detail["score"], detail["max"], detail["resource_id"]) == (4, 20, "ps9")


async def test_an_expired_token_is_renewed_and_nothing_is_lost(world: World, lms: LmsProcess, course: Course) -> None:
    await world.want(course.id, "ps8", {course.people["1"]: 4})
    await world.outbox.deliver_due()
    lms.control("revoke-tokens", {})
    assignment = await world.want(course.id, "ps9", fifty(course))
    await world.outbox.deliver_due()
    assert await world.states(assignment) == {("sent", ""): 50}


async def test_single_401s_between_are_repeated_with_a_new_token(world: World, lms: LmsProcess, course: Course) -> None:
    lms.faults(status_401_every=7, endpoints=["scores"])
    assignment = await world.want(course.id, "ps9", fifty(course))
    await world.settle()
    assert await world.states(assignment) == {("sent", ""): 50}
    assert lms.grades("ml101", "ps9") == shown()


async def test_429_and_503_are_waited_for_as_the_lms_asks(world: World, lms: LmsProcess, course: Course) -> None:
    lms.faults(status_429=3, status_503=2, retry_after=1, endpoints=["scores"])
    assignment = await world.want(course.id, "ps9", fifty(course))
    await world.outbox.deliver_due()
    reasons = {row.reason for row in await world.rows(assignment)} - {""}
    assert reasons == {"lms_busy"}
    await world.settle(40)
    assert lms.grades("ml101", "ps9") == shown()


async def test_a_score_whose_answer_was_dropped_is_sent_again_with_a_larger_timestamp(
    world: World, lms: LmsProcess, course: Course
) -> None:
    lms.faults(drop_answer=1, endpoints=["scores"])
    assignment = await world.want(course.id, "ps9", {course.people["1"]: 4})
    await world.outbox.deliver_due()
    (row,) = await world.rows(assignment)
    assert (row.state, row.in_doubt) == ("waiting", True)
    first = row.last_timestamp
    await world.settle()
    (row,) = await world.rows(assignment)
    assert (row.state, row.in_doubt) == ("sent", False)
    assert row.last_timestamp > first
    assert lms.grades("ml101", "ps9") == {"s1": 4}


async def test_an_override_in_the_activitys_column_is_noted(world: World, lms: LmsProcess, course: Course) -> None:
    own = lms.control("gradebook?detail=1")["ml101"]["Problem set 1"]["s1"]["item"]
    link = f"{lms.base}/mod/lti/services.php/2/lineitems/{own}/lineitem?type_id=1"
    lms.control("override", {"course": "ml101", "item": "Problem set 1", "person": "s1", "score": 90})
    await asyncio.sleep(1.1)
    assignment = await world.want(
        course.id,
        "ps1",
        {course.people["1"]: 4, course.people["2"]: 4},
        link_lineitem=link,
        link_registration_id=course.platform[1],
    )
    await world.settle()
    assert await world.states(assignment) == {("sent", "overridden_in_lms"): 1, ("sent", ""): 1}
    assert (await world.rows(assignment))[0].lms_score == 9


async def test_one_person_whom_the_lms_does_not_know_is_named_and_holds_nobody_up(
    world: World, lms: LmsProcess, course: Course
) -> None:
    lms.control("enrol", {"course": "ml101", "person": "s3", "role": None})
    assignment = await world.want(course.id, "ps9", fifty(course))
    await world.settle()
    assert await world.states(assignment) == {("sent", ""): 49, ("refused", "not_in_lms"): 1}
    lms.forget()
    await world.outbox.deliver_due()
    assert lms.posts() == {}
    lms.control("enrol", {"course": "ml101", "person": "s3", "role": "student"})
    await world.store.retry(course.id)
    await world.settle()
    assert lms.grades("ml101", "ps9") == shown()


async def test_a_deleted_column_is_made_again_only_when_asked(world: World, lms: LmsProcess, course: Course) -> None:
    assignment = await world.want(course.id, "ps9", {course.people["1"]: 4})
    await world.settle()
    url = (await world.assignment(assignment)).lineitem
    assert url
    await delete_lineitem(world, url)
    await world.want(course.id, "ps9", {course.people["1"]: 5})
    await asyncio.sleep(1.1)
    await world.outbox.deliver_due()
    assert (await world.assignment(assignment)).lineitem_error == "column_gone"
    assert "ps9" not in lms.control("gradebook")["ml101"]
    lms.forget()
    await world.outbox.deliver_due()
    assert lms.control("requests") == {}
    await world.store.retry(course.id)
    await world.fresh_outbox().deliver_due()
    await world.settle()
    assert lms.grades("ml101", "ps9") == {"s1": 5}


async def delete_lineitem(world: World, url: str) -> None:
    async with world.database.reading() as session:
        row = await session.scalar(select(RegistrationRow))
    assert row is not None
    answer = await world.access.call(registration_record(row, "lab"), SCOPES, "DELETE", url)
    assert answer.status == 204
