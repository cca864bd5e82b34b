"""What a host tells a course's exchange and asks of it, wherever that runs; problems in words for the course's page."""

import aiohttp

from ...core.hosts import HostProblem
from ...core.names import grader_username
from ...core.records import Course
from .provision import Member, ProvisionError, enroll, provision

LIMIT = aiohttp.ClientTimeout(total=10)
_TROUBLES = (TimeoutError, aiohttp.ClientError, ValueError, ProvisionError)


class ExchangeCalls:
    """One session for all exchanges, opened by the first call. Addresses end with `/api/`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Kept-alive connections."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=LIMIT)
        return self._session

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def provision(self, url: str, course: Course, students: list[str]) -> None:
        """Make it know the course's grader and exactly these students, by username alone. Raises HostProblem."""
        members = [Member(username) for username in students]
        graders = [grader_username(course.slug)]
        try:
            await provision(self.session, url, course.exchange_token, course.slug, graders, members)
        except _TROUBLES as error:
            raise HostProblem(f"The exchange (ngshare) does not take the roster ({type(error).__name__}).") from error

    async def enroll(self, url: str, course: Course, students: list[str]) -> None:
        """Make it know some more students, and leave everything else there alone. Raises HostProblem."""
        members = [Member(username) for username in students]
        try:
            await enroll(self.session, url, course.exchange_token, course.slug, members)
        except _TROUBLES as error:
            raise HostProblem(f"The exchange (ngshare) does not take students ({type(error).__name__}).") from error

    async def released(self, url: str, course: Course) -> set[str]:
        """Names of the assignments that it offers now; none while it does not answer."""
        headers = {"Authorization": f"token {course.exchange_token}"}
        try:
            async with self.session.get(f"{url}assignments/{course.slug}", headers=headers) as answer:
                body = await answer.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, ValueError):
            return set()
        names = body.get("assignments") if isinstance(body, dict) else None
        return {str(name) for name in names} if isinstance(names, list) else set()
