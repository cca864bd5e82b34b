"""Answers as text: columns for a terminal, differences for a reader. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SIGNS = {"create": "+", "change": "~", "keep": " ", "delete": "-"}


def columns(rows: Sequence[Sequence[object]], titles: Sequence[str]) -> str:
    """Left-aligned columns under their titles."""
    texts = [tuple(titles), *(tuple("" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in texts)
    return "\n".join(line.rstrip() for line in lines)


def plain(text: object) -> str:
    """Words of an LMS or a cluster, which must not steer the terminal."""
    return _CONTROL.sub(" ", str(text))


def counted(number: int, noun: str) -> str:
    """`1 course`, `2 courses`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def difference(changes: Iterable[dict[str, Any]]) -> str:
    """One line a course, one a changed field; courses that stay are counted."""
    lines, kept = [], 0
    for change in changes:
        if change["kind"] == "keep":
            kept += 1
            continue
        lines.append(f"{_SIGNS.get(change['kind'], '?')} {change['course']}: {change['kind']}")
        lines += [f"    {name}: {_field(*pair)}" for name, pair in change.get("fields", {}).items()]
    if kept:
        lines.append(f"  {kept} unchanged")
    return "\n".join(lines) or "No course changes."


def _field(old: object, new: object) -> str:
    def show(value: object) -> str:
        text = "—" if value is None else f"a list of {len(value)}" if isinstance(value, list) else str(value)
        return text if len(text) <= 60 else text[:59] + "…"

    return show(new) if old is None else f"{show(old)} → {show(new)}"
