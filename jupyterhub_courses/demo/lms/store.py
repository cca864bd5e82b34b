"""All that the LMS remembers, in one SQLite file: the only module that knows SQL.

Promises: what a method did is there after a `kill -9`; each method is one statement or one transaction and
blocks for microseconds. Values come out frozen.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyterhub_courses.demo.lms.grading import Grade, rescaled
from jupyterhub_courses.demo.lms.scenario import Person, Scenario
from jupyterhub_courses.demo.lms.schema import prepare


@dataclass(frozen=True)
class CourseRow:
    id: int
    label: str
    title: str
    idnumber: str


@dataclass(frozen=True)
class ActivityRow:
    id: int
    course: int
    title: str
    description: str
    custom: Mapping[str, str]
    url: str = ""  # where it leads; the tool's own address when empty


@dataclass(frozen=True)
class Begun:
    """A launch that waits for the tool. `message`: as LTI calls it; `for_user`: whose submission, else 0."""

    course: int
    activity: int | None
    message: str = "LtiResourceLinkRequest"
    for_user: int = 0
    title: str = ""  # what the form of a new activity holds
    text: str = ""


@dataclass(frozen=True)
class Enrolled:
    """A person in a course. status: active, suspended (graded, but neither listed nor let in) or removed."""

    person: Person
    role: str
    status: str


@dataclass(frozen=True)
class Item:
    """A gradebook column. `activity`: whose own column it is; `link`: the activity that the tool bound it to.

    orphan: in the gradebook, but unknown to the tool's services (facts/moodle.md: an over-long resourceId
    leaves one).
    """

    id: int
    course: int
    activity: int | None
    label: str
    maximum: float
    resource_id: str
    tag: str
    link: int | None
    orphan: bool
    locked: bool


@dataclass(frozen=True)
class Session:
    token: str
    person: int
    sesskey: str


ITEM = "id, course, activity, label, maximum, resource_id, tag, link, orphan, locked"
GRADE = "final, raw, comment, modified, overridden"
ACTIVITY = (
    "id, course, title, description, custom, coalesce(url, '') FROM activities LEFT JOIN selected ON activity = id"
)
PERSON = "p.id, p.username, p.given, p.family, p.email, p.idnumber, p.locale"


class Store:
    """Opens (and makes) the file; everything else happens through the methods."""

    def __init__(self, path: Path, scenario: Scenario):
        self._db = sqlite3.connect(path, isolation_level=None)
        prepare(self._db, scenario)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def setting(self, name: str, default: str) -> str:
        """The setting's value; `default` becomes it the first time."""
        self._db.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, default))
        return str(self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0])

    # -- people and courses --
    def people(self) -> list[Person]:
        return [Person(*row) for row in self._db.execute(f"SELECT {PERSON} FROM people p ORDER BY p.id")]

    def person(self, id: int) -> Person | None:
        row = self._db.execute(f"SELECT {PERSON} FROM people p WHERE p.id = ?", (id,)).fetchone()
        return Person(*row) if row else None

    def courses(self) -> list[CourseRow]:
        return [
            CourseRow(*row) for row in self._db.execute("SELECT id, label, title, idnumber FROM courses ORDER BY id")
        ]

    def course(self, id: int) -> CourseRow | None:
        row = self._db.execute("SELECT id, label, title, idnumber FROM courses WHERE id = ?", (id,)).fetchone()
        return CourseRow(*row) if row else None

    def enrolments(self, course: int) -> list[Enrolled]:
        """Everybody in the course, suspended people too, in no order."""
        rows = self._db.execute(
            f"SELECT {PERSON}, e.role, e.status FROM enrolments e JOIN people p ON p.id = e.person"
            " WHERE e.course = ? AND e.status != 'removed'",
            (course,),
        )
        return [Enrolled(Person(*row[:7]), row[7], row[8]) for row in rows]

    def roles_of(self, person: int) -> dict[int, str]:
        """The roles of the person in their courses (by course id), without those where they are suspended."""
        sql = "SELECT course, role FROM enrolments WHERE person = ? AND status = 'active' ORDER BY course"
        return dict(self._db.execute(sql, (person,)).fetchall())

    def is_gradable(self, course: int, person: int) -> bool:
        """Whether the person may get a grade: Moodle grades suspended students too."""
        sql = "SELECT role, status FROM enrolments WHERE course = ? AND person = ?"
        row = self._db.execute(sql, (course, person)).fetchone()
        return row is not None and row[0] == "student" and row[1] != "removed"

    def enrol(self, course: int, person: int, role: str, status: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO enrolments VALUES (?, ?, ?, ?)", (course, person, role, status))

    def activities(self, course: int) -> list[ActivityRow]:
        sql = f"SELECT {ACTIVITY} WHERE course = ? ORDER BY id"
        return [_activity(row) for row in self._db.execute(sql, (course,))]

    def activity(self, id: int) -> ActivityRow | None:
        sql = f"SELECT {ACTIVITY} WHERE id = ?"
        row = self._db.execute(sql, (id,)).fetchone()
        return _activity(row) if row else None

    def add_activity(
        self,
        course: int,
        title: str,
        description: str,
        custom: Mapping[str, str],
        url: str,
        column: tuple[float, str, str] | None,
    ) -> int:
        """A new activity; with a column of its own where (maximum, resource id, tag) are given."""
        with self.transaction():
            # Ids of the scenario's activities are left to a later scenario.
            number = "SELECT max(coalesce(max(id), 0), 1000) + 1 FROM activities"
            id = int(self._db.execute(number).fetchone()[0])
            row = (id, course, title, description, json.dumps(dict(custom)))
            self._db.execute("INSERT INTO activities VALUES (?, ?, ?, ?, ?)", row)
            self._db.execute("INSERT INTO selected VALUES (?, ?)", (id, url))
            if column is not None:
                columns = "course, activity, label, maximum, resource_id, tag"
                values = (course, id, title, *column)
                self._db.execute(f"INSERT INTO items ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)
        return id

    # -- the gradebook --
    def items(self, course: int) -> list[Item]:
        rows = self._db.execute(f"SELECT {ITEM} FROM items WHERE course = ? ORDER BY id", (course,))
        return [_item(row) for row in rows]

    def item(self, id: int) -> Item | None:
        row = self._db.execute(f"SELECT {ITEM} FROM items WHERE id = ?", (id,)).fetchone()
        return _item(row) if row else None

    def add_item(
        self,
        course: int,
        label: str,
        maximum: float,
        resource_id: str,
        tag: str,
        link: int | None,
        orphan: bool = False,
    ) -> int:
        columns = "course, label, maximum, resource_id, tag, link, orphan"
        sql = f"INSERT INTO items ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        cursor = self._db.execute(sql, (course, label, maximum, resource_id, tag, link, orphan))
        return cursor.lastrowid or 0

    def change_item(self, old: Item, label: str, maximum: float, resource_id: str, tag: str, link: int | None) -> None:
        """Changes the column; with another maximum its grades keep their percentage."""
        with self.transaction():
            self._db.execute(
                "UPDATE items SET label = ?, maximum = ?, resource_id = ?, tag = ?, link = ? WHERE id = ?",
                (label, maximum, resource_id, tag, link, old.id),
            )
            if maximum != old.maximum and old.maximum > 0:
                for person, grade in self.grades(old.id).items():
                    self.put_grade(old.id, person, rescaled(grade, old.maximum, maximum))

    def lock_item(self, id: int, locked: bool) -> None:
        self._db.execute("UPDATE items SET locked = ? WHERE id = ?", (locked, id))

    def delete_item(self, id: int) -> None:
        self._db.execute("DELETE FROM items WHERE id = ?", (id,))

    def grade(self, item: int, person: int) -> Grade | None:
        sql = f"SELECT {GRADE} FROM grades WHERE item = ? AND person = ?"
        row = self._db.execute(sql, (item, person)).fetchone()
        return _grade(row) if row else None

    def grades(self, item: int) -> dict[int, Grade]:
        """The column's grades by person, in the order in which they first came."""
        rows = self._db.execute(f"SELECT person, {GRADE} FROM grades WHERE item = ? ORDER BY id", (item,)).fetchall()
        return {row[0]: _grade(row[1:]) for row in rows}

    def put_grade(self, item: int, person: int, grade: Grade) -> None:
        self._db.execute(
            f"INSERT INTO grades (item, person, {GRADE}) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (item, person) DO UPDATE SET final = excluded.final, raw = excluded.raw,"
            " comment = excluded.comment, modified = excluded.modified, overridden = excluded.overridden",
            (item, person, grade.final, grade.raw, grade.comment, grade.modified, grade.overridden),
        )

    # -- tokens, sessions, launches --
    def add_token(self, scopes: str, now: int, lifetime: int) -> str:
        token = secrets.token_hex(16)
        self._db.execute("DELETE FROM tokens WHERE expires <= ?", (now,))
        self._db.execute("INSERT INTO tokens VALUES (?, ?, ?)", (token, scopes, now + lifetime))
        return token

    def token_scopes(self, token: str, now: float) -> frozenset[str]:
        """What the access token may; nothing when it is unknown or has run out."""
        row = self._db.execute("SELECT scopes, expires FROM tokens WHERE token = ?", (token,)).fetchone()
        return frozenset(row[0].split()) if row and row[1] > now else frozenset()

    def revoke_tokens(self) -> None:
        self._db.execute("DELETE FROM tokens")

    def add_session(self, person: int) -> Session:
        session = Session(secrets.token_urlsafe(24), person, secrets.token_hex(5))
        self._db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (session.token, session.person, session.sesskey))
        return session

    def session(self, token: str) -> Session | None:
        row = self._db.execute("SELECT token, person, sesskey FROM sessions WHERE token = ?", (token,)).fetchone()
        return Session(*row) if row else None

    def end_session(self, token: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM begun WHERE session = ?", (token,))
            self._db.execute("DELETE FROM sessions WHERE token = ?", (token,))

    def begin(self, session: str, begun: Begun) -> str:
        """The id of a launch that this session begins."""
        of = begun.activity or "_ContentItemSelectionRequest"
        id = f"ltilaunch{of}{'_' if begun.activity else ''}{secrets.randbelow(2**31)}"
        values = (id, session, begun.course, begun.activity, begun.message, begun.for_user, begun.title, begun.text)
        self._db.execute("INSERT INTO begun VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        return id

    def take(self, id: str, session: str) -> Begun | None:
        """A launch that this session began; it is good for one id_token."""
        columns = "course, activity, message, for_user, title, text"
        sql = f"DELETE FROM begun WHERE id = ? AND session = ? RETURNING {columns}"
        row = self._db.execute(sql, (id, session)).fetchone()
        return Begun(*row) if row else None


def _activity(row: tuple[Any, ...]) -> ActivityRow:
    *texts, custom, url = row
    return ActivityRow(*texts, json.loads(custom), url)


def _item(row: tuple[Any, ...]) -> Item:
    return Item(*row[:-2], *map(bool, row[-2:]))


def _grade(row: tuple[Any, ...]) -> Grade:
    return Grade(*row[:-1], *[bool(row[-1])])
