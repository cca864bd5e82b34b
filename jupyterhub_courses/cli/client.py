"""The service's API as the command line sees it: finding its address and token, and asking with limits.

On the machine of the service both lie in its data directory; elsewhere they are given. Answers are bounded in
size and time; a refusal becomes a CommandError with the service's own sentence.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

LIMIT = aiohttp.ClientTimeout(total=60, connect=5)
BODY_MAX = 32 << 20


class CommandError(Exception):
    """Why a command ends, for the person at the terminal."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Service:
    """Where the service is (`…/services/courses`) and what to show it."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def find(cls, url: str, token: str, data_dir: str, environment: Mapping[str, str]) -> "Service":
        """Given options first, then JUPYTERHUB_COURSES_URL and _TOKEN, then the data directory's files."""
        url = url or environment.get("JUPYTERHUB_COURSES_URL", "")
        token = token or environment.get("JUPYTERHUB_COURSES_TOKEN", "")
        if url and not token:
            raise CommandError("There is a --url but no token: set JUPYTERHUB_COURSES_TOKEN or give --token.", 2)
        if not url:
            url = _read(data_dir, "service-url")
            token = _read(data_dir, "hub-token")
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"This is not the address of a courses service: {url[:80]}", 2)
        return cls(url.rstrip("/"), token)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer. Raises CommandError for everything but a 2xx."""
        url = f"{self.url}/api/{path}"
        headers = {"Authorization": f"token {self.token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=LIMIT) as session,
                session.request(method, url, json=body, headers=headers, allow_redirects=False) as answer,
            ):
                return _understood(answer.status, await _bounded(answer), url)
        except (TimeoutError, aiohttp.ClientError) as error:
            why = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
            raise CommandError(f"The courses service at {self.url} {why}: is it running?") from error


def _read(data_dir: str, name: str) -> str:
    path = Path(data_dir) / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise CommandError(
            f"No running courses service is known here: {path} does not exist. Give --data-dir, or --url and --token.",
            2,
        ) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read ({error.strerror}): run this as the service's user.", 2) from None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > BODY_MAX:
            raise CommandError("The service's answer is too large.")
    return bytes(body)


def _understood(status: int, body: bytes, url: str) -> Any:
    try:
        data = json.loads(body) if body else None
    except ValueError:
        data = None
    if 200 <= status < 300 and (data is not None or not body):
        return data
    if isinstance(data, dict) and isinstance(data.get("message"), str):
        reference = f" (reference {data['reference']})" if data.get("reference") else ""
        problems = data.get("problems") if isinstance(data.get("problems"), list) else []
        raise CommandError("\n".join([data["message"] + reference, *map(str, problems or [])]))
    if status in (302, 401, 403):
        raise CommandError(f"The courses service does not accept this token ({status}): it must be an admin's.")
    raise CommandError(f"The courses service answered {status} to {url}.")
