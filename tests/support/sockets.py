"""Open websockets of a browser's page in a server: what a page that stays open goes on with."""

import asyncio
import json
import secrets
from typing import Any

import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from .system import Browser

LIMIT_S = 180.0


async def socket(browser: Browser, path: str) -> WebSocketClientConnection:
    """A websocket at `path`, with the browser's cookies; raises tornado's HTTPClientError where it is refused."""
    url = browser.system.base + path
    asked = browser.session.prepare_request(requests.Request("GET", url))
    headers = {"Cookie": asked.headers["Cookie"], "Origin": browser.system.base, "Sec-Fetch-Mode": "websocket"}
    return await websocket_connect(HTTPRequest(url.replace("http", "ws", 1), headers=headers, request_timeout=60))


async def kernel(browser: Browser, server: str) -> WebSocketClientConnection:
    """The websocket of a new kernel in the server at the path `server`."""
    answer = await asyncio.to_thread(browser.api, "POST", f"{server}api/kernels", json={})
    assert answer.status_code == 201, answer.text
    return await socket(browser, f"{server}api/kernels/{answer.json()['id']}/channels")


async def terminal(browser: Browser, server: str) -> WebSocketClientConnection:
    """The websocket of a new terminal."""
    answer = await asyncio.to_thread(browser.api, "POST", f"{server}api/terminals", json={})
    assert answer.status_code == 200, answer.text
    return await socket(browser, f"{server}terminals/websocket/{answer.json()['name']}")


async def runs(connection: WebSocketClientConnection, code: str) -> str:
    """What a kernel prints for `code`."""
    header = {"msg_id": secrets.token_hex(8), "msg_type": "execute_request", "session": "s", "username": "u"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    whole = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content}
    await connection.write_message(json.dumps(whole))
    async with asyncio.timeout(LIMIT_S):
        while True:
            message: Any = await connection.read_message()
            assert message is not None, "closed"
            told = json.loads(message)
            if told["msg_type"] == "stream" and told["parent_header"].get("msg_id") == header["msg_id"]:
                return str(told["content"]["text"])


async def closed(connection: WebSocketClientConnection) -> tuple[int | None, str | None]:
    """Waits until the server has closed it: its code and reason."""
    async with asyncio.timeout(LIMIT_S):
        while await connection.read_message() is not None:
            pass
    return connection.close_code, connection.close_reason
