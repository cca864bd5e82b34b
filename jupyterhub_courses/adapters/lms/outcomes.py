"""Basic Outcomes of LTI 1.1: one score at a time, to the address that the person's own launch named.

Signed with the secret that signs the LMS's launches. The time of the signature is the LMS's (Moodle takes messages of
the last five minutes); a message that comes twice changes nothing.
"""

import secrets
from urllib.parse import urlsplit

from ...core.addresses import trusted
from ...core.answers import Answer, LmsFailure, Outcome, Scope, Verdict
from ...core.outcomes import ANSWER_MAX, MEDIA_TYPE, outcome_of_replace, read_message, replace_message, result_of_read
from ...core.records import Registration
from ...core.scores import Desired, Result
from .http import LmsHttp
from .oauth1 import authorization


class Outcomes:
    """Scores for all LMSs that are connected by LTI 1.1. `user_id` is the person's sourcedid at `url`."""

    def __init__(self, http: LmsHttp) -> None:
        self._http = http
        self._without_port: set[str] = set()  # hosts that check a signature over their address without its port

    def clock_offset(self, registration: Registration, url: str) -> float:
        """None: scores of LTI 1.1 carry no time that an LMS could compare."""
        return 0.0

    async def prepare(self, registration: Registration) -> None:
        """There is no token to have at hand."""

    async def post_score(
        self, registration: Registration, url: str, user_id: str, desired: Desired, timestamp: int
    ) -> Outcome:
        """Send a score and say what became of it. Raises nothing for what the LMS does."""
        if trusted(url, registration) is None:
            return Outcome(Verdict.RETRY, "address_not_trusted", Scope.COLUMN)
        return outcome_of_replace(await self._post(registration, url, replace_message(user_id, desired, _number())))

    async def results(self, registration: Registration, url: str, user_id: str | None = None) -> dict[str, Result]:
        """What the LMS shows for one person. Raises LmsFailure; there is no list of all."""
        if user_id is None or trusted(url, registration) is None:
            raise LmsFailure(Outcome(Verdict.RETRY, "address_not_trusted", Scope.COLUMN))
        result = result_of_read(await self._post(registration, url, read_message(user_id, _number())))
        if result is None:
            raise LmsFailure(Outcome(Verdict.RETRY, "lms_nonsense", Scope.COLUMN))
        return {user_id: result}

    async def _post(self, registration: Registration, url: str, body: bytes) -> Answer:
        host, bare = urlsplit(url).netloc, without_port(url)
        addresses = [bare, url] if host in self._without_port else [url, bare]
        answer = await self._signed(registration, url, addresses[0], body)
        if bare == url or outcome_of_replace(answer).reason != "consumer_refused":
            return answer
        # Moodle behind Debian's nginx checks the signature over its address without the port that it is reached by.
        again = await self._signed(registration, url, addresses[1], body)
        if outcome_of_replace(again).reason != "consumer_refused":
            remember = self._without_port.add if addresses[1] == bare else self._without_port.discard
            remember(host)
        return again

    async def _signed(self, registration: Registration, url: str, signed: str, body: bytes) -> Answer:
        """Post to `url` with a signature over the address `signed`, by the LMS's clock as far as it is known."""
        timestamp = int(self._http.now().timestamp() + self._http.clock_offset(url))
        nonce, secret = secrets.token_hex(12), registration.secret or ""
        header = authorization(signed, body, registration.client_id, secret, timestamp, nonce)
        headers = {"Content-Type": MEDIA_TYPE, "Authorization": header}
        return await self._http.request("POST", url, headers, body, ANSWER_MAX)


def without_port(url: str) -> str:
    """The address without its port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    return parts._replace(netloc=host).geturl()


def _number() -> str:
    return str(secrets.randbelow(10**9))
