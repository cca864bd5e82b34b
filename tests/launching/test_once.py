"""A captured launch (token, state and cookie) works once in all: whichever hub process gets it, and after restarts."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..support.system import Browser, System
from .conftest import COURSE, form_of, refused
from .second_hub import SecondHub

CALLBACK = "/hub/lti13/oauth_callback"


@pytest.fixture(scope="module")
def second(system, chp, tmp_path_factory):
    """Another hub process beside the first."""
    hub = SecondHub(tmp_path_factory.mktemp("second"), chp, system)
    try:
        hub.start()
        yield hub
    finally:
        hub.end()


def copied(browser, system: System):
    """Somebody else's browser at `system`, with a copy of all cookies; for names, not ports, cookies are kept."""
    thief = Browser(system)
    thief.session.cookies.update(browser.session.cookies)
    return thief


def captured(system, platform, person):
    """Browser and form of a launch just before it is posted."""
    browser = Browser(system)
    form = form_of(browser, platform, **{**person.claims(COURSE), "target_link_uri": None})
    return browser, form


def test_what_one_hub_took_the_other_refuses(system, second, platform, students):
    browser, form = captured(system, platform, students[0])
    thief = copied(browser, second)
    assert browser.post(CALLBACK, data=form).status_code == 303
    assert refused(thief.post(CALLBACK, data=form)) == (401, "nonce_replayed")
    assert refused(copied(thief, system).post(CALLBACK, data=form)) in (
        (400, "cookie_missing"),
        (401, "nonce_replayed"),
    )


def test_of_several_at_the_same_moment_at_both_hubs_one_gets_in(system, second, platform, students):
    browser, form = captured(system, platform, students[0])
    thieves = [copied(browser, hub) for hub in (system, second) * 4]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one.post(CALLBACK, data=form), thieves))
    got_in = [answer for answer in answers if answer.status_code == 303]
    assert len(got_in) == 1
    assert {refused(answer) for answer in answers if answer not in got_in} == {(401, "nonce_replayed")}


def test_a_login_begun_at_one_hub_ends_at_the_other(system, second, platform, students):
    """Two processes behind one address share the key of states."""
    browser, form = captured(system, platform, students[0])
    assert copied(browser, second).post(CALLBACK, data=form).status_code == 303


def test_a_state_of_a_hub_with_another_key_is_refused(system, second, platform, students, chp, tmp_path):
    stranger = SecondHub(tmp_path, chp, system)
    (stranger.data / "cookie-secret").unlink()
    shutil.copy(system.data / "hub-token", stranger.data / "hub-token")
    try:
        stranger.start()
        browser, form = captured(stranger, platform, students[0])
        assert refused(copied(browser, system).post(CALLBACK, data=form)) == (400, "state_invalid")
        ours, theirs = captured(system, platform, students[0])
        assert refused(copied(ours, stranger).post(CALLBACK, data=theirs)) == (400, "state_invalid")
    finally:
        stranger.end()


def test_a_state_of_another_browser_is_refused(system, platform, students):
    mine, form = captured(system, platform, students[0])
    theirs, other = captured(system, platform, students[1])
    assert refused(theirs.post(CALLBACK, data=form)) == (400, "cookie_missing")
    mixed = {"id_token": other["id_token"], "state": form["state"]}
    assert refused(mine.post(CALLBACK, data=mixed)) == (401, "nonce_wrong")


def test_a_restart_of_hub_and_service_forgets_no_launch_that_was_used(system, platform, students):
    browser, form = captured(system, platform, students[0])
    thief, waiting = copied(browser, system), captured(system, platform, students[1])
    assert browser.post(CALLBACK, data=form).status_code == 303
    service = system.service()
    system.hub.terminate()
    system.hub.wait(30)
    system.start()
    assert system.service() != service
    assert refused(thief.post(CALLBACK, data=form)) == (401, "nonce_replayed")
    assert waiting[0].post(CALLBACK, data=waiting[1]).status_code == 303  # begun before the restart
