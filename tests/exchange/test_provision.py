"""Making an exchange know its people."""

import asyncio
import time

import aiohttp
import pytest

from jupyterhub_courses.adapters.exchange_server.provision import Member, ProvisionError, provision

from .conftest import ADMIN_TOKEN


@pytest.fixture(scope="module")
def exchange(start_exchange, stand_in_hub):
    return start_exchange(stand_in_hub)


@pytest.fixture
def tell(exchange):
    """Provision ml101; the answer is how many requests wrote something."""

    def run(instructors, students, token=ADMIN_TOKEN, url=exchange.url) -> int:
        written = []

        async def note(session, context, parameters):
            written.append(parameters.method != "GET")

        async def story():
            trace = aiohttp.TraceConfig()
            trace.on_request_start.append(note)
            async with aiohttp.ClientSession(trace_configs=[trace]) as session:
                await provision(session, url, token, "ml101", instructors, students)

        asyncio.run(story())
        return sum(written)

    return run


def people(exchange):
    keys = "username", "first_name", "last_name", "email"
    students = {tuple(row[key] for key in keys) for row in exchange.service.get("students", "ml101")["students"]}
    return {row["username"] for row in exchange.service.get("instructors", "ml101")["instructors"]}, students


def test_only_differences_are_written(exchange, tell):
    ada, bob = Member("ada", "Ada", "Lovelace", "ada@example.org"), Member("bob")
    assert tell(["grader-ml101"], [ada, bob]) == 2
    assert people(exchange) == ({"grader-ml101"}, {("ada", "Ada", "Lovelace", "ada@example.org"), ("bob", "", "", "")})
    assert tell(["grader-ml101"], [bob, ada]) == 0
    assert tell(["grader-ml101"], [Member("ada"), bob]) == 1
    assert tell(["grader-ml101"], [bob, Member("eve")]) == 2
    assert {row[0] for row in people(exchange)[1]} == {"bob", "eve"}
    assert tell(["grader-ml101"], []) == 2
    assert people(exchange) == ({"grader-ml101"}, set())


def test_instructors_change_and_win_over_students(exchange, tell):
    tell(["grader-ml101", "tom"], [Member("bob"), Member("tom")])
    assert people(exchange)[0] == {"grader-ml101", "tom"}
    tell(["grader-ml101"], [Member("bob"), Member("tom")])
    assert people(exchange) == ({"grader-ml101"}, {("bob", "", "", ""), ("tom", "", "", "")})
    tell(["grader-ml101", "bob"], [])
    assert people(exchange) == ({"grader-ml101", "bob"}, set())


def test_who_leaves_and_returns_finds_their_submissions(exchange, tell):
    from jupyterhub_courses.exchange.files import encode

    tell(["grader-ml101"], [Member("ada")])
    fields = {"files": encode([("a.ipynb", b"x")])}
    exchange.client("grader-ml101.ml101").post("assignment", "ml101", "ps1", fields=fields)
    exchange.client("ada.ml101").post("submission", "ml101", "ps1", fields=fields)
    tell(["grader-ml101"], [])
    assert exchange.client("ada.ml101").get("courses")["courses"] == []
    tell(["grader-ml101"], [Member("ada")])
    assert exchange.client("ada.ml101").get("submissions", "ml101", "ps1", "ada")["submissions"]


def test_a_thousand_students_are_a_matter_of_seconds(exchange, tell):
    many = [Member(f"s{number}") for number in range(1000)]
    begun = time.monotonic()
    assert tell(["grader-ml101"], many) <= 8
    first = time.monotonic() - begun
    assert tell(["grader-ml101"], many) == 0
    again = time.monotonic() - begun - first
    assert len(people(exchange)[1]) == 1000
    assert first < 20 and again < 2, (first, again)


def test_a_refusal_is_told_without_naming_a_person(exchange, tell):
    with pytest.raises(ProvisionError, match="GET courses: ClientConnectorError"):
        tell([], [], url="http://127.0.0.1:9/api/")
    with pytest.raises(ProvisionError, match=r"403 Permission denied$"):
        tell(["grader-ml101"], [Member("eve")], token="eve.ml101")
