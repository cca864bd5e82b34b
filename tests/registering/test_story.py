"""A link becomes a registration: once, for one platform, and again where it ended when something broke."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from jupyterhub_courses.adapters.store.registrations import save_platform
from jupyterhub_courses.core.records import Platform
from jupyterhub_courses.core.registrations import TOOL, RegistrationRefused

from .conftest import BASE, Clock, Hub, Serve
from .moodle import RecordedMoodle

on_both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def refused(awaitable: Any) -> str:
    with pytest.raises(RegistrationRefused) as refusal:
        await awaitable
    return refusal.value.code


@on_both
async def test_a_link_registers_a_platform_once(hub: Hub, moodle: RecordedMoodle) -> None:
    code = await hub.link(title="The university's Moodle")
    done = await hub.register(code, moodle, moodle.token(sub="client-a"))
    assert (done.client_id, done.deployment_id, done.updated, done.family) == ("client-a", "2", False, "moodle")
    (known,) = await hub.store.known()
    assert (known.platform.name, known.platform.issuer, known.platform.owner) == ("moodle", moodle.url, "page")
    assert (known.platform.title, known.platform.course_creation) == ("The university's Moodle", "on")
    (one,) = known.registrations
    assert (one.client_id, one.deployment_ids, one.public_key) == ("client-a", ("2",), None)
    paths = {one.authorize_url, one.token_url, one.keyset_url}
    assert paths == {f"{moodle.url}/mod/lti/{name}.php" for name in ("auth", "token", "certs")}
    assert await refused(hub.register(code, moodle)) == "registration_link_unknown"
    assert len(moodle.posts) == 1


@on_both
async def test_the_same_window_twice_changes_nothing(hub: Hub, moodle: RecordedMoodle) -> None:
    code, token = await hub.link(), moodle.token()
    moodle.delay_s = 0.05
    first, second = await asyncio.gather(*(hub.register(code, moodle, token) for _ in range(2)))
    assert first == second and len(moodle.posts) == 1
    assert await hub.register(code, moodle, token) == first


@on_both
async def test_an_update_changes_the_same_registration_and_keeps_what_the_admin_set(
    hub: Hub, moodle: RecordedMoodle
) -> None:
    first = await hub.register(await hub.link(title="Ours"), moodle)
    moodle.types["2"]["client_name"] = "Renamed"
    moodle.types["2"][TOOL]["custom_parameters"] = {"adminadded": "1"}
    code = await hub.link(course_creation="off")
    done = await hub.register(code, moodle, moodle.token("reg-update", "2"), "https://new.example.org/")
    assert done.updated and done.client_id == first.client_id
    assert await hub.platforms() == {"moodle": [(first.client_id, ("2",))]}
    sent = moodle.posts[-1]
    assert sent["client_name"] == "Renamed" and sent[TOOL]["custom_parameters"] == {"adminadded": "1"}
    assert sent["redirect_uris"] == ["https://new.example.org/hub/lti13/oauth_callback"]
    (known,) = await hub.store.known()
    assert (known.platform.title, known.platform.course_creation) == ("Ours", "off")


async def test_a_second_entry_of_the_same_lms_stands_beside_the_first(hub: Hub, moodle: RecordedMoodle) -> None:
    for client in ("a", "b"):
        await hub.register(await hub.link(), moodle, moodle.token(sub=client))
    assert await hub.platforms() == {"moodle": [("a", ("2",)), ("b", ("3",))]}


@on_both
async def test_a_link_for_one_platform_cannot_change_another(hub: Hub, moodle: RecordedMoodle) -> None:
    await hub.register(await hub.link("one"), moodle, moodle.token(sub="a"))
    before = await hub.platforms()
    code = await hub.link("two")
    posts = len(moodle.posts)
    assert await refused(hub.register(code, moodle, moodle.token("reg-update", "2"))) == "registration_other_platform"
    assert await hub.platforms() == before and len(moodle.posts) == posts  # nor was it changed in the LMS


async def test_a_link_for_a_known_platform_is_for_its_lms_alone(
    hub: Hub, moodle: RecordedMoodle, recorded: dict[str, Any], serve: Serve
) -> None:
    await hub.register(await hub.link(), moodle)
    other = RecordedMoodle(recorded)
    other.url = await serve(other.routes())
    before = await hub.platforms()
    assert await refused(hub.register(await hub.link(), other)) == "registration_other_lms"
    assert await hub.platforms() == before and not other.posts


@pytest.mark.parametrize("owner", ["file", "config"])
async def test_a_platform_of_a_file_is_no_links_business(hub: Hub, moodle: RecordedMoodle, owner: str) -> None:
    code = await hub.link()
    async with hub.database.transaction() as session:
        await save_platform(session, Platform(0, "moodle", moodle.url, "off", (), 1), [], owner=owner, prune=False)
    assert await refused(hub.register(code, moodle)) == "registration_owned_by_file"
    assert await refused(hub.link()) == "registration_owned_by_file"
    assert not moodle.posts and (await hub.store.known())[0].platform.owner == owner


async def test_a_link_ends_after_a_week(hub: Hub, moodle: RecordedMoodle, clock: Clock) -> None:
    code = await hub.link()
    clock.forward(days=6, hours=23)
    assert (await hub.story.invitation(code)).platform == "moodle"
    clock.forward(hours=2)
    assert await refused(hub.register(code, moodle)) == "registration_link_unknown"


async def test_a_code_for_something_else_registers_nothing(hub: Hub, moodle: RecordedMoodle, clock: Clock) -> None:
    from jupyterhub_courses.adapters.store.once import Once

    code = await Once(hub.database).issue("login", {"platform": "moodle"}, clock(), 600)
    assert await refused(hub.register(code, moodle)) == "registration_link_unknown"
    assert not moodle.requests


@on_both
async def test_an_entry_that_we_did_not_keep_is_taken_over_by_an_update(
    hub: Hub, moodle: RecordedMoodle, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, token, keep = await hub.link(), moodle.token(sub="a"), hub.store.keep

    async def broken(*_arguments: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(hub.store, "keep", broken)
    with pytest.raises(OSError):
        await hub.register(code, moodle, token)
    monkeypatch.setattr(hub.store, "keep", keep)
    assert await hub.platforms() == {} and len(moodle.types) == 1
    # The same window: the LMS says that its token is used; the sentence says how to go on.
    assert await refused(hub.register(code, moodle, token)) == "registration_token_used"
    done = await hub.register(code, moodle, moodle.token("reg-update", "2"))
    assert done.client_id == "a" and await hub.platforms() == {"moodle": [("a", ("2",))]}


async def test_or_is_registered_anew_when_it_is_deleted_in_the_lms(hub: Hub, moodle: RecordedMoodle) -> None:
    code, token = await hub.link(), moodle.token(sub="a")
    moodle.change = lambda what, data: web.Response(status=500) if what == "entry" else data
    assert await refused(hub.register(code, moodle, token)) == "registration_lms_error"
    moodle.change = lambda _what, data: data
    moodle.types.clear(), moodle.clients.clear()
    assert (await hub.register(code, moodle, token)).deployment_id == "3"


async def test_an_answer_that_comes_too_late_leaves_the_link_good_and_says_so(
    hub: Hub, moodle: RecordedMoodle, clock: Clock
) -> None:
    from jupyterhub_courses.adapters.lms.http import LmsHttp
    from jupyterhub_courses.adapters.lms.registration import RegistrationClient

    code, token = await hub.link(), moodle.token()
    async with LmsHttp(clock, 0.3) as impatient:
        hub.story._lms, patient = RegistrationClient(impatient), hub.story._lms
        moodle.change = lambda what, data: setattr(moodle, "delay_s", 1) or data if what == "configuration" else data
        assert await refused(hub.register(code, moodle, token)) == "registration_in_doubt"
    moodle.delay_s, moodle.change, hub.story._lms = 0, lambda _what, data: data, patient
    assert (await hub.register(code, moodle, moodle.token())).client_id


async def test_an_lms_that_does_not_name_its_deployment_is_kept_and_launches_nothing(
    hub: Hub, moodle: RecordedMoodle
) -> None:
    def without(what: str, data: dict[str, Any]) -> dict[str, Any]:
        if what == "entry":
            del data[TOOL]["deployment_id"]
        return data

    moodle.change = without
    done = await hub.register(await hub.link(), moodle)
    assert done.deployment_id is None
    assert await hub.platforms() == {"moodle": [(done.client_id, ())]}


async def test_what_the_lms_did_not_grant_is_told(hub: Hub, moodle: RecordedMoodle) -> None:
    moodle.change = lambda what, data: {**data, "scope": ""} if what == "entry" else data
    assert len((await hub.register(await hub.link(), moodle)).ungranted) == 4


async def test_an_lti_11_tool_becomes_a_registration_by_its_update(
    hub: Hub, moodle: RecordedMoodle, recorded: dict[str, Any]
) -> None:
    """Its present entry has no client id; recorded under migration_from_1.1."""
    old = recorded["migration_from_1.1"][1]["response"]["body"]
    assert "client_id" not in old
    await hub.register(await hub.link(), moodle, moodle.token(sub="a"))
    entries = iter([old])
    moodle.change = lambda what, data: next(entries, data) if what == "entry" else data
    moodle._entry, entry = (lambda *_: old), moodle._entry  # the GET
    moodle.change = lambda what, data: entry("2", moodle.types["2"]) if what == "entry" else data
    done = await hub.register(await hub.link(), moodle, moodle.token("reg-update", "2"))
    assert (done.client_id, done.updated) == ("a", True) and moodle.posts[-1]["client_name"] == "LTI 1.1 tool"


# What a hostile or broken LMS answers

OTHER = "https://elsewhere.example"
FOREIGN = [
    {name: f"{OTHER}/x"}
    for name in ("issuer", "registration_endpoint", "token_endpoint", "jwks_uri", "authorization_endpoint")
]
PORT = [{"token_endpoint": "http://127.0.0.1:1/token"}, {"jwks_uri": "https://127.0.0.1/keys"}]
UNUSABLE: list[dict[str, Any]] = [
    {"issuer": None},
    {"registration_endpoint": 5},
    {"token_endpoint": "javascript:alert(1)"},
    {"jwks_uri": "http://user@127.0.0.1/keys"},
    {"authorization_endpoint": "http://127.0.0.1/\r\nX: y"},
    {"issuer": "http://127.0.0.1/" + "x" * 2000},
]


@pytest.mark.parametrize("changed", [*FOREIGN, *PORT, *UNUSABLE], ids=str)
async def test_a_configuration_with_addresses_elsewhere_registers_nothing(
    hub: Hub, moodle: RecordedMoodle, changed: dict[str, Any]
) -> None:
    moodle.change = lambda what, data: {**data, **changed} if what == "configuration" else data
    code = await hub.link()
    expected = "registration_config_unusable" if changed in UNUSABLE else "registration_foreign_addresses"
    assert await refused(hub.register(code, moodle)) == expected
    assert await hub.platforms() == {} and not moodle.posts
    moodle.change = lambda _what, data: data
    await hub.register(code, moodle)  # the link was not used up


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=302, headers={"Location": "/mod/lti/elsewhere"}),
        lambda: web.Response(status=404),
        lambda: web.Response(text="<html>login</html>"),
        lambda: web.Response(body=b"[" * 100_000),
        lambda: web.Response(body=b'{"a":' * 50_000),
        lambda: web.Response(body=b" " * (300 * 1024)),
        lambda: web.json_response(["issuer"]),
    ],
)
async def test_an_answer_that_is_no_configuration(
    hub: Hub, recorded: dict[str, Any], serve: Serve, answer: Callable[[], web.Response]
) -> None:
    moodle = RecordedMoodle(recorded)
    moodle.change = lambda what, data: answer() if what == "configuration" else data
    moodle.url = await serve(moodle.routes())
    assert await refused(hub.register(await hub.link(), moodle)) == "registration_config_unusable"
    assert len(moodle.requests) == 1  # no redirect is followed


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.json_response({}),
        lambda: web.json_response({"client_id": 5}),
        lambda: web.json_response({"client_id": ""}),
        lambda: web.json_response({"client_id": "x" * 300}),
        lambda: web.json_response({"client_id": "a\nb"}),
        lambda: web.json_response([]),
        lambda: web.Response(body=b"[" * 100_000),
        lambda: web.Response(text="done"),
    ],
)
async def test_an_entry_without_a_usable_client_id_is_not_kept(
    hub: Hub, recorded: dict[str, Any], serve: Serve, answer: Callable[[], web.Response]
) -> None:
    moodle = RecordedMoodle(recorded)
    moodle.change = lambda what, data: answer() if what == "entry" else data
    moodle.url = await serve(moodle.routes())
    assert await refused(hub.register(await hub.link(), moodle)) == "registration_answer_unusable"
    assert await hub.platforms() == {}


async def test_an_endless_configuration_ends(hub: Hub, serve: Serve, clock: Clock) -> None:
    from jupyterhub_courses.adapters.lms.http import LmsHttp
    from jupyterhub_courses.adapters.lms.registration import RegistrationClient

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    app = web.Application()
    app.router.add_get("/", drip)
    url = await serve(app)
    code = await hub.link()
    async with LmsHttp(clock, 0.3) as impatient:
        hub.story._lms = RegistrationClient(impatient)
        assert await refused(hub.story.register(code, url + "/", "t", BASE)) == "registration_unreachable"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/", "file:///etc/passwd", "http://a b/", "http://user@x/", "javascript:1", "http://" + "x" * 2000],
)
async def test_an_address_that_is_none_is_never_fetched(hub: Hub, url: str) -> None:
    assert await refused(hub.story.register(await hub.link(), url, "t", BASE)) == "registration_address_wrong"


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Injected: 1", "ä", "x" * 9000])
async def test_a_token_that_no_header_may_hold_is_never_sent(hub: Hub, moodle: RecordedMoodle, token: str) -> None:
    assert await refused(hub.register(await hub.link(), moodle, token)) == "registration_token_refused"
    assert not moodle.requests
