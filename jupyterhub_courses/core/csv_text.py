"""CSV for a spreadsheet. Pure."""

import csv
import io
from collections.abc import Sequence


def as_csv(rows: Sequence[Sequence[object]], titles: Sequence[str] | None = None) -> str:
    """CSV whose cells no spreadsheet takes for a formula (people and LMSs choose names and words)."""
    out = io.StringIO()
    csv.writer(out).writerows([*([titles] if titles else []), *([_harmless(cell) for cell in row] for row in rows)])
    return out.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
