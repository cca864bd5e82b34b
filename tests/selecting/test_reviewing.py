"""A look at a submission, as an LMS's gradebook asks for it: whose, of which assignment, and who may."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests

from jupyterhub_courses.core.sentences import SENTENCES

from ..support.system import Person
from .conftest import World

AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
COLUMN = "https://lab.example/mod/lti/services.php/4/lineitems/7/lineitem?type_id=2"
LINK = {"id": "77", "title": "Problem set"}


@pytest.fixture(scope="module")
def known(world: World) -> World:
    """The teacher has clicked an activity that names ps1 and has a column; the student has been there, too."""
    activity = {"resource_link": LINK, AGS: {"lineitems": COLUMN, "lineitem": COLUMN}}
    world.grace.launch("ML101", **activity, custom={"username": "grace", "assignment": "ps1"})
    world.ada.launch("ML101")
    return world


def review(world: World, person: Person, whose: str = "5", **changes: Any) -> requests.Response:
    claims = {"message_type": "LtiSubmissionReviewRequest", "for_user": {"user_id": whose}}
    return person.browser.launch(world.lab, **person.claims("ML101", **claims, **changes))


def opens(answer: requests.Response) -> tuple[str, dict[str, str]]:
    """The server that opens, and what it is told."""
    assert answer.status_code == 303, answer.text
    place = urlsplit(answer.headers["Location"])
    inside = urlsplit(unquote(parse_qs(place.query)["next"][0]))
    return place.path, {name: values[0] for name, values in parse_qs(inside.query).items()}


@pytest.mark.parametrize(
    "activity",
    [
        {"custom": {"assignment": "ps1"}, "resource_link": {"id": "1"}},
        {"resource_link": {"id": "1"}, AGS: {"lineitem": COLUMN}},
        {"resource_link": LINK},
    ],
    ids=["by its parameter", "by its column", "by itself"],
)
def test_a_teacher_opens_the_students_submission_of_the_activitys_assignment(known: World, activity) -> None:
    path, told = opens(review(known, known.grace, **activity))
    assert path == "/hub/spawn/grader-ml101/ml101"
    assert told == {"assignment": "ps1", "student": "ada"}


@pytest.mark.parametrize(
    ("whose", "activity"),
    [("404", {"resource_link": LINK}), ("5", {"resource_link": {"id": "8"}}), ("5", {AGS: {"lineitem": COLUMN + "0"}})],
)
def test_an_unknown_person_or_assignment_has_a_sentence(known: World, whose: str, activity: dict[str, Any]) -> None:
    answer = review(known, known.grace, whose, **activity)
    assert answer.status_code == 404 and SENTENCES["review_unknown"]["en"] in answer.text


def test_a_student_sees_the_course_for_the_own_submission_and_nothing_of_others(known: World) -> None:
    own = review(known, known.ada, resource_link=LINK)
    assert own.status_code == 303 and urlsplit(own.headers["Location"]).path == "/services/courses/ml101/"
    other = review(known, known.ada, "1", resource_link=LINK)
    assert other.status_code == 403 and SENTENCES["review_of_another"]["en"] in other.text


def test_another_platforms_activity_of_the_same_id_names_nothing_here(known: World) -> None:
    olaf = known.olaf
    claims = {"message_type": "LtiSubmissionReviewRequest", "for_user": {"user_id": "1"}, "resource_link": LINK}
    answer = olaf.browser.launch(olaf.platform, **olaf.claims("ML101", **claims, **{AGS: {"lineitem": COLUMN}}))
    assert answer.status_code == 404 and SENTENCES["review_unknown"]["en"] in answer.text
