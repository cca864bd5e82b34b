"""One Moodle and one hub for all plays here, and what the first of them leaves for the others."""

import shutil
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_courses.demo.files import COURSE
from jupyterhub_courses.demo.story.people import Student, Teacher
from jupyterhub_courses.demo.story.steps import StoryFailed
from tests.conftest import ROOT, left_out

from . import lab
from .lab import Tool, Visitor
from .running import Hub, until
from .table import ML101, PROBLEM_SET

#: How many students of `stats` the delivery in bulk has.
MANY = 60


@dataclass
class World:
    """Moodle with our tool, the hub, and everybody's browser."""

    moodle: lab.Lab
    hub: Hub
    tool: Tool
    visitors: dict[str, Visitor] = field(default_factory=dict)
    too_early: str = ""  # what a student was told who came before any teacher

    def visitor(self, username: str) -> Visitor:
        if username not in self.visitors:
            self.visitors[username] = Visitor(self.moodle, username)
        return self.visitors[username]

    async def grades_are(self, course: str, column: str, wanted: dict[str, float | None], limit: float = 90) -> None:
        """Wait until Moodle shows exactly these grades."""
        found: dict[str, float | None] = {}

        def same() -> bool:
            found.update(self.tool.grades(course, column, wanted))
            return found == wanted

        await until(same, limit, lambda: f"Moodle's gradebook has {found}\nand should have {wanted}\n{self.hub.tail()}")


@pytest.fixture(scope="package")
def moodle() -> lab.Lab:
    """The lab of this machine."""
    return lab.found(ROOT) or left_out(
        "a Moodle", "shared/moodle beside the checkout, or JUPYTERHUB_COURSES_MOODLE, MOODLE_CODE and MOODLE_LAB"
    )


@pytest.fixture(scope="package")
def hub(moodle: lab.Lab, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that knows no LMS yet."""
    hub = Hub(tmp_path_factory.mktemp("moodle"))
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def world(moodle: lab.Lab, hub: Hub) -> AsyncIterator[World]:
    """Hub and Moodle know each other: the key is pasted into Moodle, Moodle's values stand in a courses file."""
    await hub.ready()
    tool = Tool.registered(moodle, hub.url, public_key(hub))
    try:
        # Its column is the service's to make: the activity has none.
        tool.seed("Exercises", acceptgrades="0", bulk=str(MANY), bulk_course="stats")
        tool.names("ml101", PROBLEM_SET, "ps1")
        tool.names("stats", "Exercises", "exercises")
        course = shutil.copytree(COURSE, hub.folder / "course")
        hub.apply(courses_file(tool, [tool.registration()], course))
        world = World(moodle, hub, tool)
        try:
            await world.visitor("student1").launch(tool, "stats", "Exercises")
        except StoryFailed as refused:
            world.too_early = str(refused)
        yield world
        for visitor in world.visitors.values():
            await visitor.browser.close()
    finally:
        tool.forget()


def public_key(hub: Hub) -> Path:
    """The tool's public key from where docs/moodle.md says that it is."""
    file = hub.folder / "tool.pub.pem"
    with urllib.request.urlopen(f"{hub.url}/services/courses/public-key.pem", timeout=20) as answer:
        file.write_bytes(answer.read())
    return file


def courses_file(tool: Tool, registrations: list[dict[str, Any]], course: Path) -> dict[str, Any]:
    """The platform, where a teacher's first click makes a course that starts from a folder."""
    creation = {"mode": "on", "limit": 5, "start_from": {"folder": str(course)}}
    platform = {"name": "moodle", "issuer": tool.seeded["issuer"], "course_creation": creation}
    return {"platforms": [{**platform, "registrations": registrations}], "courses": []}


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def teacher(world: World, say: Callable[[str], None]) -> Teacher:
    """The editing teacher of ml101, in formgrader after their first click; problem set 1 is released."""
    began = time.monotonic()
    server = await world.visitor("teacher1").open_server(world.tool, "ml101")
    say(f"a teacher's first click makes the course and opens formgrader: {time.monotonic() - began:.1f} s")
    teacher = Teacher(server)
    for action in ("assign", "release"):
        await teacher.run(action)
    return teacher


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def graded(world: World, teacher: Teacher, say: Callable[[str], None]) -> dict[str, str]:
    """Students have clicked, worked and submitted; their work is graded. LMS username -> hub username."""
    names = {}
    for username, row in ML101.items():
        if row.work is None:
            continue
        began = time.monotonic()
        server = await world.visitor(username).open_server(world.tool, "ml101")
        assert server.opened.endswith("/lab/tree/ps1/ps1.ipynb"), server.opened
        say(f"{username}'s click opens the notebook: {time.monotonic() - began:.1f} s")
        student = Student(server)
        await student.work(row.work)
        await student.submit()
        await server.stop()
        names[username] = server.user
    await teacher.run("collect")
    for username, hub_username in names.items():
        await teacher.autograde(hub_username)
        work = ML101[username].work
        assert work is not None
        await teacher.mark(hub_username, "explanation", work.explanation)
    return names


@pytest.fixture(scope="package")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a figure of the run, whether or not output is captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n    {text}", end="", flush=True)

    return line
