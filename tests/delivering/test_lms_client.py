"""Keys, tokens, bodies, pages: the client against answers of every kind, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web

from jupyterhub_courses.adapters.lms.access import LmsAccess
from jupyterhub_courses.adapters.lms.ags import SCOPES, Ags, sub_path, with_query
from jupyterhub_courses.adapters.lms.http import LmsHttp
from jupyterhub_courses.adapters.lms.keys import ToolKey
from jupyterhub_courses.adapters.lms.nrps import Nrps
from jupyterhub_courses.adapters.lms.paging import next_page
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.core.answers import LmsFailure, Verdict
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.scores import Desired

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeLms:
    """An HTTP server whose answers the test writes; `base` is its address."""

    def __init__(self) -> None:
        self.token_answer: Handler = self._token
        self.answers: dict[str, Handler] = {}
        self.assertions: list[str] = []
        self.seen: list[web.Request] = []
        self.ahead = timedelta(0)
        self.base = ""

    async def start(self) -> web.AppRunner:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(self._date)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        told = datetime.now(UTC) + self.ahead
        response.headers["Date"] = told.strftime("%a, %d %b %Y %H:%M:%S GMT")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if request.path == "/token":
            self.assertions.append((await request.post())["client_assertion"])
            return await self.token_answer(request)
        return await self.answers[request.path](request)

    async def _token(self, _request: web.Request) -> web.StreamResponse:
        body = {"access_token": f"token-{len(self.assertions)}", "expires_in": 3600}
        return web.Response(text=json.dumps(body), content_type="text/html")  # as Moodle does

    def registration(self, token_url: str | None = None) -> Registration:
        base = self.base
        urls = (f"{base}/auth", token_url or f"{base}/token", f"{base}/certs")
        return Registration(1, 1, "lab", base, "c", ("1",), *urls, None)


@pytest.fixture
async def fake() -> AsyncIterator[FakeLms]:
    fake = FakeLms()
    runner = await fake.start()
    yield fake
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[LmsHttp]:
    async with LmsHttp(total=1.0) as http:
        yield http


@pytest.fixture
def access(http: LmsHttp, tool_key: ToolKey) -> LmsAccess:
    return LmsAccess(http, Tokens(http, tool_key))


def answering(status: int = 200, text: str = "", **more: Any) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, **more)

    return handler


async def test_many_callers_share_one_token(fake: FakeLms, http: LmsHttp, tool_key: ToolKey) -> None:
    tokens = Tokens(http, tool_key)
    registration = fake.registration()
    got = await asyncio.gather(*(tokens.get(registration, SCOPES) for _ in range(20)))
    assert set(got) == {"token-1"}
    assert len(fake.assertions) == 1
    assert await tokens.get(registration, {"other"}) == "token-2"


async def test_a_caller_that_gives_up_takes_the_token_from_nobody(
    fake: FakeLms, http: LmsHttp, tool_key: ToolKey
) -> None:
    tokens = Tokens(http, tool_key)
    first = asyncio.create_task(tokens.get(fake.registration(), SCOPES))
    second = asyncio.create_task(tokens.get(fake.registration(), SCOPES))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-1"


async def test_a_token_is_renewed_before_it_ends_and_after_it_was_refused(fake: FakeLms, tool_key: ToolKey) -> None:
    clock = [datetime.now(UTC)]
    async with LmsHttp(now=lambda: clock[0]) as http:
        tokens = Tokens(http, tool_key)
        registration = fake.registration()
        assert await tokens.get(registration, SCOPES) == "token-1"
        clock[0] += timedelta(seconds=3530)
        fake.ahead = timedelta(seconds=3530)
        assert await tokens.get(registration, SCOPES) == "token-1"
        clock[0] += timedelta(seconds=11)
        assert await tokens.get(registration, SCOPES) == "token-2"
        tokens.reject(registration, SCOPES, "token-1")
        assert await tokens.get(registration, SCOPES) == "token-2"
        tokens.reject(registration, SCOPES, "token-2")
        assert await tokens.get(registration, SCOPES) == "token-3"


async def test_the_assertion_is_what_moodle_checks(fake: FakeLms, http: LmsHttp, tool_key: ToolKey) -> None:
    await Tokens(http, tool_key).get(fake.registration(), SCOPES)
    (assertion,) = fake.assertions
    assert jwt.get_unverified_header(assertion)["kid"] == tool_key.kid
    key = tool_key.private.public_key()
    claims = jwt.decode(assertion, key, ["RS256"], audience=f"{fake.base}/token")
    assert (claims["iss"], claims["sub"]) == ("c", "c")
    assert claims["iat"] <= datetime.now(UTC).timestamp()
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert claims["jti"]


async def test_an_lms_whose_clock_is_an_hour_behind_is_asked_again_by_its_own_clock(
    fake: FakeLms, http: LmsHttp, tool_key: ToolKey
) -> None:
    fake.ahead = timedelta(hours=-1)

    async def strict(request: web.Request) -> web.StreamResponse:
        claims = jwt.decode(fake.assertions[-1], options={"verify_signature": False})
        if claims["iat"] > (datetime.now(UTC) + fake.ahead).timestamp():
            return web.json_response({"error": "Cannot handle token with iat prior to …"}, status=400)
        return await fake._token(request)

    fake.token_answer = strict
    assert await Tokens(http, tool_key).get(fake.registration(), SCOPES) == "token-2"
    assert -3610 < http.clock_offset(fake.base) < -3590


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answering(400, '{"error":"invalid_scope"}'), "token_refused"),
        (answering(404, "<html>keyset not found"), "token_refused"),  # Moodle, when it can't fetch our keys
        (answering(200, "<html>"), "token_refused"),
        (answering(200, '{"access_token": ["x"]}'), "token_refused"),
        (answering(200, '{"access_token": "a\\nb"}'), "token_refused"),
        (answering(503, "", headers={"Retry-After": "9"}), "lms_busy"),
        (answering(500), "lms_error"),
        (answering(302, headers={"Location": "http://elsewhere.invalid/"}), "lms_nonsense"),
        (answering(200, "x" * 400_000), "lms_nonsense"),
    ],
)
async def test_no_token_is_said_in_a_code(
    fake: FakeLms, http: LmsHttp, tool_key: ToolKey, answer: Handler, reason: str
) -> None:
    fake.token_answer = answer
    with pytest.raises(LmsFailure) as failure:
        await Tokens(http, tool_key).get(fake.registration(), SCOPES)
    assert failure.value.outcome.reason == reason


async def test_nothing_is_sent_to_another_host_than_the_platforms_own(
    fake: FakeLms, access: LmsAccess, tool_key: ToolKey
) -> None:
    other = FakeLms()
    runner = await other.start()
    try:
        outcome = await Ags(access).post_score(fake.registration(), f"{other.base}/items/1", "5", Desired(1, 2, NOW), 1)
        assert outcome.reason == "address_not_trusted"
        with pytest.raises(LmsFailure):
            await access.prepare(fake.registration(token_url="http://127.0.0.2:1/token"), SCOPES)
        fake.answers["/items/1/scores"] = answering(302, headers={"Location": f"{other.base}/items/1/scores"})
        outcome = await Ags(access).post_score(fake.registration(), f"{fake.base}/items/1", "5", Desired(1, 2, NOW), 1)
        assert outcome.reason == "lms_nonsense"
        assert other.seen == []
    finally:
        await runner.cleanup()


async def test_a_refused_token_is_renewed_exactly_once(fake: FakeLms, access: LmsAccess) -> None:
    fake.answers["/items/1/scores"] = answering(403)
    outcome = await Ags(access).post_score(fake.registration(), f"{fake.base}/items/1", "5", Desired(1, 2, NOW), 1)
    assert (outcome.verdict, outcome.reason) == (Verdict.RETRY, "token_no_access")
    assert [r.path for r in fake.seen] == ["/token", "/items/1/scores"] * 2


async def test_an_lms_that_hangs_or_is_not_there_is_a_value(fake: FakeLms, access: LmsAccess) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    fake.answers["/items/1/scores"] = hang
    ags, score = Ags(access), Desired(1, 2, NOW)
    assert (await ags.post_score(fake.registration(), f"{fake.base}/items/1", "5", score, 1)).reason == "lms_timeout"
    gone = Registration(2, 1, "lab", "http://127.0.0.1:1", "c", ("1",), "", "http://127.0.0.1:1/token", None, None)
    assert (await ags.post_score(gone, "http://127.0.0.1:1/i", "5", score, 1)).reason == "lms_unreachable"


async def test_a_roster_cut_off_in_the_middle_is_no_roster(fake: FakeLms, access: LmsAccess) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "5000"})
        await response.prepare(request)
        await response.write(b'{"members": []}')
        assert request.transport is not None
        request.transport.close()
        return response

    fake.answers["/members"] = cut
    with pytest.raises(LmsFailure):
        await Nrps(access).members(fake.registration(), f"{fake.base}/members")


def member(user: Any, *roles: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user, "roles": list(roles), "status": "Active", **more}


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"members": []}',
        '{"members": {}}',
        '{"members": [{"roles": ["Learner"]}]}',
        '{"members": [{"user_id": "1", "roles": "Learner"}]}',
        '{"members": [{"user_id": true, "roles": ["Learner"]}]}',
        '{"members": [{"user_id": "1", "roles": ["Learner"]}',
        "<html>",
    ],
)
async def test_a_roster_that_makes_no_sense_is_no_roster(fake: FakeLms, access: LmsAccess, body: str) -> None:
    fake.answers["/members"] = answering(text=body)
    with pytest.raises(LmsFailure) as failure:
        await Nrps(access).members(fake.registration(), f"{fake.base}/members")
    assert failure.value.outcome.reason == "roster_incomplete"


async def test_odd_texts_of_one_member_spoil_no_roster(fake: FakeLms, access: LmsAccess) -> None:
    """Half of a surrogate pair is JSON, and no database takes it; nor does PostgreSQL a NUL."""
    rows = [member("1", "Learner", name="Ada\ud800 \u202eLovelace\0", email=" a@lab.invalid\n"), member("2", "Learner")]
    rows += [member(odd, "Learner") for odd in ("\ud800", "3\0", "4\u202e", "fünf")]
    fake.answers["/members"] = answering(text=json.dumps({"members": rows}))
    found = await Nrps(access).members(fake.registration(), f"{fake.base}/members")
    assert [(m.sub, m.name, m.email) for m in found] == [("1", "Ada Lovelace", "a@lab.invalid"), ("2", "", "")]


async def test_a_roster_is_read_over_all_its_pages_and_inactive_people_are_left_out(
    fake: FakeLms, access: LmsAccess
) -> None:
    first = [
        member("1", "Learner", name="Ada"),
        member("2", "Learner", status="Inactive"),
        member(3, "Instructor"),
    ]
    second = [member("4", "Learner"), member("1", "Learner"), member("5")]
    link = f'<{fake.base}/more?from=3>; rel="next"'
    fake.answers["/members"] = answering(text=json.dumps({"members": first}), headers={"Link": link})
    fake.answers["/more"] = answering(text=json.dumps({"members": second}))
    members = await Nrps(access).members(fake.registration(), f"{fake.base}/members")
    assert [(m.sub, m.role.value, m.name) for m in members] == [
        ("1", "student", "Ada"),
        ("3", "instructor", ""),
        ("4", "student", ""),
    ]


@pytest.mark.parametrize("status", [404, 500, 200])
async def test_a_roster_whose_second_page_fails_or_leads_in_a_circle_is_no_roster(
    fake: FakeLms, access: LmsAccess, status: int
) -> None:
    page, link = json.dumps({"members": [member("1", "Learner")]}), f'<{fake.base}/members>; rel="next"'
    fake.answers["/first"] = answering(text=page, headers={"Link": link})
    fake.answers["/members"] = answering(status, page, headers={"Link": link})
    with pytest.raises(LmsFailure):
        await Nrps(access).members(fake.registration(), f"{fake.base}/first")


def test_a_next_page_is_found_in_every_links_header_recorded(vectors: Path) -> None:
    for name in ("03-lineitems", "05-results", "06-nrps"):
        for record in json.loads((vectors / f"{name}.json").read_text()):
            link = record["response"]["headers"].get("link", "")
            found = next_page(link)
            assert (found is not None) == ("next" in link)
            assert found is None or ("&amp;" not in found and found.startswith("http://127.0.0.1:8081/"))
    moodle = "<http://h/i?a=1&amp;from=1>; rel=“next”, <http://h/i?from=2>; rel=“last”"
    assert next_page(moodle.encode().decode("latin-1")) == "http://h/i?a=1&from=1"
    assert next_page('<https://h/2>; rel="prev next"; title="x"') == "https://h/2"
    assert next_page('<https://h/2>; rel="nextish"') is None


def test_sub_paths_go_before_the_query() -> None:
    assert sub_path("http://h/2/lineitems/7/lineitem?type_id=1", "scores") == (
        "http://h/2/lineitems/7/lineitem/scores?type_id=1"
    )
    assert sub_path("http://h/a%3Ab/", "results") == "http://h/a%3Ab/results"
    assert (
        with_query("http://h/i?type_id=1", "resource_id", "ä /&") == "http://h/i?type_id=1&resource_id=%C3%A4%20%2F%26"
    )


async def test_what_moodle_shows_is_understood_as_it_was_recorded(
    fake: FakeLms, access: LmsAccess, vectors: Path
) -> None:
    recorded = {one["note"]: one for one in json.loads((vectors / "05-results.json").read_text())}
    everybody = recorded["all results"]["response"]
    fake.answers["/2/lineitem/results"] = answering(text=json.dumps(everybody["body"]))
    registration, lineitem = fake.registration(), f"{fake.base}/2/lineitem?type_id=1"
    shown = await Ags(access).results(registration, lineitem)
    assert {user: (one.score, one.maximum) for user, one in shown.items()} == {"5": (3, 10), "6": (5, 10), "7": (5, 10)}
    assert shown["5"].timestamp == int(datetime(2026, 11, 22, 1, 25, 44, tzinfo=UTC).timestamp())
    assert fake.seen[-1].query_string == "type_id=1"  # never a limit, which Moodle answers with a page of 404
    assert set(await Ags(access).results(registration, lineitem, "6")) == {"6"}


@pytest.mark.parametrize(
    "body",
    ["<html>maintenance</html>", '{"userId": "5"}', '[{"userId": "5", "resultScore"'],
    ids=["html", "object", "truncated"],
)
async def test_results_that_make_no_sense_are_no_results(fake: FakeLms, access: LmsAccess, body: str) -> None:
    fake.answers["/2/lineitem/results"] = answering(text=body)
    with pytest.raises(LmsFailure) as failed:
        await Ags(access).results(fake.registration(), f"{fake.base}/2/lineitem")
    assert failed.value.outcome.reason == "lms_nonsense"


async def test_odd_rows_of_results_are_no_grade(fake: FakeLms, access: LmsAccess) -> None:
    rows = [
        {"userId": "1"},  # an erased grade
        {"userId": 2, "resultScore": 3},
        {"userId": "3", "resultScore": "seven", "resultMaximum": 10},
        {"userId": "4", "resultScore": True, "resultMaximum": 10},
        {"userId": "5", "resultScore": 3, "resultMaximum": 10, "timestamp": "yesterday"},
        {"resultScore": 3},
        None,
    ]
    fake.answers["/2/lineitem/results"] = answering(text=json.dumps(rows))
    shown = await Ags(access).results(fake.registration(), f"{fake.base}/2/lineitem")
    told = {user: (one.score, one.maximum, one.timestamp) for user, one in shown.items()}
    assert told == {
        "1": (None, 1, None),
        "2": (3, 1, None),
        "3": (None, 10, None),
        "4": (None, 10, None),
        "5": (3, 10, None),
    }
