"""The service whole: settings, parts, start and end.

Answers HTTP before it migrates (a hub that waits for it would otherwise give up), ends when the hub that manages it
does, and leaves no child behind.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.web import Application as WebApplication
from traitlets import Enum, Float, Integer, Unicode
from traitlets import default as default_value
from traitlets.config import Application

from ..adapters.hub_api import HubApi, HubDown
from ..adapters.kubernetes import ClusterHost
from ..adapters.lms.http import LmsHttp
from ..adapters.lms.oauth1 import is_signed
from ..adapters.lms.registration import LIMIT_S as REGISTRATION_LIMIT_S
from ..adapters.lms.registration import RegistrationClient
from ..adapters.processes import LocalHost
from ..adapters.store.arrivals import Arrivals
from ..adapters.store.courses import Courses
from ..adapters.store.database import Database
from ..adapters.store.files import Files
from ..adapters.store.leaving import Departures
from ..adapters.store.once import Once
from ..adapters.store.outcomes import Outcomes
from ..adapters.store.people import People
from ..adapters.store.registering import RegistrationStore
from ..adapters.store.registrations import Registrations
from ..adapters.store.scores import Scores
from ..adapters.store.standings import Standings
from ..core.admissions import Admission
from ..core.hosts import HostProblem
from ..usecases.admitting import Admitting
from ..usecases.applying import Applying
from ..usecases.autograding import Autograding
from ..usecases.consuming import Consuming
from ..usecases.continuing import Continuing
from ..usecases.leaving import Leaving
from ..usecases.placing import Placing
from ..usecases.platforms import Platforms
from ..usecases.probing import Probing
from ..usecases.provisioning import INTERVAL, Provisioner
from ..usecases.recording import Recording
from ..usecases.registering import Registering
from ..usecases.selecting import Selecting
from ..usecases.sweeping import sweep_forever
from ..usecases.welcoming import Welcoming
from .base import BODY_MAX, log_request
from .cluster import CoursesCluster
from .lms_work import LmsWork
from .rendering import Renderer
from .routes import routes

log = logging.getLogger(__name__)
BODY_LIMIT_S = 300.0
CLUSTER_INTERVAL = 20.0  # seconds between two looks at a cluster: what somebody changed is repaired within a minute
CLOSING = 10.0  # seconds that an orderly end may take


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class Parts:
    """Everything the service is made of; handlers reach it as `self.parts`."""

    def __init__(self, settings: "CoursesService", hub: HubApi, clock: Callable[[], datetime] = utc_now) -> None:
        data_dir = Path(settings.data_dir)
        self.clock, self.hub, self.hub_token = clock, hub, settings.read_hub_token()
        self.settings = settings
        self.ready = False
        self.database = Database(settings.database_url)
        self.registrations, self.people = Registrations(self.database), People(self.database)
        self.courses, self.scores = Courses(self.database), Scores(self.database)
        self.standings = Standings(self.database)
        self.host = self._host(settings, data_dir)
        interval = CLUSTER_INTERVAL if settings.on_cluster else INTERVAL
        self.provisioner = Provisioner(self.courses, self.people, hub, self.host, HostProblem, clock, interval)
        self.once = Once(self.database)
        self.leaving = Leaving(Departures(self.database), self.courses, hub, self.host, HubDown, clock)
        self.admitting = Admitting(
            Arrivals(self.database),
            self.registrations,
            self.people,
            self.courses,
            self.once,
            hub,
            self.provisioner,
            clock,
        )
        self.consuming = Consuming(
            self.registrations, self.once, self.admitting, Outcomes(self.database), is_signed, clock
        )
        self.continuing = Continuing(self.people, self.once, clock)
        self.welcoming = Welcoming(self.people, self.once, hub, clock)
        self.placing = Placing(self.people, self.courses, self.host, self.provisioner)
        pods = self.host.autograde_pods() if isinstance(self.host, ClusterHost) else None
        self.autograding = Autograding(pods, clock)
        self.applying = Applying(Files(self.database), self._members_changed, clock, not settings.on_cluster)
        self.lms = LmsWork(
            self.database,
            self.courses,
            self.scores,
            hub.taken_names,
            self._members_changed,
            data_dir,
            clock,
            settings,
        )
        self._registration_http = LmsHttp(clock, REGISTRATION_LIMIT_S)
        self.registering = Registering(
            self.once, RegistrationStore(self.database), RegistrationClient(self._registration_http), clock
        )
        self.platforms = Platforms(self.registrations)
        self.probing = Probing(self.lms.probes, clock)
        self.recording = Recording(self.scores, self.lms.wake, clock)
        self.selecting = Selecting(
            self.once,
            self.courses,
            self.registrations,
            self.people,
            self.scores,
            self.host,
            self.lms.sign,
            clock,
        )
        self.renderer = Renderer(settings.hub_prefix, settings.prefix)

    def _members_changed(self) -> None:
        self.provisioner.wake()
        self.leaving.wake()

    def _host(self, settings: "CoursesService", data_dir: Path) -> LocalHost | ClusterHost:
        api_url = settings.own_url + "api"
        if not settings.on_cluster:
            return LocalHost(data_dir, api_url, settings.hub_api_url)

        async def assignments(course_id: int) -> set[str]:
            return {one.name for one in await self.scores.assignments(course_id) if one.in_gradebook}

        has_replicas = not settings.database_url.startswith("sqlite")
        cluster = CoursesCluster(parent=settings)
        return cluster.host(settings.hub_api_url, api_url + "/", assignments, has_replicas)

    def launched(self, admission: Admission) -> None:
        """A launch may have told where scores go; a teacher's wants the roster to be fresh."""
        if admission.news:
            self.lms.wake()
        if admission.role.grades:
            self.lms.want_roster(admission.course)

    def render(self, template: str, handler: Any, **values: Any) -> str:
        """A page."""
        return self.renderer.render(template, handler, **values)

    async def start(self) -> None:
        """Migrate, then serve."""
        await self.database.migrate()
        self.ready = True

    async def close(self) -> None:
        """In order: nothing is left running."""
        await self.host.close()
        await self.lms.close()
        await self._registration_http.close()
        await self.hub.close()
        await self.database.close()


class CoursesService(Application):
    """Settings of the service. As a managed service of the hub everything has a default from its environment."""

    name = "jupyterhub-courses-service"
    aliases = {"config": "CoursesService.config_file"}

    config_file = Unicode("", help="Configuration file to load; the same kind of file as the hub's.").tag(config=True)
    data_dir = Unicode(
        help="Folder of the store, the tool's key and, on one machine, of all courses. "
        "Default: the environment's JUPYTERHUB_COURSES_DATA_DIR, else `courses-data`."
    ).tag(config=True)
    database_url = Unicode(
        help="Database, as a URL: `sqlite:///FILE` or `postgresql://…`. Default: the environment's "
        "JUPYTERHUB_COURSES_DATABASE_URL, else courses.sqlite in data_dir."
    ).tag(config=True)
    hub_token_file = Unicode(
        help="File with the secret that hub and service share (owner-only). Default: the environment's "
        "JUPYTERHUB_COURSES_HUB_TOKEN_FILE, else hub-token in data_dir."
    ).tag(config=True)
    public_url = Unicode(
        help="Address under which browsers and LMSs see the hub, such as https://hub.example.org/; what is given to an "
        "LMS begins with it. Default: the environment's JUPYTERHUB_COURSES_PUBLIC_URL, else what a request says."
    ).tag(config=True)
    host = Enum(
        ["local", "kubernetes"],
        help="Where courses live: `local`, folders and processes of this machine, or `kubernetes`, a namespace each. "
        "Default: the environment's JUPYTERHUB_COURSES_HOST, else `local`.",
    ).tag(config=True)
    delivery_interval = Float(
        2.0, help="Seconds between two looks at scores that are due; new scores are delivered at once."
    ).tag(config=True)
    look_interval = Float(
        3600.0,
        min=1.0,
        help="Seconds after which what the LMS shows for an assignment is read again; the longer nothing was sent, the "
        "more rarely.",
    ).tag(config=True)
    lms_connections = Integer(
        32,
        min=1,
        help="Requests under way to one LMS at a time, at most, while scores are delivered. How many it gets is found "
        "by what it bears; a smaller number is for an LMS whose administrator asks for it.",
    ).tag(config=True)
    roster_interval = Float(
        3600.0, help="Seconds after which a course's participants are read from the LMS again."
    ).tag(config=True)

    @default_value("data_dir")
    def _data_dir(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_DATA_DIR", "courses-data")

    @default_value("database_url")
    def _database_url(self) -> str:
        default = f"sqlite:///{Path(self.data_dir).resolve() / 'courses.sqlite'}"
        return os.environ.get("JUPYTERHUB_COURSES_DATABASE_URL", default)

    @default_value("hub_token_file")
    def _hub_token_file(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_HUB_TOKEN_FILE", str(Path(self.data_dir) / "hub-token"))

    @default_value("public_url")
    def _public_url(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_PUBLIC_URL", "")

    @default_value("host")
    def _host(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_HOST", "") or "local"

    @property
    def on_cluster(self) -> bool:
        """Whether courses are namespaces."""
        return bool(self.host == "kubernetes")

    @property
    def hub_api_token(self) -> str:
        """This service's token at the hub. A hub gives it to a service that it starts; z2jh's is the shared secret."""
        return os.environ.get("JUPYTERHUB_API_TOKEN", "") or self.read_hub_token()

    @property
    def bind_url(self) -> str:
        """Where the hub listens, as `configure` knows it; for commands of this machine that ask no proxy."""
        return os.environ.get("JUPYTERHUB_COURSES_BIND_URL", "")

    @property
    def prefix(self) -> str:
        """`/services/courses/`, below the hub's base URL."""
        return os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/courses/")

    @property
    def hub_prefix(self) -> str:
        """`/hub/`, below the hub's base URL."""
        return os.environ.get("JUPYTERHUB_BASE_URL", "/") + "hub/"

    @property
    def hub_api_url(self) -> str:
        """The hub's REST API."""
        return os.environ["JUPYTERHUB_API_URL"]

    @property
    def own_url(self) -> str:
        """This service, not through the proxy."""
        address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
        return f"http://{address.hostname}:{address.port}{self.prefix}"

    def read_hub_token(self) -> str:
        """The secret that hub and service share."""
        token = Path(self.hub_token_file).read_text().strip()
        if len(token) < 32:
            raise SystemExit(f"{self.hub_token_file}: the shared secret is too short (32 characters at least)")
        return token

    def initialize(self, argv: list[str] | None = None) -> None:
        """Command line, then the file; the command line wins."""
        self.parse_command_line(argv)
        if self.config_file:
            self.load_config_file(self.config_file)
            self.parse_command_line(argv)
        logging.basicConfig(level=logging.INFO, format="[%(levelname).1s %(asctime)s %(name)s] %(message)s")
        for noisy in ("alembic", "aiohttp.access", "tornado.access", "tornado.application.xsrf"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        # Each xsrf cookie is logged with its session id at INFO by jupyterhub/_xsrf_utils.py.
        logging.getLogger("tornado.application").setLevel(logging.WARNING)

    def start(self) -> None:
        """Serve until told to stop."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self.run())
        except BaseException:
            log.exception("the service ends")
            logging.shutdown()
            os._exit(1)
        # Everything is closed. asyncio's own clean-up would wait for ever for a connection that aiosqlite was just
        # opening when its task was cancelled (sqlalchemy/dialects/sqlite/aiosqlite.py, _terminate_graceful_close).
        logging.shutdown()
        os._exit(0)

    async def run(self) -> None:
        """Listen, then migrate, then work; close in order at the end."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop.set)
        os.environ["JUPYTERHUB_API_TOKEN"] = self.hub_api_token  # which HubOAuth reads as well
        parts = Parts(self, HubApi(self.hub_api_url, self.hub_api_token))
        server = self._listen(parts)
        tasks = [
            loop.create_task(coroutine)
            for coroutine in (self._work(parts), _until_parent_ends(stop, os.getppid()), stop.wait())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a failed migration ends the service with its error
        finally:
            server.stop()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CLOSING)
            await asyncio.wait([loop.create_task(parts.close())], timeout=CLOSING)

    def _listen(self, parts: Parts) -> HTTPServer:
        address = urlsplit(self.own_url)
        settings = {"parts": parts, "cookie_secret": os.urandom(32), "hub_auth": parts.renderer.hub_auth}
        settings["log_function"] = log_request
        server = HTTPServer(
            WebApplication(routes(self.prefix), **settings),
            xheaders=True,
            max_body_size=BODY_MAX,
            body_timeout=BODY_LIMIT_S,
            idle_connection_timeout=300,
        )
        # A pod's service address is not the pod's own; who reaches the pod, a policy says.
        server.listen(address.port or 80, None if self.on_cluster else address.hostname or "127.0.0.1")
        log.info("courses service listens at %s", self.own_url)
        return server

    async def _work(self, parts: Parts) -> None:
        await parts.start()
        sweeping = sweep_forever(parts.once, parts.clock)
        await asyncio.gather(
            parts.provisioner.run_forever(), parts.lms.run_forever(), parts.leaving.run_forever(), sweeping
        )


async def _until_parent_ends(stop: asyncio.Event, parent: int) -> None:
    """A managed service must not outlive its hub: an orphan would keep the port from the next hub's service."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing portable tells of a parent's end
        await asyncio.sleep(0.5)
    log.warning("the hub is gone; the service ends")
    stop.set()
    await asyncio.sleep(3600)
