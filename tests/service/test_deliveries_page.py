"""What the page of deliveries says of a column, in English and German."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from jupyterhub_courses.core.drift import Choice
from jupyterhub_courses.core.standings import AGAIN, ColumnState, State
from jupyterhub_courses.service.deliveries import View, mark_of
from jupyterhub_courses.service.rendering import Renderer

COLUMN = ColumnState("ps1", 20.0, Choice.KEEP)
RESCALED = replace(COLUMN, rescaled_from=7.5, rescaled_at=datetime(2026, 11, 2, 9, tzinfo=UTC))
COUNTS = {"ps1": Counter({State.DELIVERED: 3})}


def page(language: str, column: ColumnState) -> str:
    handler: Any = SimpleNamespace(
        language=language,
        caller=SimpleNamespace(admin=False, username="tess"),
        get_query_argument=lambda name, default: default,
    )
    course = SimpleNamespace(slug="ml101", title="ML", platform_id=1)
    return Renderer("/hub/", "/services/courses/").render(
        "deliveries.html",
        handler,
        course=course,
        view=View([column], COUNTS, handler),
        progress="",
        may_deliver=True,
        State=State,
        Choice=Choice,
        AGAIN=AGAIN,
    )


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "The maximum was changed from 7.5 to 20 here, and then in the learning platform’s column, too."),
        ("de", "Die Höchstpunktzahl wurde hier von 7.5 auf 20 geändert, danach auch in der Spalte der Lernplattform."),
    ],
)
def test_a_column_that_has_a_new_maximum_says_so_and_when(language: str, sentence: str) -> None:
    shown = page(language, RESCALED)
    assert sentence in shown and "2026-11-02T09:00:00+00:00" in shown
    assert sentence not in page(language, COLUMN)


def test_a_page_that_is_open_hears_of_a_new_maximum() -> None:
    assert mark_of([RESCALED], COUNTS) != mark_of([COLUMN], COUNTS)
