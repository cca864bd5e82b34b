"""Following courses while they are made: how many are ready, until each is or says why not.

The service makes them in any case; who stops following changes nothing.
"""

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from .client import CommandError
from .tables import counted

EVERY_S = 1.0  # between two questions
LINE_S = 5.0  # between two lines, where nobody's terminal shows one that changes
PATIENCE_S = 300.0  # without news


class Progress:
    """The line of a terminal that is written over, or lines of a log. On standard error: it is no result."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._said, self._at = clock, "", float("-inf")

    def say(self, text: str) -> None:
        """Show it, unless it was shown already or another was a moment ago."""
        if sys.stderr.isatty():
            print("\r" + text.ljust(len(self._said)), end="", file=sys.stderr, flush=True)
            self._said = text
        elif text != self._said and self._clock() >= self._at + LINE_S:
            print(text, file=sys.stderr, flush=True)
            self._said, self._at = text, self._clock()

    def end(self) -> None:
        """What comes next begins on a line of its own."""
        if self._said and sys.stderr.isatty():
            print(file=sys.stderr)


def follow(
    ask: Callable[[], Iterable[dict[str, Any]]],
    slugs: Iterable[str],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[dict[str, Any]]:
    """Show progress until each course is ready or degraded, or nothing happens for long.

    ask: the service's list of courses; a question that fails is asked again. Returns them as last seen.
    """
    wanted, progress = set(slugs), Progress(clock)
    seen: dict[str, tuple[str, str]] = {}
    last_news = clock()
    courses: list[dict[str, Any]] = []
    try:
        while True:
            with suppress(CommandError):  # the service starts anew, or has too much to do
                courses = [one for one in ask() if one["slug"] in wanted]
                now = {one["slug"]: (one["state"], one["reason"]) for one in courses}
                if now != seen:
                    seen, last_news = now, clock()
                progress.say(_line(len(wanted), now))
                if all(state in ("ready", "degraded") for state, _ in now.values()):
                    return courses
            if clock() >= last_news + PATIENCE_S:
                return courses
            sleep(EVERY_S)
    finally:
        progress.end()


def _line(count: int, now: dict[str, tuple[str, str]]) -> str:
    states = [state for state, _ in now.values()]
    line = f"{states.count('ready')} of {counted(count, 'course')} ready"
    others = (states.count("progressing"), "coming up"), (states.count("degraded"), "with a problem")
    return ", ".join([line, *(f"{number} {what}" for number, what in others if number)])
