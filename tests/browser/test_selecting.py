"""Deep Linking in a real browser: the tool's list in a frame of the LMS's page, on another site and without cookies."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Keys

from .demo import Demo
from .people import COURSE, Student, Teacher
from .window import Window

STOP = """
const e = document.activeElement;
if (!document.hasFocus() || e === document.body) return null;
return { id: e.id, name: (e.labels?.[0] ?? e).textContent.trim() };
"""
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@contextmanager
def dialogue(window: Window) -> Iterator[None]:
    """Look into the frame of the LMS's dialogue."""
    window.driver.switch_to.frame(window.find("#dialogue"))
    try:
        yield
    finally:
        window.driver.switch_to.default_content()


def open_list(window: Window, demo: Demo) -> None:
    """Press the LMS's button and wait for the list."""
    window.go(f"{demo.northfield}/my")
    window.click(f"#course-{COURSE}")
    window.click("#select-content")
    with dialogue(window):
        window.find("#assignments label", "ps1")


def frame_stops(window: Window) -> list[str]:
    """What the tabulator key reaches in the frame from its first choice on: ids. Nothing may be nameless."""
    window.driver.execute_script("document.querySelector('#select input:not([type=hidden])').focus()")
    found: list[str] = []
    for _ in range(20):
        stop = window.driver.execute_script(STOP)
        if stop is None or stop["id"] in found:
            break
        assert stop["name"], stop
        found.append(stop["id"])
        window.keys(Keys.TAB)
    return found


@pytest.fixture(scope="module")
def stops(demo: Demo, teacher: Teacher) -> list[str]:
    """What the keyboard reaches in the list; with it the teacher chooses ps1 and the course's page."""
    window = teacher.window
    open_list(window, demo)
    window.picture("select", 860)
    with dialogue(window):
        found = frame_stops(window)
        for id in ("assignment-1", "course-page"):
            window.driver.execute_script("document.getElementById(arguments[0]).focus()", id)
            window.keys(Keys.SPACE)
        window.keys(Keys.ENTER)
    return found


@pytest.fixture(scope="module")
def added(stops: list[str], teacher: Teacher) -> dict[str, str]:
    """The activities that the LMS made of it: title -> id; the teacher is back on the course's page."""
    window = teacher.window
    with dialogue(window):
        titles = window.until(lambda: [one.text for one in window.all(".added")], "the LMS has got the choice")
        window.click("#back")
    window.until(lambda: window.all("#activities"), "the course's page is back")
    made = {row.find_element("css selector", "h2").text: row for row in window.all("#activities .activity")}
    return {title: made[title].get_attribute("data-activity") for title in titles}


def test_the_list_is_on_another_site_than_the_lms_and_the_browser_complains_of_nothing(demo, teacher, stops) -> None:
    assert demo.hub.startswith("http://127.0.0.1") and demo.northfield.startswith("http://localhost")
    # Chromium's own note about a page that is not https is none of ours.
    assert [line for line in teacher.window.console() if "Content Security" in line or "Refused" in line] == []


def test_every_choice_can_be_reached_by_keyboard_and_has_a_name(stops) -> None:
    assert stops == ["assignment-1", "assignment-2", "course-page", "send", "cancel"]


def test_what_was_chosen_becomes_activities(added) -> None:
    assert list(added) == ["ps1", "Introduction to Machine Learning"]


def test_a_students_click_on_it_opens_the_notebook(demo: Demo, added, released, student: Student) -> None:
    window = student.window
    window.go(f"{demo.northfield}/my")
    window.click(f"#course-{COURSE}")
    window.click_to_new_tab(f"#open-{added['ps1']}")
    window.find(".jp-Notebook .jp-Cell")
    assert window.url.removeprefix(demo.hub) == "/user/noether/ml101/lab/tree/ps1/ps1.ipynb"


def test_a_submission_that_is_not_there_yet_says_so_from_the_lmss_gradebook(
    demo: Demo, added, released, student: Student, teacher: Teacher
) -> None:
    window = teacher.window
    window.first_tab()
    window.click("#nav-gradebook")
    (review,) = window.all(f"[id^=review-][id$=-noether][href*='id={added['ps1']}&']")
    window.click_to_new_tab(f"#{review.get_attribute('id')}")
    assert window.find("h1", "There is nothing to look at yet")
    assert "Emmy Noether (noether)" in window.text()
    window.driver.close()
    window.first_tab()


def test_a_teacher_who_chooses_nothing_reads_it_and_can_leave(demo: Demo, added, teacher: Teacher) -> None:
    window = teacher.window
    open_list(window, demo)
    with dialogue(window):
        window.click("#send")
        assert window.find("#wrong").text == "Please choose something first."
        window.click("#cancel")
        assert window.find("#nothing").text == "Nothing was selected."
        window.click("#back")
    window.until(lambda: window.all("#activities"), "the course's page is back")


def test_a_page_left_open_in_a_second_tab_says_that_the_choice_was_sent(demo: Demo, added, teacher: Teacher) -> None:
    window = teacher.window
    open_list(window, demo)
    with dialogue(window):
        address = window.driver.execute_script("return location.href")
    window.driver.switch_to.new_window("tab")
    window.go(address)
    window.find("#assignments")
    other = window.driver.current_window_handle
    window.first_tab()
    with dialogue(window):
        window.click("#cancel")
        window.find("#nothing")
    window.driver.switch_to.window(other)
    window.click("#send")
    assert window.find("#sentence").text.startswith("This choice was sent before")
    window.driver.close()
    window.first_tab()
