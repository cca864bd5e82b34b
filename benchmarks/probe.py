"""Inside a hub of launch.py: how long its event loop was held, and what a launch waited for.

SIGUSR2 begins the watch and ends it; at the end its findings lie in a file. Nothing is measured before it. What a
step spends in Python's garbage collection is told apart: it falls to whoever makes the object that sets it off.
"""

import asyncio
import gc
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_run = asyncio.Handle._run
_steps: list[tuple[float, float, float, str]] = []  # by the clock, CPU, CPU of garbage collection
_collecting = [0.0, 0.0]  # CPU seconds of garbage collection so far, and when the one that runs began
_waited: dict[str, list[float]] = {}
_watching = False


def install(file: str) -> None:
    """Listen to SIGUSR2; findings go to `file`."""
    path = Path(file)

    def toggle(*_: Any) -> None:
        global _watching
        _watching = not _watching
        asyncio.Handle._run = _watched_run if _watching else _run  # type: ignore[method-assign]
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({} if _watching else _findings()))
        os.replace(fresh, path)
        _steps.clear()
        _waited.clear()

    signal.signal(signal.SIGUSR2, toggle)
    gc.callbacks.append(_collected)
    _watch_parts()


def _findings() -> dict[str, Any]:
    began = time.thread_time()
    gc.collect()
    whole = time.thread_time() - began
    steps = sorted(_steps, reverse=True)
    longest: dict[str, list[float]] = {}
    for wall, cpu, collecting, name in steps:
        longest.setdefault(name, [wall, cpu, collecting])
    return {
        "steps": len(steps),
        "longest_s": steps[0][0] if steps else 0.0,
        "longest": {name: longest[name] for name in list(longest)[:12]},
        "whole_collection_s": whole,
        "waited_s": {name: sum(times) / len(times) for name, times in _waited.items()},
    }


def _watched_run(handle: asyncio.Handle) -> None:
    wall, cpu, collecting = time.perf_counter(), time.thread_time(), _collecting[0]
    name = _name(handle)
    _run(handle)
    _steps.append((time.perf_counter() - wall, time.thread_time() - cpu, _collecting[0] - collecting, name))


def _collected(phase: str, told: dict[str, int]) -> None:
    if phase == "start":
        _collecting[1] = time.thread_time()
    else:
        _collecting[0] += time.thread_time() - _collecting[1]


def _name(handle: asyncio.Handle) -> str:
    """Whose step it is: a request's, by its handler and method, or a coroutine's or function's name."""
    callback: Any = handle._callback
    task = getattr(callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        return str(getattr(callback, "__qualname__", type(callback).__name__))
    coroutine: Any = task.get_coro()
    frame = getattr(coroutine, "cr_frame", None)
    name = str(getattr(coroutine, "__qualname__", coroutine))
    if frame is not None and name == "RequestHandler._execute":
        page = frame.f_locals["self"]
        began = "answer" if hasattr(page, "_bench_began") else "request"
        page._bench_began = True
        return f"{page.request.method} {type(page).__name__} ({began})"
    return name


def _timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    async def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            if _watching:
                _waited.setdefault(name, []).append(time.perf_counter() - began)

    return timed


def _watch_parts() -> None:
    """Time what a launch of ours is made of."""
    from jupyterhub.handlers import BaseHandler

    from jupyterhub_courses.adapters.courses_api.hub import CoursesClient
    from jupyterhub_courses.authenticator import CoursesLTI13Authenticator

    parts = (
        ("signature", CoursesLTI13Authenticator, "verified_claims"),
        ("admission", CoursesClient, "admit"),
        ("login", BaseHandler, "login_user"),
    )
    for name, owner, method in parts:
        setattr(owner, method, _timed(name, getattr(owner, method)))
