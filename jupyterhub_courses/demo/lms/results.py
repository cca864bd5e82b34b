"""AGS results: what the gradebook shows, recorded in vectors/moodle/05-results.json.

An erased grade is a result without score. `limit` together with `type_id`, which every address carries, is a
404 page.
"""

import json
from datetime import UTC, datetime
from typing import Any

from jupyterhub_courses.demo.lms.answers import Answer, Call, error_page, links, number
from jupyterhub_courses.demo.lms.grading import Grade
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import CourseRow, Item

RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"


def listed(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    assert item is not None
    user, limit, start = call.number("user_id"), call.number("limit"), call.number("from")
    found = [(p, grade) for p, grade in site.store.grades(item.id).items() if user in (0, p)]
    address = site.lineitem_url(course.id, item.id).partition("?")[0]
    type_id = call.query.get("type_id")
    headers: dict[str, str] = {}
    if found and limit > 0:
        if type_id is not None:  # Moodle forgets to make the last page's link, then uses it
            return error_page(site.scenario.name)
        headers = links(f"{address}/results", {}, limit, start, len(found))
        found = found[start : start + limit]
    body = json.dumps([_as_json(address, type_id, item, person, grade) for person, grade in found])
    return Answer(200, f"{RESULTS_TYPE}; charset=utf-8", body, headers=headers)


def _as_json(address: str, type_id: str | None, item: Item, person: int, grade: Grade) -> dict[str, Any]:
    typed = "" if type_id is None else f"type_id={type_id}"
    query = f"{typed}&user_id={person}" if typed else f"user_id={person}"
    result: dict[str, Any] = {"id": f"{address}/results?{query}", "userId": str(person)}
    if grade.final is not None:
        result |= {"resultScore": number(grade.final), "resultMaximum": number(item.maximum)}
        if grade.comment:
            result["comment"] = grade.comment
        result["scoreOf"] = f"{address}?{typed}" if typed else address
        result["timestamp"] = datetime.fromtimestamp(grade.modified or 0, UTC).isoformat()
    return result
