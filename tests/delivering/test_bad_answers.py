"""What an LMS may answer to a score, each with its outcome; and scores that no LMS could take, over real HTTP."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import update

from jupyterhub_courses.adapters.lms.access import LmsAccess
from jupyterhub_courses.adapters.lms.ags import Ags
from jupyterhub_courses.adapters.lms.http import SMALL, LmsHttp
from jupyterhub_courses.adapters.lms.keys import ToolKey
from jupyterhub_courses.adapters.lms.tokens import Tokens
from jupyterhub_courses.adapters.store.models import RegistrationRow
from jupyterhub_courses.core.answers import Outcome, Scope, Verdict
from jupyterhub_courses.core.scores import Desired

from ..https.certificates import issued
from .conftest import Course
from .test_lms_client import NOW, FakeLms, Handler, answering
from .world import LmsProcess, World

SCORE = Desired(1, 2, NOW)


@pytest.fixture
async def fake() -> AsyncIterator[FakeLms]:
    fake = FakeLms()
    runner = await fake.start()
    yield fake
    await runner.cleanup()


@pytest.fixture
async def access(tool_key: ToolKey) -> AsyncIterator[LmsAccess]:
    async with LmsHttp() as http:
        yield LmsAccess(http, Tokens(http, tool_key))


async def post(fake: FakeLms, access: LmsAccess) -> Outcome:
    return await Ags(access).post_score(fake.registration(), f"{fake.base}/items/1", "5", SCORE, 1)


async def cut(request: web.Request) -> web.StreamResponse:
    """An answer that ends before its end."""
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"resultUrl": "')
    assert request.transport is not None
    request.transport.close()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    """10 MB and no length said before."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(160):
        await response.write(b" " * 65536)
    return response


@pytest.mark.parametrize(
    ("answer", "verdict", "reason", "scope"),
    [
        (answering(200, "<html>maintenance</html>"), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answering(200, '{"resultUrl": '), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (cut, Verdict.RETRY, "lms_unreachable", Scope.PLATFORM),
        (answering(200, "x" * 10_000_000), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (endless, Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answering(200, "", content_type="image/png"), Verdict.DELIVERED, "", Scope.SCORE),
        (answering(200, "{}", content_type="text/html"), Verdict.DELIVERED, "", Scope.SCORE),
        (answering(204), Verdict.DELIVERED, "", Scope.SCORE),
        (answering(302, headers={"Location": "/login"}), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answering(307, headers={"Location": "http://a.invalid/"}), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answering(429, headers={"Retry-After": "7"}), Verdict.RETRY, "lms_busy", Scope.PLATFORM),
        (answering(502, "<html>bad gateway</html>"), Verdict.RETRY, "lms_error", Scope.SCORE),
    ],
    ids=[
        "html", "half of a JSON", "truncated", "10 MB", "10 MB in pieces", "wrong content type", "HTML's content type",
        "no content", "redirect", "redirect to elsewhere", "too many", "a gateway's error",
    ],
)  # fmt: skip
async def test_every_answer_to_a_score_has_its_outcome(
    fake: FakeLms, access: LmsAccess, answer: Handler, verdict: Verdict, reason: str, scope: Scope
) -> None:
    fake.answers["/items/1/scores"] = answer
    outcome = await post(fake, access)
    assert (outcome.verdict, outcome.reason, outcome.scope) == (verdict, reason, scope)
    assert outcome.in_doubt == (verdict is Verdict.RETRY)  # the LMS may have taken it
    assert [request.path for request in fake.seen] == ["/token", "/items/1/scores"]


async def test_of_an_answer_without_end_no_more_is_read_than_is_kept(fake: FakeLms, access: LmsAccess) -> None:
    fake.answers["/long"] = endless
    answer = await access.http.request("GET", f"{fake.base}/long", {})
    assert (answer.fault, len(answer.body)) == ("too_large", SMALL)


async def test_an_lms_whose_certificate_is_not_valid_is_told_nothing(
    fake: FakeLms, access: LmsAccess, tmp_path: Path
) -> None:
    files = issued(tmp_path, "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.chain, files.key)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake._handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        fake.base = f"https://127.0.0.1:{runner.addresses[0][1]}"
        assert (await post(fake, access)).reason == "lms_certificate"
        assert fake.seen == []
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "behind"])
async def test_an_lms_whose_clock_is_an_hour_off_is_sent_scores_by_its_own_clock(
    world: World, fake: FakeLms, hours: int
) -> None:
    fake.ahead = timedelta(hours=hours)
    stamps: list[datetime] = []

    async def take(request: web.Request) -> web.StreamResponse:
        stamps.append(datetime.fromisoformat((await request.json())["timestamp"]))
        return web.Response()

    fake.answers["/items/1/scores"] = take
    fake.answers["/items/1/results"] = answering(200, "[]")
    platform = await world.add_platform(fake.base)
    async with world.database.transaction() as session:
        await session.execute(update(RegistrationRow).values(token_url=f"{fake.base}/token"))
    course = await world.add_course("ml101", platform, None)
    people = await world.add_people(platform[0], ["5"], [course])
    link = {"link_lineitem": f"{fake.base}/items/1", "link_registration_id": platform[1]}
    assignment = await world.want(course, "ps1", {people["5"]: 4}, **link)
    await world.settle()
    (row,) = await world.rows(assignment)
    assert row.state == "sent"
    assert abs((stamps[0] - datetime.now(UTC)).total_seconds() - 3600 * hours) < 60
    assert row.sent_at is not None
    assert abs((row.sent_at - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize(
    ("score", "maximum", "state", "shown"),
    [
        (-1.0, 10.0, ("refused", "score_negative"), {}),
        (12.5, 10.0, ("sent", ""), {"s1": 10.0}),
        (0.0, 10.0, ("sent", ""), {"s1": 0.0}),
    ],
    ids=["negative", "above the maximum", "nothing"],
)
async def test_odd_scores_end_in_a_state_with_a_reason(
    world: World, lms: LmsProcess, course: Course, score: float, maximum: float, state: tuple[str, str],
    shown: dict[str, float],
) -> None:  # fmt: skip
    assignment = await world.want(course.id, "ps9", {course.people["1"]: score}, maximum)
    await world.settle()
    assert await world.states(assignment) == {state: 1}
    assert lms.grades("ml101", "ps9") == shown


async def test_a_column_without_a_maximum_waits_and_says_why(world: World, lms: LmsProcess, course: Course) -> None:
    assignment = await world.want(course.id, "ps9", {course.people["1"]: 0.0}, 0.0)
    await world.outbox.deliver_due()
    assert (await world.assignment(assignment)).lineitem_error == "maximum_not_positive"
    assert "ps9" not in lms.control("gradebook")["ml101"]


async def test_connections_are_kept_and_never_more_than_requests_at_a_time(world: World, fake: FakeLms) -> None:
    """40 requests, four at a time, over four connections."""
    peers: set[object] = set()

    async def take(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        await asyncio.sleep(0.01)
        assert b"\n" not in await request.read()  # Moodle says 200 to JSON with line breaks and keeps nothing
        return web.Response()

    fake.answers["/items/1/scores"] = take
    registration = fake.registration()
    gate = asyncio.Semaphore(4)

    async def one(person: int) -> Outcome:
        async with gate:
            return await world.ags.post_score(registration, f"{fake.base}/items/1", str(person), SCORE, 1)

    outcomes = await asyncio.gather(*(one(person) for person in range(40)))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.DELIVERED}
    assert len(peers) <= 4
    assert len(fake.assertions) == 1
