"""The lines that the story prints: one a step, with the time since the start and the step's own."""

import contextlib
import json
from collections.abc import Callable, Iterator


class StoryFailed(Exception):
    """The story does not go on as it should; the text says who, where and what."""


class Steps:
    """`clock`: seconds of any origin, only moving forward."""

    def __init__(self, as_json: bool, clock: Callable[[], float], out: Callable[[str], None] | None = None) -> None:
        self._as_json, self._clock = as_json, clock
        self._out = out or (lambda line: print(line, flush=True))
        self._start = clock()

    def note(self, text: str) -> None:
        """A line that is no step."""
        self._line("note", text, None)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """One step of the story; its line comes when it is done."""
        began = self._clock()
        try:
            yield
        except StoryFailed as error:
            self._line("failed", f"{text}: {error}", self._clock() - began)
            raise
        self._line("step", text, self._clock() - began)

    def end(self, right: bool, text: str) -> None:
        """The verdict."""
        self._line("right" if right else "wrong", text, None)

    def _line(self, kind: str, text: str, took: float | None) -> None:
        at = self._clock() - self._start
        if self._as_json:
            line = {"at": round(at, 2), "kind": kind, "text": text}
            self._out(json.dumps(line if took is None else {**line, "took": round(took, 2)}, ensure_ascii=False))
        else:
            sign = {"step": "✓", "failed": "✗", "wrong": "✗", "right": "✓"}.get(kind, " ")
            own = "" if took is None else f" ({took:.1f} s)"
            self._out(f"{at:7.1f} s {sign} {text}{own}")
