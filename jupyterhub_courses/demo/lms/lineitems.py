"""AGS line items: list, read, create, change, delete.

Recorded in vectors/moodle/03-lineitems.json. Worth knowing: creating twice makes two; a change erases
resourceId, tag and binding that it does not repeat; an over-long text crashes, and an over-long resourceId
leaves a column behind.
"""

import json
from typing import Any

from jupyterhub_courses.demo.lms.answers import Answer, Call, Crash, Refusal, links, number
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import CourseRow, Item

LINEITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
CONTAINER_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
LABEL_LIMIT = 255  # characters of Moodle's columns
RESOURCE_ID_LIMIT = 512
TAG_LIMIT = 255


def as_json(site: Site, item: Item, with_type: bool = True) -> dict[str, Any]:
    url = site.lineitem_url(item.course, item.id)
    found: dict[str, Any] = {
        "id": url if with_type else url.partition("?")[0],
        "label": item.label,
        "scoreMaximum": number(item.maximum),
        "resourceId": item.resource_id,
        "tag": item.tag,
    }
    link = item.activity or item.link
    if link:
        found |= {"resourceLinkId": str(link), "ltiLinkId": str(link)}
    return found


def listed(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    """The course's items, filtered; in pages only when `limit` is sent."""
    query = call.query
    link = query.get("resource_link_id", query.get("lti_link_id"))
    wanted = {"resource_id": query.get("resource_id"), "resource_link_id": link, "tag": query.get("tag")}
    found = [
        one
        for one in site.store.items(course.id)
        if not one.orphan
        and wanted["resource_id"] in (None, one.resource_id)
        and wanted["tag"] in (None, one.tag)
        and link in (None, str(one.activity or one.link or ""))
    ]
    limit, start, total = call.number("limit"), call.number("from"), len(found)
    headers: dict[str, str] = {}
    if limit > 0:
        found = found[start : start + limit]
        kept = {name: value for name, value in wanted.items() if value is not None}
        address = site.lineitems_url(course.id).partition("?")[0]
        headers = links(address, {**kept, "type_id": site.type_id}, limit, start, total)
    body = json.dumps([as_json(site, one) for one in found])
    return Answer(200, f"{CONTAINER_TYPE}; charset=utf-8", body, headers=headers)


def read(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    assert item is not None
    return _item_answer(200, as_json(site, item))


def create(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    """A new column, whatever there is already."""
    data = _read(call, "No label or Score Maximum")
    label, maximum, resource_id, tag, link = _wanted(site, course, data)
    if len(label) > LABEL_LIMIT or len(tag) > TAG_LIMIT:
        raise Crash
    orphan = len(resource_id) > RESOURCE_ID_LIMIT
    id = site.store.add_item(course.id, label, maximum, resource_id, tag, link, orphan)
    if orphan:
        raise Crash
    return _item_answer(201, {**data, "id": site.lineitem_url(course.id, id)})


def change(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    """What is not repeated is erased; another maximum rescales the grades."""
    assert item is not None
    data = _read(call)
    label, maximum, resource_id, tag, link = _wanted(site, course, data)
    if len(label) > LABEL_LIMIT or len(tag) > TAG_LIMIT or len(resource_id) > RESOURCE_ID_LIMIT:
        raise Crash
    site.store.change_item(item, label, maximum, resource_id, tag, None if item.activity else link)
    return _item_answer(200, {**data, "id": site.lineitem_url(course.id, item.id)})


def delete(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    """Deletes any column with its grades, the activity's own too."""
    assert item is not None
    site.store.delete_item(item.id)
    return Answer(204, reason="OK")  # a 204 that says OK: recorded


def _item_answer(status: int, data: dict[str, Any]) -> Answer:
    return Answer(status, f"{LINEITEM_TYPE}; charset=utf-8", json.dumps(data))


def _read(call: Call, reason: str = "") -> dict[str, Any]:
    try:
        data = json.loads(call.body)
    except ValueError:
        data = None
    if not isinstance(data, dict) or data.get("label") is None or data.get("scoreMaximum") is None:
        raise Refusal(400, reason)
    return data


def _wanted(site: Site, course: CourseRow, data: dict[str, Any]) -> tuple[str, float, str, str, int | None]:
    """label, maximum, resourceId, tag, link of a line item that was sent."""
    try:
        maximum = float(data["scoreMaximum"])
    except (TypeError, ValueError):
        raise Refusal(400) from None
    sent = data.get("resourceLinkId") or data.get("ltiLinkId")
    link = None
    if sent:
        link = int(sent) if str(sent).isascii() and str(sent).isdigit() else 0
        activity = site.store.activity(link)
        if activity is None or activity.course != course.id:
            raise Refusal(403)
    return str(data["label"]), maximum, str(data.get("resourceId") or ""), str(data.get("tag") or ""), link
