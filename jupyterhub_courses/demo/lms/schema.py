"""The LMS's tables, and how a scenario comes into them.

Promises: filling is repeatable. What happened since (grades, line items, enrolments changed by hand, an
activity's column deleted by the tool) survives another start with the same scenario; names and titles follow
the scenario.
"""

import json
import sqlite3

from jupyterhub_courses.demo.lms.scenario import Scenario

TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people (
    id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, given TEXT NOT NULL, family TEXT NOT NULL,
    email TEXT NOT NULL, idnumber TEXT NOT NULL, locale TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS courses (
    id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE, title TEXT NOT NULL, idnumber TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS enrolments (
    course INTEGER NOT NULL REFERENCES courses, person INTEGER NOT NULL REFERENCES people,
    role TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active',  -- active, suspended, removed
    PRIMARY KEY (course, person)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS activities (
    id INTEGER PRIMARY KEY, course INTEGER NOT NULL REFERENCES courses, title TEXT NOT NULL,
    description TEXT NOT NULL, custom TEXT NOT NULL);
-- Activities that Deep Linking made, and where each of them leads; those of the scenario lead to the tool.
CREATE TABLE IF NOT EXISTS selected (activity INTEGER PRIMARY KEY REFERENCES activities, url TEXT NOT NULL);
-- The gradebook's columns. activity: whose own column it is; link: the activity that the tool bound it to.
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, course INTEGER NOT NULL REFERENCES courses, activity INTEGER,
    label TEXT NOT NULL, maximum REAL NOT NULL,
    resource_id TEXT NOT NULL DEFAULT '', tag TEXT NOT NULL DEFAULT '',
    link INTEGER, orphan INTEGER NOT NULL DEFAULT 0, locked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS items_of_a_course ON items (course);
CREATE TABLE IF NOT EXISTS grades (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items ON DELETE CASCADE, person INTEGER NOT NULL,
    final REAL, raw REAL, comment TEXT, modified INTEGER, overridden INTEGER NOT NULL DEFAULT 0,
    UNIQUE (item, person));
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, scopes TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    token TEXT PRIMARY KEY, person INTEGER NOT NULL, sesskey TEXT NOT NULL) WITHOUT ROWID;
-- Begun launches; what for: a message of LTI. Without activity: the teacher selects content.
CREATE TABLE IF NOT EXISTS begun (
    id TEXT PRIMARY KEY, session TEXT NOT NULL, course INTEGER NOT NULL, activity INTEGER, message TEXT NOT NULL,
    for_user INTEGER NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
DROP TABLE IF EXISTS launches;  -- of an older demo
"""


def prepare(db: sqlite3.Connection, scenario: Scenario) -> None:
    """Makes the tables and brings the scenario's people, courses and activities in."""
    # WAL without a flush at each commit: a killed process loses nothing, and a score costs microseconds. Only
    # a machine that loses power could lose the last scores, which a demo may.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(TABLES)
    db.execute("BEGIN")
    _people(db, scenario)
    _courses(db, scenario)
    db.execute("COMMIT")


def _people(db: sqlite3.Connection, scenario: Scenario) -> None:
    db.executemany(
        "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " username = excluded.username, given = excluded.given, family = excluded.family,"
        " email = excluded.email, idnumber = excluded.idnumber, locale = excluded.locale",
        [(p.id, p.username, p.given, p.family, p.email, p.idnumber, p.locale) for p in scenario.people],
    )


def _courses(db: sqlite3.Connection, scenario: Scenario) -> None:
    for course in scenario.courses:
        db.execute(
            "INSERT INTO courses VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET label = excluded.label,"
            " title = excluded.title, idnumber = excluded.idnumber",
            (course.id, course.label, course.title, course.idnumber),
        )
        db.executemany(
            "INSERT OR IGNORE INTO enrolments (course, person, role) VALUES (?, ?, ?)",
            [(course.id, member.person, member.role) for member in course.members],
        )
        known = {row[0] for row in db.execute("SELECT id FROM activities WHERE course = ?", (course.id,))}
        for activity in course.activities:
            db.execute(
                "INSERT INTO activities VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " title = excluded.title, description = excluded.description, custom = excluded.custom",
                (
                    activity.id,
                    course.id,
                    activity.title,
                    activity.description,
                    json.dumps(dict(activity.custom)),
                ),
            )
            if activity.graded and activity.id not in known:  # the tool may have deleted the column since
                db.execute(
                    "INSERT INTO items (course, activity, label, maximum) VALUES (?, ?, ?, ?)",
                    (course.id, activity.id, activity.title, activity.max),
                )
