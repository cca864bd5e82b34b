"""`jupyterhub-courses` and what its commands share: configuration, where the service is, exit status.

Reads a configuration file of the hub's kind (`c.JupyterHubCourses.url = …`) by --config, by default
jupyterhub_courses_config.py of the current folder.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool, Unicode
from traitlets.config import Application

from .. import __version__
from .client import CommandError, Service

CONFIG_FILE = "jupyterhub_courses_config.py"


class Settings(Application):
    """Traits of every command. `c.JupyterHubCourses` configures them all."""

    version = __version__
    option_description = ""
    raise_config_file_errors = True

    config_file = Unicode("", help=f"Configuration file. Default: {CONFIG_FILE} in the current folder.").tag(
        config=True
    )
    data_dir = Unicode(
        "courses-data",
        help="""The service's data directory on this machine: its address (service-url) and secret (hub-token)
        lie there. Default: JUPYTERHUB_COURSES_DATA_DIR, or courses-data.""",
    ).tag(config=True)
    url = Unicode(
        "",
        help="""Address of the courses service, such as https://hub.example.edu/services/courses, when it is
        not on this machine. Default: JUPYTERHUB_COURSES_URL.""",
    ).tag(config=True)
    token = Unicode(
        "",
        help="""Token of a hub admin, made on the hub's token page. The environment variable
        JUPYTERHUB_COURSES_TOKEN keeps it out of the process list.""",
    ).tag(config=True)

    def _data_dir_default(self) -> str:
        return os.environ.get("JUPYTERHUB_COURSES_DATA_DIR", "courses-data")

    aliases: ClassVar[Any] = {
        "config": "Settings.config_file",
        "data-dir": "Settings.data_dir",
        "url": "Settings.url",
        "token": "Settings.token",
    }
    flags: ClassVar[Any] = {}

    def initialize(self, argv: Any = None) -> None:
        super().initialize(argv)
        if self.subapp is not None:
            return
        path = Path(self.config_file or CONFIG_FILE)
        if self.config_file and not path.is_file():
            self.fail(CommandError(f"There is no configuration file {path}.", 2))
        if path.is_file():
            self.load_config_file(str(path.resolve()))
        # The file names the program, not the class that happens to run.
        shared = self.config.get("JupyterHubCourses")
        if shared is not None and type(self).__name__ != "JupyterHubCourses":
            given = {*self.cli_config.get("Settings", {}), *self.cli_config.get(type(self).__name__, {})}
            for name in ("data_dir", "url", "token"):
                if name in shared and name not in given:
                    setattr(self, name, shared[name])

    def fail(self, error: CommandError) -> None:
        """End the program with a sentence."""
        print(error, file=sys.stderr)
        self.exit(error.status)


class Command(Settings):
    """A command without subcommands: `run` returns the exit status or raises CommandError."""

    usage = ""
    arguments = 0

    def start(self) -> None:
        if len(self.extra_args) != self.arguments:
            self.fail(CommandError(f"Usage: jupyterhub-courses {self.usage or self.name}", 2))
        try:
            status = self.run(*self.extra_args)
        except CommandError as error:
            self.fail(error)
        except BrokenPipeError:
            self.exit(1)
        except KeyboardInterrupt:
            self.exit(130)
        else:
            self.exit(status)

    def run(self, *arguments: str) -> int:
        """What the command does."""
        raise NotImplementedError

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The service's answer."""
        service = Service.find(self.url, self.token, self.data_dir, os.environ)
        return asyncio.run(service.ask(method, path, body))


class JsonCommand(Command):
    """A command that can print what the service answered."""

    as_json = Bool(False, help="Print the service's answer as JSON.").tag(config=True)
    flags: ClassVar[Any] = {"json": ({"JsonCommand": {"as_json": True}}, "Print the service's answer as JSON.")}


class JupyterHubCourses(Settings):
    """Courses for JupyterHub: check and apply a courses file, see courses and scores, try it all out."""

    name = "jupyterhub-courses"
    description = __doc__
    subcommands: ClassVar[Any] = {
        name: (f"jupyterhub_courses.cli.{module}", text)
        for name, module, text in [
            (
                "check",
                "files.Check",
                "Check a courses file without changing anything: every mistake with its line.",
            ),
            (
                "apply",
                "files.Apply",
                "Make the courses what the file says (--dry-run: only show the difference).",
            ),
            ("courses", "listings.Courses", "List the courses with their state."),
            ("delete", "listings.Delete", "Delete a course; what its people made is kept."),
            ("platforms", "platforms.Platforms", "The LMSs: list, show, add, remove, move or test them."),
            (
                "register-link",
                "register_link.RegisterLink",
                "Print a link by which an LMS, such as Moodle, registers itself.",
            ),
            ("keys", "keys.Keys", "The tool's keys: `keys list`, `keys rotate`."),
            ("scores", "listings.Scores", "A course's scores and whether the LMS has them, per student."),
            (
                "login-link",
                "login_link.LoginLink",
                "Print a link that logs an administrator or somebody without an LMS in, once.",
            ),
            ("demo", "demo.Demo", "The whole system on this machine, with an LMS to click in."),
            ("version", "listings.Version", "Print the version."),
        ]
    }

    def start(self) -> None:
        if self.subapp is not None:
            self.subapp.start()
            return
        if self.extra_args:
            known = ", ".join(self.subcommands)
            self.fail(CommandError(f"{self.extra_args[0]} is not a command. Commands: {known}.", 2))
        self.print_help()
        self.exit(2)
