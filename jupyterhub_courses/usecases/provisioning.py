"""Provisioning: the reconciler. Compares what the store wants with what is there, and acts on the difference.

Level-triggered: every pass looks at every course; a lost event, a crash or a double call changes nothing. Courses
are independent: each has its own lock and back-off, so a broken one delays no other. While their host does not answer,
what was known of them counts on, and people get into those that were ready.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..core.batches import batches
from ..core.hosts import HostAway, StillComing, as_it_was
from ..core.names import grader_username
from ..core.records import Course
from ..core.retries import backoff
from ..core.roles import Role

log = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds between passes
SOON = 1.0  # seconds after which a course that is coming up is looked at again
FEW = 8  # of them are looked at one by one, more of them all at once
PARALLEL = 8
REST, REST_S = 3, 25.0  # between two passes, as many times as long as the pass took, but no longer
AWAY_S = 60.0  # a launch does not ask a host again that was away so shortly before; passes do
BATCH = 50  # courses after which those that came up meanwhile are looked at again: a thousand are not ready at once
ADMIT_LIMIT = 3.0  # seconds that a launch waits for a course before the page that shows it being made; the hub waits 5
GATHER = 0.1  # seconds in which new students come together before their exchange is told of them


class CoursesPort(Protocol):
    """Courses of the store."""

    async def all(self) -> list[Course]: ...
    async def new(self) -> list[str]: ...
    async def by_slug(self, slug: str) -> Course | None: ...
    async def change(self, course_id: int, **values: Any) -> None: ...
    async def set_state(self, course_id: int, state: str, reason: str, now: datetime) -> bool: ...
    async def note(self, course_id: int, kind: str, text: str, now: datetime) -> None: ...
    async def delete(self, course_id: int) -> None: ...


class PeoplePort(Protocol):
    """Members of the store."""

    async def students(self, course_id: int) -> frozenset[str]: ...
    async def all_students(self) -> dict[int, frozenset[str]]: ...


class HubPort(Protocol):
    """The hub's users and servers."""

    async def ensure_user(self, username: str) -> None: ...
    async def running_servers(self, server: str) -> list[str]: ...
    async def stop_server(self, username: str, server: str) -> bool: ...


class HostPort(Protocol):
    """The place where courses live: folders and processes here, namespaces on a cluster."""

    async def leads(self) -> bool: ...
    async def look(self) -> None: ...
    def settled(self, course: Course) -> bool: ...
    async def ensure(self, course: Course) -> int: ...
    def repaired(self, course: Course) -> list[str]: ...
    def amiss(self, course: Course) -> str: ...
    async def provision(self, course: Course, port: int, students: list[str]) -> None: ...
    async def enroll(self, course: Course, port: int, students: list[str]) -> None: ...
    async def remove(self, course: Course, erase: bool = False) -> bool: ...


class Provisioner:
    """The reconciler. `problem` is the host's exception whose text is for a course's page.

    `interval`: seconds between two passes over all courses.
    """

    def __init__(
        self,
        courses: CoursesPort,
        people: PeoplePort,
        hub: HubPort,
        host: HostPort,
        problem: type[Exception],
        clock: Callable[[], datetime],
        interval: float = INTERVAL,
    ) -> None:
        self._interval = interval
        self._courses, self._people, self._hub, self._host = courses, people, hub, host
        self._problem, self._clock = problem, clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._failures: dict[int, tuple[int, datetime]] = {}
        self._known: dict[int, frozenset[str]] = {}
        self._wake = asyncio.Event()
        self._coming: dict[str, asyncio.Task[bool]] = {}
        self._making: set[asyncio.Task[bool]] = set()
        self._soon: set[str] = set()  # slugs of courses that only need time
        self._away: tuple[datetime, HostAway] | None = None  # when the host was away last, and what it said

    async def prepare(self, course: Course) -> bool:
        """Make the course's grader user, which hub roles need before anybody gets them. False: the hub is down."""
        try:
            await self._hub.ensure_user(grader_username(course.slug))
        except Exception as error:
            log.warning("course %s: no grader user yet (%s)", course.slug, type(error).__name__)
            return False
        if course.state == "pending":
            await self._courses.set_state(course.id, "progressing", "", self._clock())
        return True

    async def admit(self, course: Course, username: str, role: Role, waited: float = 0.0) -> bool:
        """Let a member in; False when the course is not ready within the limit.

        A ready course's exchange hears of a new student in a moment, which the launch does not wait for: the
        student's server does (`heard_of`). waited: seconds that the launch has taken already, as it does where many
        come at once.
        """
        known = self._known.get(course.id)
        if course.state == "ready" and known is not None:
            if role is Role.STUDENT and username not in known:
                self._soon_made(course.slug, GATHER)
            return True
        making = self._soon_made(course.slug)
        await asyncio.wait([making], timeout=min(ADMIT_LIMIT, max(0.0, ADMIT_LIMIT - waited)))
        return making.done() and making.result()

    async def heard_of(self, course: Course, username: str) -> None:
        """Wait until the exchange knows a student of a ready course, but not for long: a broken one is mended later."""
        known = self._known.get(course.id)
        if course.state == "ready" and known is not None and username not in known:
            await asyncio.wait([self._soon_made(course.slug)], timeout=ADMIT_LIMIT)

    def _soon_made(self, slug: str, after: float = 0.0) -> asyncio.Task[bool]:
        # One pass for everybody who comes before it looks: a class that launches at once is told of together.
        # Nobody who waits cancels it: the course goes on being made while the person looks at the page.
        making = self._coming.get(slug)
        if making is None:
            making = self._coming[slug] = asyncio.create_task(self._hurried(slug, after))
            self._making.add(making)
            making.add_done_callback(self._making.discard)
        return making

    async def _hurried(self, slug: str, after: float) -> bool:
        await asyncio.sleep(after)
        return await self._reconcile(slug, hurry=True)

    def wake(self) -> None:
        """Look now, not at the next interval."""
        self._wake.set()

    async def run_forever(self) -> None:
        """Passes until cancelled; between two, courses that are coming up are looked at by themselves.

        Of several replicas one does so; the others make what the launches that they answer need, and no more.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                if not await self._host.leads():
                    self._wake.clear()
                    self._soon.clear()
                    due = loop.time() + self._interval
                elif (began := loop.time()) >= due or self._wake.is_set():
                    self._wake.clear()
                    due = began + self._interval
                    await self.pass_once()
                    rest = min(REST_S, REST * (loop.time() - began))
                    due = max(due, loop.time() + rest)  # where passes take long, launches need the time between
                else:
                    await self.look_again()
            except Exception:
                log.exception("a pass over the courses failed")
            pause = min(SOON, self._interval) if self._soon else self._interval
            try:
                async with asyncio.timeout(min(pause, max(0.0, due - loop.time()))):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def pass_once(self) -> None:
        """Look at every course once. Where nothing is to be done, the store is asked for all of them together."""
        over = asyncio.Event()
        following = asyncio.create_task(self._follow(over))
        try:
            await self._pass()
        finally:
            over.set()
            await following

    async def _follow(self, over: asyncio.Event) -> None:
        """A pass over a thousand courses takes seconds, which a few that are new or coming up need not wait."""
        while True:
            try:
                await asyncio.wait_for(over.wait(), SOON)
                return
            except TimeoutError:
                pass
            try:
                new = await self._courses.new() if self._wake.is_set() else []
                slugs = sorted({*new, *self._soon})
                if len(slugs) <= FEW:
                    await self._each(slugs)
            except Exception:
                log.exception("a look at the courses that are coming up failed")

    async def _pass(self) -> None:
        courses = await self._courses.all()
        new = [course.slug for course in courses if course.state == "pending"]
        if 0 < len(new) <= FEW:
            await self._each(new)  # they do not wait for the look at all others
            courses = [course for course in courses if course.slug not in new]
        await self._host.look()
        students = await self._people.all_students()
        todo = []
        for course in courses:
            if not self._rests(course, students.get(course.id, frozenset())):
                todo.append(course)
            await asyncio.sleep(0)  # a thousand of them must not hold up whoever launches meanwhile
        todo.sort(key=lambda course: course.state == "ready")  # those first that somebody waits for
        for number, some in enumerate(batches(todo, BATCH)):
            if number:
                if not await self._host.leads():
                    return  # it took so long that another replica has taken over
                await self.look_again()
            await self._each([course.slug for course in some])

    async def look_again(self) -> None:
        """Look at the courses that are coming up."""
        slugs = sorted(self._soon)
        if len(slugs) > FEW:
            await self._host.look()
        await self._each(slugs)

    async def _each(self, slugs: list[str]) -> None:
        limit = asyncio.Semaphore(PARALLEL)

        async def one(slug: str) -> None:
            async with limit:
                await self._reconcile(slug)

        await asyncio.gather(*map(one, slugs))

    def _rests(self, course: Course, students: frozenset[str]) -> bool:
        """Whether a pass has nothing to do for it. Whatever is done is decided anew, under the course's lock."""
        _, not_before = self._failures.get(course.id, (0, None))
        if not_before is not None:
            return self._clock() < not_before
        is_known = course.exchange_port is not None and self._known.get(course.id) == students
        return (course.state, course.reason) == ("ready", "") and is_known and self._host.settled(course)

    async def _reconcile(self, slug: str, hurry: bool = False) -> bool:
        """Bring one course to its wanted state; True when it is ready. Never raises."""
        async with self._locks.setdefault(slug, asyncio.Lock()):
            if hurry:
                self._coming.pop(slug, None)  # from here on it looks; whoever comes now needs the next pass
            self._soon.discard(slug)
            course = await self._courses.by_slug(slug)
            if course is None:
                return False
            failures, not_before = self._failures.get(course.id, (0, None))
            if not hurry and not_before is not None and self._clock() < not_before:
                return False
            state, reason, is_known, serves = "ready", "", True, True
            try:
                if course.state == "deleting":
                    await self._delete(course)
                    return False
                is_known = await self._make(course, hurry)
                reason = self._host.amiss(course)
            except HostAway as away:
                self._note_away(away)
                is_known, serves = False, False
            except StillComing as coming:
                state, reason = "progressing", str(coming)
                self._soon.add(slug)
            except self._problem as error:
                state, reason = "degraded", str(error)
            except Exception as error:
                log.exception("course %s: cannot be made ready", slug)
                state = "degraded"
                reason = f"An unexpected error ({type(error).__name__}); the service's log says more."
            if not is_known:  # the next pass asks again, and heals what only seemed broken
                state, reason = as_it_was(course.state, course.reason, self._clock())
            elif state == "degraded":
                state = "deleting" if course.state == "deleting" else state
                pause = min(60.0, backoff(failures + 1, 0.5))
                self._failures[course.id] = (failures + 1, self._clock() + timedelta(seconds=pause))
            else:
                self._failures.pop(course.id, None)
            await self._tell(course, state, reason)
            return serves and state == "ready"

    async def _tell(self, course: Course, state: str, reason: str) -> None:
        for sentence in self._host.repaired(course):
            log.warning("course %s: %s", course.slug, sentence)
            await self._courses.note(course.id, "repaired", sentence, self._clock())
        is_news = (course.state, course.reason) != (state, reason)
        if is_news and await self._courses.set_state(course.id, state, reason, self._clock()):
            log.info("course %s: %s %s", course.slug, state, reason)

    def _note_away(self, away: HostAway) -> None:
        if self._away is None:
            log.warning("Courses stay as they are: %s", away)
        self._away = (self._clock(), away)

    async def _ensure(self, course: Course, hurry: bool) -> int | None:
        """The exchange's port; None while the host of a ready course is away. Raises HostAway of others."""
        was_ready = course.state == "ready" and course.exchange_port is not None
        is_away = self._away is not None and self._clock() - self._away[0] < timedelta(seconds=AWAY_S)
        if hurry and was_ready and is_away:
            return None
        try:
            port = await self._host.ensure(course)
        except HostAway as away:
            self._note_away(away)
            if not was_ready:
                raise
            return None
        if self._away is not None:
            log.info("The host of the courses answers again")
        self._away = None
        return port

    async def _make(self, course: Course, hurry: bool) -> bool:
        """Whether that it is ready is known now; False: it was, and its exchange serves. Raises what is in the way."""
        if course.state == "pending" and not await self.prepare(course):
            raise self._problem("The hub does not answer; the course's grader user cannot be made.")
        port = await self._ensure(course, hurry)
        if port is None:
            assert course.exchange_port is not None
            try:
                await self._tell_exchange(course, course.exchange_port)
            except self._problem as problem:
                raise HostAway(str(problem)) from problem  # both are away: the way there is
            return False
        if port != course.exchange_port:
            await self._courses.change(course.id, exchange_port=port)
        await self._tell_exchange(course, port)
        return True

    async def _tell_exchange(self, course: Course, port: int) -> None:
        students = await self._people.students(course.id)
        known = self._known.get(course.id)
        if course.state == "ready" and known is not None and known <= students:
            if new := students - known:
                await self._host.enroll(course, port, sorted(new))
        else:
            await self._host.provision(course, port, sorted(students))
        self._known[course.id] = students

    async def _delete(self, course: Course) -> None:
        servers = await self._hub.running_servers(course.slug)
        stopped = [await self._hub.stop_server(username, course.slug) for username in servers]
        if not all(stopped) or not await self._host.remove(course, course.erase):
            self._soon.add(course.slug)
            return
        await self._courses.delete(course.id)
        self._known.pop(course.id, None)
        log.info("course %s: deleted; its files are %s", course.slug, "erased" if course.erase else "kept")
