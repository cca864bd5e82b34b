"""How many requests at a time bring one LMS the most: found from what requests take, and looked for again for ever.

Doubling while that clearly brings more, then small steps up and down in turn: up where it brings more, down where as
much comes with fewer, for what only waits helps nobody. Steps that changed nothing become rare. What the LMS brings at
n requests at a time is n / their duration (Little's law), so times without work count for nothing.

Pure: a `Sample` comes in for each request, a new `Search` comes out.
"""

from dataclasses import dataclass, replace

FIRST = 4  # the best for a real Moodle on two cores; an LMS that bears more is found out in some tenths of a second
#: An epoch judges one number of requests: so many samples, at least once for each request at a time.
DOUBLING, USUAL, TRYING = 4, 16, 24
#: Doubling goes on where it brings this much more; from the smaller figure on the larger number is kept, and no more.
CLEARLY, WORTH = 1.25, 1.08
#: No LMS brings so much less with twice the number: a moment when something else was slow.
HICCUP = 0.75
#: The share of what a step could bring at best that it has to bring, and that a step down may lose.
GAIN, LOSS = 0.08, 0.1
#: Below this share of the requests allowed there was too little to do to judge the number.
FULL = 0.75
#: An epoch with this share of failures, or this many times slower than before, makes a step down come at once.
FAILING, SLOWER = 0.2, 2.0
TOO_SLOW = 5.0  # seconds of a request: half as many whatever they bring, long before one is given up
RARELY = 32  # usual epochs between two steps, at most
#: After the LMS said "too many": so many answers before one more than then is tried; doubled each time.
CALM, CALM_MOST = 200, 25_600


@dataclass(frozen=True)
class Sample:
    """One request: its duration in seconds, and how many were under way meanwhile, itself included, in the mean."""

    seconds: float
    busy: float
    ok: bool = True  # what it brought counts


@dataclass(frozen=True)
class Epoch:
    """Samples of one number of requests at a time."""

    skip: int = 0  # the first ones open connections
    count: int = 0
    failed: int = 0
    seconds: float = 0.0
    area: float = 0.0  # request-seconds of all that were under way
    each: tuple[float, ...] = ()

    def with_(self, sample: Sample) -> "Epoch":
        """One sample more."""
        if self.skip:
            return replace(self, skip=self.skip - 1)
        return Epoch(
            0,
            self.count + 1,
            self.failed + (not sample.ok),
            self.seconds + sample.seconds,
            self.area + sample.busy * sample.seconds,
            (*self.each, sample.seconds),
        )

    @property
    def busy(self) -> float:
        """Requests under way, in the mean."""
        return self.area / self.seconds

    @property
    def latency(self) -> float:
        """Seconds of a request, in the mean."""
        return self.seconds / self.count

    @property
    def rate(self) -> float:
        """What it brought, in requests a second."""
        return self.busy / self.latency * (1 - self.failed / self.count)

    @property
    def quick_rate(self) -> float:
        """The same by the faster half alone: a new connection's first request waits for handshakes."""
        half = sorted(self.each)[: (self.count + 1) // 2]
        return self.busy * len(half) / sum(half) * (1 - self.failed / self.count)


@dataclass(frozen=True)
class Search:
    """What is known, and what is being tried. `limit` is the number of requests allowed at the same time."""

    most: int = 32
    base: int = FIRST
    rate: float | None = None  # of base
    latency: float | None = None  # of base
    trial: int | None = None
    doubling: bool = True
    doubted: bool = False  # a doubling brought so little that it is looked at once more
    up: bool = True  # the next step's direction
    streak: int = 0  # steps up in a row that brought more
    rest: int = 0  # epochs until the next step
    patience: int = 1
    ceiling: int | None = None  # what the LMS refused once
    calm: int = 0  # answers since then
    calm_needed: int = CALM
    epoch: Epoch = Epoch()

    @property
    def limit(self) -> int:
        """Requests at the same time, 1 at least."""
        return max(1, min(self.trial or self.base, self.top))

    @property
    def top(self) -> int:
        """What is not exceeded now."""
        return self.most if self.ceiling is None else min(self.most, self.ceiling)

    def after(self, sample: Sample) -> "Search":
        """A request is over."""
        search = self._calmer() if self.ceiling is not None else self
        if sample.seconds <= 0:
            return search
        search = replace(search, epoch=search.epoch.with_(sample))
        if search.epoch.count < max(search._size(), search.limit):
            return search
        epoch, search = search.epoch, replace(search, epoch=Epoch())
        if epoch.latency > TOO_SLOW and search.limit > 1:
            return search._at(search.limit // 2)
        if epoch.busy < FULL * search.limit:
            return search
        if search.doubling:
            return search._doubled(epoch)
        return search._usual(epoch) if search.trial is None else search._tried(epoch)

    def after_too_many(self) -> "Search":
        """The LMS refused or did not answer: fewer, and for long not so many again.

        Back to what it bore before the step, or to half where there was none.
        """
        refused, needed = self.limit, self.calm_needed
        if self.ceiling is not None:
            needed = min(CALM_MOST, 2 * needed)
        bore = self.base if self.trial is not None and self.base < refused else refused // 2
        ceiling = (bore + refused - 1) // 2 if bore == self.base else refused - 1
        return replace(self._at(bore), ceiling=max(1, ceiling), calm=0, calm_needed=needed)

    def _at(self, base: int) -> "Search":
        """Go on from here, knowing nothing."""
        return replace(
            self,
            base=max(1, base),
            rate=None,
            latency=None,
            trial=None,
            doubling=False,
            doubted=False,
            up=True,
            streak=0,
            rest=0,
            patience=1,
            epoch=Epoch(),
        )

    def _size(self) -> int:
        if self.doubling:
            return DOUBLING
        return USUAL if self.trial is None else TRYING

    def _calmer(self) -> "Search":
        assert self.ceiling is not None
        if self.calm + 1 < self.calm_needed:
            return replace(self, calm=self.calm + 1)
        higher = max(self.ceiling + 1, self.ceiling * 5 // 4)
        if higher >= self.most:
            return replace(self, ceiling=None, calm=0, calm_needed=CALM)
        return replace(self, ceiling=higher, calm=0)

    def _doubled(self, epoch: Epoch) -> "Search":
        rate, tried = epoch.quick_rate, self.limit
        share = CLEARLY if self.rate is None else rate / self.rate
        if share < HICCUP and not self.doubted:
            return replace(self, doubted=True)
        if share < WORTH:
            return self._at(self.base)
        following = min(2 * tried, self.top)
        if share < CLEARLY or following == tried or epoch.failed > FAILING * epoch.count:
            return self._at(tried)
        return replace(self, base=tried, rate=rate, trial=following, doubted=False)

    def _usual(self, epoch: Epoch) -> "Search":
        """An epoch at the base."""
        if self.rate is None or self.latency is None:
            return self._step_if_time(replace(self, rate=epoch.rate, latency=epoch.latency))
        worse = epoch.latency > SLOWER * self.latency or epoch.failed > FAILING * epoch.count
        if worse and self.base > 1:
            search = replace(self, rate=epoch.rate, latency=epoch.latency, up=False, patience=1)
            return search._trying(self.base // 2)
        rate, latency = (0.7 * old + 0.3 * new for old, new in ((self.rate, epoch.rate), (self.latency, epoch.latency)))
        return self._step_if_time(replace(self, rate=rate, latency=latency, rest=self.rest - 1))

    def _step_if_time(self, search: "Search") -> "Search":
        if search.rest > 0:
            return search
        if search.up and search.base < search.top:
            factor = min(2.0, 1.25 + 0.25 * search.streak)
            return search._trying(min(search.top, max(search.base + 1, round(search.base * factor))))
        if search.base > 1:
            return replace(search, up=False)._trying(min(search.base - 1, search.base * 4 // 5))
        return replace(search, up=True, rest=search.patience)

    def _trying(self, trial: int) -> "Search":
        return replace(self, trial=trial, epoch=Epoch(skip=max(1, trial)))

    def _tried(self, epoch: Epoch) -> "Search":
        assert self.rate is not None
        step = self.limit / self.base - 1
        wanted = 1 + (GAIN if step > 0 else LOSS) * step
        if epoch.rate >= wanted * self.rate:
            found = self._at(self.limit)
            return replace(found, up=step > 0, streak=self.streak + 1 if step > 0 else 0)
        patience = min(RARELY, 2 * self.patience)
        return replace(self, trial=None, up=not self.up, streak=0, rest=self.patience, patience=patience)
