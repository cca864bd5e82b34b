"""The door: between the socket and ngshare's application, it decides who is asking and how much they may
send.

Promises: ngshare sees no request whose sender is unknown, no body above the limit, and no token; every
refusal is a JSON answer, written after the rest of the body was read and thrown away, so that a client
which sends first and reads later gets it too. Who may do what with the course is left to ngshare and the
roster.
"""

import http
import json
from collections.abc import Awaitable

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application

from .settings import Settings, in_words
from .tokens import Refusal, Tokens, token_of

PERSON_HEADER = "X-Exchange-Person"
ADMIN_HEADER = "X-Exchange-Admin"
OPEN_PATHS = frozenset({"/healthz", "/api/healthz"})
DRAIN_MAX = 2**30  # bytes read and thrown away above the limit before the connection is simply closed


def upload_refusal(limit: int) -> Refusal:
    """The answer to files above `limit` bytes."""
    sentence = f"The files are too large: at most {in_words(limit)} may be sent at once."
    return Refusal(413, "upload-too-large", sentence)


def refusal_body(refusal: Refusal, **more: str) -> bytes:
    """A refusal in the shape of ngshare's errors, so that its clients can read it."""
    return json.dumps({"success": False, "code": refusal.code, "message": refusal.message, **more}).encode()


class Door(HTTPServerConnectionDelegate):
    """Every request of the server goes through here; admitted ones go on to `inside`."""

    def __init__(self, inside: Application, tokens: Tokens, settings: Settings) -> None:
        self.inside = inside
        self.tokens = tokens
        self.body_limit = settings.body_limit
        self.too_large = upload_refusal(settings.upload_limit)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Visit(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.inside.on_close(server_conn)


class _Visit(HTTPMessageDelegate):
    """One request at the door: admitted (`_inner` is the application's side of it) or refused."""

    def __init__(self, door: Door, server_conn: object, connection: HTTPConnection) -> None:
        self._door = door
        self._server_conn = server_conn
        self._connection = connection
        self._inner: HTTPMessageDelegate | None = None
        self._refusal: Refusal | None = None
        self._received = 0
        self._limit = door.body_limit

    async def headers_received(  # the body is not read before this is done
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        assert isinstance(start_line, RequestStartLine)
        try:
            await self._admit(start_line.path.partition("?")[0], headers)
        except Refusal as refusal:
            self._refusal = refusal
            return
        self._inner = self._door.inside.start_request(self._server_conn, self._connection)
        waiting = self._inner.headers_received(start_line, headers)
        if waiting is not None:
            await waiting

    async def _admit(self, path: str, headers: HTTPHeaders) -> None:
        """Replace the token by who holds it, or raise Refusal. What a client says about itself is overwritten."""
        authorization = headers.get("Authorization")
        headers.pop("Authorization", None)
        headers.pop("Cookie", None)
        headers[PERSON_HEADER] = headers[ADMIN_HEADER] = ""
        if path in OPEN_PATHS:
            self._limit = 0
            return
        identity = await self._door.tokens.identify(token_of(authorization))
        headers[PERSON_HEADER] = identity.name
        headers[ADMIN_HEADER] = "yes" if identity.admin else ""
        length = headers.get("Content-Length", "0")
        if length.isdigit() and int(length) > self._limit:
            raise self._door.too_large

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._refusal is not None:
            return None
        self._received += len(chunk)
        if self._received > self._limit:  # a body that came without Content-Length
            self._refusal = self._door.too_large
            self.on_connection_close()
            return None
        return self._inner.data_received(chunk) if self._inner else None

    def finish(self) -> None:
        if self._refusal is None:
            if self._inner:
                self._inner.finish()
            return
        body = refusal_body(self._refusal)
        headers = HTTPHeaders({"Content-Type": "application/json", "Content-Length": str(len(body))})
        if self._refusal.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self._refusal.status == 503:
            headers["Retry-After"] = "2"
        start_line = ResponseStartLine("HTTP/1.1", self._refusal.status, http.HTTPStatus(self._refusal.status).phrase)
        self._connection.write_headers(start_line, headers, body)
        self._connection.finish()

    def on_connection_close(self) -> None:
        if self._inner:
            self._inner.on_connection_close()
            self._inner = None
