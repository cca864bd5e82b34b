"""NRPS: who is in a course, recorded in vectors/moodle/06-nrps.json.

A TA, an Instructor when launching, is a Learner here; suspended people are not listed; the link to the next
page drops the role that was asked for; the members of another course's link crash Moodle.
"""

import json
import unicodedata
from typing import Any

from jupyterhub_courses.demo.lms.answers import Answer, Call, Crash, Refusal
from jupyterhub_courses.demo.lms.claims import basic_outcome
from jupyterhub_courses.demo.lms.scenario import Person
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import ActivityRow, CourseRow, Enrolled, Item

MEMBERSHIPS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
ROLE_PREFIX = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


def by_name(person: Person) -> tuple[str, str, int]:
    """Moodle's order of people: family name, given name, without regard to case and accents."""

    def plain(text: str) -> str:
        return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()

    return plain(person.family), plain(person.given), person.id


def listed(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    activity = _activity(site, call, course)
    people = [one for one in site.store.enrolments(course.id) if one.status == "active"]
    role = call.query.get("role", "")
    if role and not role.startswith(("http://", "https://")):
        role = ROLE_PREFIX + role
    if role in (ROLE_PREFIX + "Instructor", ROLE_PREFIX + "Learner"):  # others are not filtered by
        people = [one for one in people if ROLE_PREFIX + nrps_role(one) == role]
    people.sort(key=lambda one: by_name(one.person))
    limit = call.number("limit")
    start = call.number("from") if limit > 0 else 0
    page = people[start : start + limit] if limit > 0 else people
    url = site.memberships_url(course.id)
    headers: dict[str, str] = {}
    if start + len(page) < len(people):
        rlid = f"&rlid={activity.id}" if activity else ""
        headers["Link"] = f'<{url}?limit={limit}&from={start + limit}{rlid}>; rel="next"'
    body = {
        "id": url,
        "context": {"id": str(course.id), "label": course.label, "title": course.title},
        "members": [_member(site, one, activity) for one in page],
    }
    return Answer(200, f"{MEMBERSHIPS_TYPE}; charset=utf-8", json.dumps(body), headers=headers)


def nrps_role(one: Enrolled) -> str:
    """Moodle asks who may manage activities: an editing teacher."""
    return "Instructor" if one.role == "editingteacher" else "Learner"


def _activity(site: Site, call: Call, course: CourseRow) -> ActivityRow | None:
    if not call.query.get("rlid"):
        return None
    activity = site.store.activity(call.number("rlid"))
    if activity is None:
        raise Refusal(404, f"Not Found: LTI link {call.query['rlid']} doesn't exist")
    if activity.course != course.id:
        raise Crash
    return activity


def _member(site: Site, one: Enrolled, activity: ActivityRow | None) -> dict[str, Any]:
    person = one.person
    member: dict[str, Any] = {"status": "Active", "roles": [nrps_role(one)]}
    if activity is not None:
        message: dict[str, Any] = {
            "https://purl.imsglobal.org/spec/lti/claim/message_type": "LtiResourceLinkRequest",
        }
        if any(item.activity == activity.id for item in site.store.items(activity.course)):
            message["https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome"] = basic_outcome(
                site.base, site.salt, site.type_id, activity.id, person.id
            )
        member["message"] = [message]
    member |= {"user_id": str(person.id), "lis_person_sourcedid": person.idnumber}
    if site.scenario.tool.share_identity:
        member |= {
            "name": f"{person.given} {person.family}",
            "given_name": person.given,
            "family_name": person.family,
            "email": person.email,
            "ext_user_username": person.username,
        }
    return member
