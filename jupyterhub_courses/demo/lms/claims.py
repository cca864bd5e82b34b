"""A launch's claims, in the recorded shape and order (vectors/moodle/01-launch.json); pure but for an id.

Worth knowing: a TA is an Instructor; the `lineitem` claim is there only when exactly one column belongs to
the link; without shared identity names and e-mail address are missing, but person_sourcedid and custom
parameters stay.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jupyterhub_courses.demo.lms.scenario import Person, Scenario
from jupyterhub_courses.demo.lms.scopes import LINEITEM, LINEITEM_READONLY, RESULT_READONLY, SCORE
from jupyterhub_courses.demo.lms.store import ActivityRow, CourseRow, Item

LIFETIME_S = 60
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
ROLES = {"editingteacher": "Instructor", "teacher": "Instructor", "student": "Learner"}
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
VERSION = "2024100706"  # of Moodle 4.5.6


@dataclass(frozen=True)
class Launch:
    """All that a launch's claims are made of; service addresses come in so that one place builds them."""

    base: str
    scenario: Scenario
    salt: str
    person: Person
    role: str  # Moodle's short name
    course: CourseRow
    activity: ActivityRow | None  # None: the teacher selects content
    items: Sequence[Item]  # the course's columns
    lineitems_url: str
    memberships_url: str
    sesskey: str
    message: str = "LtiResourceLinkRequest"
    for_user: int = 0
    selection: Mapping[str, Any] | None = None  # deep_linking_settings


def claims(launch: Launch, nonce: str, now: int) -> dict[str, Any]:
    person, course, activity, scenario = launch.person, launch.course, launch.activity, launch.scenario
    found: dict[str, Any] = {
        "nonce": nonce,
        "iat": now,
        "exp": now + LIFETIME_S,
        "iss": launch.base,
        "aud": scenario.client_id,
        LTI + "deployment_id": scenario.deployment_id,
        LTI + "target_link_uri": (activity and activity.url) or scenario.tool.target_link_uri,
        "sub": str(person.id),
        LTI + "lis": {"person_sourcedid": person.idnumber, "course_section_sourcedid": course.idnumber},
        LTI + "roles": [ROLE + ROLES[launch.role]],
        LTI + "context": {
            "id": str(course.id),
            "label": course.label,
            "title": course.title,
            "type": ["CourseSection"],
        },
    }
    if launch.for_user:
        found[LTI + "for_user"] = {"user_id": str(launch.for_user)}
    found[LTI + "message_type"] = launch.message
    if activity is not None:
        link = {"title": activity.title, "description": activity.description, "id": str(activity.id)}
        found[LTI + "resource_link"] = link
    if activity is not None and any(item.activity == activity.id for item in launch.items):
        found["https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome"] = basic_outcome(
            launch.base, launch.salt, scenario.deployment_id, activity.id, person.id
        )
    shared = scenario.tool.share_identity
    if shared:
        name = f"{person.given} {person.family}"
        found |= {"given_name": person.given, "family_name": person.family, "name": name}
    found[LTI + "ext"] = {"user_username": person.username, "lms": "moodle-2"} if shared else {"lms": "moodle-2"}
    if shared:
        found["email"] = person.email
    found |= _surroundings(launch) | _services(launch)
    return found if launch.selection is None else {**found, DEEP_LINKING: dict(launch.selection)}


def _surroundings(launch: Launch) -> dict[str, Any]:
    presentation = {"locale": launch.person.locale}
    if launch.activity is not None:
        back = f"course={launch.course.id}&launch_container=4&instanceid={launch.activity.id}"
        return_url = f"{launch.base}/mod/lti/return.php?{back}&sesskey={launch.sesskey}"
        presentation |= {"document_target": "window", "return_url": return_url}
    return {
        LTI + "launch_presentation": presentation,
        LTI + "tool_platform": {
            "product_family_code": "moodle",
            "version": VERSION,
            "guid": hashlib.md5(urlsplit(launch.base).netloc.encode(), usedforsecurity=False).hexdigest(),
            "name": launch.scenario.name,
            "description": launch.scenario.description or launch.scenario.name,
        },
        LTI + "version": "1.3.0",
        LTI + "custom": custom_parameters(launch),
    }


def _services(launch: Launch) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "scope": [LINEITEM, LINEITEM_READONLY, RESULT_READONLY, SCORE],
        "lineitems": launch.lineitems_url,
    }
    lineitem = lineitem_claim(launch)
    if lineitem is not None:
        endpoint["lineitem"] = lineitem
    return {
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": endpoint,
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
            "context_memberships_url": launch.memberships_url,
            "service_versions": ["1.0", "2.0"],
        },
    }


def lineitem_claim(launch: Launch) -> str | None:
    """The activity's column; "" for an ungraded activity with one bound column; else None: no claim."""
    if launch.activity is None:
        return None
    own = [item for item in launch.items if item.activity == launch.activity.id]
    bound = [item for item in launch.items if item.link == launch.activity.id and not item.orphan]
    if len(own) == 1 and not bound:
        return launch.lineitems_url.replace("/lineitems?", f"/lineitems/{own[0].id}/lineitem?")
    return "" if len(bound) == 1 and not own else None


def custom_parameters(launch: Launch) -> dict[str, str]:
    """The activity's and the tool's parameters; the tool's own win. Names come plain and as typed."""
    found: dict[str, str] = {}
    own = launch.activity.custom if launch.activity is not None else {}
    typed: Mapping[str, str] = {**own, **launch.scenario.tool.custom}
    for name, value in typed.items():
        value = substituted(value, launch)
        found[re.sub(r"[^a-z0-9]", "_", name.lower())] = value
        found[name] = value
    return {**found, "context_memberships_url": launch.memberships_url}


def substituted(value: str, launch: Launch) -> str:
    """Moodle replaces a variable only when it is the whole value, and leaves an unknown one as it is."""
    value = value.strip()
    if not value.startswith("$"):
        return value
    person, course, shared = launch.person, launch.course, launch.scenario.tool.share_identity
    known = {
        **_link_variables(launch.activity),
        "$Context.id": str(course.id),
        "$Context.label": course.label,
        "$Context.title": course.title,
        "$Context.sourcedId": course.idnumber,
        "$CourseSection.label": course.label,
        "$CourseSection.title": course.title,
        "$CourseSection.sourcedId": course.idnumber,
        "$User.id": str(person.id),
        "$User.username": person.username,
        "$Person.sourcedId": person.idnumber,
        "$Person.name.full": f"{person.given} {person.family}" if shared else "",
        "$Person.name.given": person.given if shared else "",
        "$Person.name.family": person.family if shared else "",
        "$Person.email.primary": person.email if shared else "",
        "$Membership.role": ROLES[launch.role],
        "$LineItems.url": launch.lineitems_url,
        "$LineItem.url": lineitem_claim(launch) or "",
        "$ToolProxyBinding.memberships.url": launch.memberships_url,
    }
    return known.get(value, value)


def _link_variables(activity: ActivityRow | None) -> dict[str, str]:
    if activity is None:
        return {}
    return {
        "$ResourceLink.id": str(activity.id),
        "$ResourceLink.title": activity.title,
        "$ResourceLink.description": activity.description,
    }


def basic_outcome(base: str, salt: str, type_id: str, activity: int, person: int) -> dict[str, str]:
    """The LTI 1.1 way to report a grade, which Moodle offers to 1.3 tools too; nothing listens to it here."""
    data = {
        "instanceid": str(activity),
        "userid": str(person),
        "typeid": type_id,
        "launchid": secrets.randbelow(2**31),
    }
    text = json.dumps(data, separators=(",", ":"))
    signed = hashlib.sha256((text + salt).encode()).hexdigest()
    return {
        "lis_result_sourcedid": json.dumps({"data": data, "hash": signed}, separators=(",", ":")),
        "lis_outcome_service_url": f"{base}/mod/lti/service.php",
    }
