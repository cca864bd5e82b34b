"""A storm of launches: our hub and courses service beside plain ltiauthenticator and beside a bare hub's login form.

Real hubs, all up at once and loaded in turn, so that whatever else the machine does meets them all; the LMS's keyset
is 100 ms away. Prints medians of several turns: people a second, CPU time a person, ratios; then the share of each
step, and how long the hub's event loop was held while one LMS hangs.
"""

import asyncio
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import hubs
import storm
from machine import cpu_s

from tests.hub.platform import Platform

PEOPLE, SLOW_PEOPLE, ALONE, HANGING = 120, 20, 60, 40
TURNS = {16: 5, 1: 3, 64: 3}  # connections at once: how often
COURSE = "ml101"
Work = Callable[[storm.Storm, list[storm.Visitor]], object]


class Round:
    """What one turn of one hub said: people a second, and ms of CPU a person."""

    def __init__(self, people: int, halves: tuple[storm.Half, storm.Half], refused: Counter[str]) -> None:
        first, second = halves
        self.rate, self.share = people / (first.seconds + second.seconds), first.seconds
        self.share /= first.seconds + second.seconds
        self.first, self.second = 1000 * first.hub / people, 1000 * second.hub / people
        self.hub, self.service = self.first + self.second, 1000 * (first.service + second.service) / people
        self.slowest, self.refused = second.slowest, refused


def load(hub: hubs.Hub, people: list[storm.Visitor], connections: int, work: Work) -> Round:
    """One turn of `work` at a running hub."""
    assert hub.hub is not None
    pid, service = hub.hub.pid, hub.service()

    def cpu() -> tuple[float, float]:
        return cpu_s(pid), cpu_s(service) if service else 0.0

    async def turn() -> Round:
        this = storm.Storm(hub.direct_hub, cpu, connections)
        try:
            return Round(len(people), await work(this, people), this.refused)
        finally:
            await this.close()

    return asyncio.run(turn())


def visitors(prefix: str, count: int) -> list[storm.Visitor]:
    return [storm.Visitor(f"{prefix}{number:04}") for number in range(count)]


def launching(platform: Platform) -> Work:
    return lambda this, people: this.launches(platform, people, storm.as_student(COURSE))


def logging_in(this: storm.Storm, people: list[storm.Visitor]) -> object:
    return this.logins(people)


def make_course(hub: hubs.Hub, platform: Platform) -> None:
    """The LMS is registered, and a teacher's first launch makes the course with its exchange."""
    hub.apply(hubs.declared(platform, "lms", "/keys"))
    work = lambda this, people: this.launches(platform, people, storm.as_teacher(COURSE))  # noqa: E731
    assert not load(hub, visitors("teacher", 1), 1, work).refused


class Table:
    """Rounds by (hub, kind of people, connections)."""

    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str, int], list[Round]] = {}

    def add(self, name: str, kind: str, connections: int, found: Round) -> None:
        self._rounds.setdefault((name, kind, connections), []).append(found)

    def value(self, name: str, kind: str, connections: int, field: str) -> float:
        """The median of a field."""
        return median(getattr(each, field) for each in self._rounds[name, kind, connections])

    def ratio(self, kind: str, connections: int, field: str, name: str, others: str = "") -> float:
        """Ours by another hub's: the median of the turns, each by its neighbour."""
        mine, theirs = self._rounds["ours", kind, connections], self._rounds[name, kind, connections]
        pairs = zip(mine, theirs, strict=True)
        return median(getattr(m, field) / getattr(t, others or field) for m, t in pairs)

    def show(self) -> None:
        print(f"{'':44}people/s   CPU of hub (1st + 2nd request)   of service   slowest")
        for (name, kind, connections), rounds in self._rounds.items():
            of = lambda field, key=(name, kind, connections): self.value(*key, field)  # noqa: E731
            refused = sum((each.refused for each in rounds), Counter())
            print(
                f"{name:<20} {kind:<6} people, {connections:2} at once {of('rate'):8.1f}   "
                f"{of('hub'):6.2f} ms ({of('first'):4.2f} + {of('second'):5.2f})        {of('service'):6.2f} ms  "
                f"{of('slowest'):6.2f} s{''.join(f'   REFUSED {n}x {code}' for code, n in refused.items())}"
            )


def take_turns(table: Table, turns: Sequence[tuple[str, hubs.Hub, Work, int]], connections: int) -> None:
    """New people, then the same ones in new browsers, at each hub in turn."""
    for number in range(TURNS[connections]):
        for kind in ("new", "known"):
            for name, hub, work, count in turns:
                people = visitors(f"p{connections}t{number}x", count)
                table.add(name, kind, connections, load(hub, people, connections, work))


def steps_alone(hub: hubs.Hub, platform: Platform) -> None:
    """One launch after the other, of people who are known: what each waits for."""
    hub.probed("begin")
    found = load(hub, visitors("p1t0x", ALONE), 1, launching(platform))
    waited = hub.probed("end")["waited_s"]
    whole = 1000 / found.rate
    parts = {"login initiation": whole * found.share, **{name: 1000 * seconds for name, seconds in waited.items()}}
    parts["all the rest of the callback"] = whole - sum(parts.values())
    print("\none launch alone: " + ", ".join(f"{name} {ms:.1f} ms {ms / whole:.0%}" for name, ms in parts.items()))


def hold(hub: hubs.Hub, what: str, work: Work) -> None:
    """How long the hub's loop was held by its own CPU time."""
    hub.probed("begin")
    load(hub, visitors("p16t0x", PEOPLE), 16, work)
    found = hub.probed("end")
    print(f"\n{what}: the hub's loop was held at most, in {found['steps']} steps")
    for name, (wall, cpu, collecting) in list(found["longest"].items())[:8]:
        of = f"{1000 * collecting:6.2f} ms of it garbage collection, {1000 * wall:6.2f} ms by the clock"
        print(f"  {1000 * cpu:6.2f} ms CPU ({of})  {name}")
    print(f"  a garbage collection of the whole hub would take {1000 * found['whole_collection_s']:.0f} ms of CPU")


def with_a_silent_lms(platform: Platform, silent: Platform, hub: hubs.Hub) -> Work:
    """One LMS's keyset never answers; forty of its people wait for it, and everybody else launches."""
    hub.apply(hubs.declared(platform, "lms", "/keys"), hubs.declared(silent, "silent", "/never"))

    async def work(this: storm.Storm, people: list[storm.Visitor]) -> object:
        waiting = storm.Storm(hub.direct_hub, lambda: (0.0, 0.0), HANGING)
        hung = asyncio.create_task(waiting.launches(silent, visitors("h", HANGING), storm.as_student(COURSE)))
        try:
            return await this.launches(platform, people, storm.as_student(COURSE))
        finally:
            await hung
            await waiting.close()
            assert waiting.refused == {"keyset_unreachable": HANGING}, waiting.refused

    return work


def show_ratios(table: Table) -> None:
    for connections in TURNS:
        for kind in ("new", "known"):
            at = (kind, connections)
            line = f"{kind} people, {connections} at once: "
            if connections == 16:
                times = table.ratio(*at, "rate", "plain ltiauthenticator")
                line += f"{times:.1f}x plain ltiauthenticator's launches a second; "
            line += f"hub {table.ratio(*at, 'hub', 'bare hub'):.2f}x a bare login (form and POST), "
            line += f"{table.ratio(*at, 'hub', 'bare hub', 'second'):.2f}x its POST alone"
            print(line)


def main() -> None:
    platform, silent = Platform(), Platform(issuer="https://silent.example")
    table = Table()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        stack.enter_context(hubs.running_lms(platform))
        silent.url = platform.url
        up = hubs.start_all(Path(name), platform, stack)
        for key in up.keys() & {"ours", "ours, PostgreSQL"}:
            make_course(up[key], platform)
        launch = launching(platform)
        known_to_all = [("ours", up["ours"], launch, PEOPLE), ("bare hub", up["bare hub"], logging_in, PEOPLE)]
        some = [("plain ltiauthenticator", up["plain ltiauthenticator"], launch, SLOW_PEOPLE)]
        if "ours, PostgreSQL" in up:
            some.append(("ours, PostgreSQL", up["ours, PostgreSQL"], launch, PEOPLE))
        for connections in TURNS:
            take_turns(table, known_to_all + (some if connections == 16 else []), connections)
        table.show()
        print()
        show_ratios(table)
        steps_alone(up["ours"], platform)
        hold(up["ours"], "ours, one LMS hangs", with_a_silent_lms(platform, silent, up["ours"]))
        hold(up["bare hub"], "bare hub", logging_in)
    client = resource.getrusage(resource.RUSAGE_SELF)
    used, busy = client.ru_utime + client.ru_stime, os.getloadavg()[0]
    print(f"\nthe client used {used:.0f} s of CPU; the machine's load is {busy:.1f}")


if __name__ == "__main__":
    main()
