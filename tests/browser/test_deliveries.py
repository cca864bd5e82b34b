"""The page of deliveries in a real Chromium: a hub, its service, a graders' server, and an LMS of the demo.

The tests follow each other. Scores come as a graders' server sends them; what happens in the LMS is done there.
"""

import csv
import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Keys

from ..delivering.world import CLIENT_ID, LmsProcess, running_lms
from ..hub.platform import Platform, key_pair
from ..support import chromium
from ..support.system import Person, System, body, registration, wait_for, with_token
from .window import Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SLUG, QUIZ = "ml101", "quiz"
GERMAN = "de-DE,de;q=0.9,en;q=0.5"
STUDENTS = 130  # more than a page
LISTED = STUDENTS + 1  # Moodle lists an assistant as a student


@dataclass
class School:
    """Everything, and who is called what: `users`, by the LMS's id."""

    system: System
    lms: LmsProcess
    teacher: Person
    token: str
    users: dict[str, str]
    wanted: dict[str, float] = field(default_factory=dict)

    @property
    def page(self) -> str:
        return f"{self.system.base}/services/courses/{SLUG}/deliveries"

    def grade(self, **scores: float) -> None:
        """The gradebook says: s1=4 and so on; what it said before stays."""
        self.wanted |= {self.users[name[1:]]: score for name, score in scores.items()}
        now = time.time()
        graded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        same = {"assignment": QUIZ, "max_score": 10, "graded_at": graded, "comment": None}
        rows = [{**same, "username": user, "score": score} for user, score in self.wanted.items()]
        state = {"taken_at": now, "assignments": [{"name": QUIZ, "max_score": 10, "due_at": None}], "scores": rows}
        sent = with_token("PUT", f"{self.system.direct}api/courses/{SLUG}/scores", self.token, json=state)
        assert body(sent) == {"accepted": len(rows), "unknown": []}

    def told(self, path: str = "?assignment=quiz") -> Any:
        return self.system.as_hub("GET", f"courses/{SLUG}/deliveries{path}")

    def is_state(self, name: str, state: str) -> bool:
        user = self.users[name[1:]]
        return any(row["username"] == user and row["state"] == state for row in self.told()["rows"])

    def override(self, name: str, score: float) -> None:
        """A teacher types a grade in the LMS, at least a second after whatever was before."""
        time.sleep(1.1)
        self.lms.control("override", {"course": "ml101", "item": QUIZ, "person": name, "score": score})
        time.sleep(1.1)

    def enrol(self, name: str, role: str | None) -> None:
        self.lms.control("enrol", {"course": "ml101", "person": name, "role": role})


@pytest.fixture(scope="module")
def school(chp: Path, chromium_programs: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    folder = tmp_path_factory.mktemp("deliveries")
    system = System(folder, chp)
    try:
        system.start()
        key = with_token("GET", f"{system.direct}public-key.pem", "none").text
        with running_lms(folder / "lms", key, STUDENTS) as lms:
            yield _school(system, lms)
    finally:
        system.end()


def _school(system: System, lms: LmsProcess) -> School:
    platform = Platform(issuer=lms.base, client_id=CLIENT_ID, keys={"k1": key_pair("deliveries")})
    system.apply(registration(platform, "lab", f"{lms.base}/mod/lti/token.php"))
    services = f"{lms.base}/mod/lti/services.php"
    scopes = [SCOPE + name for name in ("lineitem", "result.readonly", "score")]
    members = f"{services}/CourseSection/2/bindings/1/memberships"
    claims = {
        "context": {"id": "2", "label": SLUG, "title": "Machine Learning"},
        "custom": {"username": "tess"},
        AGS: {"scope": scopes, "lineitems": f"{services}/2/lineitems?type_id=1"},
        NRPS: {"context_memberships_url": members, "service_versions": ["2.0"]},
    }
    teacher = Person(system, platform, "900", ("Tess", "Teacher"), "tess", "instructor")
    graders = f"grader-{SLUG}"
    clicked = teacher.launch(SLUG, **claims)
    teacher.browser.go(clicked.headers["Location"])  # the course is made meanwhile
    opened = teacher.open(SLUG, graders)
    assert opened.ok, opened.text[-3000:]

    def people() -> list[dict[str, Any]]:
        system.as_hub("POST", f"courses/{SLUG}/roster/sync")
        found = system.as_hub("GET", f"courses/{SLUG}/roster")["members"]
        return found if len(found) > STUDENTS else []

    roster = wait_for(people, "the LMS's participants")
    status = f"/user/{graders}/{SLUG}/courses/status"

    def settled() -> bool:
        told = body(teacher.browser.get(status))
        return bool(told["last_sent"] and not told["pending"])

    wait_for(settled, "the graders' server has sent its own gradebook, which is empty")
    token = system.environment(system.server(graders, SLUG) or 0)["JUPYTERHUB_API_TOKEN"]
    return School(system, lms, teacher, token, {one["lms_user_id"]: one["username"] for one in roster})


@pytest.fixture(scope="module")
def window(school: School, chromium_programs: tuple[str, str]) -> Iterator[Window]:
    """The teacher's own browser, logged in."""
    with chromium.running(*chromium_programs) as driver:
        for cookie in school.teacher.browser.session.cookies:
            kept = {"name": cookie.name, "value": cookie.value, "path": cookie.path}
            driver.execute_cdp_cmd("Network.setCookie", {"url": school.system.base + cookie.path, **kept})
        yield Window(driver)


def row(window: Window, school: School, name: str) -> list[str]:
    """The texts of a student's row."""
    cells = window.all(f"#deliveries tr[data-username='{school.users[name[1:]]}'] > *")
    return [" ".join(cell.text.split()) for cell in cells]


def state_becomes(window: Window, school: School, name: str, state: str) -> None:
    css = f"#deliveries tr[data-username='{school.users[name[1:]]}'][data-state='{state}']"
    window.until(lambda: window.all(css), f"{name} is {state}")


@pytest.fixture(scope="module")
def graded(school: School) -> None:
    school.enrol("s3", None)
    school.grade(s1=4, s2=4, s3=4, s4=4)
    wait_for(lambda: school.is_state("s1", "delivered") and school.is_state("s3", "refused"), "the first scores")
    school.override("s2", 1)
    school.grade(s2=6)
    wait_for(lambda: school.is_state("s2", "overridden"), "the look before the regrade")
    assert school.lms.grades("ml101", QUIZ)["s2"] == 1


def test_from_the_courses_page_a_teacher_comes_to_every_student_and_why(school: School, window: Window, graded: None):
    window.go(f"{school.system.base}/services/courses/{SLUG}/")
    assert "2 delivered" in window.find("#counts").text and "1 changed there" in window.find("#counts").text
    window.click("#deliveries-link")
    window.find("#deliveries")
    assert window.find("#progress").text == (
        "2 of 4 scores stand in the learning platform as they stand here. 2 need a look."
    )
    assert row(window, school, "s1")[1:3] == ["4 / 10", "delivered"]
    overridden = row(window, school, "s2")
    assert overridden[1] == "6 / 10" and overridden[2].startswith("changed there. It shows 1 of 10. The learning")
    assert overridden[3].startswith("4 / 10") and overridden[4] == "Send ours (Given Family 2)"
    refused = row(window, school, "s3")
    assert refused[2].startswith("refused The learning platform does not take grades for this person")
    assert row(window, school, "s5")[1:3] == ["", "not graded yet"]
    assert window.rows("#columns") == [["quiz\n(shown below)", "2", "0", "1", "1", str(LISTED - 4)]]


def test_the_page_is_for_keyboard_and_ear(school: School, window: Window, graded: None):
    window.go(school.page + "?assignment=quiz&only=trouble")
    assert len(window.rows("#deliveries")) == 2
    stops = window.tab_stops()
    wanted = ["column-1", "choice-keep", "choice-ours", "show-all", "show-trouble", "csv"]
    assert [stop for stop in stops if stop in wanted] == wanted
    assert {f"choice-of-{school.users['2']}", f"retry-{school.users['3']}", "retry"} <= set(stops)
    for table in window.all("table"):
        assert table.find_element("css selector", "caption").get_attribute("textContent")
        headings = table.find_elements("css selector", "th")
        assert headings and all(heading.get_attribute("scope") for heading in headings)
    assert window.find("#progress").get_attribute("role") == "status"
    pressed = {e.get_attribute("id"): e.get_attribute("aria-pressed") for e in window.all("#choice button")}
    assert pressed == {"choice-keep": "true", "choice-ours": "false"}
    sources = window.driver.execute_script("return [...document.scripts].map(one => one.src)")
    assert all(source.startswith(school.system.base) for source in sources)
    assert window.console() == []


def test_a_key_sends_ours_for_one_student_and_the_page_shows_it_come_true(school: School, window: Window, graded: None):
    window.go(school.page)
    button = window.find(f"#choice-of-{school.users['2']}")
    window.driver.execute_script("arguments[0].focus()", button)
    window.keys(Keys.ENTER)
    state_becomes(window, school, "s2", "delivered")
    assert school.lms.grades("ml101", QUIZ)["s2"] == 6
    assert "Ours is always sent." in row(window, school, "s2")[2]
    # The keyboard is where it was: on the button that now takes the choice back.
    assert window.driver.execute_script("return document.activeElement.id") == f"choice-of-{school.users['2']}"
    window.keys(Keys.ENTER)
    window.until(lambda: "always stays" in row(window, school, "s2")[2], "the choice is taken back")


def test_again_for_one_who_was_refused(school: School, window: Window, graded: None):
    school.enrol("s3", "student")
    window.go(school.page)
    window.click(f"#retry-{school.users['3']}")
    state_becomes(window, school, "s3", "delivered")
    window.until(lambda: window.all("#complete"), "everything is there")
    assert school.lms.grades("ml101", QUIZ)["s3"] == 4


def test_a_page_that_is_open_follows_a_push(school: School, window: Window, graded: None):
    window.go(school.page)
    window.driver.execute_script("window.isTheSamePage = true")
    school.grade(**{f"s{n}": n % 11 for n in range(5, STUDENTS + 1)})
    window.until(lambda: window.find("#progress").text.startswith(f"{STUDENTS} of {STUDENTS} scores"), "all delivered")
    window.until(lambda: "Page 1 of 2" in window.find("#pages").text, "a page of a hundred")
    state_becomes(window, school, "s7", "delivered")
    assert len(window.rows("#deliveries")) == 100
    assert window.driver.execute_script("return window.isTheSamePage")
    window.click("#next")
    window.until(lambda: len(window.rows("#deliveries")) == LISTED - 100, "the rest")


def test_all_of_it_as_a_table_for_a_spreadsheet(school: School, graded: None):
    answer = school.teacher.browser.get(f"/services/courses/{SLUG}/deliveries.csv")
    assert (
        answer.headers["Content-Type"].startswith("text/csv") and "attachment" in answer.headers["Content-Disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == LISTED
    (one,) = [r for r in rows if r["username"] == school.users["2"]]
    assert (one["assignment"], one["state"], one["score"], one["max_score"], one["choice"]) == (
        QUIZ,
        "delivered",
        "6.0",
        "10.0",
        "keep",
    )


@pytest.fixture(scope="module")
def troubled(school: School, graded: None) -> None:
    """One refused, one changed there, one waiting; the others delivered. The LMS asks for patience last."""
    school.enrol("s6", None)
    school.grade(s6=1)
    school.override("s5", 3.5)
    school.grade(s5=9)
    wait_for(lambda: school.is_state("s6", "refused") and school.is_state("s5", "overridden"), "their states")
    school.lms.faults(status_429=1, retry_after=3600, endpoints=["scores"])
    school.grade(s4=9)
    wait_for(lambda: school.is_state("s4", "waiting"), "the LMS has asked for patience")


def test_one_refused_one_waiting_and_one_changed_there(school: School, window: Window, troubled: None):
    window.go(school.page + "?assignment=quiz&only=trouble")
    window.until(lambda: len(window.rows("#deliveries")) == 3, "the three")
    waiting = row(window, school, "s4")[2]
    assert re.match(r"waiting until \w+ \d+, \d{4}, \d+:\d\d \wM The learning platform is busy", waiting)
    assert "It shows 3.5 of 10" in row(window, school, "s5")[2]
    assert row(window, school, "s6")[2].startswith("refused")
    window.driver.execute_script("scrollTo(0, 320)")
    window.picture("deliveries", 780)


def test_in_german(school: School, window: Window, troubled: None):
    window.speak(GERMAN)
    window.go(school.page + "?assignment=quiz&only=trouble")
    assert window.find("html").get_attribute("lang") == "de"
    assert window.find("#progress").text == (
        f"{STUDENTS - 3} von {STUDENTS} Bewertungen stehen in der Lernplattform so wie hier. 3 brauchen einen Blick."
    )
    assert row(window, school, "s4")[2].startswith("wartet bis")
    assert "dort geändert. Sie zeigt 3.5 von 10." in row(window, school, "s5")[2]
    assert row(window, school, "s6")[2].startswith("abgelehnt Die Lernplattform nimmt")
    window.picture("deliveries-de", 860)
    told = school.told("/progress")
    assert (told["scores"], told["delivered"], told["trouble"]) == (STUDENTS, STUDENTS - 3, 3)


def test_what_is_not_asked_rightly_is_refused(school: School, graded: None):
    browser = school.teacher.browser
    api = f"/services/courses/api/courses/{SLUG}"
    asked: list[tuple[str, str, Any, int]] = [
        ("PUT", "scores/choice", {"assignment": QUIZ, "choice": "mine"}, 400),
        ("PUT", "scores/choice", {"choice": "ours"}, 400),
        ("PUT", "scores/choice", {"assignment": QUIZ, "choice": "ours", "more": "x"}, 400),
        ("PUT", "scores/choice", [QUIZ], 400),
        ("PUT", "scores/choice", {"assignment": "nothing", "choice": "ours"}, 404),
        ("PUT", "scores/choice", {"assignment": QUIZ, "username": "nobody", "choice": "ours"}, 404),
        ("POST", "scores/retry", {"username": "nobody"}, 404),
        ("POST", "scores/retry", {"assignment": 7}, 400),
        ("GET", "deliveries?assignment=nothing", None, 404),
        ("GET", "deliveries?page=-1", None, 200),
        ("GET", "deliveries?page=99999", None, 200),
    ]
    browser.go(f"/services/courses/{SLUG}/deliveries")
    for method, path, wanted, status in asked:
        url = f"{api}/{path}"
        answer = browser.ask(method, url, headers={"X-XSRFToken": browser.xsrf(url)}, json=wanted)
        assert answer.status_code == status, (method, path, wanted, answer.text)
