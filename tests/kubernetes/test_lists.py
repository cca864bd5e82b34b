"""Lists of the API server, read object by object."""

import json

import pytest

from jupyterhub_courses.adapters.kubernetes.client import AT_ONCE, _items

HEAD = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}


def item(number: int) -> dict:
    said = {"name": f"p{number}", "annotations": {"odd": ']},{"items":[ \\" ä'}, "managedFields": [{"manager": "x"}]}
    return {"metadata": said, "spec": {"list": [1, [2, {}]], "none": None}}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("count", [0, 1, 2, AT_ONCE, 3 * AT_ONCE + 1])
async def test_a_list_is_what_json_says_without_managers(count, indent):
    told = {**HEAD, "items": [item(number) for number in range(count)]}
    wanted = [
        {**one, "metadata": {k: v for k, v in one["metadata"].items() if k != "managedFields"}} for one in told["items"]
    ]
    for separators in (None, (",", ":")):
        text = json.dumps(told, indent=indent, separators=separators)
        assert [one async for one in _items(text)] == wanted


async def test_a_list_may_say_that_it_has_nothing():
    assert [one async for one in _items(json.dumps({**HEAD, "items": None}))] == []


@pytest.mark.parametrize(
    "text", ['{"items":[{"metadata":{}', '{"items":[{"metadata":{}},', '{"items":[{"metadata":{}} x']
)
async def test_a_list_that_breaks_off_is_an_error(text):
    with pytest.raises(ValueError):
        [one async for one in _items(text)]
