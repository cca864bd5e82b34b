"""From a courses file's text to specs, or to every problem in it at once, each with its line and field.

Promises: nothing of a wrong file is returned as specs; a hostile file (huge, deeply nested, aliases that
explode) ends in a problem, not in a long wait. Reads text, not files.
"""

import difflib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .notation import shown
from .platforms import clash, of_spec
from .records import Registration
from .specs import CoursesFile

MAX_CHARACTERS = 4_000_000
MAX_VALUES = 400_000
MAX_DEPTH = 20

Path = tuple[str | int, ...]
Lines = Mapping[Path, int]

#: What pydantic calls a mistake -> what it is called here. `{ctx}` values are pydantic's own.
_SENTENCES = {
    "missing": "is missing",
    "string_type": '{value} is not text: put it in quotes, like "{value}"',
    "int_type": "{value} is not a whole number",
    "int_parsing": "{value} is not a whole number",
    "model_type": "{value} is not a group of named fields",
    "dict_type": "{value} is not a group of named fields",
    "tuple_type": "{value} is not a list",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long: at most {max_length} characters",
    "too_long": "has too many entries: at most {max_length}",
    "too_short": "needs at least {min_length} entry",
    "literal_error": "{value} is not one of {expected}",
    "string_pattern_mismatch": "{value} has characters that can't stand here",
    "less_than_equal": "{value} is too much: at most {le}",
    "greater_than_equal": "{value} is too little: at least {ge}",
}


@dataclass(frozen=True)
class Problem:
    """One mistake: in which course or platform, on which line (None: data without lines), in which field."""

    where: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        place = ", ".join(filter(None, [f"line {self.line}" if self.line else "", self.field]))
        return ": ".join(filter(None, [self.where, place, self.message]))


@dataclass(frozen=True)
class Checked:
    """Either `file`, or problems in the order of their lines."""

    file: CoursesFile | None
    problems: tuple[Problem, ...] = ()


def check_text(text: str) -> Checked:
    """A courses file's text, checked whole."""
    if len(text) > MAX_CHARACTERS:
        return _failed(Problem("", None, "", f"the file is too big: at most {MAX_CHARACTERS} characters"))
    try:
        reader = _Reader(text)
        data, lines = reader.value, reader.lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it can't be read"
        return _failed(Problem("", mark.line + 1 if mark else None, "", f"this is not YAML: {problem}"))
    except _Refused as refused:
        return _failed(Problem("", refused.line, "", refused.message))
    if data is None:
        return _failed(Problem("", None, "", "the file is empty: write platforms: and courses:"))
    return check_data(data, lines, reader.twice)


def check_data(data: object, lines: Lines | None = None, twice: Mapping[Path, int] | None = None) -> Checked:
    """The same for data that was already read, such as a request's JSON; `twice`: repeated fields' lines."""
    lines, twice = lines or {}, twice or {}
    problems = [Problem(_where(path, data), line, _field(path), "is written twice") for path, line in twice.items()]
    file: CoursesFile | None = None
    try:
        file = CoursesFile.model_validate(data)
    except ValidationError as error:
        all_details = error.errors(include_url=False)
        # a list whose entries are all wrong is also "too short" for pydantic
        around = {details["loc"][:end] for details in all_details for end in range(len(details["loc"]))}
        told = [one for one in all_details if one["type"] != "too_short" or one["loc"] not in around]
        problems += [_problem(details, data, lines) for details in told]
    problems += _shared(data, lines)
    problems += _clashes(file, lines) if file is not None else ()
    if problems:
        return _failed(*sorted(problems, key=lambda problem: problem.line or 0))
    return Checked(file)


def _failed(*problems: Problem) -> Checked:
    return Checked(None, problems)


class _Refused(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


class _Reader:
    """Plain values of a YAML text, the line of each, and the lines of keys that are written `twice`."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self.twice: dict[Path, int] = {}
        self._left = MAX_VALUES
        self._loader = yaml.SafeLoader(text)
        try:
            node = self._loader.get_single_node()
            self.value = None if node is None else self._read(node, ())
        finally:
            self._loader.dispose()

    def _read(self, node: Any, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._left -= 1
        if self._left < 0 or len(path) > MAX_DEPTH:
            raise _Refused(line, "the file holds too much, or one thing inside another too often")
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        try:
            return self._loader.construct_object(node)
        except ValueError:  # such as the date 2026-99-99
            return str(node.value)

    def _mapping(self, node: Any, path: Path) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    self.twice[(*path, key.value)] = key.start_mark.line + 1
                seen.add(key.value)
        self._loader.flatten_mapping(node)  # `<<: *defaults`; own keys come last and win
        values = {}
        for key, value in node.value:
            name = self._loader.construct_object(key)
            if not isinstance(name, str | int):
                raise _Refused(key.start_mark.line + 1, "a name of a field must be plain text")
            self.lines[(*path, name)] = key.start_mark.line + 1
            values[name] = self._read(value, (*path, name))
        return values


def _problem(details: ErrorDetails, data: object, lines: Lines) -> Problem:
    loc: Path = tuple(part for part in details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        message = "is not known here" + _suggestion(loc)
    elif kind in _SENTENCES:
        value = details["input"]
        quoted = value if kind == "string_type" else shown(value)
        message = _SENTENCES[kind].format(**{**context, "value": quoted})
    else:
        message = str(context.get("error", details["msg"]))
    if kind != "missing":  # `memory: 2G` was read as `memory: {limit: 2G}`: name what was written
        loc = next((loc[:end] for end in range(len(loc), 0, -1) if loc[:end] in lines), loc)
    return Problem(_where(loc, data), _line(loc, lines), _field(loc), message)


def _suggestion(loc: Path) -> str:
    known = list(_fields_at(CoursesFile, loc[:-1]))
    close = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.6)
    return f": did you mean {close[0]}?" if close else f": known are {', '.join(known)}"


def _fields_at(model: Any, loc: Path) -> Iterator[str]:
    """Names of the fields of the model that lies at `loc`."""
    for part in loc:
        if isinstance(part, str):
            model = next(_models(model.model_fields[part].annotation))
    yield from model.model_fields


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _shared(data: object, lines: Lines) -> Iterator[Problem]:
    """What two entries of a file must not share."""
    rules = [
        ("platforms", "name", lambda entry: entry.get("name")),
        ("courses", "slug", lambda entry: entry.get("slug")),
        ("courses", "lms.context", lambda entry: _lms(entry.get("lms"))),
    ]
    for kind, name, key_of in rules:
        yield from _repeated(_entries(data, kind), (kind,), name, key_of, data, lines)
    inside = [("courses", "people", "username"), ("platforms", "registrations", "client_id")]
    for kind, part, name in [*inside, ("platforms", "consumers", "key")]:
        for index, entry in _entries(data, kind):
            inner: Path = (kind, index, part)
            yield from _repeated(_entries(entry, part), inner, name, lambda one, n=name: one.get(n), data, lines)


def _clashes(file: CoursesFile, lines: Lines) -> Iterator[Problem]:
    """Registrations that two platforms of the file can't both have."""
    seen: list[Registration] = []
    for index, spec in enumerate(file.platforms):
        for place, wanted in enumerate(of_spec(spec)[1]):
            known = len(spec.registrations)  # consumers come after them
            path: Path = ("platforms", index, "registrations", place, "client_id")
            if wanted.is_lti11:
                path = ("platforms", index, "consumers", place - known, "key")
            found = clash(wanted, seen)
            if found is not None:
                message = found.text().removeprefix(f"{spec.name}: ")
                yield Problem(spec.name, _line(path, lines), _field(path), message)
            seen.append(wanted)


def _repeated(
    entries: Iterator[tuple[int, dict[Any, Any]]],
    base: Path,
    name: str,
    key_of: Any,
    data: object,
    lines: Lines,
) -> Iterator[Problem]:
    first: dict[Hashable, Path] = {}
    for index, entry in entries:
        key = key_of(entry)
        path: Path = (*base, index, *name.split("."))
        if isinstance(key, str | tuple):
            if key in first:
                line = _line(first[key], lines)
                there = f" on line {line}" if line else ""
                value = key[-1] if isinstance(key, tuple) else key
                message = f"{shown(value)} stands already{there}"
                yield Problem(_where(path, data), _line(path, lines), _field(path), message)
            else:
                first[key] = path


def _lms(value: object) -> tuple[str, str] | None:
    if isinstance(value, dict) and isinstance(value.get("platform"), str) and isinstance(value.get("context"), str):
        return value["platform"], value["context"]
    return None


def _entries(data: object, kind: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    found = data.get(kind) if isinstance(data, dict) else None
    if isinstance(found, list):
        yield from ((index, entry) for index, entry in enumerate(found) if isinstance(entry, dict))


def _where(loc: Path, data: object) -> str:
    """The slug or the platform's name, or the entry's number when it has none."""
    if len(loc) < 2 or not isinstance(loc[1], int) or not isinstance(data, dict):
        return ""
    kind = str(loc[0])
    entry = dict(_entries(data, kind)).get(loc[1], {})
    name = entry.get("slug" if kind == "courses" else "name")
    return name if isinstance(name, str) and name else f"{kind.removesuffix('s')} {loc[1] + 1}"


def _field(loc: Path) -> str:
    return _dotted(loc[2:] if len(loc) >= 2 and isinstance(loc[1], int) else loc)


def _dotted(loc: Path) -> str:
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _line(loc: Path, lines: Lines) -> int | None:
    """The line of `loc`, or of the nearest thing around it."""
    return next((lines[loc[:end]] for end in range(len(loc), -1, -1) if loc[:end] in lines), None)
