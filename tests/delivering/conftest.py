"""A tool's key and an LMS of the demo for a whole run; a store for each test."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyterhub_courses.adapters.lms.keys import ToolKey, load_or_create
from jupyterhub_courses.adapters.store.database import Database

from .world import STUDENTS, LmsProcess, World, running_lms


@pytest.fixture(scope="session")
def tool_key(tmp_path_factory: pytest.TempPathFactory) -> ToolKey:
    return load_or_create(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def lms(tool_key: ToolKey, tmp_path: Path) -> Iterator[LmsProcess]:
    with running_lms(tmp_path / "lms", tool_key.public_pem()) as running:
        yield running


@pytest.fixture
async def world(tool_key: ToolKey, sqlite_store: str) -> AsyncIterator[World]:
    world = World(Database(sqlite_store), tool_key)
    yield world
    await world.close()


@dataclass
class Course:
    """The course ml101 of the LMS, known to the store with all its students."""

    id: int
    platform: tuple[int, int]
    people: dict[str, int]  # sub -> person id
    lineitems: str


@pytest.fixture
async def course(world: World, lms: LmsProcess) -> Course:
    platform = await world.add_platform(lms.base)
    lineitems = f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1"
    course = await world.add_course("ml101", platform, lineitems)
    people = await world.add_people(platform[0], [str(n) for n in range(1, STUDENTS + 1)], [course])
    return Course(course, platform, people, lineitems)
