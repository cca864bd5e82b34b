"""The story's own parts: its hand-written table, how it compares, how it reads pages."""

import copy
import json

import pytest

from jupyterhub_courses.core.filecheck import check_data, check_text
from jupyterhub_courses.demo import files
from jupyterhub_courses.demo.lms.scenario import parse
from jupyterhub_courses.demo.story import table
from jupyterhub_courses.demo.story.browser import Page, _Reader
from jupyterhub_courses.demo.story.steps import Steps, StoryFailed
from jupyterhub_courses.demo.worlds import DEMO

PORTS = {
    "hub": 8000,
    "hub-api": 8091,
    "proxy-api": 8092,
    "service": 8093,
    "northfield": 8101,
    "eastlake": 8102,
}


@pytest.mark.parametrize("students", [3, 30])
def test_every_size_of_the_story_has_every_kind_of_student(students):
    playing = [row.work for row in table.rows(students) if row.work is not None]
    assert {work.when for work in playing} == {"in time", "late", "joined"}
    assert any(work.regraded for work in playing) and table.TEACHER_WHO_STUDIES in table.rows(students)
    assert {row.course for row in table.rows(students)} == {"ML101", "ALGO2", "STAT1"}


def test_no_two_students_share_a_name():
    names = [row.username for row in table.STUDENTS]
    assert len(set(names)) == len(names) == 30


@pytest.mark.parametrize("world", [DEMO, table.world(3), table.world(30)])
def test_the_lms_and_the_service_take_the_worlds(world, tmp_path):
    for site in world.sites:
        parse(json.loads(json.dumps(files.scenario(site, PORTS))))
    checked = check_data(files.courses_file(files.Folder(tmp_path), world, PORTS))
    assert checked.problems == ()


def test_the_written_courses_file_passes_check(tmp_path):
    folder = files.Folder(tmp_path)
    folder.make()
    files.write_files(folder, DEMO, PORTS, ("MARK", "x"))
    assert check_text((folder.own / "courses.yaml").read_text()).problems == ()
    assert (folder.own / "course" / "source" / "ps1" / "ps1.ipynb").is_file()


def gradebook():
    book = {label: {table.ITEM: dict(column)} for label, column in table.expected(5).items()}
    return copy.deepcopy(book)


def test_the_table_equals_itself():
    book = gradebook()
    assert [table.differences(book, label, column) for label, column in table.expected(5).items()] == [
        [],
        [],
        [],
    ]


def test_every_difference_names_student_and_cell():
    book, wanted = gradebook(), table.expected(5)
    book["ML101"][table.ITEM]["noether"] = 10
    book["ALGO2"]["Problem set 2"] = {"gauss": 0}
    book["STAT1"] = {}
    told = [line for label in wanted for line in table.differences(book, label, wanted[label])]
    assert told == [
        "ML101, noether: Problem set 1 is 10 in the LMS and should be 9",
        "ALGO2, gauss: Problem set 2 is 0 in the LMS and should not be there",
        "STAT1: the gradebook has no column “Problem set 1”",
    ]


def test_a_grade_is_not_an_empty_cell():
    book, wanted = gradebook(), table.expected(5)
    book["ML101"][table.ITEM]["noether"] = None
    assert table.differences(book, "ML101", wanted["ML101"]) == [
        "ML101, noether: Problem set 1 is empty in the LMS and should be 9"
    ]


def read(text):
    page = Page("http://localhost/course/1", 200, text)
    _Reader(page).feed(text)
    return page


def test_a_form_that_submits_itself_is_seen():
    form = '<form action="/x" method="POST"><input name="a" value="1"><input type="submit"></form>'
    for text in (
        f"{form}<script>document.forms[0].submit();</script>",
        f'<body onload="document.f.submit()">{form}',
    ):
        page = read(text)
        assert page.submits_itself
        assert (page.forms[0].action, page.forms[0].fields) == ("http://localhost/x", {"a": "1"})
    assert not read(form).submits_itself


def test_links_have_the_names_that_people_hear():
    page = read('<a href="/a">Two\n words</a><a href="b" aria-label="Open it">Open</a>')
    assert page.links == [("Two words", "http://localhost/a"), ("Open it", "http://localhost/course/b")]


def test_lines_have_the_time_and_failures_their_reason():
    times, lines = iter([0.0, 1.0, 3.5, 3.5, 4.0, 5.0, 5.0]), []
    steps = Steps(True, lambda: next(times), lines.append)
    with steps.step("one"):
        pass
    with pytest.raises(StoryFailed), steps.step("two"):
        raise StoryFailed("ada is not there")
    assert [json.loads(line) for line in lines] == [
        {"at": 3.5, "kind": "step", "text": "one", "took": 2.5},
        {"at": 5.0, "kind": "failed", "text": "two: ada is not there", "took": 1.0},
    ]
