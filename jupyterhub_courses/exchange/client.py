"""A small client of the exchange server's REST API, for a synchronous world.

nbgrader's exchange is synchronous and runs inside the event loop of a Jupyter server too, so this is http.client with
bounds: every call ends, in success or in `RequestFailed` with a sentence for people. What may have been done is never
sent twice: only questions are repeated, and what surely did not arrive.
"""

import http.client
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 30.0
UPLOAD_LIMIT_S = 180.0
ANSWER_MAX = 512 * 1024 * 1024
WAITS_S = (0.3, 1.0)  # before the second and the third try

UNREACHABLE = "The exchange of this course does not answer. Try again in a moment; nothing was changed."
UNCERTAIN = "The exchange did not answer in time. Whether it got this is unknown: look at the list, then try again."
NOT_UNDERSTOOD = "The exchange gave an answer that cannot be read."


class RequestFailed(Exception):
    """A call that had no success; `status` is 0 without an answer; the message is a sentence for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _NotSent(Exception):
    """The request did not leave this machine, or the exchange refused to look at it."""


@dataclass(frozen=True)
class Client:
    """The exchange at `url` (ends with `/api/`), spoken to with a server's `token`."""

    url: str
    token: str
    sleep: Callable[[float], None] = time.sleep

    def get(self, *path: str, **params: str) -> dict[str, Any]:
        """The answer to a question; repeated when it got lost."""
        return self._repeat("GET", path, params, None)

    def post(self, *path: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Send form fields."""
        return self._repeat("POST", path, {}, fields)

    def delete(self, *path: str) -> dict[str, Any]:
        """Remove what the path names."""
        return self._repeat("DELETE", path, {}, None)

    def _repeat(
        self, method: str, path: tuple[str, ...], params: Mapping[str, str], fields: Mapping[str, str] | None
    ) -> dict[str, Any]:
        target = "/".join(quote(part, safe="") for part in path) + (f"?{urlencode(params)}" if params else "")
        for wait in (*WAITS_S, None):
            try:
                return self._once(method, target, fields)
            except _NotSent as error:
                failed = RequestFailed(503, str(error))
            except (OSError, http.client.HTTPException) as error:
                if method != "GET" or isinstance(error, TimeoutError):
                    raise RequestFailed(0, UNCERTAIN) from error
                failed = RequestFailed(0, UNREACHABLE)
            if wait is not None:
                self.sleep(wait)
        raise failed

    def _once(self, method: str, target: str, fields: Mapping[str, str] | None) -> dict[str, Any]:
        base = urlsplit(self.url)
        kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
        connection = kind(base.hostname or "", base.port, timeout=CONNECT_LIMIT_S)
        headers = {"Authorization": f"token {self.token}", "Accept": "application/json"}
        body = None
        if fields is not None:
            headers["Content-Type"], body = multipart(fields)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise _NotSent(UNREACHABLE) from error
            connection.sock.settimeout(ANSWER_LIMIT_S if body is None else UPLOAD_LIMIT_S)
            connection.request(method, base.path + target, body, headers)
            response = connection.getresponse()
            return read_answer(response.status, response.read(ANSWER_MAX + 1))
        finally:
            connection.close()


def multipart(fields: Mapping[str, str]) -> tuple[str, bytes]:
    """Content type and body of a form; unlike urlencoding it does not swell base64."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return f"multipart/form-data; boundary={boundary}", "".join([*parts, f"--{boundary}--\r\n"]).encode()


def read_answer(status: int, body: bytes) -> dict[str, Any]:
    """The JSON object of a success; RequestFailed with the exchange's own sentence, or ours, otherwise."""
    if len(body) > ANSWER_MAX:
        raise RequestFailed(status, "The exchange's answer is too large to be read.")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict) and answer.get("success") is True:
        return answer
    said = answer.get("message") if isinstance(answer, dict) else None
    sentence = said if isinstance(said, str) and said else NOT_UNDERSTOOD
    if sentence == "Permission denied":
        sentence = "The exchange refuses: you are not in this course's list, or this is for its teachers only."
    if status == 503:  # said by the door, before anything was done
        raise _NotSent(sentence)
    raise RequestFailed(status, sentence)
