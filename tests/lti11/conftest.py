"""A hub that takes launches of LTI 1.1, with everything below it, and an LMS that sends them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from ..support.system import Browser, System
from .lms import Consumer, launch_fields, signed

ORIGIN = "origin of the LMS"


@dataclass
class World:
    """The system, the LMS and everybody's browser."""

    system: System
    lms: Consumer
    browsers: dict[str, Browser] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where the LMS's page posts its forms to."""
        return f"{self.system.base}/hub/lti11/launch"

    def browser(self, user: str) -> Browser:
        return self.browsers.setdefault(user, Browser(self.system))

    def post(self, form: Any, user: str = "", origin: str | None = ORIGIN, **more: Any) -> requests.Response:
        """Post a form as a page of `origin` does."""
        browser = self.browser(user) if user else Browser(self.system)
        headers = {"Origin": self.lms.base if origin == ORIGIN else origin} if origin else {}
        return browser.post(more.pop("url", self.address), data=form, headers={**headers, **more.pop("headers", {})})

    def launch(self, user: str = "5", roles: str = "Learner", graded: bool = True, **changes: Any) -> requests.Response:
        """A launch of this person, in their own browser."""
        result = self.lms.result(user) if graded else {}
        return self.post(signed(self.address, launch_fields(user, roles, **{**result, **changes})), user)

    def state(self, taken_at: float | None = None, maximum: float = 10, **scores: float) -> dict[str, Any]:
        """The gradebook's scores of ps1 arrive at the service."""
        now = time.time() if taken_at is None else taken_at
        graded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        rows = [
            {"assignment": "ps1", "username": u, "score": s, "max_score": maximum, "graded_at": graded, "comment": None}
            for u, s in scores.items()
        ]
        assignments = [{"name": "ps1", "max_score": maximum, "due_at": None}]
        return {"taken_at": now, "assignments": assignments, "scores": rows}

    def scores(self) -> dict[str, dict[str, Any]]:
        """username -> how the delivery of ps1 stands."""
        return {row["username"]: row for row in self.system.as_hub("GET", "courses/dl101/scores?all=1")}


def platform(lms: Consumer, **more: Any) -> dict[str, Any]:
    """As a courses file has it."""
    consumers = [{"key": lms.key, "secret": lms.secret}]
    return {"name": "old-lms", "issuer": lms.base, "consumers": consumers, "course_creation": "on", **more}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[World]:
    """The system, with nobody in it."""
    more = "c.CoursesLTI13Authenticator.lti11 = True"
    system = System(tmp_path_factory.mktemp("lti11"), chp, admins=("root-of-hub",), more=more)
    lms = Consumer()
    lms.start()
    try:
        system.start()
        system.apply(platform(lms))
        yield World(system, lms)
    finally:
        system.end()
        lms.stop()
