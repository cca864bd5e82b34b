"""The hub's client of the courses service: what goes wrong comes out as one of two exceptions."""

import asyncio

import pytest
from aiohttp import web

from jupyterhub_courses.adapters.courses_api.hub import BODY_MAX, CoursesClient, Refused, Registration, ServiceDown
from jupyterhub_courses.adapters.courses_api.registrations import Registrations

from .service import TOKEN, admission


@pytest.fixture
async def client(service):
    client = CoursesClient(f"http://127.0.0.1:{service.port}/services/courses/api/", TOKEN, limit_s=0.5)
    yield client
    await client.close()


async def raw_server(handle):
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, CoursesClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api", TOKEN, limit_s=0.5)


async def test_answers_come_as_values(client, service):
    service.access["ada"] = {"username": "ada", "admin": False, "roles": [{"name": "user"}]}
    assert (await client.access("ada")).roles == [{"name": "user"}]
    assert await client.access("nobody/../else") is None
    found = await client.registration("https://lms.example", None)
    assert isinstance(found, Registration) and found.deployment_ids == {"1"}
    assert await client.registration("https://lms.example", "other") is None


async def test_a_no_comes_with_its_reason(client, service):
    with pytest.raises(Refused) as refusal:
        await client.placement("ada", "ml101")
    assert (refusal.value.code, refusal.value.status, refusal.value.reference) == ("not_a_member", 403, "feedbee5")


async def test_a_service_that_is_away_slow_or_broken_is_down(client, service):
    service.delay_s = 5
    with pytest.raises(ServiceDown):
        await client.access("ada")
    service.delay_s = 0
    service.access["ada"] = {"username": "ada", "roles": "odd"}
    with pytest.raises(ServiceDown):
        await client.access("ada")
    await service.stop()
    with pytest.raises(ServiceDown):
        await client.access("ada")
    await service.start()
    assert await client.access("bob") is None


async def test_a_storm_of_admissions_waits_for_its_turn_and_all_are_admitted(monkeypatch):
    monkeypatch.setattr("jupyterhub_courses.adapters.courses_api.hub.TURNS", 4)
    now, most = 0, 0

    async def admit(request):
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.005)
        now -= 1
        return web.json_response(admission("ada"))

    app = web.Application()
    app.router.add_post("/api/admissions", admit)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    client = CoursesClient(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/api", TOKEN)
    arrivals = await asyncio.gather(*(client.admit({}) for _ in range(40)))
    assert {arrival.access.username for arrival in arrivals} == {"ada"} and most == 4
    monkeypatch.setattr("jupyterhub_courses.adapters.courses_api.hub.TURN_S", 0.01)
    for _ in range(4):
        await client._turns.acquire()
    with pytest.raises(ServiceDown):
        await client.admit({})
    await client.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=502, text="<html>bad gateway"),
        web.Response(status=500, text="[1]"),
        web.Response(status=302, headers={"Location": "/elsewhere"}),
        web.Response(body=b" " * (BODY_MAX + 1)),
    ],
)
async def test_answers_that_make_no_sense(answer, service, client, monkeypatch):
    async def odd(self, request):
        return answer

    monkeypatch.setattr(type(service), "person", odd)
    await service.stop()
    await service.start()
    with pytest.raises(ServiceDown):
        await client.access("ada")


async def test_a_connection_that_was_closed_meanwhile_is_tried_once_more():
    connections = 0

    async def handle(reader, writer):
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b'HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n{"code":"not_found"}')
        await reader.read(1)  # the next call: closed under its feet
        writer.close()

    server, client = await raw_server(handle)
    for _ in range(2):
        with pytest.raises(Refused):
            await client.admit({})
    assert connections == 2
    await client.close()
    server.close()


async def test_registrations_are_asked_for_once_by_many_and_again_after_a_minute():
    asked, now = [], [0.0]

    async def ask(issuer, client_id):
        asked.append(issuer)
        await asyncio.sleep(0.01)
        if issuer == "down":
            raise ServiceDown("x")
        known = Registration("lab", issuer, "c", frozenset(), "https://x", None, None)
        return known if issuer == "known" else None

    registrations = Registrations(ask, clock=lambda: now[0])
    found = await asyncio.gather(*(registrations.find("known", None) for _ in range(100)))
    assert len(asked) == 1 and all(found)
    now[0] += 59
    await registrations.find("known", None)
    assert len(asked) == 1
    now[0] += 2
    await registrations.find("known", None)
    assert len(asked) == 2
    assert await registrations.find("odd", None) is None and await registrations.find("odd", None) is None
    assert len(asked) == 3
    for _ in range(2):
        with pytest.raises(ServiceDown):
            await registrations.find("down", None)
    assert len(asked) == 5
    for issuer, client_id in (("x" * 256, None), ("known", "x" * 8000)):
        assert await registrations.find(issuer, client_id) is None
    assert len(asked) == 5 and len(registrations._known) == 2
