"""Who may pass the door, with the tokens of a real hub."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from jupyterhub_courses.adapters.exchange_server import tokens as tokens_module
from jupyterhub_courses.adapters.exchange_server.tokens import Identity, Refusal, Tokens, identity_of, token_of

from .conftest import ADMIN_TOKEN, call


@pytest.fixture(scope="module")
def exchange(hub, start_exchange):
    running = start_exchange(hub.api_url)
    running.service.post("course", "ml101", fields={"instructors": '["grader-ml101"]'})
    empty = {"first_name": "", "last_name": "", "email": ""}
    running.service.post("student", "ml101", "ada", fields=empty)
    return running


def test_a_server_of_the_course_is_let_in_as_its_person(exchange, hub):
    assert exchange.client(hub.server_token("ada", "ml101")).get("courses")["courses"] == ["ml101"]
    assert exchange.client(hub.server_token("grader-ml101", "ml101")).get("students", "ml101")["students"]


def test_bearer_is_the_same_as_token(exchange, hub):
    header = f"Bearer {hub.server_token('ada', 'ml101')}"
    assert call(exchange.url + "courses", Authorization=header)[0] == 200


def test_nobody_is_let_in_without_a_token(exchange):
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "token "}, {"Cookie": "token=x"}):
        status, answer = call(exchange.url + "courses", **headers)
        assert (status, answer["code"]) == (401, "token-missing")


@pytest.mark.parametrize("token", ["unknown", "x" * 513, "a b", "ü"])
def test_a_token_that_the_hub_does_not_know_is_refused(exchange, token):
    header = f"token {token}".encode().decode("latin1")
    status, answer = call(exchange.url + "courses", Authorization=header)
    assert (status, answer["success"]) == (401, False)


def test_another_courses_server_is_refused(exchange, hub):
    status, answer = call(exchange.url + "courses", hub.server_token("ada", "ml102"))
    assert (status, answer["code"]) == (403, "token-foreign")


def test_a_token_that_a_person_made_is_refused(exchange, hub):
    hub.server_token("ada", "ml101")
    hub.api("POST", "users/root")
    for user in ("ada", "root"):  # root may access every server
        _, made = hub.api("POST", f"users/{user}/tokens", {"note": "test"})
        assert call(exchange.url + "courses", made["token"])[0] == 403


def test_a_services_token_is_refused(exchange, hub):
    assert call(exchange.url + "courses", hub.token)[0] == 403


def test_nobody_becomes_the_service_by_their_name(exchange, hub):
    token = hub.server_token("courses-service", "ml101")
    assert call(exchange.url + "courses", token)[0] == 403
    assert call(exchange.url + "course/another", token, "POST", b"")[0] == 403


def test_what_a_client_says_about_itself_is_not_believed(exchange, hub):
    words = {"X-Exchange-Person": "grader-ml101", "X-Exchange-Admin": "yes"}
    status, _ = call(exchange.url + "students/ml101?user=grader-ml101", hub.server_token("ada", "ml101"), **words)
    assert status == 403
    assert call(exchange.url + "courses", **words)[0] == 401


def test_a_person_who_is_not_in_the_list_sees_nothing(exchange, hub):
    token = hub.server_token("eve", "ml101")
    assert call(exchange.url + "courses", token) == (200, {"success": True, "courses": []})
    assert call(exchange.url + "assignments/ml101", token)[0] == 403


def test_a_hub_that_does_not_answer_is_said_so(start_exchange):
    running = start_exchange("http://127.0.0.1:9/hub/api")
    status, answer = call(running.url + "courses", "some-token")
    assert (status, answer["code"]) == (503, "hub-unreachable")
    assert call(running.url + "courses", ADMIN_TOKEN)[0] == 200
    assert call(running.url.removesuffix("api/") + "healthz")[0] == 200


def test_tokens_are_not_in_the_log(exchange, hub):
    assert hub.server_token("ada", "ml101") not in "".join(exchange.log)
    assert ADMIN_TOKEN not in "".join(exchange.log)
    assert "ada" not in "".join(exchange.log)


def model(**changes):
    return {"kind": "user", "name": "ada", "scopes": ["access:servers!server=ada/ml101"]} | changes


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        model(kind="service"),
        model(name=None),
        model(scopes=None),
        model(scopes="access:servers!server=ada/ml101"),
        model(scopes=["access:servers"]),
        model(scopes=["access:servers!user=ada"]),
        model(scopes=["access:servers!server=ada/ml1012"]),
        model(scopes=["access:servers!server=bob/ml101"]),
        model(name="courses-service", scopes=["access:servers!server=courses-service/ml101"]),
    ],
)
def test_only_a_server_of_this_course_speaks_for_it(told):
    with pytest.raises(Refusal) as refused:
        identity_of(told, "ml101")
    assert refused.value.status == 403
    assert identity_of(model(), "ml101") == Identity("ada")


def test_the_scheme_of_a_token_is_not_case_sensitive():
    assert token_of("Token abc") == token_of("bearer abc") == "abc"


def test_the_hub_is_asked_once_a_minute_and_within_a_limit(monkeypatch):
    """Also by many at once; a stopped server's token is refused after a minute; a slow hub is waited for in
    vain.
    """
    monkeypatch.setattr(tokens_module, "HUB_LIMIT_S", 0.5)
    asked, now = [], [0.0]

    async def user(request):
        asked.append(request.headers["Authorization"])
        if "slow" in asked[-1]:
            await asyncio.sleep(5)
        return web.json_response(model(), status=200 if now[0] < 60 else 403)

    async def story():
        app = web.Application()
        app.router.add_get("/hub/api/user", user)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/hub/api"
        async with aiohttp.ClientSession() as session:
            door = Tokens(session, url, "ml101", ADMIN_TOKEN, clock=lambda: now[0])
            assert set(await asyncio.gather(*(door.identify("abc") for _ in range(50)))) == {Identity("ada")}
            now[0] = 59
            await door.identify("abc")
            assert len(asked) == 1
            now[0] = 61
            with pytest.raises(Refusal) as refused:
                await door.identify("abc")
            assert (refused.value.status, len(asked)) == (401, 2)
            for _ in range(2):  # not remembered
                with pytest.raises(Refusal) as refused:
                    await door.identify("slow")
                assert refused.value.status == 503
            assert len(asked) == 4
            assert await door.identify(ADMIN_TOKEN) == Identity("courses-service", admin=True)
        await runner.cleanup()

    asyncio.run(story())
