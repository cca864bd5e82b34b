"""`courses-local`: a person's server of a course as a process of this machine.

For trying out and for teaching on one trusted machine: all servers run as the user that runs the hub.
Nothing keeps one person's code from another's files, and memory and CPU limits of a course are not enforced
here (on a cluster they are). Membership is checked when a server starts; nothing that the request says
counts.
"""

import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path
from subprocess import DEVNULL

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import default

from . import processes
from .placed import PlacedSpawner

LOG_NAME = ".server.log"
MARK = "JUPYTERHUB_COURSES_START"  # in the environment of everything that one start brought up


class CoursesLocalSpawner(PlacedSpawner, LocalProcessSpawner):
    """Start servers of courses as local processes."""

    _started = 0  # start time of the process, so that its pid can't be mistaken for a later one's
    _mark = ""

    @default("env_keep")
    def _default_env_keep(self):
        # What programs need to find themselves and to write text; nothing of the hub's that could be a
        # secret.
        return ["PATH", "VIRTUAL_ENV", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"]

    def options_from_form(self, formdata):
        """Options are the placement's, never a form's."""
        return {}

    def options_from_query(self, query):
        """Options are the placement's, never a link's."""
        return {}

    async def start(self):
        """Start the server where the courses service says; refuse with a sentence otherwise."""
        self.user_options = {}
        placement = await self._placement()
        home, log = _home_and_log(placement.home)
        self.cmd = list(placement.command)
        self.mem_limit, self.cpu_limit = (
            placement.mem_limit,
            placement.cpu_limit,
        )  # told to the server, not enforced
        self.notebook_dir = str(home).replace("{", "{{").replace("}", "}}")  # the hub formats it
        self._placed, self._mark = placement, secrets.token_hex(8)
        self.popen_kwargs = {**self.popen_kwargs, "cwd": home, "stdin": DEVNULL, "stdout": log, "stderr": log}
        try:
            where = await super().start()
        except FileNotFoundError:
            raise self._refused("server_misplaced") from None
        finally:
            if log != DEVNULL:
                os.close(log)
        found = processes.find(self.pid)
        self._started = found.started if found else 0
        return where

    def get_env(self):
        """What the hub sets, and the placement's; the latter cannot touch the hub's own variables."""
        environment = super().get_env()
        environment = self._without_hubs(environment, self._placed.environment)
        return {**environment, "HOME": self._placed.home, MARK: self._mark}

    def user_env(self, env):
        """Programs of the hub's environment come first on the path, unless the placement names another."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        return {**env, "USER": self.user.name, "SHELL": "/bin/bash", "PATH": path}

    def get_args(self):
        """As configured. A hub that runs as root (a container, CI) has its servers do so too; they refuse unasked."""
        args = super().get_args()
        if os.geteuid() != 0 or "--allow-root" in args:
            return args
        self.log.warning("%s runs as root, as this hub does: on one machine that is no protection", self._log_name)
        return [*args, "--allow-root"]

    def make_preexec_fn(self, name):
        """None: no code of ours between fork and exec, and no other system user."""
        return

    def move_certs(self, paths):
        """They stay where the hub made them: everything here runs as the same user."""
        return paths

    def load_state(self, state):
        """As after a hub restart."""
        super().load_state(state)
        self._started, self._mark = state.get("started", 0), state.get("mark", "")

    def get_state(self):
        """What finds the process again, without the service."""
        own = {"started": self._started, "mark": self._mark} if self.pid else {}
        return {**super().get_state(), **own}

    def clear_state(self):
        """Forget the process."""
        super().clear_state()
        self._started, self._mark = 0, ""

    async def _signal(self, sig):
        root = processes.Process(self.pid, self._started)
        if not self.pid or not processes.is_alive(root):
            return False
        processes.send([root], sig)
        return True

    async def stop(self, now=False):
        """End the server and everything it started. SIGTERM lets it save its state and end its kernels."""
        root = processes.Process(self.pid, self._started)
        mark = f"{MARK}={self._mark}".encode() if self._mark else b""
        if not self.pid:
            return
        relatives = await asyncio.to_thread(processes.family, root, mark)
        if not now and await self.poll() is None:
            await self._signal(signal.SIGTERM)
            await self.wait_for_death(self.term_timeout)
        if processes.is_alive(root):
            processes.send_group(root, signal.SIGKILL)
            await self.wait_for_death(self.kill_timeout)
        relatives += await asyncio.to_thread(processes.family, root, mark)
        processes.send(relatives, signal.SIGKILL)
        for _ in range(self.kill_timeout * 20):
            if not any(map(processes.is_alive, relatives)):
                break
            await asyncio.sleep(0.05)
        if await self.poll() is None:
            self.log.warning("Process %i of %s did not end", root.pid, self._log_name)


def _home_and_log(home):
    """The person's folder, made if need be, and the server's own log in it, begun anew at each start.

    The log goes nowhere if it can't be written there; a link that somebody put in its place is not followed.
    """
    path = Path(home)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return path, os.open(path / LOG_NAME, flags, 0o600)
    except OSError:
        return path, DEVNULL
