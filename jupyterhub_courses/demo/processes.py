"""Processes of this machine as the supervisor needs them: who is whose child, who carries our mark.

Linux's /proc is read directly. Elsewhere nothing is found, and only the supervisor's own children are ended.
A pid counts only together with its start time: the kernel gives numbers again.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

MARK = "JUPYTERHUB_COURSES_DEMO"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Process:
    """One process, for as long as it is that one. `started`: clock ticks since boot."""

    pid: int
    started: int


@dataclass(frozen=True)
class _Stat:
    state: str
    parent: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return _Stat(fields[0], int(fields[1]), int(fields[19]))


def process(pid: int) -> Process | None:
    """The process that has this pid now; None when there is none."""
    stat = _stat(pid)
    return Process(pid, stat.started) if stat else None


def alive(one: Process) -> bool:
    """Whether it still runs; a zombie does not."""
    stat = _stat(one.pid)
    return stat is not None and stat.started == one.started and stat.state not in "ZX"


def _all() -> dict[int, _Stat]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()] if _libc else []
    return {pid: stat for pid in pids if (stat := _stat(pid)) is not None}


def descendants(pid: int) -> list[Process]:
    """Every process below `pid`, nearest first."""
    everybody = _all()
    found, layer = [], {pid}
    while layer:
        layer = {child for child, stat in everybody.items() if stat.parent in layer}
        found += [Process(child, everybody[child].started) for child in sorted(layer)]
    return found


def marked(mark: str) -> list[Process]:
    """Every process but this one whose environment carries MARK=`mark`: ours, whoever its parent is now."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for pid, stat in _all().items():
        with contextlib.suppress(OSError):  # another user's, or gone meanwhile
            if pid != os.getpid() and wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(Process(pid, stat.started))
    return found


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies: none escapes."""
    if _libc:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own: Iterable[int]) -> None:
    """Collect adopted children that have ended; `own` are children that somebody waits for already."""
    mine, kept = os.getpid(), set(own)
    for pid, stat in _all().items():
        if stat.parent == mine and stat.state == "Z" and pid not in kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def ending_with_parent(sent: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A preexec_fn: the child gets `sent` when this process dies, even by kill -9."""
    parent = os.getpid()

    def in_child() -> None:
        if _libc:
            _libc.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return in_child


def send(processes: Iterable[Process], sent: signal.Signals) -> None:
    """A signal to those that still run."""
    for one in processes:
        if alive(one):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one.pid, sent)


def end(find: Callable[[], Iterable[Process]], patience: float = 10) -> int:
    """SIGTERM to all that `find` finds, SIGKILL after `patience` seconds; returns how many there were."""
    seen: set[Process] = set()
    deadline = time.monotonic() + patience
    while True:
        left = [one for one in find() if alive(one)]
        if not left:
            return len(seen)
        late = time.monotonic() > deadline
        send(
            left if late else [one for one in left if one not in seen],
            signal.SIGKILL if late else signal.SIGTERM,
        )
        seen |= set(left)
        time.sleep(0.05)
        if time.monotonic() > deadline + 10:
            return len(seen)


def is_service(one: Process) -> bool:
    """Whether it was started by a hub as one of its managed services."""
    try:
        return b"JUPYTERHUB_SERVICE_NAME=" in Path(f"/proc/{one.pid}/environ").read_bytes()
    except OSError:
        return False
