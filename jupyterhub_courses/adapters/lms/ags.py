"""Assignment and Grade Services: line items, scores, results. https://www.imsglobal.org/spec/lti-ags/v2p0/

Media types are exact (Moodle answers 400 to others, Open edX 406 and 415), sub-paths go before the query
(Moodle's line items end in `?type_id=…`), and `limit` is never sent: Moodle's pages lead nowhere and Open edX
cuts without saying so.
"""

import json
import math
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ...core.answers import LmsFailure, Outcome, Scope, Verdict, outcome_of_score
from ...core.lineitems import LineItem, lineitem_of
from ...core.records import Registration
from ...core.scores import Desired, Result, score_body
from .access import LmsAccess, failure
from .http import LARGE

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = frozenset(_AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score"))
LINEITEM = "application/vnd.ims.lis.v2.lineitem+json"
LINEITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"


class Ags:
    """Scores of all LMSs. Everything but `post_score` raises LmsFailure when it could not be done."""

    def __init__(self, access: LmsAccess) -> None:
        self._access = access

    def clock_offset(self, registration: Registration, url: str) -> float:
        """Seconds by which this LMS's clock is ahead of ours."""
        return self._access.http.clock_offset(url)

    async def prepare(self, registration: Registration) -> None:
        """Have a token at hand, and with it the LMS's clock, before anything is timed."""
        await self._access.prepare(registration, SCOPES)

    async def find(self, registration: Registration, container: str, resource_id: str) -> list[LineItem]:
        """The line items with this resourceId, as the LMS filters (not every one does)."""
        url = with_query(container, "resource_id", resource_id)
        found: list[LineItem] = []
        for answer in await self._access.pages(registration, SCOPES, url, LINEITEMS, LARGE):
            items = answer.json()
            if not isinstance(items, list):
                raise LmsFailure(failure(answer))
            found += [item for item in map(lineitem_of, items) if item is not None]
        return found

    async def get(self, registration: Registration, url: str) -> LineItem | None:
        """The line item; None when the LMS has it no more."""
        answer = await self._access.call(registration, SCOPES, "GET", url, LINEITEM)
        if failure(answer).verdict is Verdict.GONE:
            return None
        item = lineitem_of(answer.json()) if answer.ok else None
        if item is None:
            raise LmsFailure(failure(answer))
        return item

    async def create(self, registration: Registration, container: str, item: LineItem) -> LineItem:
        """Make a line item. Not idempotent: `find` first."""
        return await self._write(registration, "POST", container, item)

    async def update(self, registration: Registration, item: LineItem) -> LineItem:
        """Change a line item; `item` has to say everything that shall stay."""
        return await self._write(registration, "PUT", item.url, item)

    async def post_score(
        self, registration: Registration, lineitem: str, user_id: str, desired: Desired, timestamp: int
    ) -> Outcome:
        """Send a score and say what became of it. Raises nothing for what the LMS does."""
        body = score_body(user_id, desired, timestamp)
        url = sub_path(lineitem, "scores")
        try:
            answer = await self._access.call(registration, SCOPES, "POST", url, content=(SCORE, body))
        except LmsFailure as trouble:
            return trouble.outcome
        outcome = outcome_of_score(answer)
        if outcome.verdict is Verdict.REFRESH_TOKEN:  # the second token in a row
            return Outcome(Verdict.RETRY, outcome.reason, Scope.COLUMN, outcome.retry_after)
        return outcome

    async def results(self, registration: Registration, lineitem: str, user_id: str | None = None) -> dict[str, Result]:
        """What the LMS shows, by user id; of one person where asked (Open edX then still tells all)."""
        url = sub_path(lineitem, "results")
        try:
            found = await self._results(registration, _of_one(url, user_id))
        except LmsFailure as trouble:
            if trouble.outcome.verdict is not Verdict.GONE:
                raise
            found = await self._results_of_open_edx_9(registration, lineitem, user_id, trouble)
        return found if user_id is None else {u: r for u, r in found.items() if u == user_id}

    async def _results_of_open_edx_9(
        self, registration: Registration, lineitem: str, user_id: str | None, trouble: LmsFailure
    ) -> dict[str, Result]:
        """It knows `results/` only; where others know nothing of that (Moodle: 400), the first answer counts."""
        try:
            return await self._results(registration, _of_one(sub_path(lineitem, "results/"), user_id))
        except LmsFailure as other:
            raise (other if other.outcome.scope is Scope.PLATFORM else trouble) from None

    async def _results(self, registration: Registration, url: str) -> dict[str, Result]:
        found: dict[str, Result] = {}
        for answer in await self._access.pages(registration, SCOPES, url, RESULTS, LARGE):
            rows = answer.json()
            if not isinstance(rows, list):
                raise LmsFailure(failure(answer))
            found.update(entry for entry in map(_result_of, rows) if entry is not None)
        return found

    async def _write(self, registration: Registration, method: str, url: str, item: LineItem) -> LineItem:
        body = json.dumps(item.as_json(), separators=(",", ":")).encode()
        answer = await self._access.call(registration, SCOPES, method, url, LINEITEM, (LINEITEM, body))
        written = lineitem_of(answer.json()) if answer.ok else None
        if written is None:
            raise LmsFailure(failure(answer))
        return written


def sub_path(url: str, name: str) -> str:
    """`…/lineitem?type_id=1` and `scores` -> `…/lineitem/scores?type_id=1`."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def with_query(url: str, name: str, value: str) -> str:
    """The address with one more parameter."""
    parts = urlsplit(url)
    more = f"{name}={quote(value, safe='')}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query else more))


def _of_one(url: str, user_id: str | None) -> str:
    return url if user_id is None else with_query(url, "user_id", user_id)


def _result_of(row: Any) -> tuple[str, Result] | None:
    if not isinstance(row, dict) or not isinstance(row.get("userId"), str | int):
        return None
    score, maximum = _finite(row.get("resultScore")), _finite(row.get("resultMaximum"))
    return str(row["userId"]), Result(score, maximum or 1.0, _epoch(row.get("timestamp")))


def _finite(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def _epoch(value: Any) -> int | None:
    try:
        return math.floor(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
