"""A real Moodle that is connected by LTI 1.1: launches it signed, and grades that its gradebook took. In order."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_courses.demo.files import COURSE
from jupyterhub_courses.demo.story.people import Student, Teacher

from . import lab
from .lab import Tool, Visitor
from .running import Hub, until
from .table import ML101, PROBLEM_SET

pytestmark = [pytest.mark.moodle, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]
#: Moodle's column has 50: shares of the maximum are what LTI 1.1 sends.
MAXIMUM = 50


@dataclass
class World:
    """A hub of its own, and the tool in Moodle."""

    hub: Hub
    tool: Tool
    secret: str
    visitors: dict[str, Visitor] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # LMS username -> hub username

    def visitor(self, username: str) -> Visitor:
        return self.visitors.setdefault(username, Visitor(self.tool.lab, username))

    async def grades_are(self, wanted: dict[str, float | None]) -> None:
        found: dict[str, Any] = {}

        def same() -> bool:
            found.update(self.tool.grades("ml101", self.tool.name, wanted))
            return found == wanted

        await until(same, 90, lambda: f"Moodle has {found}\nand should have {wanted}\n{self.hub.tail()}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(moodle: lab.Lab, chp: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Hub and Moodle share a key and a secret, which lies in a file beside the courses file."""
    hub = Hub(tmp_path_factory.mktemp("moodle11"))
    with hub.config.open("a") as config:
        config.write("c.CoursesLTI13Authenticator.lti11 = True\n")
    hub.start()
    name, key, secret = f"lti11-{secrets.token_hex(4)}", f"hub-{secrets.token_hex(4)}", secrets.token_hex(16)
    made = None
    try:
        await hub.ready()
        made = moodle.do("lti11", "ml101", name, f"{hub.url}/hub/lti11/launch", key, secret, MAXIMUM)
        tool = Tool(moodle, name, {"deployment_id": made["type"]}, {("ml101", PROBLEM_SET): made})
        (hub.folder / "moodle.secret").write_text(secret + "\n")
        consumers = [{"key": key, "secret_file": "moodle.secret"}]
        creation = {"mode": "on", "start_from": {"folder": str(COURSE)}}
        platform = {"name": "moodle", "issuer": made["issuer"], "course_creation": creation, "consumers": consumers}
        hub.apply({"platforms": [platform], "courses": []})
        world = World(hub, tool, secret)
        yield world
        for visitor in world.visitors.values():
            await visitor.browser.close()
    finally:
        hub.stop()
        if made is not None:
            moodle.do("forget", made["type"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def teacher(world: World) -> Teacher:
    """The editing teacher in formgrader, after their first click; problem set 1 is released."""
    teacher = Teacher(await world.visitor("teacher1").open_server(world.tool, "ml101"))
    for action in ("assign", "release"):
        await teacher.run(action)
    return teacher


async def test_a_teachers_first_click_makes_the_course_and_opens_formgrader(world: World, teacher: Teacher) -> None:
    assert "/user/grader-ml101/ml101/formgrader" in teacher.server.opened, teacher.server.opened


async def test_scores_arrive_in_moodles_column(world: World, teacher: Teacher) -> None:
    for username in ("student1", "student2"):
        server = await world.visitor(username).open_server(world.tool, "ml101")
        assert server.opened.endswith("/lab/tree/ps1/ps1.ipynb"), server.opened
        assert server.user == username
        student = Student(server)
        await student.work(ML101[username].work)
        await student.submit()
        await server.stop()
        world.names[username] = server.user
    await teacher.run("collect")
    for username, hub_username in world.names.items():
        await teacher.autograde(hub_username)
        await teacher.mark(hub_username, "explanation", ML101[username].work.explanation)
    await world.grades_are({"student1": 50.0, "student2": 25.0, "student3": None})

    async def sent() -> bool:
        return {row["state"] for row in (await world.hub.scores("ml101")).values()} == {"sent"}

    await until(sent, 60, world.hub.tail)  # Moodle shows a grade before it has answered


async def test_a_regrade_arrives(world: World, teacher: Teacher) -> None:
    await teacher.mark(world.names["student2"], "explanation", 4)
    await world.grades_are({"student1": 50.0, "student2": 35.0})


async def test_opening_the_activity_again_changes_nothing(world: World, teacher: Teacher) -> None:
    page = await world.visitor("student1").launch(world.tool, "ml101")
    assert "/user/student1/ml101/" in page.url
    await teacher.mark(world.names["student2"], "explanation", 2)
    await world.grades_are({"student1": 50.0, "student2": 25.0})


async def test_a_grade_that_a_teacher_set_in_moodle_stays_and_is_told(world: World, teacher: Teacher) -> None:
    tool = world.tool
    tool.lab.do("override", tool.course_id("ml101"), tool.type_id, tool.name, "student2", "11")
    await teacher.mark(world.names["student2"], "explanation", 4)

    async def told() -> bool:
        row = (await world.hub.scores("ml101"))["ps1", "student2"]
        return bool(row["reason"] == "overridden_in_lms" and row["state"] == "kept")

    await until(told, 60, world.hub.tail)
    await world.grades_are({"student1": 50.0, "student2": 11.0})


async def test_no_log_holds_the_secret_or_a_person(world: World) -> None:
    log = world.hub.tail(10**7)
    assert "/hub/lti11/launch" in log
    for word in (world.secret, "Lovelace", "student1@lab.invalid", "launchid"):
        assert word not in log
