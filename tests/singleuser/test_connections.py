"""Who is asked for, how often, and what an answer does to open websockets; the hub is one that can be told to fail."""

import logging
from collections import Counter
from types import SimpleNamespace

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler, websocket_connect

from jupyterhub_courses.singleuser.connections import Connections


class Cache(dict):
    """The hub's library's, as far as it is touched."""

    def __init__(self, max_age):
        super().__init__()
        self.max_age = max_age


class HubAuth:
    """The hub's library; `answers`: by token, what the hub says."""

    access_scopes = frozenset({"access:servers!server=grader-ml101/ml101"})
    cache_max_age = 60

    def __init__(self):
        self.answers, self.asked, self.cache = {}, Counter(), Cache(60)

    def get_token(self, handler, in_cookie=True):
        return handler.get_argument("token")

    def _get_token_cookie(self, handler):
        return handler.get_argument("cookie", None)

    async def user_for_token(self, token, use_cache, sync):
        assert not use_cache and not sync
        self.asked[token] += 1
        answer = self.answers[token]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def check_scopes(self, wanted, user):
        return wanted & set(user["scopes"])


MAY = {"name": "tara", "scopes": [*HubAuth.access_scopes]}
MAY_NOT = {"name": "tara", "scopes": ["access:servers!server=tara/ml101"]}
NOBODY = None


@pytest.fixture
def hub_auth():
    return HubAuth()


@pytest.fixture
def connections(hub_auth):
    return Connections(hub_auth, "grader-ml101", logging.getLogger("test"))


@pytest.fixture
async def connect(connections):
    """Opens a websocket as somebody, with a token or a cookie; each echoes."""

    class Echo(WebSocketHandler):
        def prepare(self):
            self._token_authenticated = "token" in self.request.arguments
            connections.admitted(self, self.get_argument("as"))

        def on_message(self, message):
            self.write_message(message)

    server = HTTPServer(Application([("/", Echo)]))
    sock, port = bind_unused_port()
    server.add_socket(sock)
    opened = []

    async def connect(query):
        opened.append(await websocket_connect(f"ws://127.0.0.1:{port}/?{query}"))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()
    server.stop()
    await server.close_all_connections()


async def echoes(connection):
    await connection.write_message("hello")
    return await connection.read_message() == "hello"


async def test_one_question_for_each_login_however_much_it_opened(connect, connections, hub_auth):
    hub_auth.answers = {"a": MAY, "b": MAY}
    opened = [await connect(query) for query in ("as=tara&token=a", "as=tara&cookie=a", "as=grace&token=b")]
    await connections.look()
    assert hub_auth.asked == {"a": 1, "b": 1} and all([await echoes(one) for one in opened])


@pytest.mark.parametrize("answer", [MAY_NOT, NOBODY], ids=["may-not", "nobody"])
async def test_who_may_no_longer_is_closed_and_asked_for_no_more(connect, connections, hub_auth, answer):
    hub_auth.answers = {"a": answer, "b": MAY}
    lost = [await connect("as=tara&token=a"), await connect("as=tara&token=a")]
    kept = await connect("as=grace&token=b")
    hub_auth.cache["tara"] = MAY
    await connections.look()
    assert [await one.read_message() for one in lost] == [None, None]
    assert [one.close_code for one in lost] == [1008, 1008]
    assert await echoes(kept) and not hub_auth.cache and hub_auth.cache.max_age == 60
    await connections.look()
    assert hub_auth.asked == {"a": 1, "b": 2}


@pytest.mark.parametrize("error", [HTTPError(500), HTTPError(502), OSError("no route")], ids=["500", "502", "route"])
async def test_a_hub_that_does_not_answer_closes_nobody(connect, connections, hub_auth, error):
    hub_auth.answers = {"a": error}
    page = await connect("as=tara&token=a")
    await connections.look()
    assert hub_auth.asked == {"a": 1} and await echoes(page)
    hub_auth.answers = {"a": MAY_NOT}
    await connections.look()
    assert await page.read_message() is None


async def test_of_the_servers_own_person_the_hub_is_not_asked(connect, connections, hub_auth):
    page = await connect("as=grader-ml101&token=a")
    await connections.look()
    assert not hub_auth.asked and await echoes(page)


async def test_a_page_that_is_no_websocket_is_not_remembered(connections, hub_auth):
    request = SimpleNamespace(connection=SimpleNamespace(set_close_callback=lambda _: None))
    connections.admitted(RequestHandler(Application(), request), "tara")
    await connections.look()
    assert not hub_auth.asked


@pytest.mark.parametrize(("believed", "every"), [(60, 30), (300, 30), (4, 2), (0, 30)])
def test_the_hub_is_asked_within_the_time_for_which_it_is_believed(connections, hub_auth, believed, every):
    hub_auth.cache_max_age = believed
    assert connections.every == every
