"""The pages: everybody sees what is theirs, changes need the sesskey, nothing typed becomes HTML."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .lab import Lab, Reply, forms, recorded_site, running_lms

FORM = {"content-type": "application/x-www-form-urlencoded"}


def post(lms: Lab, path: str, **fields: object) -> Reply:
    return lms.send("POST", path, FORM, urlencode(fields))


def sesskey(lms: Lab, path: str) -> str:
    found = re.search(r'name="sesskey" value="(\w+)"', lms.send("GET", path).body)
    assert found
    return found[1]


def test_choosing_a_person_signs_in_and_shows_their_courses(lms: Lab) -> None:
    page = lms.send("GET", "/").body
    assert 'id="person-student1"' in page and "ml101: Teaching assistant" in page and "in no course" in page
    reply = post(lms, "/", person=4)
    assert (reply.status, reply.headers["location"]) == (303, "/my")
    assert "httponly" in reply.headers["set-cookie"].lower() and "samesite=lax" in reply.headers["set-cookie"].lower()
    mine = lms.send("GET", "/my").body
    assert 'data-username="teacher2"' in mine and 'id="course-ml101"' in mine and 'id="course-stats"' in mine


def test_a_course_page_opens_the_tool_in_a_new_window(lms: Lab) -> None:
    lms.sign_in("student1")
    page = lms.send("GET", "/course/3").body
    link = re.search(r'<a class="button activity-open" id="open-2" href="([^"]+)"\s+target="_blank"', page)
    assert link and link[1] == "/mod/lti/launch.php?id=2&amp;triggerview=0"
    assert "JupyterHub in a new window" in page  # what the button says to those who do not see it
    assert "ltiInitiateLoginForm" in lms.send("GET", link[1].replace("&amp;", "&")).body


def test_the_gradebook_shows_students_by_columns_with_comments(lms: Lab) -> None:
    token = lms.token()
    item = lms.add_column(token, "Problem set 1")
    lms.send_score(token, item, given=7.5, comment="Nice <b>plot</b>")
    lms.sign_in("teacher1")
    page = lms.send("GET", "/course/2/gradebook").body
    assert page.count('<tr class="student"') == 5 and 'data-label="Problem set 1"' in page
    row = page[page.index('id="student-student1"') : page.index("</tr>", page.index('id="student-student1"'))]
    assert '<span class="score">7.5</span>' in row and "Nice &lt;b&gt;plot&lt;/b&gt;" in row
    assert re.search(r'class="mean" data-item="\d+">7.5<', page)


def test_a_student_sees_only_their_own_grades(lms: Lab) -> None:
    token = lms.token()
    item = lms.add_column(token, "Problem set 1")
    lms.send_score(token, item, "5", given=7.5, comment="for Ada")
    lms.send_score(token, item, "6", given=3.25, comment="for Blaise")
    lms.sign_in("student1")
    page = lms.send("GET", "/course/2/gradebook").body
    assert "7.5" in page and "for Ada" in page and "3.25" not in page and "Blaise" not in page
    assert lms.send("GET", "/course/2/grade?item=3&person=6").status == 403


@pytest.mark.parametrize(
    "path", ["/course/2", "/course/2/gradebook", "/course/2/people", "/course/2/grade", "/course/9"]
)
def test_who_is_not_in_the_course_does_not_see_it(lms: Lab, path: str) -> None:
    assert lms.send("GET", path).headers.get("location") == "/"
    lms.sign_in("outsider")
    assert lms.send("GET", path).status == 404


def test_a_teacher_types_a_grade_in(lms: Lab) -> None:
    lms.sign_in("teacher2")  # a teaching assistant
    item = lms.cell("JupyterHub", "student1")["item"]
    path = f"/course/2/grade?item={item}&person=5"
    key = sesskey(lms, path)
    wrong = post(lms, "/course/2/grade", item=item, person=5, score="200", sesskey=key)
    assert wrong.status == 400 and "from 0 to 100" in wrong.body
    assert post(lms, "/course/2/grade", item=item, person=5, score="88,5", sesskey="guess").status == 403
    assert post(lms, "/course/2/grade", item=item, person=5, score="88,5", comment="oral", sesskey=key).status == 303
    cell = lms.cell("JupyterHub", "student1")
    assert (cell["score"], cell["comment"], cell["overridden"]) == (88.5, "oral", True)
    assert "by hand" in lms.send("GET", "/course/2/gradebook").body


def test_a_teacher_enrols_and_suspends_and_others_do_not(lms: Lab) -> None:
    lms.sign_in("teacher1")
    key = sesskey(lms, "/course/2/people")
    fields = {"person": 10, "role": "student", "sesskey": key}
    assert post(lms, "/course/2/people", **fields).status == 303
    assert 'id="member-outsider"' in lms.send("GET", "/course/2/people").body
    assert post(lms, "/course/2/people", **fields, status="suspended").status == 303
    lms.sign_in("outsider")
    assert lms.send("GET", "/course/2").status == 404
    lms.sign_in("teacher2")
    assert "enrol-form" not in lms.send("GET", "/course/2/people").body
    assert post(lms, "/course/2/people", **{**fields, "status": "removed"}).status == 403


def test_names_titles_and_comments_never_become_html(tmp_path: Path) -> None:
    site = recorded_site()
    evil = '"><script>alert(1)</script>'
    people = tuple(type(p)(p.id, p.username, evil, evil, p.email) for p in site.people)
    courses = tuple(type(c)(c.id, evil + c.label, evil, c.members, c.activities) for c in site.courses)
    with running_lms(tmp_path, type(site)(evil, site.tool, site.client_id, "1", people, courses)) as lab:
        token = lab.token()
        lab.send_score(token, lab.add_column(token, evil), comment=evil)
        for person in ("student1", "teacher1"):
            lab.sign_in(person)
            for path in ("/", "/my", "/course/2", "/course/2/gradebook", "/course/2/people", "/nowhere"):
                page = lab.send("GET", path)
                assert "<script" not in page.body and "script&gt;" in page.body, path
                assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_pages_need_no_script_and_their_style_is_there(lms: Lab) -> None:
    page = lms.send("GET", "/").body
    assert "<script" not in page and forms(page)
    style = re.search(r'href="(/static/lms.css[^"]*)"', page)
    assert style and lms.send("GET", style[1]).type.startswith("text/css")
