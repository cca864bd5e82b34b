"""A scenario: the people, courses and activities that an LMS of the demo starts with, and the tool it knows.

Promises: a `Scenario` in hand is consistent (ids unique, everybody enrolled exists); a wrong file is refused
with every error in it, each naming its field. Ids are whole numbers, as Moodle's are: it answers 502 to a
user id that is not.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

ROLES = (
    "editingteacher",
    "teacher",
    "student",
)  # Moodle's short names; `teacher` is the non-editing one: a TA

T = TypeVar("T")


class ScenarioError(ValueError):
    """The scenario is wrong; `errors` holds a sentence for each mistake."""

    def __init__(self, errors: list[str]):
        super().__init__("; ".join(errors))
        self.errors = tuple(errors)


@dataclass(frozen=True)
class Tool:
    """The tool as a Moodle administrator types it in. One of `keyset_url` and `public_key` (PEM) is set."""

    login_url: str
    redirect_uris: tuple[str, ...]
    target_link_uri: str
    keyset_url: str | None = None
    public_key: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)  # sent with every launch; wins over the activity's
    share_identity: bool = True  # Moodle's privacy settings: names and e-mail addresses go to the tool
    name: str = "JupyterHub"  # in the LMS's list of tools


@dataclass(frozen=True)
class Person:
    id: int
    username: str
    given: str
    family: str
    email: str
    idnumber: str = ""  # the student number: person_sourcedid
    locale: str = "en"


@dataclass(frozen=True)
class Member:
    person: int
    role: str  # one of ROLES


@dataclass(frozen=True)
class Activity:
    id: int  # the launch's resource_link.id; also the id in the activity's address
    title: str
    custom: Mapping[str, str] = field(default_factory=dict)
    graded: bool = True
    max: int = 100
    description: str = ""


@dataclass(frozen=True)
class Course:
    id: int
    label: str
    title: str
    members: tuple[Member, ...] = ()
    activities: tuple[Activity, ...] = ()
    idnumber: str = ""  # course_section_sourcedid


@dataclass(frozen=True)
class Scenario:
    name: str
    tool: Tool
    client_id: str
    deployment_id: str  # Moodle's id of the tool: a whole number, also the type_id of service addresses
    people: tuple[Person, ...]
    courses: tuple[Course, ...]
    description: str = ""


def load(path: Path) -> Scenario:
    """The scenario in a JSON file. Raises ScenarioError, or OSError when the file can't be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ScenarioError([f"{path.name} is no JSON: {error}"]) from None
    return parse(data)


def parse(data: Any) -> Scenario:
    """The scenario in decoded JSON. Raises ScenarioError with all that is wrong."""
    reader = _Reader()
    scenario = reader.scenario(data)
    if not reader.errors:
        _check(scenario, reader.errors)
    if reader.errors:
        raise ScenarioError(reader.errors)
    return scenario


class _Reader:
    """Reads one level after the other and goes on after a mistake, so that all are told at once."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def scenario(self, data: Any) -> Scenario:
        get = self._fields(data, "scenario", Scenario)
        return Scenario(
            name=get("name", self._text),
            description=get("description", self._text, ""),
            tool=get("tool", self._tool),
            client_id=get("client_id", self._text),
            deployment_id=str(get("deployment_id", self._id)),
            people=get("people", self._list(self._person)),
            courses=get("courses", self._list(self._course)),
        )

    def _tool(self, data: Any, at: str) -> Tool:
        get = self._fields(data, at, Tool)
        tool = Tool(
            login_url=get("login_url", self._url),
            redirect_uris=get("redirect_uris", self._list(self._url)),
            target_link_uri=get("target_link_uri", self._url),
            keyset_url=get("keyset_url", self._url, None),
            public_key=get("public_key", self._text, None),
            custom=get("custom", self._texts, {}),
            share_identity=get("share_identity", self._flag, True),
            name=get("name", self._text, "JupyterHub"),
        )
        if (tool.keyset_url is None) == (tool.public_key is None):
            self.errors.append(f"{at}: exactly one of keyset_url and public_key is needed")
        return tool

    def _person(self, data: Any, at: str) -> Person:
        get = self._fields(data, at, Person)
        return Person(
            id=get("id", self._id),
            username=get("username", self._text),
            given=get("given", self._text),
            family=get("family", self._text),
            email=get("email", self._text),
            idnumber=get("idnumber", self._text, ""),
            locale=get("locale", self._text, "en"),
        )

    def _course(self, data: Any, at: str) -> Course:
        get = self._fields(data, at, Course)
        return Course(
            id=get("id", self._id),
            label=get("label", self._text),
            title=get("title", self._text),
            members=get("members", self._list(self._member), ()),
            activities=get("activities", self._list(self._activity), ()),
            idnumber=get("idnumber", self._text, ""),
        )

    def _member(self, data: Any, at: str) -> Member:
        get = self._fields(data, at, Member)
        return Member(person=get("person", self._id), role=get("role", self._role))

    def _activity(self, data: Any, at: str) -> Activity:
        get = self._fields(data, at, Activity)
        return Activity(
            id=get("id", self._id),
            title=get("title", self._text),
            custom=get("custom", self._texts, {}),
            graded=get("graded", self._flag, True),
            max=get("max", self._maximum, 100),
            description=get("description", self._text, ""),
        )

    # -- one value --
    def _fields(self, data: Any, at: str, shape: type[Any]) -> Callable[..., Any]:
        """A reader of `data`'s fields: get(name, read[, default]); missing without default is a mistake."""
        if not isinstance(data, dict):
            self.errors.append(f"{at}: an object is needed")
            data = {}
        known = {one.name for one in fields(shape)}
        self.errors += [f"{at}.{name}: no such field" for name in data if name not in known]

        def get(name: str, read: Callable[[Any, str], Any], *default: Any) -> Any:
            if data.get(name) is not None:
                return read(data[name], f"{at}.{name}")
            if not default:
                self.errors.append(f"{at}.{name}: is missing")
            return default[0] if default else None

        return get

    def _list(self, read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
        def read_list(data: Any, at: str) -> tuple[T, ...]:
            if not isinstance(data, list):
                self._wrong(at, "a list", None)
                return ()
            return tuple(read(value, f"{at}[{index}]") for index, value in enumerate(data))

        return read_list

    def _text(self, value: Any, at: str) -> str:
        return value if isinstance(value, str) else self._wrong(at, "text", "")

    def _texts(self, value: Any, at: str) -> dict[str, str]:
        if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
            return value
        return self._wrong(at, "an object of texts", {})

    def _flag(self, value: Any, at: str) -> bool:
        return value if isinstance(value, bool) else self._wrong(at, "true or false", False)

    def _url(self, value: Any, at: str) -> str:
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return value
        return self._wrong(at, "an http or https address", "")

    def _id(self, value: Any, at: str) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        return self._wrong(at, "a whole number above 0 (Moodle's ids are)", 0)

    def _maximum(self, value: Any, at: str) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
            return value
        return self._wrong(at, "a whole number from 1 to 100 (Moodle's form allows no other)", 100)

    def _role(self, value: Any, at: str) -> str:
        return value if value in ROLES else self._wrong(at, f"one of {', '.join(ROLES)}", "")

    def _wrong(self, at: str, needed: str, instead: T) -> T:
        self.errors.append(f"{at}: {needed} is needed")
        return instead


def _check(scenario: Scenario, errors: list[str]) -> None:
    """What only shows when the parts are held against each other."""
    people = {person.id for person in scenario.people}
    activities = [activity for course in scenario.courses for activity in course.activities]
    ids: dict[str, list[Any]] = {
        "people.id": [p.id for p in scenario.people],
        "people.username": [p.username for p in scenario.people],
        "courses.id": [c.id for c in scenario.courses],
        "courses.label": [c.label for c in scenario.courses],
        "activities.id": [a.id for a in activities],  # unique on the whole site, as in Moodle
    }
    for what, values in ids.items():
        twice = sorted({value for value in values if values.count(value) > 1}, key=str)
        errors += [f"{what}: {value} is there twice" for value in twice]
    for course in scenario.courses:
        members = [member.person for member in course.members]
        errors += [f"course {course.label}: nobody has the id {m}" for m in members if m not in people]
        errors += [f"course {course.label}: {m} is enrolled twice" for m in set(members) if members.count(m) > 1]
    if not scenario.tool.redirect_uris:
        errors.append("tool.redirect_uris: at least one is needed")
