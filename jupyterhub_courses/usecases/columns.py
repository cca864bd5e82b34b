"""A column that takes scores: the activity's own, else the one found by our resourceId, else a new one.

One at a time for each assignment, so that looking and making can't be interleaved. A crash between making and
storing is healed by finding the column the next time.
"""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from ..core.answers import COLUMN_GONE, LmsFailure, Outcome, Scope, Verdict
from ..core.deliveries import ColumnReceipt
from ..core.lineitems import (
    Column,
    LineItem,
    Step,
    belongs_to_an_activity,
    choose,
    label_of,
    new_item,
    resource_id_of,
    retold,
    step,
    variants,
)
from ..core.records import Registration
from ..core.retries import retry_at


class LineItems(Protocol):
    """Line items at an LMS. Raises LmsFailure."""

    async def find(self, registration: Registration, container: str, resource_id: str) -> list[LineItem]: ...
    async def get(self, registration: Registration, url: str) -> LineItem | None: ...
    async def create(self, registration: Registration, container: str, item: LineItem) -> LineItem: ...
    async def update(self, registration: Registration, item: LineItem) -> LineItem: ...


async def made_ready(lms: LineItems, column: Column) -> Column:
    """The column as it takes scores now, at most a few requests later. Raises LmsFailure, its reason the
    code.
    """
    todo = step(column)
    if todo is Step.BLOCKED:
        raise LmsFailure(Outcome(Verdict.GONE, COLUMN_GONE, Scope.COLUMN))
    if todo is Step.NONE:
        raise LmsFailure(Outcome(Verdict.RETRY, "no_column", Scope.COLUMN))
    if todo is Step.USE_LINK:
        registration = column.link_registration or column.registration
        return replace(
            column,
            lineitem=column.link_lineitem,
            registration=registration,
            label=None,
            maximum=None,
            due=None,
            error="",
        )
    if todo is Step.FIND_OR_MAKE:
        column = await _found_or_made(lms, column)
        todo = step(column)
    return await _updated(lms, column) if todo is Step.UPDATE else column


async def _found_or_made(lms: LineItems, column: Column) -> Column:
    registration, container = column.registration, column.container or ""
    found = await lms.find(registration, container, resource_id_of(column.name))
    item = choose(found, column)
    if item is None:
        if column.max_score <= 0:
            raise LmsFailure(Outcome(Verdict.REFUSED, "maximum_not_positive", Scope.COLUMN))
        item = await _accepted(lambda i: lms.create(registration, container, i), new_item(column))
        told = replace(column, lineitem=item.url, label=label_of(column.name))
        return replace(told, maximum=column.max_score, due=column.due_at)
    if belongs_to_an_activity(item, column):
        return replace(column, lineitem=item.url, label=None, maximum=None, due=None)
    return replace(column, lineitem=item.url, label=label_of(column.name), maximum=item.maximum, due=None)


async def _updated(lms: LineItems, column: Column) -> Column:
    """Tell what is new of the assignment. A title or due date that is refused holds up no score."""
    item = await lms.get(column.registration, column.lineitem or "")
    if item is None:
        raise LmsFailure(Outcome(Verdict.GONE, COLUMN_GONE, Scope.COLUMN))
    wanted = retold(item, column)
    if wanted != item:
        try:
            await _accepted(lambda i: lms.update(column.registration, i), wanted)
        except LmsFailure as trouble:
            if wanted.maximum != item.maximum or trouble.outcome.verdict is not Verdict.REFUSED:
                raise
    maximum = column.max_score if column.max_score > 0 else column.maximum
    return replace(column, label=label_of(column.name), maximum=maximum, due=column.due_at)


async def _accepted(write: "Write", item: LineItem) -> LineItem:
    """Write the item; where the LMS refuses it, the next best that it may take."""
    for one in variants(item):
        try:
            return await write(one)
        except LmsFailure as failure:
            if failure.outcome.verdict is not Verdict.REFUSED:
                raise
            trouble = failure
    raise LmsFailure(replace(trouble.outcome, reason="column_refused")) from trouble


class Write(Protocol):
    """Create or update."""

    async def __call__(self, item: LineItem, /) -> LineItem: ...


def receipt_of(before: Column, after: Column, now: datetime) -> ColumnReceipt | None:
    """What to store about a column made ready; None when nothing changed."""
    if before == after and not before.error:
        return None
    moved = before.lineitem is not None and before.lineitem != after.lineitem
    is_rescaled = before.maximum != after.maximum and before.lineitem == after.lineitem
    return ColumnReceipt(
        after.assignment_id,
        before.lineitem,
        after.lineitem,
        after.registration.id,
        after.label,
        after.maximum,
        after.due,
        moved=moved,
        rescaled_from=before.maximum if is_rescaled else None,
        at=now,
    )


def trouble_receipt(column: Column, outcome: Outcome, now: datetime, jitter: float) -> ColumnReceipt:
    """What to store about a column in trouble: gone ones wait to be asked for, others try again later."""
    attempts = column.attempts + 1
    later = None if outcome.verdict is Verdict.GONE else retry_at(now, attempts, jitter, outcome.retry_after)
    return ColumnReceipt(
        column.assignment_id,
        column.lineitem,
        column.lineitem,
        column.registration.id if column.lineitem else None,
        column.label,
        column.maximum,
        column.due,
        error=outcome.reason,
        attempts=attempts,
        next_at=later,
    )
