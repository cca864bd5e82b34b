"""`demo`: the whole system on this machine until Ctrl-C; `demo --check`: the story, played and compared."""

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool, Int, Unicode

from .app import Command
from .client import CommandError

FEWEST, MOST = 3, 30


class Demo(Command):
    """The whole system on this machine, on loopback only, with two LMSs to click in. Ctrl-C ends it."""

    name = "demo"
    usage = "demo [--data-dir FOLDER] [--port N] [--reset | --check [--students N] [--json]]"

    data_dir = Unicode("", help="Folder of the demo's state. Default: .demo; --check: a new one.").tag(config=True)
    port = Int(8000, help="The hub's port; another is taken when it is not free.").tag(config=True)
    check = Bool(False, help="Play the story without a browser and compare the LMSs' gradebooks.").tag(config=True)
    students = Int(3, help=f"How many students play in --check: {FEWEST} to {MOST}.").tag(config=True)
    as_json = Bool(False, help="--check: print one JSON object a line.").tag(config=True)
    reset = Bool(False, help="Forget the demo's state.").tag(config=True)

    def _data_dir_default(self) -> str:
        return ""

    aliases: ClassVar[Any] = {
        "config": "Settings.config_file",
        "data-dir": "Demo.data_dir",
        "port": "Demo.port",
        "students": "Demo.students",
    }
    flags: ClassVar[Any] = {
        "check": (
            {"Demo": {"check": True}},
            "Play the story without a browser; status 0 when every grade is right.",
        ),
        "json": ({"Demo": {"as_json": True}}, "With --check: print one JSON object a line."),
        "reset": ({"Demo": {"reset": True}}, "Forget the demo's state."),
    }

    def run(self, *arguments: str) -> int:
        # The demo's parts are imported only here: the other commands must not need them.
        from ..demo.files import Folder, InUse
        from ..demo.parts import PartFailed

        folder = Folder(Path(self.data_dir or ".demo").resolve())
        try:
            if self.check:
                return self._check()
            if self.reset:
                if not folder.path.exists():
                    print(f"There is nothing in {folder.path} to forget.")
                    return 0
                with folder.locked():
                    folder.forget()
                print(f"Forgot the demo in {folder.path}.")
                return 0
            return asyncio.run(_until_stopped(self._serve(folder)))
        except InUse as error:
            raise CommandError(str(error)) from None
        except PartFailed as error:
            raise CommandError(str(error)) from None

    async def _serve(self, folder: Any) -> int:
        from ..demo.files import hub_url, lms_url
        from ..demo.supervisor import Supervisor
        from ..demo.worlds import DEMO

        supervisor = Supervisor(folder, DEMO, self.port, say, control=False)
        async with supervisor.running():
            lines = ["", "Everything runs. Click here:"]
            for site in DEMO.sites:
                lines.append(f"\n  {lms_url(site, supervisor.ports)}/   {site.title}")
                lines += [f"    {text}" for name, text in DEMO.hints if name == site.name]
            lines += [
                f"\n  The hub: {hub_url(supervisor.ports)}/   State: {folder.path}   Ctrl-C ends everything.",
                "",
            ]
            say("\n".join(lines))
            try:
                await asyncio.Event().wait()
            finally:
                say("Ending everything …")
        return 0

    def _check(self) -> int:
        from ..demo.files import Folder

        if not FEWEST <= self.students <= MOST:
            raise CommandError(f"--students must be from {FEWEST} to {MOST}.", 2)
        path = Path(self.data_dir or tempfile.mkdtemp(prefix="jupyterhub-courses-check-")).resolve()
        if path.exists() and any(path.iterdir()):
            raise CommandError(f"{path} is not empty: the story needs a new folder.", 2)
        status = asyncio.run(_until_stopped(self._play(Folder(path))))
        if status == 0 and not self.data_dir:
            shutil.rmtree(path, ignore_errors=True)
        elif status:
            print(f"What was made is kept in {path}.", file=sys.stderr)
        return status

    async def _play(self, folder: Any) -> int:
        from ..demo.story.play import play
        from ..demo.story.steps import Steps
        from ..demo.story.table import world
        from ..demo.supervisor import Supervisor

        steps = Steps(self.as_json, time.monotonic)
        cast = world(self.students)
        supervisor = Supervisor(folder, cast, self.port, steps.note, control=True)
        async with supervisor.running():
            return await play(supervisor, self.students, steps)


def say(line: str) -> None:
    """Show it now, also in a pipe; a terminal that was closed must not keep the demo from ending in order."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


async def _until_stopped(work: Any) -> int:
    """Run `work`; SIGINT or SIGTERM cancels it, and it cleans up. A second one changes nothing."""
    task = asyncio.ensure_future(work)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            task.cancel()

    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(one, stop)
    try:
        return int(await task)
    except asyncio.CancelledError:
        return 0 if stopped else 1
