"""The API's description and the handlers are held together."""

import re

from jupyterhub_courses.service.base import BaseHandler
from jupyterhub_courses.service.openapi import OPERATIONS, SCHEMAS, description
from jupyterhub_courses.service.routes import API

METHODS = ("get", "put", "post", "delete", "patch")


def handlers() -> set[tuple[str, str]]:
    """(path, method) of every operation that a handler has."""
    found = set()
    for pattern, handler in API:
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern)
        for method in METHODS:
            if getattr(handler, method) is not getattr(BaseHandler, method):
                found.add((path, method))
    return found


def test_every_operation_is_described_and_every_description_has_its_handler():
    assert {(o.path, o.method) for o in OPERATIONS} == handlers()


def test_every_shape_that_is_named_is_described():
    named = {shape for o in OPERATIONS for shape in (o.takes, o.gives) if shape}
    assert named <= SCHEMAS.keys()
    assert description()["openapi"].startswith("3.1")


def test_every_api_handler_says_what_it_is_for_and_refuses_by_default():
    for pattern, handler in API:
        assert handler.action is not None or pattern == "openapi.json", pattern
