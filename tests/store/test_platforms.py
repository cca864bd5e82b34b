"""Many LMSs on one real store: who may stand beside whom, what stays when one goes, and that nobody becomes another."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jupyterhub_courses.adapters.store.arrivals import Arrivals
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.files import Files
from jupyterhub_courses.adapters.store.once import Once
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.adapters.store.registrations import Registrations
from jupyterhub_courses.core.admissions import Launch, Refused
from jupyterhub_courses.core.platforms import Clashing
from jupyterhub_courses.core.records import Platform, Registration
from jupyterhub_courses.usecases.admitting import Admitting
from jupyterhub_courses.usecases.applying import Applying, WrongFile
from jupyterhub_courses.usecases.platforms import Platforms

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
M = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
CANVAS = "https://canvas.instructure.com"
MOODLE = "https://moodle.example.org"


def entry(client="100", deployments=("1:a",), host="https://sso.example.com", token=None, **more):
    return {
        "client_id": client,
        "deployment_ids": list(deployments),
        "authorize_url": f"{host}/auth",
        "token_url": token or f"{host}/token",
        "keyset_url": f"{host}/keys",
        **more,
    }


def institution(name, deployment):
    """A Canvas institution that inherits a developer key: its own host gives the tokens."""
    one = entry(deployments=[deployment], token=f"https://{name}.example.com/token")
    return {"issuer": CANVAS, "course_creation": "on", "registrations": [one]}


class Hub:
    async def user_exists(self, username):
        return False


class Provisioner:
    async def prepare(self, course):
        return True

    async def admit(self, course, username, role, waited=0.0):
        return True


def launch(deployment, sub="7", role="Learner", issuer=CANVAS, client="100"):
    names = {"name": "Ada", "given_name": "Ada", "family_name": "L", "email": "ada@lab.invalid"}
    return Launch(
        issuer=issuer,
        client_id=client,
        deployment_id=deployment,
        sub=sub,
        roles=(M + role,),
        context_id="42",
        context_label="ml101",
        context_title="Machine Learning",
        resource_link_id="1",
        names=names,
        login_name="ada",
        assignment="ps1",
        lineitems_url=None,
        lineitem_url=None,
        members_url=None,
        nonce=secrets.token_hex(8),
        attempt=secrets.token_hex(8),
    )


@pytest.fixture
def platforms(database):
    return Platforms(Registrations(database))


@pytest.fixture
def admitting(database):
    parts = Arrivals(database), Registrations(database), People(database), Courses(database), Once(database)
    return Admitting(*parts, Hub(), Provisioner(), lambda: NOW)


@pytest.fixture
def applying(database):
    return Applying(Files(database), lambda: None, lambda: NOW, on_one_machine=True)


async def clash_of(doing):
    with pytest.raises(Clashing) as caught:
        await doing
    return caught.value.clash


async def test_two_institutions_of_one_canvas_share_neither_people_nor_courses(platforms, admitting, database):
    await platforms.keep("north", institution("north", "1:a"))
    await platforms.keep("south", institution("south", "2:b"))
    merged = await Registrations(database).find(CANVAS, "100")
    assert set(merged.deployment_ids) == {"1:a", "2:b"}
    arrivals = {}
    for deployment in ("1:a", "2:b"):
        teacher = await admitting.admit(launch(deployment, "9", "Instructor"))
        student = await admitting.admit(launch(deployment, "7"))
        assert teacher.course == student.course
        arrivals[deployment] = (teacher.course, teacher.username, student.username)
    north, south = arrivals["1:a"], arrivals["2:b"]
    assert not set(north) & set(south)
    for course, *people in (north, south):
        row = await Courses(database).by_slug(course)
        assert {m.person.username for m in await People(database).roster(row.id)} == set(people)
    again = await admitting.admit(launch("2:b", "7"))
    assert (again.course, again.username) == (south[0], south[2])
    registrations = Registrations(database)
    tokens = {
        name: (await registrations.for_launch(CANVAS, "100", deployment)).token_url
        for name, deployment in (("north", "1:a"), ("south", "2:b"))
    }
    assert tokens == {n: f"https://{n}.example.com/token" for n in ("north", "south")}


async def test_a_deployment_that_nobody_has_is_refused_whoever_shares_the_client_id(platforms, admitting):
    await platforms.keep("north", institution("north", "1:a"))
    await platforms.keep("south", institution("south", "2:b"))
    with pytest.raises(Refused) as caught:
        await admitting.admit(launch("3:c"))
    assert caught.value.code == "deployment_unknown"


async def test_a_platform_without_deployment_ids_accepts_no_launch(platforms, admitting):
    await platforms.keep("uni", {"issuer": MOODLE, "registrations": [entry(deployments=())]})
    with pytest.raises(Refused) as caught:
        await admitting.admit(launch("", issuer=MOODLE))
    assert caught.value.code == "deployment_unknown"


@pytest.mark.parametrize(
    ("registration", "code"),
    [
        (entry(deployments=["2:b", "1:a"]), "deployment_taken"),
        (entry(deployments=[]), "deployments_needed"),
        (entry(deployments=["2:b"], host="https://else.example.com"), "addresses_differ"),
        (entry(deployments=["2:b"], keyset_url=None, public_key="PEM"), "addresses_differ"),
    ],
)
async def test_what_would_make_it_unclear_whose_launch_it_is_is_refused_by_name(
    platforms, applying, registration, code
):
    await platforms.keep("north", institution("north", "1:a"))
    wanted = {"issuer": CANVAS, "registrations": [registration]}
    found = await clash_of(platforms.keep("south", wanted))
    assert found.code == code and all("north" in found.text(language) for language in ("en", "de"))
    with pytest.raises(WrongFile) as caught:
        await applying.apply({"platforms": [{"name": "south", **wanted}]}, False, NOW)
    assert caught.value.problems == [found.text()]
    assert [one.platform.name for one in await platforms.all()] == ["north"]


async def test_a_registration_or_a_deployment_is_added_and_the_rest_stays(platforms):
    first = {"issuer": MOODLE, "title": "Uni", "home": f"{MOODLE}/my", "course_creation": "on"}
    await platforms.keep("uni", {**first, "registrations": [entry("a", ["1"])]})
    await platforms.keep("uni", {"issuer": MOODLE, "registrations": [entry("b", ["1"])]})
    known = await platforms.keep("uni", {"issuer": MOODLE, "registrations": [entry("a", ["2"], token="https://t/t")]})
    assert {r.client_id: r.deployment_ids for r in known.registrations} == {"a": ("1", "2"), "b": ("1",)}
    assert next(r for r in known.registrations if r.client_id == "a").token_url == "https://t/t"
    kept = known.platform
    assert (kept.title, kept.home_url, kept.course_creation) == ("Uni", f"{MOODLE}/my", "on")


async def test_a_removed_platform_keeps_its_people_and_its_name(platforms, admitting, applying, database):
    await platforms.keep("uni", {"issuer": MOODLE, "course_creation": "on", "registrations": [entry(deployments="1")]})
    teacher = await admitting.admit(launch("1", "9", "Instructor", issuer=MOODLE))
    assert await platforms.remove("uni", None, False) == {"people": 1, "courses": 1}
    with pytest.raises(Refused) as caught:
        await admitting.admit(launch("1", "9", "Instructor", issuer=MOODLE))
    assert caught.value.code == "registration_unknown"
    assert (await platforms.one("uni")).registrations == ()

    other = {"issuer": "https://evil.example.org", "registrations": [entry(deployments="1")]}
    assert (await clash_of(platforms.keep("uni", other))).code == "another_lms"
    with pytest.raises(WrongFile, match="1 problems"):
        await applying.apply({"platforms": [{"name": "uni", **other}]}, False, NOW)
    configured = Registration(0, 0, "uni", other["issuer"], "x", ("1",), "https://e/a", None, "https://e/k", None)
    await clash_of(applying.keep_configured(Platform(0, "uni", other["issuer"], "on", (), 1), configured))

    await platforms.keep("uni", {"issuer": MOODLE, "registrations": [entry(deployments="1")]})
    again = await admitting.admit(launch("1", "9", "Instructor", issuer=MOODLE))
    assert (again.username, again.course) == (teacher.username, teacher.course)


async def test_a_platform_that_nobody_came_from_goes_whole(platforms):
    await platforms.keep("uni", {"issuer": MOODLE, "registrations": [entry("a"), entry("b", ["2"])]})
    await platforms.remove("uni", "a", False)
    assert [r.client_id for r in (await platforms.one("uni")).registrations] == ["b"]
    with pytest.raises(Refused, match="registration_unknown"):
        await platforms.remove("uni", "nobody", False)
    await platforms.remove("uni", None, False)
    assert await platforms.all() == []


async def test_an_lms_that_moved_keeps_its_people(platforms, admitting):
    await platforms.keep("uni", {"issuer": MOODLE, "course_creation": "on", "registrations": [entry(deployments="1")]})
    before = await admitting.admit(launch("1", "9", "Instructor", issuer=MOODLE))
    new = "https://lms.example.org"
    await platforms.move("uni", new)
    after = await admitting.admit(launch("1", "9", "Instructor", issuer=new))
    assert (after.username, after.course) == (before.username, before.course)
    with pytest.raises(Refused, match="registration_unknown"):
        await admitting.admit(launch("1", "9", "Instructor", issuer=MOODLE))


async def test_a_platform_of_a_file_or_of_the_configuration_is_changed_there_alone(platforms, applying, database):
    spec = {"issuer": MOODLE, "registrations": [entry("a", ["1"])]}
    await applying.apply({"platforms": [{"name": "filed", **spec}]}, False, NOW)
    issuer = "https://other.example.org"
    configured = Registration(0, 0, "set", issuer, "x", ("1",), f"{issuer}/a", None, f"{issuer}/k", None)
    await applying.keep_configured(Platform(0, "set", issuer, "on", (), 1), configured)
    for name, code in (("filed", "platform_of_file"), ("set", "platform_of_config")):
        for doing in (platforms.keep(name, spec), platforms.remove(name, None, False)):
            with pytest.raises(Refused, match=code):
                await doing
        await platforms.remove(name, None, True)
    assert await platforms.all() == []


async def test_the_configuration_cannot_take_what_another_platform_has(platforms, applying):
    await platforms.keep("uni", {"issuer": MOODLE, "registrations": [entry("a", ["1"])]})
    one = (await platforms.one("uni")).registrations[0]
    found = await clash_of(
        applying.keep_configured(Platform(0, "lms", MOODLE, "on", (), 1), replace(one, platform="lms"))
    )
    assert found.code == "deployment_taken" and found.values["other"] == "uni"
    assert [known.platform.name for known in await platforms.all()] == ["uni"]


async def test_the_configurations_other_issuer_leaves_no_registration_of_the_old_one(applying, platforms):
    for issuer in (MOODLE, "https://lms.example.org"):
        configured = Registration(0, 0, "lms", issuer, "x", ("1",), f"{issuer}/a", None, f"{issuer}/k", None)
        await applying.keep_configured(Platform(0, "lms", issuer, "on", (), 1), configured)
    assert [r.issuer for r in (await platforms.one("lms")).registrations] == ["https://lms.example.org"]


async def test_another_issuer_before_anybody_came_leaves_no_registration_of_the_old_one(applying, platforms):
    await applying.apply({"platforms": [{"name": "uni", "issuer": MOODLE, "registrations": [entry("a")]}]}, False, NOW)
    new = "https://lms.example.org"
    await applying.apply({"platforms": [{"name": "uni", "issuer": new, "registrations": [entry("a")]}]}, False, NOW)
    assert [r.issuer for r in (await platforms.one("uni")).registrations] == [new]


async def test_a_launch_shows_that_its_registration_works(platforms, admitting):
    spec = {"issuer": MOODLE, "course_creation": "on", "registrations": [entry("a", "1"), entry("b", "1")]}
    await platforms.keep("uni", spec)
    await admitting.admit(launch("1", "9", "Instructor", issuer=MOODLE, client="b"))
    known = await platforms.one("uni")
    assert [r.client_id for r in known.registrations if r.id in known.launched] == ["b"]
    assert (known.people, known.courses) == (1, 1)


@pytest.mark.parametrize("data", [None, [], {"issuer": MOODLE}, {"issuer": MOODLE, "registrations": [], "nmae": 1}])
async def test_what_is_no_platform_is_told_and_not_kept(platforms, data):
    with pytest.raises(WrongFile):
        await platforms.keep("uni", data)
    assert await platforms.all() == []
