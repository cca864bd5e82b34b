"""An activity that the LMS shows inside its own page, clicked in a real Chromium, on one site and on two."""

import pytest

from ..browser.window import Window
from ..hub.platform import MEMBERSHIP, Platform, key_pair
from ..support import chromium
from ..support.ports import free_port
from ..support.system import registration
from .lms import EmbeddingLms, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Names that only this browser knows. To a browser they are not "potentially trustworthy" as loopback is: over http
#: it does not say of what kind a request is.
NAMES = ("lms.school.test", "hub.school.test", "hub.elsewhere.test")
ARGUMENTS = (
    "--host-resolver-rules=" + ", ".join(f"MAP {name} 127.0.0.1" for name in NAMES),
    "--disable-features=HttpsUpgrades",
)


@pytest.fixture
def window(chromium_programs):
    with chromium.running(*chromium_programs, *ARGUMENTS) as driver:
        yield Window(driver)


@pytest.fixture
def course(system):
    """Opens the page of a course in the LMS `lms_name`, with an activity of the hub `hub_name`; gives the hub."""
    servers = []

    def open_course(window, lms_name, hub_name, page="course"):
        port = free_port()
        platform = Platform(f"http://{lms_name}:{port}", "embedding", keys={"k1": key_pair("embedding")})
        lms = EmbeddingLms(platform, port)
        known = registration(platform, f"embedding-{port}")
        system.apply(known)
        lms.hub = f"http://{hub_name}:{system.ports['port']}"
        platform.target = f"{lms.hub}/hub"
        context = {"id": "ctx", "label": "Frames", "title": "Frames"}
        lms.claims = {"roles": [MEMBERSHIP + "Instructor"], "context": context, "custom": {"username": "emmy"}}
        servers.append(serving(lms))
        servers[-1].__enter__()
        window.go(f"{platform.issuer}/{page}")
        return lms.hub

    yield open_course
    for server in servers:
        server.__exit__(None, None, None)


def shown_in_the_frame(window):
    window.driver.switch_to.frame(window.find("#activity"))
    return window.find("#courses-launch").get_attribute("data-code")


def lands_on_the_course(window, hub):
    window.until(lambda: window.url.startswith(f"{hub}/services/courses/frames"), "the course's page")
    window.until(lambda: "emmy" in window.text(), "Emmy is logged in")


def test_on_one_site_the_button_opens_the_course_in_a_window(window, course):
    hub = course(window, "127.0.0.1", "127.0.0.1")
    assert shown_in_the_frame(window) == "open_window"
    window.click_to_new_tab("#courses-launch button")
    lands_on_the_course(window, hub)


def test_on_two_sites_where_the_cookie_is_withheld_the_window_asks_who_one_is(window, course):
    hub = course(window, "localhost", "127.0.0.1")
    assert shown_in_the_frame(window) == "open_window"
    window.click_to_new_tab("#courses-launch button")
    assert window.find("#courses-launch").get_attribute("data-code") == "confirm_person"
    assert "as emmy" in window.find("#courses-launch button").text
    window.click("#courses-launch button")
    lands_on_the_course(window, hub)


def test_over_http_on_one_site_a_frame_shows_a_link_that_opens_a_window(window, course):
    hub = course(window, "lms.school.test", "hub.school.test")
    assert shown_in_the_frame(window) == "look_around"
    window.click_to_new_tab("#courses-place")
    lands_on_the_course(window, hub)


def test_over_http_on_two_sites_the_window_asks_who_one_is(window, course):
    hub = course(window, "lms.school.test", "hub.elsewhere.test")
    assert shown_in_the_frame(window) == "open_window"
    window.click_to_new_tab("#courses-launch button")
    assert window.find("#courses-launch").get_attribute("data-code") == "confirm_person"
    assert "as emmy" in window.find("#courses-launch button").text
    window.click("#courses-launch button")
    lands_on_the_course(window, hub)


@pytest.mark.parametrize("names", [("lms.school.test", "hub.elsewhere.test"), ("localhost", "127.0.0.1")])
def test_in_a_whole_window_there_is_nothing_to_click(window, course, names):
    lands_on_the_course(window, course(window, *names, page="launch"))


def test_the_button_speaks_german_too(window, course):
    window.speak("de")
    course(window, "127.0.0.1", "127.0.0.1", page="course")
    shown_in_the_frame(window)
    assert window.find("#courses-launch button", "In neuem Fenster öffnen")
