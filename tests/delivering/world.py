"""What the tests of delivery share: an LMS of the demo as a process, and a store with a course in it."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from jupyterhub_courses.adapters.lms.access import LmsAccess
from jupyterhub_courses.adapters.lms.ags import Ags
from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import ToolKey
from jupyterhub_courses.adapters.lms.nrps import Nrps
from jupyterhub_courses.adapters.lms.outcomes import Outcomes
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.deliveries import Deliveries
from jupyterhub_courses.adapters.store.models import (
    AssignmentRow,
    CourseRow,
    MembershipRow,
    PersonRow,
    PlatformRow,
    RegistrationRow,
    ScoreRow,
)
from jupyterhub_courses.core.pace import Pace
from jupyterhub_courses.usecases.delivering import Deliverer

CLIENT_ID = "tool-1"
STUDENTS = 60
STAFF = (900, 901)  # ids of the teacher and the assistant


def student_ids(count: int) -> list[int]:
    """The first so many, without the staff's."""
    return [n for n in range(1, count + len(STAFF) + 1) if n not in STAFF][:count]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class LmsProcess:
    """A running LMS of the demo; `base` is its issuer."""

    base: str
    process: subprocess.Popen[str]

    def control(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/control/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def grades(self, course: str, column: str) -> dict[str, float]:
        """{username: score} of those who have one."""
        return {u: s for u, s in self.control("gradebook")[course][column].items() if s is not None}

    def posts(self) -> dict[str, int]:
        """{status: count} of scores posted since the last `forget`."""
        counts: dict[str, int] = {}
        for name, outcomes in self.control("requests").items():
            if name.partition(".")[0] == "scores":
                for outcome, count in outcomes.items():
                    counts[outcome] = counts.get(outcome, 0) + count
        return counts

    def forget(self) -> None:
        self.control("requests", method="DELETE")

    def faults(self, **switches: Any) -> None:
        self.control("faults", switches)


def scenario(public_key: str, students: int = STUDENTS, keyset_url: str = "") -> dict[str, Any]:
    people = [
        {
            "id": n,
            "username": f"s{n}",
            "given": "Given",
            "family": f"Family {n}",
            "email": f"s{n}@lab.invalid",
        }
        for n in student_ids(students)
    ]
    people.append({"id": 900, "username": "tess", "given": "Tess", "family": "Teacher", "email": "t@lab.invalid"})
    people.append({"id": 901, "username": "tom", "given": "Tom", "family": "TA", "email": "ta@lab.invalid"})
    members = [{"person": p["id"], "role": "student"} for p in people[:students]]
    members += [{"person": 900, "role": "editingteacher"}, {"person": 901, "role": "teacher"}]
    activities = [
        {"id": 11, "title": "Problem set 1", "custom": {"assignment": "ps1"}, "graded": True, "max": 100},
        {"id": 12, "title": "Reading", "custom": {"assignment": "ps2"}, "graded": False, "max": 100},
    ]
    return {
        "name": "Lab LMS",
        "tool": {
            "login_url": "http://127.0.0.1:9/hub/lti13/oauth_login",
            "redirect_uris": ["http://127.0.0.1:9/hub/lti13/oauth_callback"],
            "target_link_uri": "http://127.0.0.1:9/hub",
            **({"keyset_url": keyset_url} if keyset_url else {"public_key": public_key}),
        },
        "client_id": CLIENT_ID,
        "deployment_id": "1",
        "people": people,
        "courses": [
            {
                "id": 2,
                "label": "ml101",
                "title": "Machine Learning",
                "members": members,
                "activities": activities,
            },
            {"id": 3, "label": "py101", "title": "Python", "members": members, "activities": []},
        ],
    }


@contextmanager
def running_lms(
    directory: Path, public_key: str, students: int = STUDENTS, keyset_url: str = ""
) -> Iterator[LmsProcess]:
    """Start an LMS on a free port; ended afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "scenario.json"
    file.write_text(json.dumps(scenario(public_key, students, keyset_url)))
    command = [sys.executable, "-m", "jupyterhub_courses.demo.lms", "--port", "0", "--control"]
    command += ["--state", str(directory / "state"), "--scenario", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " is on " in line, f"the LMS did not start: {line!r}"
        yield LmsProcess(line.strip().rpartition(" is on ")[2], process)
    finally:
        process.terminate()
        process.wait(10)


class World:
    """A store with platforms, courses and desired scores, and the outbox over it."""

    def __init__(self, database: Database, key: ToolKey, http: LmsHttp | None = None) -> None:
        self.database, self.key = database, key
        self.http = http or LmsHttp()
        self.access = LmsAccess(self.http, Tokens(self.http, key))
        self.ags, self.nrps = Ags(self.access), Nrps(self.access)
        self.store = Deliveries(database)
        self.outbox = self.fresh_outbox()

    def fresh_outbox(self, lms: Any = None, pace: Pace = Pace(), now: Callable[[], datetime] = now) -> Deliverer:
        """An outbox as after a restart of the service."""
        return Deliverer(self.store, lms or self.ags, Outcomes(self.http), now, lambda: 0.0, pace)

    async def add_platform(
        self, base: str, name: str = "lab", client_id: str = CLIENT_ID, **registered: Any
    ) -> tuple[int, int]:
        """(platform id, registration id). `registered`: what its registration has other than a Moodle's."""
        async with self.database.transaction() as session:
            platform = PlatformRow(name=name, issuer=base)
            session.add(platform)
            await session.flush()
            told = {
                "client_id": client_id,
                "deployment_ids": ["1"],
                "authorize_url": f"{base}/mod/lti/auth.php",
                "token_url": f"{base}/mod/lti/token.php",
                "keyset_url": f"{base}/mod/lti/certs.php",
            }
            registration = RegistrationRow(platform_id=platform.id, issuer=base, **told | registered)
            session.add(registration)
            await session.flush()
            return platform.id, registration.id

    async def add_course(self, slug: str, platform: tuple[int, int], lineitems: str | None) -> int:
        async with self.database.transaction() as session:
            course = CourseRow(
                slug=slug,
                title=slug,
                platform_id=platform[0],
                context_id=slug,
                registration_id=platform[1],
                lineitems_url=lineitems,
                created_at=now(),
            )
            session.add(course)
            await session.flush()
            return course.id

    async def add_people(self, platform_id: int, subs: list[str], course_ids: list[int]) -> dict[str, int]:
        async with self.database.transaction() as session:
            rows = {
                sub: PersonRow(platform_id=platform_id, sub=sub, username=f"p{platform_id}-{sub}", created_at=now())
                for sub in subs
            }
            session.add_all(rows.values())
            await session.flush()
            session.add_all(
                MembershipRow(course_id=course, person_id=row.id, role="student", updated_at=now())
                for row in rows.values()
                for course in course_ids
            )
            return {sub: row.id for sub, row in rows.items()}

    async def want(self, course_id: int, name: str, scores: dict[int, float], maximum: float = 10, **link: Any) -> int:
        """The gradebook wants these scores ({person id: score}); returns the assignment's id."""
        async with self.database.transaction() as session:
            query = select(AssignmentRow).where(AssignmentRow.course_id == course_id, AssignmentRow.name == name)
            row = await session.scalar(query)
            if row is None:
                row = AssignmentRow(course_id=course_id, name=name)
                session.add(row)
            row.max_score = maximum
            for field, value in link.items():
                setattr(row, field, value)
            await session.flush()
            known = {
                s.person_id: s for s in await session.scalars(select(ScoreRow).where(ScoreRow.assignment_id == row.id))
            }
            for person, score in scores.items():
                cell = known.get(person)
                if cell is None:
                    cell = ScoreRow(assignment_id=row.id, person_id=person)
                    session.add(cell)
                elif (cell.score, cell.max_score) == (score, maximum):
                    continue
                cell.score, cell.max_score, cell.graded_at = score, maximum, now()
                cell.state, cell.reason, cell.attempts, cell.next_at = "due", "", 0, None
            return row.id

    async def rows(self, assignment_id: int) -> list[ScoreRow]:
        query = select(ScoreRow).where(ScoreRow.assignment_id == assignment_id).order_by(ScoreRow.person_id)
        async with self.database.reading() as session:
            return list(await session.scalars(query))

    async def states(self, assignment_id: int) -> dict[tuple[str, str], int]:
        """{(state, reason): count}."""
        found: dict[tuple[str, str], int] = {}
        for row in await self.rows(assignment_id):
            found[row.state, row.reason] = found.get((row.state, row.reason), 0) + 1
        return found

    async def assignment(self, assignment_id: int) -> AssignmentRow:
        async with self.database.reading() as session:
            return await session.get_one(AssignmentRow, assignment_id)

    async def hurry(self) -> None:
        """All back-off is over: as if time had passed."""
        async with self.database.transaction() as session:
            await session.execute(update(ScoreRow).where(ScoreRow.state == "waiting").values(next_at=None))
            await session.execute(update(AssignmentRow).values(lineitem_next_at=now()))

    async def settle(self, seconds: float = 20, outbox: Deliverer | None = None) -> None:
        """Deliver until nothing is due or waiting any more."""
        outbox = outbox or self.outbox
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await outbox.deliver_due()
            async with self.database.reading() as session:
                open_ = await session.scalar(select(ScoreRow.id).where(ScoreRow.state.in_(["due", "waiting"])).limit(1))
            if open_ is None:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("scores are still due or waiting")

    async def close(self) -> None:
        await self.outbox.stop()
        await self.http.close()
        await self.database.close()
