"""What a courses file would change: a pure difference between the specs that are and those wanted.

Promises: only courses that the file owns are ever deleted; a course of another owner that the file names
comes under the file, and the difference says so. Applying it is left to the provisioning use case.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .specs import CourseSpec, Spec

Kind = Literal["create", "change", "keep", "delete"]
FILE = "file"


@dataclass(frozen=True)
class OwnedSpec:
    """A course as it is: its spec, and who owns it (`file`, or where else it was made)."""

    spec: CourseSpec
    owner: str


@dataclass(frozen=True)
class Change:
    """One course's difference; `fields` maps a dotted field name to (old, new) as JSON values."""

    course: str
    kind: Kind
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        pairs = {name: [old, new] for name, (old, new) in self.fields.items()}
        return {"course": self.course, "kind": self.kind, "fields": pairs}


def difference(present: Iterable[OwnedSpec], wanted: Iterable[CourseSpec]) -> tuple[Change, ...]:
    """One Change for each course of either side, in the order of the slugs, except foreign unnamed ones."""
    there = {owned.spec.slug: owned for owned in present}
    asked = {spec.slug: spec for spec in wanted}
    changes = []
    for slug in sorted(there.keys() | asked.keys()):
        old, new = there.get(slug), asked.get(slug)
        if new is None:
            if old is not None and old.owner == FILE:
                changes.append(Change(slug, "delete"))
        elif old is None:
            changes.append(Change(slug, "create", changed_fields(None, new)))
        else:
            fields = changed_fields(old.spec, new)
            if old.owner != FILE:
                fields["owner"] = (old.owner, FILE)
            changes.append(Change(slug, "change" if fields else "keep", fields))
    return tuple(changes)


def changed_fields(old: Spec | None, new: Spec) -> dict[str, tuple[Any, Any]]:
    """Dotted name -> (old, new) of every field that differs; of a new spec, every field that is set."""
    before = _flat(old.model_dump(mode="json", exclude_unset=False)) if old is not None else {}
    after = _flat(new.model_dump(mode="json", exclude_unset=False))
    if old is None:
        return {name: (None, value) for name, value in after.items() if value not in (None, [])}
    names = dict.fromkeys([*before, *after])
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            flat.update(_flat(inner, f"{prefix}{name}."))
        else:
            flat[prefix + name] = inner
    return flat
