"""Teacher and student play the story through the real pages of the real demo, each in a browser of their own."""

import re

import pytest

from .conftest import ASSISTANT, STUDENT, TEACHER
from .demo import Demo
from .people import Student, Teacher

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCORE = "9.5"  # two tests of 3 points each, and 3.5 of 4 by hand


def test_a_teachers_first_click_makes_the_course_and_opens_formgrader_at_the_assignment(arrived, teacher):
    assert arrived.startswith("/user/grader-ml101/ml101/formgrader/")
    assert teacher.window.find("#main-table td.name a", "ps1")


def test_formgraders_own_buttons_generate_and_release(released):
    assert "Successfully created the student version" in released[0]
    assert "Successfully released" in released[1]


def test_an_assistant_opens_the_same_formgrader_with_a_login_of_her_own(assisted, arrived):
    assert assisted == arrived


def test_one_click_of_a_student_ends_in_the_notebook(opened, student: Student):
    assert opened == f"/user/{STUDENT}/ml101/lab/tree/ps1/ps1.ipynb"
    assert any("Problem set 1" in cell for cell in student.cells())


def test_work_is_submitted_in_the_assignment_list(submitted, student: Student):
    (item,) = student.window.all("#submitted_assignments_list > .list_item")
    assert re.search(r"ps1\s+ml101", item.text)
    # Nothing stood before the work and nothing came over it: no dialog, no question.
    assert student.window.all(".jp-Dialog, .Toastify__toast") == []


def test_a_submission_is_collected_and_autograded(autograded):
    assert autograded == ["needs manual grading", "6 / 10"]


def test_the_grade_stands_in_the_lms_without_anybody_pressing_a_button(delivered):
    grades = {re.split(r"\n", row[0])[0]: row[1].split("\n")[0] for row in delivered}
    assert grades == {"Emmy Noether": SCORE, "Srinivasa Ramanujan": "–", "Alan Turing": "–"}


def test_a_student_sees_the_own_score_and_that_the_lms_has_it(demo: Demo, delivered, student: Student):
    window = student.window
    window.go(f"{demo.courses}/ml101/")
    (row,) = window.rows("#assignments")
    assert row[:4] == ["ps1", "no due date", f"{SCORE} / 10", "yes"]
    window.picture("student-course", 420)
    # The button leads back to the same notebook, with the work in it.
    window.click("#assignments a.open")
    window.until(lambda: any("ValueError" in cell for cell in student.cells()), "the notebook opens again")
    window.first_tab()
    window.go(f"{demo.northfield}/course/21")
    assert window.find("strong.score").text == SCORE


def test_teachers_see_where_the_course_stands(demo: Demo, assisted, delivered, teacher: Teacher):
    window = teacher.window
    window.go(f"{demo.courses}/ml101/")
    (row,) = window.rows("#assignments")
    assert row[:4] == ["ps1", "no due date", "1", "1"]
    assert window.find("#counts").text == "1 delivered"
    assert window.find("#students").text == "3"
    window.picture("teacher-course", 620)
    window.click_to_new_tab("#formgrader")
    window.until(lambda: "/formgrader" in window.url and window.all("#main-table td.name"), "formgrader opens")
    window.driver.close()
    window.first_tab()


def test_teachers_see_every_delivery(demo: Demo, delivered, teacher: Teacher):
    window = teacher.window
    window.go(f"{demo.courses}/ml101/")
    window.click("#deliveries-link")
    rows = {row[0]: row[1:] for row in window.until(lambda: window.rows("#deliveries"), "the deliveries")}
    assert rows["Emmy Noether"][:2] == [f"{SCORE} / 10", "delivered"]
    assert re.search(r"\w+ \d+, \d{4}, \d+:\d\d", rows["Emmy Noether"][2])  # in the reader's own zone and style
    assert rows["Alan Turing"][:2] == ["", "not graded yet"]
    assert window.find("#complete") and not window.all("#retry")
    window.picture("deliveries-all-there", 420)


def test_teachers_see_and_refresh_the_participants(demo: Demo, assisted, teacher: Teacher):
    window = teacher.window
    window.go(f"{demo.courses}/ml101/")
    window.click("#roster-link")
    window.until(lambda: len(window.rows("#roster")) == 5, "everybody of the LMS's list")
    assert ["Grace Hopper", TEACHER, "teacher"] in window.rows("#roster")
    assert ["Emmy Noether", STUDENT, "student"] in window.rows("#roster")
    # Moodle lists a non-editing teacher as Learner, and her launch says Instructor: an assistant.
    assert ["Ada Lovelace", ASSISTANT, "assistant"] in window.rows("#roster")
    window.picture("roster", 560)
    read = window.find("main time").get_attribute("datetime")
    window.click("#sync")
    window.until(lambda: window.find("main time").get_attribute("datetime") > read, "the list is read again")
    assert ["Ada Lovelace", ASSISTANT, "assistant"] in window.rows("#roster")


def test_a_student_gets_neither_formgrader_nor_the_teachers_pages(demo: Demo, opened, student: Student):
    window = student.window
    window.first_tab()
    window.go(f"{demo.courses}/ml101/")
    assert not window.all("#formgrader, #roster-link, #deliveries-link")
    refused = {
        f"{demo.hub}/user/grader-ml101/ml101/formgrader": "403",
        f"{demo.hub}/user/{STUDENT}/ml101/formgrader": "404",
        f"{demo.courses}/ml101/roster": "You may not do this here",
        f"{demo.courses}/ml101/deliveries": "You may not do this here",
    }
    for address, said in refused.items():
        window.go(address)
        assert said in window.text(), address


PAGES = [
    (STUDENT, "{courses}/", {"Skip to the content", "Introduction to Machine Learning"}),
    (STUDENT, "{courses}/ml101/", {"My courses", "workspace", "Open ps1"}),
    (TEACHER, "{courses}/ml101/", {"formgrader", "roster-link", "deliveries-link", "What happened"}),
    (TEACHER, "{courses}/ml101/roster", {"← Back to the course", "sync"}),
    (TEACHER, "{courses}/ml101/deliveries", {"← Back to the course"}),
    (STUDENT, "{northfield}/course/21", {"open-31", "nav-gradebook", "switch-person"}),
    (TEACHER, "{northfield}/course/21/gradebook", {"refresh", "nav-people"}),
]


@pytest.mark.parametrize(("who", "address", "stops"), PAGES)
def test_our_pages_serve_ear_and_keyboard_and_complain_of_nothing(
    demo: Demo, graded, teacher: Teacher, student: Student, who, address, stops
):
    window = (student if who == STUDENT else teacher).window
    window.first_tab()
    window.console()  # what came before
    window.go(address.format(courses=demo.courses, northfield=demo.northfield))
    assert stops <= set(window.tab_stops())
    assert re.fullmatch(r".+ · (JupyterHub|Northfield University)", window.driver.title)
    assert len([heading for heading in window.all("h1") if heading.text]) == 1
    assert window.find("html").get_attribute("lang") == "en"
    for table in window.all("table"):
        headings = table.find_elements("css selector", "th")
        assert headings and all(heading.get_attribute("scope") for heading in headings)
    assert window.console() == []


def test_pages_speak_german_to_browsers_that_ask_for_it(demo: Demo, delivered, teacher: Teacher, student: Student):
    student.window.first_tab()
    student.window.speak("de-DE,de;q=0.9,en;q=0.5")
    student.window.go(f"{demo.courses}/ml101/")
    assert student.window.find("html").get_attribute("lang") == "de"
    assert student.window.rows("#assignments")[0][:4] == ["ps1", "kein Abgabetermin", f"{SCORE} / 10", "ja"]
    student.window.go(f"{demo.courses}/ml101/roster")
    assert "Das hat nicht geklappt" in student.window.text()

    teacher.window.first_tab()
    teacher.window.speak("de-DE,de;q=0.9,en;q=0.5")
    teacher.window.go(f"{demo.courses}/ml101/deliveries")
    assert teacher.window.find("h1").text == "Noten in der Lernplattform"
    (row,) = [row for row in teacher.window.rows("#deliveries") if row[0] == "Emmy Noether"]
    assert row[2] == "angekommen"
    assert re.search(r"\d+\.\d+\.\d{4}", row[3])
