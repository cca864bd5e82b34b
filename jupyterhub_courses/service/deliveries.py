"""How scores stand with the LMS: the page, its live part, the API behind it, CSV, and what a teacher decides there.

Bounded: one assignment at a time, a hundred people a page; CSV is written assignment by assignment.
"""

from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from ..core.admissions import Refused
from ..core.csv_text import as_csv
from ..core.drift import Choice
from ..core.standings import AGAIN, TROUBLE, ColumnState, Progress, Standing, State, progress
from .access import Action
from .base import BaseHandler
from .pages import Page
from .words import Words, words_in

ROWS = 100  # a page
CSV_COLUMNS = (
    "assignment",
    "username",
    "name",
    "state",
    "reason",
    "score",
    "max_score",
    "sent_score",
    "sent_at",
    "next_at",
    "lms_score",
    "choice",
)


class View:
    """What the address asks for, of one course. `?assignment=`, `?only=trouble`, `?page=`."""

    def __init__(self, columns: list[ColumnState], counts: dict[str, Counter[State]], handler: BaseHandler) -> None:
        self.columns, self.counts = columns, counts
        self.only_trouble = handler.get_query_argument("only", "") == "trouble"
        asked = handler.get_query_argument("assignment", None)
        named = [column for column in columns if column.name == asked]
        if asked is not None and not named:
            raise Refused("not_found", 404)
        lively = [column for column in columns if _count(counts[column.name], TROUBLE)]
        graded = [column for column in columns if counts[column.name].total() > counts[column.name][State.UNGRADED]]
        self.column = next(iter(named or lively or graded or columns), None)
        count = counts[self.column.name] if self.column else Counter[State]()
        self.people = _count(count, TROUBLE) if self.only_trouble else count.total()
        self.pages = max(1, -(-self.people // ROWS))
        page = handler.get_query_argument("page", "1")
        self.page = min(int(page), self.pages) if page.isascii() and page.isdigit() and 0 < len(page) < 6 else 1
        self.page = max(1, self.page)
        self.rows: list[Standing] = []

    @property
    def progress(self) -> Progress:
        """The course in numbers."""
        return progress(self.counts.values())

    @property
    def mark(self) -> str:
        """Of what is shown."""
        return mark_of(self.columns, self.counts)

    def count(self, name: str, *states: State) -> int:
        """How many of an assignment's are one of these."""
        return _count(self.counts[name], states)


def mark_of(columns: list[ColumnState], counts: dict[str, Counter[State]]) -> str:
    """Another one whenever anything has moved from one word to another."""
    words = [
        [column.name, column.error, column.choice, column.rescaled_at, *sorted(counts[column.name].items())]
        for column in columns
    ]
    return sha256(repr(words).encode()).hexdigest()[:16]


async def view_of(handler: BaseHandler) -> View:
    """Read what the address asks for."""
    standings, course = handler.parts.standings, handler.this_course
    columns = await standings.columns(course.id)
    view = View(columns, await standings.counts(course.id, columns), handler)
    if view.column is not None:
        offset = (view.page - 1) * ROWS
        view.rows = await standings.rows(course.id, view.column, view.only_trouble, offset, ROWS)
    return view


def told(numbers: Progress, w: Words) -> str:
    """Progress in sentences."""
    if not numbers.scores:
        return w.progress_none
    sentences = [w.progress_scores]
    sentences += [w.progress_sending] if numbers.sending else []
    sentences += [w.progress_trouble] if numbers.trouble else []
    return " ".join(sentences).format(**asdict(numbers))


class DeliveriesPage(Page):
    """The page."""

    action = Action.ALL_SCORES

    async def get(self, slug: str) -> None:
        """Numbers of every assignment, and the people of one."""
        view = await view_of(self)
        self.show(
            "deliveries.html",
            course=self.this_course,
            view=view,
            progress=told(view.progress, words_in(self.language)),
            may_deliver=self.may(Action.DELIVER) and self.this_course.platform_id is not None,
            State=State,
            Choice=Choice,
            AGAIN=AGAIN,
        )


class DeliveriesCsv(Page):
    """Every student × assignment as CSV."""

    action = Action.ALL_SCORES

    async def get(self, slug: str) -> None:
        """Assignment by assignment; words as in the API."""
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{slug}-scores.csv"')
        self.write(as_csv([], CSV_COLUMNS))
        for column in await self.parts.standings.columns(self.this_course.id):
            rows = await self.parts.standings.rows(self.this_course.id, column)
            self.write(as_csv([[_cell(row, name) for name in CSV_COLUMNS] for row in rows]))
            await self.flush()
        await self.finish()


class DeliveriesHandler(BaseHandler):
    """The same for programs."""

    action = Action.ALL_SCORES

    async def get(self, slug: str) -> None:
        """{assignments, assignment, page, pages, rows}"""
        view = await view_of(self)
        self.answer(
            {
                "assignments": [
                    {**asdict(column), "counts": {state: view.counts[column.name][state] for state in State}}
                    for column in view.columns
                ],
                "assignment": view.column.name if view.column else None,
                "page": view.page,
                "pages": view.pages,
                "rows": [asdict(row) for row in view.rows],
            }
        )


class ProgressHandler(BaseHandler):
    """What a page that is open asks for, again and again."""

    action = Action.ALL_SCORES

    async def get(self, slug: str) -> None:
        """Numbers, the same in a sentence, and a mark that changes when anything moves from one word to another."""
        standings, course = self.parts.standings, self.this_course
        columns = await standings.columns(course.id)
        counts = await standings.counts(course.id, columns)
        numbers = progress(counts.values())
        text, mark = told(numbers, words_in(self.language)), mark_of(columns, counts)
        self.answer({**asdict(numbers), "text": text, "mark": mark})


class RetryHandler(BaseHandler):
    """Try refused, waiting and missing deliveries again, now."""

    action = Action.DELIVER

    async def post(self, slug: str) -> None:
        """{"assignment"?, "username"?} -> {"retried": n}"""
        body = _fields(self.body_json() or {}, assignment=False, username=False)
        person_id = None
        if body["username"] is not None:
            person = await self.parts.people.by_username(body["username"])
            if person is None:
                raise Refused("not_found", 404)
            person_id = person.id
        self.answer({"retried": await self.parts.lms.retry(self.this_course, person_id, body["assignment"])})


class ChoiceHandler(BaseHandler):
    """Whose grade stays where the LMS shows another than ours."""

    action = Action.DELIVER

    async def put(self, slug: str) -> None:
        """{"assignment", "username"?, "choice": "keep", "ours", or null: as for the assignment} -> the same"""
        body = self.body_json()
        fields = _fields(body, assignment=True, username=False, choice=False)
        if fields["choice"] not in (None, *Choice):
            raise Refused("bad_request", 400)
        choice = None if fields["choice"] is None else Choice(fields["choice"])
        if not await self.parts.lms.choose(self.this_course, fields["assignment"] or "", choice, fields["username"]):
            raise Refused("not_found", 404)
        self.answer(fields)


def _fields(body: Any, **wanted: bool) -> dict[str, str | None]:
    """Texts of a JSON object; those that are True have to be there. Raises Refused."""
    if not isinstance(body, dict) or body.keys() - wanted.keys():
        raise Refused("bad_request", 400)
    found = {name: body.get(name) for name in wanted}
    for name, value in found.items():
        if not isinstance(value, str) and (value is not None or wanted[name]):
            raise Refused("bad_request", 400)
    return found


def _cell(row: Standing, name: str) -> object:
    value = getattr(row, name)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _count(counts: Counter[State], states: tuple[State, ...]) -> int:
    return sum(counts[state] for state in states)
