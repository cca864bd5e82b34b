"""`jupyterhub-courses demo`, started for a browser: the real command, in a folder of its own, on free ports."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..support.ports import free_port

_COMMAND = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()", "demo"]
_END_SECONDS = 90


@dataclass(frozen=True)
class Demo:
    """Where things are. No address ends with a slash."""

    hub: str
    northfield: str  # an LMS, on another site than the hub

    @property
    def courses(self) -> str:
        """The courses service's pages."""
        return f"{self.hub}/services/courses"


@contextmanager
def running(folder: Path) -> Iterator[Demo]:
    """The demo, ready to click; ended in order afterwards."""
    command = [*_COMMAND, "--data-dir", str(folder), "--port", str(free_port())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C ends everything" in line:
                break
        else:
            raise AssertionError("the demo did not start:\n" + "".join(lines))
        ports = json.loads((folder / "demo" / "state.json").read_text())["ports"]
        yield Demo(f"http://127.0.0.1:{ports['hub']}", f"http://localhost:{ports['northfield']}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # its parts end with it
            process.communicate()
