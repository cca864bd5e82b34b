"""What a really signed launch may not, decided by the real service: a page in the reader's language, and no login."""

import html
import re

import pytest

from jupyterhub_courses.core.launches import DEEP_LINKING
from jupyterhub_courses.core.sentences import SENTENCES

from ..hub.platform import LTI, MEMBERSHIP
from ..support.system import Browser
from .conftest import COURSE, refused

ROLES = "http://purl.imsglobal.org/vocab/lis/v2/"
SYSTEM_ADMIN = ROLES + "system/person#Administrator"
REVIEW = {"message_type": "LtiSubmissionReviewRequest"}
CHOICE = {"message_type": "LtiDeepLinkingRequest", "resource_link": None}
CONTEXT = {"id": "ctx-NEW", "label": "NEW", "title": "Nobody's course"}


def choice(url):
    return {**CHOICE, DEEP_LINKING: {"deep_link_return_url": url, "accept_types": ["ltiResourceLink"]}}


REFUSED = {
    "no roles": ({"roles": []}, 403, "no_role"),
    "no claim of roles": ({"roles": None}, 403, "no_role"),
    "roles that are no list": ({"roles": MEMBERSHIP + "Instructor"}, 403, "no_role"),
    "roles of the system alone": ({"roles": [SYSTEM_ADMIN, ROLES + "system/person#SysAdmin"]}, 403, "no_role"),
    "administrator of the institution alone": ({"roles": [ROLES + "institution/person#Administrator"]}, 403, "no_role"),
    "a role that only looks like one": ({"roles": [MEMBERSHIP + "InstructorX", "x#Instructor"]}, 403, "no_role"),
    "a mentor": ({"roles": [MEMBERSHIP + "Mentor"]}, 403, "no_role"),
    "a course that no teacher opened": ({"context": CONTEXT}, 403, "student_before_teacher"),
    "a review of another's work": ({**REVIEW, "for_user": {"user_id": "6"}}, 403, "review_of_another"),
    "a review of nobody's work": ({**REVIEW, "for_user": {"user_id": "no-one"}}, 403, "review_of_another"),
    "a review of another's work as administrator of everything": (
        {**REVIEW, "for_user": {"user_id": "6"}, "roles": [MEMBERSHIP + "Learner", SYSTEM_ADMIN]},
        403,
        "review_of_another",
    ),
    "a review of another's work as instructor elsewhere": (
        {
            **REVIEW,
            "for_user": {"user_id": "6"},
            "roles": [MEMBERSHIP + "Learner", ROLES + "institution/person#Instructor"],
        },
        403,
        "review_of_another",
    ),
    "choosing what an activity opens": (choice("https://lab.example/return"), 403, "teachers_only"),
    "materials that nobody allowed": (
        {"custom": {"git": "https://evil.example/repo", "path": "x.ipynb"}},
        403,
        "materials_not_allowed",
    ),
    "materials from a file of the machine": ({"custom": {"git": "file:///etc"}}, 403, "materials_not_allowed"),
}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("what", REFUSED)
def test_a_student_is_refused(system, platform, students, what, language):
    changes, status, code = REFUSED[what]
    browser = Browser(system)
    browser.session.headers["Accept-Language"] = language
    answer = browser.launch(platform, **students[0].claims(COURSE, **changes))
    assert refused(answer) == (status, code)
    assert SENTENCES[code][language] in html.unescape(answer.content.decode())
    reference = re.search(r"<code>(\w+)</code>", answer.text)[1]
    assert f"Launch refused: {code} (reference {reference}) at lab" in system.log.read_text()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/return",
        "https://lab.example.evil.example/return",
        "https://lab.example@evil.example/return",
        "https://lab.example:444/return",
        "http://lab.example/return",
        "https://lab.example\\@evil.example/",
    ],
)
def test_a_choice_goes_to_the_lms_alone(system, platform, teacher, url):
    answer = Browser(system).launch(platform, **teacher.claims(COURSE, **choice(url)))
    assert refused(answer) == (400, "address_not_trusted")


def test_a_teacher_chooses_without_being_logged_in(system, platform, teacher):
    browser = Browser(system)
    answer = browser.launch(platform, **teacher.claims(COURSE, **choice("https://lab.example/return?x=1")))
    assert answer.status_code == 303
    assert re.fullmatch(r"/services/courses/select\?code=[\w-]{20,}", answer.headers["Location"])
    assert "jupyterhub-hub-login" not in browser.session.cookies


def test_a_review_opens_the_students_work_for_a_teacher_and_the_own_course_for_a_student(
    system, platform, teacher, students
):
    work = {**REVIEW, "custom": {"assignment": "ps1"}}
    answer = Browser(system).launch(platform, **teacher.claims(COURSE, **work, for_user={"user_id": students[1].sub}))
    assert answer.headers["Location"].startswith("/hub/spawn/grader-ml101/ml101?next=")
    assert "student%3Dbob" in answer.headers["Location"]
    unknown = teacher.claims(COURSE, **work, for_user={"user_id": "nobody"})
    assert refused(Browser(system).launch(platform, **unknown)) == (404, "review_unknown")
    own = students[0].claims(COURSE, **work, for_user={"user_id": students[0].sub})
    assert Browser(system).launch(platform, **own).headers["Location"] == "/services/courses/ml101/"


@pytest.mark.parametrize(
    ("role", "place"),
    [
        (ROLES + "institution/person#Student", "/hub/spawn/dan-"),
        (ROLES + "institution/person#Instructor", "/hub/spawn/grader-ml101/ml101"),
        ("Learner", "/hub/spawn/dan-"),
    ],
)
def test_roles_as_open_edx_and_older_platforms_send_them_are_understood(system, platform, teacher, role, place):
    claims = {"sub": f"d-{role[-10:]}", "custom": {"username": f"dan {role[-10:]}", "assignment": "ps1"}}
    answer = Browser(system).launch(platform, **teacher.claims(COURSE, **claims, roles=[role]))
    assert answer.status_code == 303 and answer.headers["Location"].startswith(place)


def username(browser):
    page = browser.go("/services/courses/")
    return re.search(r"<strong>([^<]+)</strong>", page.text)[1]


NAMES = [
    "ADA",
    "ada ",
    "Ａｄａ",
    "ⓐⓓⓐ",
    "a\u0301da",
    "ada\u200b",
    "аda",
    "ada@evil.example",
    "a-d-a",
    "ADA\u0000",
    "ä̈da",
    "ﬁ",
]


def test_nobody_gets_the_name_of_another_by_case_or_unicode(system, platform, students):
    """Each is another person at the LMS whose login name looks like Ada's."""
    given = set()
    for number, name in enumerate(NAMES):
        claims = students[0].claims(COURSE, sub=f"like-ada-{number}", custom={"username": name})
        browser = Browser(system)
        assert browser.launch(platform, **claims).status_code == 303, name
        given.add(username(browser))
    assert len(given) == len(NAMES) and "ada" not in given
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in given)
    students[0].launch(COURSE)
    assert username(students[0].browser) == "ada"


@pytest.mark.parametrize(
    "name", ["Root-Of-Hub", "GRADER-ml101", "Grader_ml101", "ｃｏｕｒｓｅｓ", "Service Courses", "ADMIN"]
)
def test_no_spelling_gives_an_account_of_the_system(system, platform, students, name):
    claims = students[0].claims(COURSE, sub=f"m-{name.encode().hex()}", custom={"username": name})
    browser = Browser(system)
    assert browser.launch(platform, **claims).status_code == 303
    given = username(browser)
    assert given not in ("root-of-hub", "admin", "courses") and not given.startswith(("grader-", "service-"))
    browser.go("/hub/home")
    assert browser.get("/hub/api/user").json()["admin"] is False


def test_a_subject_keeps_its_case_and_its_person(system, platform, students):
    """`sub` is compared letter by letter: two that differ by case are two people."""
    names = []
    for sub in ("Case-1", "case-1", "Case-1"):
        browser = Browser(system)
        browser.launch(platform, **students[0].claims(COURSE, sub=sub, custom={"username": "casey"}))
        names.append(username(browser))
    assert names == ["casey", "casey-2", "casey"]


def test_nothing_of_a_person_and_no_token_stands_in_the_log(system, platform, students, teacher):
    browser = Browser(system)
    asked = browser.begin(platform, login_hint="a-hint-that-is-secret")
    claims = platform.claims(asked["nonce"], **students[0].claims(COURSE, **REVIEW, for_user={"user_id": "6"}))
    token = platform.sign(claims)
    browser.post("/hub/lti13/oauth_callback?id_token=in-the-address", data={"id_token": token, "state": asked["state"]})
    framed = {"Sec-Fetch-Dest": "iframe", "Accept": "text/html"}
    asked_again = browser.begin(platform)
    form = {"id_token": platform.sign(platform.claims(asked_again["nonce"], **students[0].claims(COURSE)))}
    page = browser.post("/hub/lti13/oauth_callback", data={**form, "state": asked_again["state"]}, headers=framed)
    code = re.search(r'name="code" value="([^"]+)"', page.text)[1]
    own = {"Origin": system.base}
    assert browser.post("/hub/lti13/continue", data={"code": code}, headers=own).status_code == 303
    again = browser.post("/hub/lti13/continue", data={"code": code}, headers=own)
    assert refused(again) == (400, "continue_spent")
    log = system.log.read_text()
    assert "continue_spent" in log and "POST /hub/lti13/continue" in log  # it was looked at
    names = [students[0].given, students[0].family, students[0].email, teacher.email, "a-hint-that-is-secret"]
    for secret in (
        *names,
        token[:60],
        form["id_token"][-60:],
        asked["state"][:40],
        asked["nonce"],
        code,
        "in-the-address",
    ):
        assert secret not in log, secret[:12]
    assert LTI not in log
