"""The demo's story as a pod tells it, where its people's browsers reach what browsers reach.

`python telling.py STUDENTS SITE=ADDRESS…`. One thing differs from the demo: nobody has put problem sets into the
courses' folders, so each teacher brings them, through the pages of the graders' server.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from jupyterhub_courses.demo.files import COURSE, COURSE_CONFIG
from jupyterhub_courses.demo.story.people import Server
from jupyterhub_courses.demo.story.play import TEACHERS, Story
from jupyterhub_courses.demo.story.steps import Steps, StoryFailed
from jupyterhub_courses.demo.story.table import ITEM


class InPods(Story):
    """The same story where courses are namespaces."""

    async def release(self, course: str) -> None:
        """Bring the course's folder, begin a server that has read its configuration, and go on as ever."""
        teacher = self.teachers[course]
        await bring(teacher.server)
        await teacher.server.stop()
        teacher.server = await self.actor(course, TEACHERS[course][1].lower()).open_server(course, ITEM)
        await super().release(course)


async def bring(server: Server) -> None:
    """Put the demo's problem sets into the course's folder."""
    for path in [COURSE, COURSE / "source", *sorted((COURSE / "source").rglob("*"))]:
        where = Path(server.course, path.relative_to(COURSE))
        await server.ask("PUT", f"api/contents/{where}", model(path))
    text = {"type": "file", "format": "text", "content": COURSE_CONFIG}
    await server.ask("PUT", f"api/contents/{server.course}/nbgrader_config.py", text)


def model(path: Path) -> dict[str, Any]:
    """As Jupyter's contents API takes it."""
    if path.is_dir():
        return {"type": "directory"}
    if path.suffix == ".ipynb":
        return {"type": "notebook", "format": "json", "content": json.loads(path.read_text())}
    return {"type": "file", "format": "text", "content": path.read_text()}


async def tell(students: int, lms: dict[str, str]) -> int:
    """The exit status."""
    story = InPods(lms, students, Steps(False, time.monotonic))
    try:
        await story.tell()
    except StoryFailed:
        return 1
    finally:
        await story.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(tell(int(sys.argv[1]), dict(one.split("=", 1) for one in sys.argv[2:]))))
