"""One hub for both versions, as two platforms of it; what the first clicks leave for the tests of each version."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from nbgrader.api import Gradebook

from jupyterhub_courses.demo.files import COURSE
from tests.conftest import ROOT, left_out

from ..support.system import Browser, System, wait_for
from . import lms
from .lms import OpenEdx

VERSIONS = ("9.14.5", "11.4.4")
#: Each component's assignment, as its author writes it into the custom parameters.
COMPONENTS = {"ps1": "ps1", "ps2": "ps2", "db": "by-database", "ext": "by-plugin", "late": "overdue"}
#: What Ada gets.
POINTS = {"ps1": 7.0, "ps2": 2.5, "by-database": 3.0, "by-plugin": 3.0, "overdue": 8.0}


@dataclass
class World:
    """One Open edX, the hub, and everybody's browser. `course`: its slug, once the teacher has clicked."""

    openedx: OpenEdx
    system: System
    course: str = ""
    browsers: dict[str, Browser] = field(default_factory=dict)
    usernames: dict[str, str] = field(default_factory=dict)

    def click(self, user: str, component: str) -> requests.Response:
        """Open the unit in the LMS; the page that stays."""
        browser = self.browsers.setdefault(user, Browser(self.system))
        return browser.submit_forms(self.openedx.launch_url(user, component), f"{self.system.base}/")

    def opened(self, user: str, component: str) -> str:
        """Open the unit and be in a server; the path there, below `/user/<name>/<course>/`."""
        page = self.click(user, component)
        assert page.ok, f"{page.url} answers {page.status_code}: {page.text[-1500:]}"
        parts = urlsplit(page.url).path.split("/", 4)
        assert parts[1] == "user", f"{user}'s click on {component} ended at {page.url}"
        self.usernames[user], self.course = parts[2], parts[3]
        return parts[4]

    @property
    def gradebook(self) -> Gradebook:
        """nbgrader's own, of the course's graders; use as `with`."""
        folder = self.system.data / "courses" / self.course / "grader" / self.course
        return Gradebook(f"sqlite:///{folder / 'gradebook.db'}", self.course)

    def grade(self, user: str, assignment: str, points: float) -> None:
        """The graders' last word on somebody's work: so many points in one of its cells, none in the others."""
        with self.gradebook as gradebook:
            gradebook.update_or_create_submission(assignment, self.usernames[user])
            grades = gradebook.find_submission(assignment, self.usernames[user]).notebooks[0].grades
            for place, one in enumerate(grades):
                one.manual_score, one.needs_manual_grade = 0.0 if place else points, False
            gradebook.db.commit()

    def assignment(self, name: str, points: float) -> None:
        """One that exists in the gradebook alone."""
        with self.gradebook as gradebook:
            gradebook.update_or_create_assignment(name)
            gradebook.update_or_create_notebook("work", name)
            gradebook.update_or_create_grade_cell("task", "work", name, max_score=points, cell_type="code")

    def delivery(self, user: str, assignment: str) -> dict[str, Any]:
        """How a score stands at the service."""
        rows = self.system.as_hub("GET", f"courses/{self.course}/scores?all=1")
        mine = [r for r in rows if (r["assignment"], r["username"]) == (assignment, self.usernames[user])]
        return mine[0] if mine else {}

    def delivered(self, user: str, assignment: str, points: float) -> None:
        """Wait until the service says that the LMS took exactly this."""

        def so() -> bool:
            self.last = self.delivery(user, assignment)
            return (self.last.get("score"), self.last.get("state")) == (points, "sent")

        try:
            wait_for(so, f"{points} of {user} for {assignment} is sent", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.last}\n{self.system.log.read_text()[-3000:]}") from None

    def shows(self, user: str, component: str, value: float) -> None:
        """Wait until Open edX's gradebook has this for somebody, in the component's own points."""
        found: dict[str, tuple[float, float]] = {}

        def so() -> bool:
            found.update(self.openedx.grades(component))
            return found.get(user) == pytest.approx((value, lms.WEIGHTS[component]))

        try:
            wait_for(so, f"{value} of {user} in {component}", 60)
        except AssertionError as error:
            told = f"{found}; {self.openedx.stored()}\n{self.system.log.read_text()[-3000:]}"
            raise AssertionError(f"{error}: {told}") from None


@pytest.fixture(scope="package")
def scripts() -> Path:
    """The lab's files."""
    return lms.files(ROOT) or left_out(
        "Open edX's LTI component", "shared/openedx beside the checkout, or JUPYTERHUB_COURSES_OPENEDX"
    )


@pytest.fixture(scope="package")
def system(scripts: Path, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A hub that knows no LMS yet."""
    if not any(lms.interpreter(ROOT, version) for version in VERSIONS):
        left_out("Open edX's LTI component", "`make openedx` installs it where a package index can be reached")
    system = System(tmp_path_factory.mktemp("openedx"), chp)
    try:
        system.start()
        yield system
    finally:
        system.end()


@pytest.fixture(scope="package", params=VERSIONS)
def world(
    request: pytest.FixtureRequest, system: System, scripts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Open edX of one version, whose components the hub knows; nobody has clicked."""
    version = request.param
    python = lms.interpreter(ROOT, version) or left_out(f"Open edX's LTI component {version}", "`make openedx`")
    folder = tmp_path_factory.mktemp("lms")
    course = shutil.copytree(COURSE, folder / "course")
    with lms.running(version, python, scripts, folder, system.base) as openedx:
        for component, assignment in COMPONENTS.items():
            openedx.set(component, custom_parameters=[f"assignment={assignment}"])
        for component in ("ps1", "ps2", "late"):  # as docs/openedx.md says; the redirect address is set by the lab
            openedx.set(component, lti_1p3_launch_url=f"{system.base}/")
        system.apply(openedx.platform(list(COMPONENTS), course))
        yield World(openedx, system)


@pytest.fixture(scope="package")
def teacher(world: World) -> str:
    """Ines has clicked problem set 1 and released both; where her click ended."""
    opened = world.opened("ines", "ps1")
    api = f"/user/{world.usernames['ines']}/{world.course}/formgrader/api/assignment/"
    for assignment in ("ps1", "ps2"):
        for action in ("assign", "release"):
            answer = world.browsers["ines"].api("POST", f"{api}{assignment}/{action}")
            assert answer.ok and answer.json()["success"], answer.text[-1500:]
    return opened


@pytest.fixture(scope="package")
def graded(world: World, teacher: str) -> None:
    """Ada has opened every component, and has points for each in the course's gradebook."""
    for component in COMPONENTS:
        assert world.click("ada", component).url.startswith(f"{world.system.base}/user/"), component
    world.usernames["ada"] = re.sub(".*/user/([^/]+)/.*", r"\1", world.click("ada", "ps1").url)
    for name, maximum in {"by-database": 4, "by-plugin": 4, "overdue": 10}.items():
        world.assignment(name, maximum)
    for assignment, points in POINTS.items():
        world.grade("ada", assignment, points)
