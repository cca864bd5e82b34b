"""The Jupyter server extension: joins the parts to a course's server, and to no other server."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from tornado import web
from traitlets.config import Config

from jupyterhub_courses.adapters.courses_api.server import CoursesApi
from jupyterhub_courses.adapters.gradebook.writing import create_gradebook

from .beginning import begin
from .fetching import remove_leftovers
from .gradebook_thread import GradebookThread
from .logins import CourseIdentityProvider, let_each_window_log_in
from .materials import NBGITPULLER, CourseMaterials
from .materials import handlers as pulling
from .nbgrader_settings import gradebook_url, load_config
from .opening import OpenHandler
from .roster import RosterKeeper
from .studentwork import sandbox_files
from .surroundings import CourseServer, course_server, put_python_on_path
from .visibility import hidden_server_extensions, page_config_hook
from .watcher import ScoreWatcher


class CoursesExtension(ExtensionApp):
    """Handlers for everybody; scores and roster where the server is the course's grader."""

    name = "jupyterhub_courses"

    _course: CourseServer | None = None
    _watcher: ScoreWatcher | None = None
    _keeper: RosterKeeper | None = None
    _gradebook: GradebookThread | None = None
    _beginning: asyncio.Task[None] | None = None
    _looking: asyncio.Task[None] | None = None
    _tasks: tuple[asyncio.Task[None], ...] = ()

    def _link_jupyter_server_extension(self, serverapp: Any) -> None:
        super()._link_jupyter_server_extension(serverapp)
        self._course = course_server(os.environ)
        if self._course is None:
            return
        put_python_on_path(os.environ)
        # Extensions are linked in the order of their names, so ours comes before JupyterLab's and nbgrader's.
        for name in (NBGITPULLER, *hidden_server_extensions(self._course.is_grader)):
            extension = serverapp.extension_manager.extensions.get(name)
            if extension is not None:
                extension.enabled = False
        let_each_window_log_in(serverapp)
        labs = serverapp.config.LabServerApp
        found = list(labs["extra_labextensions_path"]) if "extra_labextensions_path" in labs else []
        folder = str(Path(__file__).parent / "labextension")
        serverapp.update_config(Config({"LabServerApp": {"extra_labextensions_path": [*found, folder]}}))

    def initialize_handlers(self) -> None:
        """Adds the handlers, and makes an empty gradebook before formgrader can ask for one."""
        course = self._course
        if course is None:
            return
        root = Path(self.serverapp.root_dir)
        config = load_config()
        if course.course_dir is not None:
            sandbox_files()
            if course.autogrades_apart:
                from .aside import autograde_aside

                autograde_aside()
            course.course_dir.mkdir(parents=True, exist_ok=True)
            self._prepare_gradebook(course, gradebook_url(config))
        else:
            remove_leftovers(root)
        self._add_handlers(course, root, config)

    def _prepare_gradebook(self, course: CourseServer, db_url: str) -> None:
        try:
            create_gradebook(db_url, course.course)
            self._gradebook = GradebookThread(db_url, course.course)
        except Exception:
            # The server still is of use, and says why scores are not sent.
            self.log.exception("The course's gradebook can't be opened: no scores are sent")

    def _add_handlers(self, course: CourseServer, root: Path, config: Config) -> None:
        self.serverapp.web_app.settings["nbapp"] = self.serverapp  # where nbgitpuller's handlers look for it
        materials = CourseMaterials(CoursesApi(course.api_url, course.course, course.token).materials, self.log)
        opening = {"materials": materials, "server": course, "root": root, "config": config, "locks": {}}
        opening["gradebook"] = self._gradebook
        self.handlers.extend(
            [
                ("courses/open", OpenHandler, opening),
                ("courses/status", StatusHandler, {"extension": self}),
                *pulling(materials),
            ]
        )

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        course = self._course
        if course is None:
            return
        settings = serverapp.web_app.settings
        # Here, for JupyterHub's own hook is in place now.
        settings["page_config_hook"] = page_config_hook(settings.get("page_config_hook"), course.is_grader)
        stop_on_interrupt(serverapp)
        if isinstance(serverapp.identity_provider, CourseIdentityProvider):
            self._looking = asyncio.create_task(serverapp.identity_provider.connections.run())
        if course.is_grader:
            # They can hold the server's token, and code of submissions could read them.
            serverapp.remove_server_info_file()
            serverapp.remove_browser_open_files()
            self._beginning = asyncio.create_task(self._begin(course))
            self._watch(course, settings)

    async def _begin(self, course: CourseServer) -> None:
        if course.course_dir is not None and (problem := await asyncio.to_thread(begin, course.course_dir, os.environ)):
            self.log.error("%s", problem)

    def _watch(self, course: CourseServer, settings: dict[str, Any]) -> None:
        if self._gradebook is None:
            return
        service = CoursesApi(course.api_url, course.course, course.token)
        activity = settings["last_activity_times"]

        def touch() -> None:
            # What the hub is told, and the culler goes by.
            activity["jupyterhub_courses_scores"] = _now()

        self._watcher = ScoreWatcher(self._gradebook, service, self.log, touch)
        self._keeper = RosterKeeper(self._gradebook, service, self.log)
        self._tasks = (asyncio.create_task(self._watcher.run()), asyncio.create_task(self._keeper.run()))

    def current_activity(self) -> list[str] | None:
        """Unsent scores, for jupyter_server's own shutdown when idle."""
        return ["unsent scores"] if self._watcher is not None and self._watcher.pending else None

    async def stop_extension(self) -> None:
        """Send what is new; a second signal finds nothing left to do."""
        if self._looking is not None:
            self._looking.cancel()
        if self._course is not None and self._course.autogrades_apart:
            from .runs import end_all

            await asyncio.to_thread(end_all)
        tasks, self._tasks = self._tasks, ()
        if self._watcher is None or self._gradebook is None or not tasks:
            return
        watching, keeping = tasks
        keeping.cancel()
        await self._watcher.stop(watching)
        await self._gradebook.close()

    def status(self) -> dict[str, Any]:
        """JSON that names nobody."""
        course = self._course
        status: dict[str, Any] = {"course": course.course if course else None}
        if self._watcher is not None and self._keeper is not None:
            status |= {**self._watcher.status(), "roster": self._keeper.status()}
        return status


class StatusHandler(JupyterHandler):
    """GET courses/status: whether scores and roster get through."""

    def initialize(self, extension: CoursesExtension) -> None:
        self._extension = extension

    @web.authenticated
    def get(self) -> None:
        """Answers with CoursesExtension.status."""
        self.set_header("Cache-Control", "no-store")
        self.finish(self._extension.status())


def stop_on_interrupt(serverapp: Any) -> None:
    """Let SIGINT, the first signal of LocalProcessSpawner, stop the server in order."""
    # jupyter_server does this for a terminal only, and without it no extension gets to send its last scores.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: serverapp.stop(from_signal=True))


def _now() -> Any:
    from jupyter_server._tz import utcnow

    return utcnow()
