"""How the hub's parts reach the courses service: one configuration, one kept-alive client a hub process.

Authenticator and spawner are made by the hub, one of them once a server; both take their client from here.
"""

import asyncio
import os
import weakref
from pathlib import Path

from traitlets import Float, Unicode, default
from traitlets.config import LoggingConfigurable

from .hub import LIMIT_S, CoursesClient
from .registrations import Registrations
from .starts import Starts

TOKEN_FILE_ENV = "JUPYTERHUB_COURSES_HUB_TOKEN_FILE"


class CoursesConnection(LoggingConfigurable):
    """The hub's way to the courses service."""

    service_url = Unicode(
        "http://127.0.0.1:8085/services/courses/api/",
        help="""Address of the courses service's API, with the trailing slash.

        The service itself, not the public proxy: the hub asks it for each login and each start of a server.
        """,
    ).tag(config=True)

    token_file = Unicode(
        help=f"""File with the secret that hub and service share; readable by the two alone.

        Default: the environment variable {TOKEN_FILE_ENV}. Who has it may admit anybody.
        """,
    ).tag(config=True)

    limit_s = Float(
        LIMIT_S,
        help="Seconds that one call to the service may take. Logins and starts wait so long at most.",
    ).tag(config=True)

    @default("token_file")
    def _default_token_file(self) -> str:
        return os.environ.get(TOKEN_FILE_ENV, "")

    def open(self) -> "Courses":
        """The client of this hub process; the same one for the same settings."""
        loop = asyncio.get_running_loop()
        opened = _opened.setdefault(loop, {})
        settings = (self.service_url, self.token_file, self.limit_s)
        if settings not in opened:
            token = Path(self.token_file).read_text().strip()
            opened[settings] = Courses(CoursesClient(self.service_url, token, self.limit_s))
        return opened[settings]


class Courses:
    """The courses service as hub parts see it."""

    def __init__(self, client: CoursesClient) -> None:
        self.client = client
        self.registrations = Registrations(client.registration)
        self.starts = Starts(client.starts)


_opened: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str, float], Courses]]"
_opened = weakref.WeakKeyDictionary()
