"""A request to a service of an LMS: only to its own hosts, with a token, which is renewed once when it is
refused.
"""

from ...core.addresses import trusted
from ...core.answers import Answer, LmsFailure, Outcome, Scope, Verdict, common_outcome
from ...core.records import Registration
from .http import SMALL, LmsHttp
from .paging import next_page
from .tokens import Tokens

#: More pages than any list has; an LMS whose pages lead in a circle is not followed for ever.
PAGES_MAX = 500


class LmsAccess:
    """What AGS and NRPS share."""

    def __init__(self, http: LmsHttp, tokens: Tokens) -> None:
        self.http, self._tokens = http, tokens

    async def prepare(self, registration: Registration, scopes: frozenset[str]) -> None:
        """Get the token if there is none. Raises LmsFailure."""
        await self._tokens.get(registration, scopes)

    async def call(
        self,
        registration: Registration,
        scopes: frozenset[str],
        method: str,
        url: str,
        accept: str | None = None,
        content: tuple[str, bytes] | None = None,
        limit: int = SMALL,
    ) -> Answer:
        """The LMS's answer, whatever it is. `content`: media type and body. LmsFailure when there is no
        token.
        """
        if trusted(url, registration) is None:
            raise LmsFailure(Outcome(Verdict.RETRY, "address_not_trusted", Scope.COLUMN))
        headers = {"Accept": accept} if accept else {}
        if content is not None:
            headers["Content-Type"] = content[0]
        for attempt in (1, 2):
            token = await self._tokens.get(registration, scopes)
            with_token = {**headers, "Authorization": f"Bearer {token}"}
            answer = await self.http.request(method, url, with_token, content[1] if content else None, limit)
            if attempt == 2 or common_outcome(answer).verdict is not Verdict.REFRESH_TOKEN:
                break
            self._tokens.reject(registration, scopes, token)
        return answer

    async def pages(
        self, registration: Registration, scopes: frozenset[str], url: str, accept: str, limit: int
    ) -> list[Answer]:
        """All pages of a list, in order. Raises LmsFailure unless every one of them came whole."""
        answers: list[Answer] = []
        seen: set[str] = set()
        following: str | None = url
        while following is not None:
            if following in seen or len(seen) >= PAGES_MAX:
                raise LmsFailure(Outcome(Verdict.RETRY, "lms_nonsense", Scope.COLUMN))
            seen.add(following)
            answer = await self.call(registration, scopes, "GET", following, accept, limit=limit)
            if not answer.ok:
                raise LmsFailure(failure(answer))
            answers.append(answer)
            following = next_page(answer.link)
        return answers


def failure(answer: Answer) -> Outcome:
    """What went wrong with anything but a score; a token refused twice stays refused for a while."""
    outcome = common_outcome(answer)
    if answer.ok:
        return Outcome(Verdict.RETRY, "lms_nonsense", Scope.COLUMN)
    if outcome.verdict is Verdict.REFRESH_TOKEN:
        return Outcome(Verdict.RETRY, outcome.reason, Scope.COLUMN)
    if outcome.scope is Scope.SCORE:
        return Outcome(outcome.verdict, outcome.reason, Scope.COLUMN, outcome.retry_after, outcome.in_doubt)
    return outcome
