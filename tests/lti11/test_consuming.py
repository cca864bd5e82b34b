"""The story of a signed form on a real store: single use across processes, where grades go, and upgrades."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from jupyterhub_courses.adapters.lms.oauth1 import is_signed
from jupyterhub_courses.adapters.store.arrivals import Arrivals
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.models import OutcomeRow, PersonRow
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.adapters.store.outcomes import Outcomes
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.registrations import Registrations, save_platform
from jupyterhub_courses.core.admissions import Launch, Refused
from jupyterhub_courses.core.lti11 import SignedForm
from jupyterhub_courses.core.records import Platform, Registration
from jupyterhub_courses.usecases.admitting import Admitting
from jupyterhub_courses.usecases.consuming import Consuming

from .lms import KEY, SECRET, launch_fields, signed

LMS = "https://lms.example.org"
URL = "https://hub.example.org/hub/lti11/launch"
OUTCOME = {"lis_result_sourcedid": "s-1", "lis_outcome_service_url": f"{LMS}/outcomes"}


class Hub:
    """A hub without users."""

    async def user_exists(self, username: str) -> bool:
        return False


class Provisioner:
    """Everything is ready at once."""

    async def prepare(self, course: Any) -> bool:
        return True

    async def admit(self, course: Any, username: str, role: Any, waited: float = 0.0) -> bool:
        return True


class Process:
    """One service process over the store; `now` is its clock."""

    def __init__(self, database: Database) -> None:
        self.now = datetime.now(UTC)
        registrations, once = Registrations(database), Once(database)
        parts = Arrivals(database), registrations, People(database), Courses(database), once
        self.admitting = Admitting(*parts, Hub(), Provisioner(), lambda: self.now)
        self.consuming = Consuming(registrations, once, self.admitting, Outcomes(database), is_signed, lambda: self.now)

    async def launch(self, attempt: str = "", **fields: Any) -> Any:
        return await self.consuming.admit(form(attempt, **fields))


def form(attempt: str = "", origin: str | None = LMS, **fields: Any) -> SignedForm:
    pairs = tuple(signed(URL, launch_fields(**fields)).items())
    return SignedForm(URL, pairs, origin, attempt or secrets.token_hex(4))


async def refusal(process: Process, made: SignedForm) -> str:
    with pytest.raises(Refused) as caught:
        await process.consuming.admit(made)
    return caught.value.code


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_store"))


@pytest.fixture
async def databases(url: str) -> AsyncIterator[tuple[Database, Database]]:
    """One store, opened by two processes."""
    one, two = Database(url), Database(url)
    async with one.transaction() as session:
        consumer = Registration(0, 0, "old", LMS, KEY, (), "", None, None, None, SECRET)
        await save_platform(session, Platform(0, "old", LMS, "on", (), 2), [consumer], "file", True)
    yield one, two
    await one.close()
    await two.close()


@pytest.fixture
async def process(databases: tuple[Database, Database]) -> Process:
    process = Process(databases[0])
    await process.launch(user="3", roles="Instructor")
    return process


async def places(database: Database) -> dict[str, tuple[str, str]]:
    """username -> (sourcedid, address)."""
    async with database.reading() as session:
        query = select(PersonRow.username, OutcomeRow.sourcedid, OutcomeRow.url).join(
            OutcomeRow, OutcomeRow.person_id == PersonRow.id
        )
        return {username: (sourcedid, url) for username, sourcedid, url in await session.execute(query)}


async def test_a_form_is_good_once_in_whatever_process(process, databases):
    other = Process(databases[1])
    made = form("attempt-1")
    admission, proven = await process.consuming.admit(made)
    assert (admission.username, admission.course, proven) == ("student5", "dl101", True)
    assert await refusal(other, replace(made, attempt="attempt-2")) == "nonce_replayed"
    assert await refusal(process, replace(made, attempt="attempt-2")) == "nonce_replayed"
    assert await refusal(process, replace(made, attempt="")) == "nonce_replayed"
    # The hub's own call may come twice: a connection that was just closed is asked again.
    again, _ = await other.consuming.admit(made)
    assert again.username == "student5"


@pytest.mark.parametrize("key", ["nobody", "a\0b", "\u202e", "k" * 300], ids=ascii)
async def test_whatever_stands_for_a_key_that_nobody_has_is_a_refusal(process, key):
    pairs = tuple(signed(URL, launch_fields(), key=key).items())
    assert await refusal(process, SignedForm(URL, pairs, LMS, "attempt-1")) == "consumer_unknown"


async def test_a_used_form_is_refused_for_as_long_as_its_time_is_good(process):
    made = form("attempt-1")
    await process.consuming.admit(made)
    began = process.now
    for seconds in (0, 200, 299):
        process.now = began + timedelta(seconds=seconds)
        await Once(process.consuming._once._database).sweep(process.now)
        assert await refusal(process, replace(made, attempt="2")) == "nonce_replayed"
    process.now = began + timedelta(seconds=302)
    assert await refusal(process, replace(made, attempt="2")) == "token_expired"


async def test_a_nonce_belongs_to_its_key_and_its_second(process, databases):
    made = form()
    await process.consuming.admit(made)
    fields = dict(made.fields)
    later = signed(URL, launch_fields(), nonce=fields["oauth_nonce"], timestamp=str(int(fields["oauth_timestamp"]) + 1))
    await process.consuming.admit(SignedForm(URL, tuple(later.items()), LMS, "x"))


async def test_where_a_students_grade_goes_is_kept_from_their_newest_launch(process, databases):
    await process.launch(user="5", **OUTCOME)
    assert await places(databases[0]) == {"student5": ("s-1", f"{LMS}/outcomes")}
    await process.launch(user="5", **{**OUTCOME, "lis_result_sourcedid": "s-2"})
    await process.launch(user="5")  # an ungraded activity says nothing, and takes nothing away
    assert await places(databases[0]) == {"student5": ("s-2", f"{LMS}/outcomes")}


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "3", "roles": "Instructor"},
        {"user": "4", "roles": "urn:lti:role:ims/lis/TeachingAssistant"},
        {"user": "5", "lis_outcome_service_url": "https://evil.example/outcomes"},
        {"user": "5", "lis_outcome_service_url": "http://lms.example.org/outcomes"},
        {"user": "5", "lis_outcome_service_url": "https://lms.example.org@evil.example/"},
        {"user": "5", "lis_outcome_service_url": "https://lms.example.org:8443/outcomes"},
        {"user": "5", "lis_outcome_service_url": "ftp://lms.example.org/outcomes"},
        {"user": "5", "custom_assignment": None},
    ],
)
async def test_no_other_place_is_kept(process, databases, fields):
    await process.launch(**{**OUTCOME, **fields})
    assert await places(databases[0]) == {}


async def test_people_stay_who_they_are_when_their_lms_is_upgraded(process, databases):
    before, _ = await process.launch(user="5")
    new = Registration(0, 0, "old", LMS, "13", ("1",), f"{LMS}/auth", f"{LMS}/token", f"{LMS}/keys", None)
    async with databases[0].transaction() as session:
        await save_platform(session, Platform(0, "old", LMS, "on", (), 2), [new], "file", False)
    launch = Launch(
        issuer=LMS,
        client_id="13",
        deployment_id="1",
        sub="5",
        roles=("http://purl.imsglobal.org/vocab/lis/v2/membership#Learner",),
        context_id="4",
        context_label="",
        context_title="",
        resource_link_id="52",
        names={"name": "", "given_name": "", "family_name": "", "email": ""},
        login_name="somebody",
        assignment=None,
        lineitems_url=None,
        lineitem_url=None,
        members_url=None,
        nonce="n",
        attempt="a",
    )
    after = await process.admitting.admit(launch)
    assert (after.username, after.course) == (before.username, before.course)


async def test_a_key_of_lti_11_opens_no_launch_of_lti_13(process, databases):
    registrations = Registrations(databases[0])
    assert await registrations.find(LMS, KEY) is None and await registrations.find(LMS, None) is None
    assert await registrations.for_launch(LMS, KEY, "") is None


async def test_a_client_id_of_lti_13_is_no_key(process, databases):
    new = Registration(0, 0, "old", LMS, "13", ("1",), f"{LMS}/auth", f"{LMS}/token", f"{LMS}/keys", None)
    async with databases[0].transaction() as session:
        await save_platform(session, Platform(0, "old", LMS, "on", (), 2), [new], "file", False)
    for secret in ("", "None", SECRET):
        pairs = tuple(signed(URL, launch_fields(), key="13", secret=secret).items())
        assert await refusal(process, SignedForm(URL, pairs, LMS, "x")) == "consumer_unknown"


async def test_a_client_id_of_another_lms_that_equals_a_key_is_in_nobodys_way(process, databases):
    other = "https://other.example.org"
    same = Registration(0, 0, "other", other, KEY, ("1",), f"{other}/auth", f"{other}/token", f"{other}/keys", None)
    async with databases[0].transaction() as session:
        await save_platform(session, Platform(0, "other", other, "on", (), 2), [same], "file", True)
    admission, _ = await process.launch(user="5")
    assert admission.course == "dl101"


@pytest.mark.parametrize("origin", [None, "", "null", "https://evil.example", "https://lms.example.org.evil.example"])
async def test_only_a_page_of_the_lms_itself_proves_the_browser(process, origin):
    assert (await process.consuming.admit(form(origin=LMS)))[1] is True
    assert (await process.consuming.admit(form(origin=origin)))[1] is False


async def test_a_changed_secret_counts_at_once(process, databases):
    consumer = Registration(0, 0, "old", LMS, KEY, (), "", None, None, None, "another-secret-of-16")
    async with databases[0].transaction() as session:
        await save_platform(session, Platform(0, "old", LMS, "on", (), 2), [consumer], "file", True)
    assert await refusal(process, form()) == "consumer_unknown"
