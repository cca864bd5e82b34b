"""Processes of one machine: is this still the one we started, and what did it start itself?

A pid alone says neither: it is used again. With its start time it names one process. Children may have left
the process group (kernels and terminals have sessions of their own), so they are found by parent and by
environment. Reads /proc (Linux); elsewhere pids count alone, and children are those of the process group.
"""

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Process(NamedTuple):
    """One process; `started` in clock ticks since boot, 0 where that cannot be known."""

    pid: int
    started: int


def find(pid: int) -> Process | None:
    """The living process `pid`; None if there is none, or only its unread exit status."""
    if not PROC.joinpath("self").exists():
        return Process(pid, 0) if _exists(pid) else None
    stat = _stat(pid)
    return None if stat is None or stat[0] in "ZX" else Process(pid, int(stat[19]))


def is_alive(process: Process) -> bool:
    """Whether exactly this process lives; one without a known start time is taken at its pid."""
    found = find(process.pid)
    return found is not None and (process.started == 0 or found.started in (0, process.started))


def family(root: Process, mark: bytes) -> list[Process]:
    """`root`'s descendants, and whoever has `mark` (`NAME=value`, if any) in the environment it was started with."""
    parents: dict[int, list[int]] = {}
    marked: list[int] = []
    for entry in PROC.glob("[0-9]*") if PROC.joinpath("self").exists() else ():
        pid = int(entry.name)
        stat = _stat(pid)
        if stat is not None:
            parents.setdefault(int(stat[1]), []).append(pid)
            if mark and mark in _environment(pid).split(b"\0"):
                marked.append(pid)
    pids, waiting = set(marked), [root.pid] if is_alive(root) else []
    while waiting:
        children = [pid for pid in parents.get(waiting.pop(), []) if pid not in pids]
        pids.update(children)
        waiting += children
    pids -= {root.pid, os.getpid()}
    return [process for process in map(find, sorted(pids)) if process is not None]


def send(processes: Iterable[Process], number: signal.Signals) -> None:
    """Send a signal to those of `processes` that still live."""
    for process in processes:
        if is_alive(process):
            try:
                os.kill(process.pid, number)
            except (ProcessLookupError, PermissionError):
                continue


def send_group(root: Process, number: signal.Signals) -> None:
    """Send a signal to the process group that `root` leads."""
    try:
        os.killpg(root.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the third (state) on; the name before them may hold anything."""
    try:
        return PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _environment(pid: int) -> bytes:
    try:
        return PROC.joinpath(str(pid), "environ").read_bytes()
    except OSError:
        return b""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
