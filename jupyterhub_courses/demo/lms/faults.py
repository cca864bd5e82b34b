"""What goes wrong on request: switches for tests of the tool's delivery, set over the control API.

Promises: faults hit only the endpoints named, are counted down exactly ("the next 3") and are gone with the
process. A dropped answer is dropped after the request did its work: the tool can't know, which is the case
worth testing.
"""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

# Further names: token, certs. A method may be put behind a service's name: "lineitems.post".
SERVICES = ("lineitems", "lineitem", "scores", "results", "memberships")


@dataclass
class Faults:
    """Numbers are counts of requests; -1: until changed. The first that applies, in this order, wins."""

    delay_ms: int = 0  # each answer comes later by this
    drop_request: int = 0  # the next n: the connection is closed before anything is done
    status_401_every: int = 0  # every nth request is refused as if its token had run out
    status_429: int = 0  # the next n are told to come back after `retry_after` seconds
    status_503: int = 0  # the next n
    drop_answer: int = 0  # the next n are carried out, then the connection is closed without an answer
    retry_after: int = 1
    rates: tuple[tuple[int, int], ...] = ()  # (requests under way, answers a second): see `capacity`
    endpoints: tuple[str, ...] = SERVICES
    seen: int = 0  # requests to those endpoints since the faults were set
    counts: dict[str, Counter[str]] = field(default_factory=dict)  # endpoint -> outcome -> how often

    def hit(self, endpoint: str) -> bool:
        return endpoint in self.endpoints or endpoint.partition(".")[0] in self.endpoints

    def next(self, endpoint: str) -> str | None:
        """What happens to this request: the field's name, or None for a proper answer. Counts it."""
        if not self.hit(endpoint):
            return None
        self.seen += 1
        for name in ("drop_request", "status_401_every", "status_429", "status_503", "drop_answer"):
            left = getattr(self, name)
            if name == "status_401_every":
                if left and self.seen % left == 0:
                    return name
            elif left:
                setattr(self, name, left - 1 if left > 0 else left)
                return name
        return None

    def count(self, endpoint: str, outcome: str) -> None:
        self.counts.setdefault(endpoint, Counter())[outcome] += 1

    def switches(self) -> dict[str, Any]:
        """The switches as they stand now: what was to hit the next 3 says how many are left."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("seen", "counts")}

    def set(self, wanted: dict[str, Any]) -> None:
        """Replaces all switches: what `wanted` does not name is off. ValueError names what is wrong."""
        values = Faults().switches() | {"seen": 0}
        for name, value in wanted.items():
            if name not in self.switches():
                raise ValueError(f"{name}: no such fault; there are {', '.join(self.switches())}")
            if name == "endpoints":
                if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                    raise ValueError("endpoints: a list of names is needed")
                value = tuple(value)
            elif name == "rates":
                value = _rates(value)
            elif not isinstance(value, int) or isinstance(value, bool) or value < -1:
                raise ValueError(f"{name}: a whole number is needed (-1: until changed)")
            values[name] = value
        for name, value in values.items():
            setattr(self, name, value)


def _rates(value: Any) -> tuple[tuple[int, int], ...]:
    pairs = [tuple(pair) for pair in value if isinstance(pair, list)] if isinstance(value, list) else []
    good = all(len(pair) == 2 and all(isinstance(n, int) and n > 0 for n in pair) for pair in pairs)
    if not isinstance(value, list) or len(pairs) != len(value) or not good or sorted(pairs) != pairs:
        raise ValueError("rates: pairs are needed, [requests under way, answers a second], in order")
    return tuple(pairs)
