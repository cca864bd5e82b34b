"""The story: three courses at two LMSs, from their teachers' first clicks to the last grade.

Promises: True only when both gradebooks hold exactly table.py's grades; a few servers start at a time, and
students' servers stop when they have submitted, so that two processor cores carry a whole class.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Mapping

from ...cli.tables import counted
from ..files import lms_url
from ..supervisor import Supervisor
from .browser import Browser
from .people import EXPLANATION, POINTS_OF_SQUARES, Actor, Lms, Server, Student, Teacher
from .steps import Steps, StoryFailed
from .table import ASSISTANT, ITEM, SITES, TEACHERS, Row, differences, expected, rows, world

AT_ONCE = 3  # servers that start at the same time
DELIVERED_WITHIN = 120.0  # seconds from the last grade to the LMS
IN_TIME, LATE, JOINED = "in time", "late", "joined"


class Story:
    """Everything that the story knows while it is told."""

    def __init__(self, lms: Mapping[str, str], students: int, steps: Steps) -> None:
        """lms: site's name -> the address that browsers use."""
        self.steps, self._students = steps, students
        sites = world(students).sites
        self.lms = {
            label: Lms(lms[site.name], {course.label: course.id for course in site.courses})
            for site in sites
            for label in SITES[site.name][1]
        }
        self.rows = rows(students)
        self.usernames: dict[tuple[str, str], str] = {}  # (course, LMS username) -> the hub's
        self.teachers: dict[str, Teacher] = {}
        self._actors: dict[tuple[str, str], Actor] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._control = Browser("control")

    def actor(self, course: str, username: str) -> Actor:
        """The person, with one browser for all that they do."""
        lms = self.lms[course]
        if (lms.url, username) not in self._actors:
            self._actors[lms.url, username] = Actor(lms, username)
        return self._actors[lms.url, username]

    def playing(self, when: str) -> list[Row]:
        return [row for row in self.rows if row.work is not None and row.work.when == when]

    async def close(self) -> None:
        await together([actor.browser.close() for actor in self._actors.values()] + [self._control.close()])

    async def tell(self) -> None:
        """All of it. Raises StoryFailed."""
        await self.teachers_come()
        await self.students_come(self.playing(IN_TIME), "in time")
        await self.late_joiners_come()
        await self.deadline_passes()
        await self.grade()
        await self.gradebooks_hold(before_regrade=True, text="the LMSs have the first grades")
        await self.regrade()
        await self.gradebooks_hold(before_regrade=False, text="the LMSs have every grade of the table")
        await self.feedback()
        await self.gradebooks_hold(before_regrade=False, text="the LMSs still have exactly these grades", settle=15)

    async def teachers_come(self) -> None:
        for course, (_, family) in TEACHERS.items():
            with self.steps.step(f"{course}: {family} clicks; the course is made and formgrader opens"):
                server = await self.actor(course, family.lower()).open_server(course, ITEM)
                expect("formgrader" in server.opened, f"{family} landed at {server.opened}, not in formgrader")
                self.teachers[course] = Teacher(server)
        with self.steps.step(f"the assignment is made and released in {len(self.teachers)} courses"):
            await together(self.release(course) for course in list(self.teachers))
        with self.steps.step(f"ML101: {ASSISTANT[1]}, a TA, opens the same formgrader"):
            server = await self.actor("ML101", ASSISTANT[1].lower()).open_server("ML101", ITEM)
            expect(server.base == self.teachers["ML101"].server.base, f"the TA landed at {server.opened}")
            self.teachers["ML101 assistant"] = Teacher(server)

    async def release(self, course: str) -> None:
        """Make the assignment out of what lies in the course's folder, and give it out."""
        for action in ("assign", "release"):
            await self.teachers[course].run(action)

    async def students_come(self, group: list[Row], text: str) -> None:
        if group:
            with self.steps.step(f"{counted(len(group), 'student')} clicking, working, submitting ({text})"):
                await together(self._student_works(row) for row in group)

    async def _student_works(self, row: Row) -> None:
        assert row.work is not None
        async with self._gate:
            server = await self.actor(row.course, row.username).open_server(row.course, ITEM)
            expect(server.opened.endswith("ps1/ps1.ipynb"), f"{row.username} landed at {server.opened}")
            self.usernames[row.course, row.username] = server.user
            student = Student(server)
            await student.work(row.work)
            await student.submit()
            await server.stop()

    async def late_joiners_come(self) -> None:
        group = self.playing(JOINED)
        for row in group:
            await self.lms[row.course].enrol(self._control, row.course, row.username)
        await self.students_come(group, "enrolled just now")

    async def deadline_passes(self) -> None:
        group = self.playing(LATE)
        courses = sorted({row.course for row in group})
        if courses:
            with self.steps.step(f"the deadline passes in {', '.join(courses)}"):
                await together(self.teachers[course].deadline_now() for course in courses)
            await self.students_come(group, "late")

    async def grade(self) -> None:
        with self.steps.step("the submissions are collected"):
            await together(self.teachers[course].run("collect") for course in TEACHERS)
        done = [row for row in self.rows if row.work is not None]
        with self.steps.step(f"{counted(len(done), 'submission')} autograded"):
            await together(self._autograde(course, done) for course in TEACHERS)
        with self.steps.step("the explanations are marked by hand, and tests that were too strict corrected"):
            await together(self._mark(course, done) for course in TEACHERS)

    async def _autograde(self, course: str, done: list[Row]) -> None:
        for row in done:
            if row.course == course:
                await self.teachers[course].autograde(self.usernames[course, row.username])

    async def _mark(self, course: str, done: list[Row]) -> None:
        marker = self.teachers.get(f"{course} assistant", self.teachers[course])
        for row in done:
            if row.course == course and row.work is not None:
                student = self.usernames[course, row.username]
                await marker.mark(student, EXPLANATION, row.work.explanation)
                if row.work.corrected is not None:
                    await marker.mark(student, POINTS_OF_SQUARES, row.work.corrected)

    async def regrade(self) -> None:
        group = [row for row in self.rows if row.work is not None and row.work.regraded is not None]
        with self.steps.step(f"{counted(len(group), 'explanation')} given other points after a second look"):
            for row in group:
                assert row.work is not None and row.work.regraded is not None
                student = self.usernames[row.course, row.username]
                await self.teachers[row.course].mark(student, EXPLANATION, row.work.regraded)

    async def feedback(self) -> None:
        with self.steps.step("feedback is made and released"):
            await together(self._give_feedback(self.teachers[course]) for course in TEACHERS)
        reader = next(row for row in self.rows if row.work is not None)
        with self.steps.step(f"{reader.username} reads the feedback"):
            server: Server = await self.actor(reader.course, reader.username).open_server(reader.course, ITEM)
            page = await Student(server).fetch_feedback()
            expect("Score" in page or "score" in page, f"the feedback of {reader.username} shows no score")
            await server.stop()

    async def _give_feedback(self, teacher: Teacher) -> None:
        for action in ("generate_feedback", "release_feedback"):
            await teacher.run(action)

    async def gradebooks_hold(self, before_regrade: bool, text: str, settle: float = 0) -> None:
        """Wait until both LMSs hold the table; with `settle`, look again after so many seconds."""
        table = expected(self._students, before_regrade)
        with self.steps.step(text):
            await asyncio.sleep(settle)
            deadline = time.monotonic() + DELIVERED_WITHIN
            while found := [line for course in table for line in await self._compare(course, table)]:
                if time.monotonic() > deadline:
                    raise StoryFailed("\n    ".join(["the gradebooks differ from the table:", *found]))
                await asyncio.sleep(1)

    async def _compare(self, course: str, table: dict[str, dict[str, float | None]]) -> list[str]:
        return differences(await self.lms[course].gradebook(self._control), course, table[course])


def expect(right: bool, sentence: str) -> None:
    """Raise StoryFailed with the sentence when it is not so."""
    if not right:
        raise StoryFailed(sentence)


async def together(work: Iterable[Awaitable[None]]) -> None:
    """Wait for all; the first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(_as_coroutine(one))
    except* StoryFailed as failed:
        raise failed.exceptions[0] from None


async def _as_coroutine(one: Awaitable[None]) -> None:
    await one


async def play(supervisor: Supervisor, students: int, steps: Steps) -> int:
    """Tell the story; the exit status."""
    story = Story({site.name: lms_url(site, supervisor.ports) for site in world(students).sites}, students, steps)
    try:
        await story.tell()
    except StoryFailed:
        steps.end(False, "The story did not end as it should.")
        return 1
    finally:
        await story.close()
    count = sum(len(column) for column in expected(students).values())
    steps.end(True, f"The LMSs' gradebooks hold exactly the table's grades of {count} students.")
    return 0
