"""Made-up universities: who studies and teaches what at which LMS. Values only; files.py writes them down."""

from dataclasses import dataclass, field
from typing import Any, Literal

LmsRole = Literal["editingteacher", "teacher", "student"]  # Moodle's names; "teacher" is a TA


@dataclass(frozen=True)
class Person:
    id: int
    username: str
    given: str
    family: str

    def as_json(self, site: str) -> dict[str, Any]:
        mail = f"{self.username}@{site}.example.edu"
        return {
            "id": self.id,
            "username": self.username,
            "given": self.given,
            "family": self.family,
            "email": mail,
        }


@dataclass(frozen=True)
class Activity:
    id: int
    title: str
    assignment: str = ""  # none: the link leads to the course page
    points: int = 100


@dataclass(frozen=True)
class Course:
    id: int
    label: str
    title: str
    members: dict[int, LmsRole]  # person's id -> role
    activities: tuple[Activity, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "title": self.title,
            "members": [{"person": person, "role": role} for person, role in self.members.items()],
            "activities": [
                {
                    "id": one.id,
                    "title": one.title,
                    "custom": {"assignment": one.assignment} if one.assignment else {},
                    "graded": bool(one.assignment),
                    "max": one.points,
                }
                for one in self.activities
            ],
        }


@dataclass(frozen=True)
class Site:
    """One LMS of the demo."""

    name: str
    title: str
    client_id: str
    people: tuple[Person, ...]
    courses: tuple[Course, ...]
    deployment_id: str = "1"


@dataclass(frozen=True)
class World:
    sites: tuple[Site, ...]
    hints: tuple[tuple[str, str], ...] = field(default=())  # (site's name, what to do there)


def problem_sets(first_id: int) -> tuple[Activity, ...]:
    """The activities of a course that starts from the demo's course folder."""
    return (
        Activity(first_id, "Problem set 1", "ps1", 10),
        Activity(first_id + 1, "Problem set 2", "ps2", 5),
        Activity(first_id + 2, "Course page"),
    )


NORTHFIELD = Site(
    "northfield",
    "Northfield University",
    "northfield-client",
    (
        Person(11, "hopper", "Grace", "Hopper"),
        Person(12, "lovelace", "Ada", "Lovelace"),
        Person(13, "noether", "Emmy", "Noether"),
        Person(14, "ramanujan", "Srinivasa", "Ramanujan"),
        Person(15, "turing", "Alan", "Turing"),
    ),
    (
        Course(
            21,
            "ML101",
            "Introduction to Machine Learning",
            {11: "editingteacher", 12: "teacher", 13: "student", 14: "student", 15: "student"},
            problem_sets(31),
        ),
        Course(
            22,
            "ALGO2",
            "Algorithms II",
            {15: "editingteacher", 13: "student", 14: "student"},
            problem_sets(41),
        ),
    ),
)
EASTLAKE = Site(
    "eastlake",
    "Eastlake College",
    "eastlake-client",
    (
        Person(11, "gosset", "William", "Gosset"),
        Person(12, "nightingale", "Florence", "Nightingale"),
        Person(13, "bayes", "Thomas", "Bayes"),
    ),
    (Course(21, "STAT1", "Statistics", {11: "editingteacher", 12: "student", 13: "student"}, problem_sets(31)),),
)
DEMO = World(
    (NORTHFIELD, EASTLAKE),
    (
        (
            "northfield",
            "Be Grace Hopper (teacher), open “Introduction to Machine Learning” and click “Problem set 1”:"
            " the course is made and formgrader opens; generate and release ps1 there.",
        ),
        (
            "northfield",
            "Then be Emmy Noether (student) in another browser window (a private one), and click the same:"
            " her notebook opens. Work, and submit it in Nbgrader → Assignment List.",
        ),
        ("eastlake", "Another university with the same hub: William Gosset teaches “Statistics” here."),
    ),
)
