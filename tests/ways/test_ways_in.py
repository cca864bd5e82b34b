"""The whole system with an LMS, the hub's dummy authenticator as fallback, and one-time links: who is who."""

import html
import re
import subprocess
import sys
import threading

import pytest

from ..hub.platform import Platform, key_pair
from ..support.system import Browser, Person, System, body, registration, wait_for, with_token

PASSWORD = "an-open-sesame-of-this-hub"
MORE = f"""
c.CoursesLTI13Authenticator.fallback = "dummy"
c.CoursesLTI13Authenticator.auth_refresh_age = 2
c.DummyAuthenticator.password = {PASSWORD!r}
c.DummyAuthenticator.blocked_users = {{"eve"}}
"""
COURSE = {
    "slug": "tutors",
    "title": "Tutors",
    "people": [{"username": "carol", "name": "Carol", "role": "instructor"}, {"username": "dan", "role": "student"}],
}


@pytest.fixture(scope="module")
def lab():
    return Platform(issuer="https://lab.example", client_id="lab-client", keys={"k1": key_pair("lab")})


@pytest.fixture(scope="module")
def system(tmp_path_factory, chp, lab):
    system = System(tmp_path_factory.mktemp("ways"), chp, admins=("root-of-hub",), more=MORE)
    try:
        system.start()
        platform = registration(lab, "lab")
        system.as_hub("POST", "apply", {"platforms": [platform], "courses": [COURSE], "dry_run": False})
        Person(system, lab, "1", ("Grace", "H"), "grace", "instructor").launch("ML101")
        yield system
    finally:
        system.end()


def typed(system, username, password=PASSWORD, path="/hub/login"):
    """A browser in which somebody filled the login form in, and the answer."""
    browser = Browser(system)
    page = browser.get(path, allow_redirects=True)
    form = re.search(r'<form action="([^"]+)".*?name="_xsrf" value="([^"]+)"', page.text, re.DOTALL)
    assert form, page.text
    data = {"username": username, "password": password, "_xsrf": form[2]}
    return browser, browser.post(html.unescape(form[1]), data=data)


def who(browser):
    """The username on the course pages."""
    page = browser.go("/services/courses/")
    found = re.search(r"<strong>([^<]+)</strong>", page.text)
    return found[1] if page.ok and found else None


def courses(browser):
    who(browser)
    return {one["slug"]: one["role"] for one in body(browser.get("/services/courses/api/courses"))}


def is_admin(browser):
    return browser.get("/hub/admin").status_code == 200


def command(system, *arguments):
    code = "from jupyterhub_courses.cli import main; import sys; main(sys.argv[1:])"
    words = [sys.executable, "-c", code, *arguments, "--data-dir", str(system.data)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=system.data)


def link_for(system, username):
    done = command(system, "login-link", username)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0]


def press(browser, url):
    page = browser.get(url)
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    return browser.post("/hub/login-link", data=form)


def test_whoever_types_the_hubs_address_is_told_where_to_start(system):
    for path in ("/", "/hub/", "/services/courses/", "/services/courses/ml101/"):
        page = Browser(system).get(path, allow_redirects=True)
        assert page.status_code == 200 and 'href="https://lab.example"' in page.text, path
        assert page.text.index("https://lab.example") < page.text.index('name="password"')


def test_an_lms_first_then_the_login_of_that_name_is_somebody_else(system, lab):
    ada = Person(system, lab, "5", ("Ada", "L"), "ada")
    ada.launch("ML101")
    browser, answer = typed(system, "ada")
    assert ada.username == "ada" and answer.status_code == 302
    assert who(browser) == "ada-2" and courses(browser) == {} and courses(ada.browser) == {"ml101": "student"}
    assert browser.get("/user/ada/ml101/courses/status", allow_redirects=True).status_code in (403, 404)
    again, _ = typed(system, "ada")
    assert who(again) == "ada-2"


def test_the_login_first_then_somebody_of_the_lms_is_somebody_else(system, lab):
    browser, _ = typed(system, "bob")
    bob = Person(system, lab, "6", ("Bob", "N"), "bob")
    bob.launch("ML101")
    assert (who(browser), bob.username) == ("bob", "bob-2")
    assert courses(browser) == {} and courses(bob.browser) == {"ml101": "student"}


def test_both_at_the_same_moment_are_two(system, lab):
    person = Person(system, lab, "77", ("Flo", "R"), "flo")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(who(typed(system, "flo")[0]))),
        threading.Thread(target=lambda: person.launch("ML101")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert {*found, person.username} == {"flo", "flo-2"}


def test_a_person_whom_the_courses_file_names_is_in_their_course(system):
    browser, _ = typed(system, "carol")
    assert who(browser) == "carol"
    wait_for(lambda: courses(browser) == {"tutors": "instructor"}, "the course is ready")
    roles = body(with_token("GET", f"{system.direct}api/persons/carol/access", hub_token(system)))["roles"]
    assert [role["name"] for role in roles] == ["user", "course-tutors-grading"]


def hub_token(system):
    return (system.data / "hub-token").read_text().strip()


def test_a_role_that_the_file_takes_away_goes_without_a_new_login(system, lab):
    browser, _ = typed(system, "carol")
    opens = "/hub/spawn/grader-tutors/tutors?next=%2Fuser%2Fgrader-tutors%2Ftutors%2Fcourses%2Fstatus"
    wait_for(lambda: courses(browser) == {"tutors": "instructor"}, "the course is ready")
    wait_for(lambda: browser.get(opens).status_code in (200, 302), "the graders' server may be started")
    less = {**COURSE, "people": COURSE["people"][1:]}
    change = {"platforms": [registration(lab, "lab")], "courses": [less], "dry_run": False}
    system.as_hub("POST", "apply", change)
    try:
        wait_for(lambda: browser.get(opens).status_code in (403, 404), "the role is gone")
        assert who(browser) == "carol"  # who stays logged in
    finally:
        system.as_hub("POST", "apply", {**change, "courses": [COURSE]})


@pytest.mark.parametrize("name", ["grader-ml101", "Grader-ML101", "courses", "service-courses", "admin", "root"])
def test_names_of_the_system_are_refused_with_a_reference_that_the_log_has(system, name):
    browser, answer = typed(system, name)
    reference = re.search(r"<code>([0-9a-f]{8})</code>", answer.text)
    assert answer.status_code == 403 and reference and reference[1] in system.log.read_text()
    assert "jupyterhub-hub-login" not in browser.session.cookies


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong"), ("eve", PASSWORD), ("", PASSWORD), ("../x", PASSWORD)]
)
def test_what_the_fallback_refuses_is_refused(system, name, password):
    browser, answer = typed(system, name, password)
    assert answer.status_code == 403 and "jupyterhub-hub-login" not in browser.session.cookies


def test_administrators_are_whom_the_configuration_names(system):
    assert is_admin(typed(system, "root-of-hub")[0]) and not is_admin(typed(system, "bob")[0])


def test_after_the_form_people_go_where_they_wanted_to(system):
    browser, answer = typed(system, "carol", path="/hub/login?next=%2Fservices%2Fcourses%2Ftutors%2F")
    assert answer.headers["Location"] == "/services/courses/tutors/"
    _, answer = typed(system, "carol", path="/hub/login?next=https%3A%2F%2Fevil.example%2F")
    assert "evil" not in answer.headers["Location"]


def test_the_first_administrator_gets_in_by_a_link(system):
    url = link_for(system, "root-of-hub")
    assert url.startswith(f"{system.base}/hub/login-link?code=")
    browser = Browser(system)
    answer = press(browser, url)
    assert answer.status_code == 303 and is_admin(browser) and who(browser) == "root-of-hub"
    again = Browser(system).get(url)
    assert again.status_code == 410 and re.search(r"<code>[0-9a-f]{8}</code>", again.text)


def test_somebody_whom_a_file_names_gets_in_by_a_link_and_is_the_same_by_the_form(system):
    browser = Browser(system)
    assert press(browser, link_for(system, "dan")).status_code == 303
    wait_for(lambda: courses(browser) == {"tutors": "student"}, "dan is in the course")
    by_form, _ = typed(system, "dan")
    assert who(by_form) == "dan" and courses(by_form) == {"tutors": "student"}
    wait_for(lambda: who(browser) == "dan", "dan is still logged in by the link")


@pytest.mark.parametrize(
    ("name", "words"), [("grace", "learning platform"), ("grader-ml101", "system"), ("nobody", "no administrator")]
)
def test_nobody_else_gets_a_link(system, name, words):
    done = command(system, "login-link", name)
    assert done.returncode == 1 and words in done.stderr and done.stdout == ""


def test_a_link_takes_the_machines_secret_or_an_administrators_whole_token(system, lab):
    boss = Browser(system)
    press(boss, link_for(system, "root-of-hub"))
    boss.go("/hub/home")

    def made(**wanted):
        answer = boss.api("POST", "/hub/api/users/root-of-hub/tokens", json={"note": "test", **wanted})
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    url = f"{system.base}/services/courses/api/login-links"
    wanted = {"username": "root-of-hub"}
    whole = with_token("POST", url, made(), json=wanted)
    assert whole.status_code == 201 and body(whole)["url"].startswith(f"{system.base}/hub/login-link?code=")
    narrow = with_token("POST", url, made(scopes=["access:services!service=courses"]), json=wanted)
    assert narrow.status_code == 403  # it would become a whole login
    boss.go("/services/courses/")
    assert boss.api("POST", "/services/courses/api/login-links", json=wanted).status_code == 403
    student = Person(system, lab, "8", ("Stu", "D"), "stu")
    student.launch("ML101")
    student.browser.go("/hub/home")
    assert with_token("POST", url, student.token(), json=wanted).status_code == 403
    assert with_token("POST", url, "nobodys", json=wanted).status_code == 401


def test_nothing_of_a_login_is_in_the_logs(system):
    url = link_for(system, "root-of-hub")
    press(Browser(system), url)
    typed(system, "ada", "a-wrong-pass-word")
    log = system.log.read_text()
    assert url.partition("code=")[2] not in log and PASSWORD not in log and "a-wrong-pass-word" not in log
    assert "Traceback" not in log


def test_while_the_service_is_gone_people_are_told_to_come_back(system):
    system.kill(system.service())
    page = Browser(system).get("/hub/login")
    assert page.status_code == 200 and 'data-code="start_in_lms"' in page.text
    browser, answer = typed(system, "ada")
    assert answer.status_code in (302, 503)  # the hub starts it again within seconds
    wait_for(system.serves, "the service is back")
    assert who(typed(system, "ada")[0]) == "ada-2"
