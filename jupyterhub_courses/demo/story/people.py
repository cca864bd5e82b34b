"""What people do in the story: sign in at their LMS and click, work and submit, release and grade.

Everybody uses a browser of their own; nobody knows a token, an address or a username that a page did not
show.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .browser import Browser, Page
from .steps import StoryFailed
from .table import ASSIGNMENT, Work

_SERVER = re.compile(r"^(?P<base>.*/user/(?P<user>[^/]+)/(?P<course>[^/]+)/)")

#: What students type into the cells of problem set 1.
ANSWERS = {
    "right squares": """def squares(n):
    if n < 1:
        raise ValueError(n)
    return [i * i for i in range(1, n + 1)]""",
    "unchecked squares": "def squares(n):\n    return [i * i for i in range(1, n + 1)]",
    "right total": "def sum_of_squares(n):\n    return sum(squares(n))",
    "wrong total": "def sum_of_squares(n):\n    return sum(range(n))",
    "explanation": "By induction: it holds for 1, and adding the next square gives the formula for n + 1.",
}
POINTS_OF_SQUARES, EXPLANATION = "test-squares", "explanation"


@dataclass
class Lms:
    """One LMS as scripts reach it."""

    url: str
    course_ids: dict[str, int]  # label -> id

    async def gradebook(self, browser: Browser) -> Any:
        return await browser.api("GET", f"{self.url}/control/gradebook")

    async def enrol(self, browser: Browser, course: str, username: str) -> None:
        body = {"course": course, "person": username, "role": "student"}
        await browser.api("POST", f"{self.url}/control/enrol", body)


class Actor:
    """Somebody with an account at one LMS."""

    def __init__(self, lms: Lms, username: str) -> None:
        self.lms, self.username = lms, username
        self.browser = Browser(username)
        self._signed_in = False

    async def launch(self, course: str, activity: str) -> Page:
        """Click an activity on the course's page in the LMS."""
        if not self._signed_in:
            await self.browser.api("POST", f"{self.lms.url}/control/login?person={quote(self.username)}")
            self._signed_in = True
        page = await self.browser.click(f"{self.lms.url}/course/{self.lms.course_ids[course]}")
        links = [url for text, url in page.links if activity in text and "launch" in url]
        if not links:
            raise StoryFailed(f"{self.username}: the LMS's page of {course} has no link “{activity}”")
        return await self.browser.click(links[0])

    async def open_server(self, course: str, activity: str) -> "Server":
        """Click, and be in one's server of the course, on the right page."""
        page = await self.launch(course, activity)
        match = _SERVER.match(page.url)
        if match is None:
            raise StoryFailed(f"{self.username}: the click on “{activity}” ended at {page.path}")
        return Server(self.browser, match["base"], match["user"], match["course"], page.path)


@dataclass
class Server:
    """A server of a course as its page's scripts use it. `base` ends with a slash."""

    browser: Browser
    base: str
    user: str
    course: str
    opened: str = ""

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        return await self.browser.api(method, self.base + path, body)

    async def stop(self) -> None:
        """As by the hub's home page."""
        hub = self.base.partition("/user/")[0] + "/hub/"
        await self.browser.click(f"{hub}home")  # gives the XSRF cookie of the hub's pages
        await self.browser.api("DELETE", f"{hub}api/users/{quote(self.user)}/servers/{quote(self.course)}")


class Student:
    """A student's server of a course."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def work(self, work: Work) -> None:
        """Type the answers into the notebook and save it."""
        path = f"api/contents/{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
        model = await self.server.ask("GET", f"{path}?type=notebook&content=1")
        answers = {
            "squares": ANSWERS[f"{work.squares} squares"],
            "sum-of-squares": ANSWERS[f"{work.total} total"],
            "explanation": ANSWERS["explanation"],
        }
        for cell in model["content"]["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            cell["source"] = answers.pop(name, cell["source"])
        if answers:
            raise StoryFailed(f"{self.server.user}: the notebook has no cell {', '.join(answers)}")
        await self.server.ask("PUT", path, {"type": "notebook", "format": "json", "content": model["content"]})

    async def submit(self) -> None:
        """As the assignment list in JupyterLab does it."""
        body = {"course_id": self.server.course, "assignment_id": ASSIGNMENT}
        answer = await self.server.ask("POST", "assignments/submit", body)
        listed = answer.get("value", []) if isinstance(answer, dict) and answer.get("success") else []
        if not any(one["assignment_id"] == ASSIGNMENT and one["status"] == "submitted" for one in listed):
            raise StoryFailed(f"{self.server.user}: the submission is not listed: {str(answer)[-600:]}")

    async def fetch_feedback(self) -> str:
        """Fetch the feedback and return the page."""
        body = {"course_id": self.server.course, "assignment_id": ASSIGNMENT}
        await self.server.ask("POST", "assignments/fetch_feedback", body)
        found = await self._find_feedback(f"{ASSIGNMENT}/feedback", 3)
        if found is None:
            raise StoryFailed(f"{self.server.user}: there is no feedback in {ASSIGNMENT}/feedback")
        model = await self.server.ask("GET", f"api/contents/{quote(found)}?format=text&type=file")
        return str(model["content"])

    async def _find_feedback(self, folder: str, depth: int) -> str | None:
        model = await self.server.ask("GET", f"api/contents/{quote(folder)}?type=directory")
        for entry in model["content"]:
            if entry["type"] == "directory" and depth:
                found = await self._find_feedback(entry["path"], depth - 1)
                if found:
                    return found
            elif entry["name"] == f"{ASSIGNMENT}.html":
                return str(entry["path"])
        return None


class Teacher:
    """A grader's server of a course, used as formgrader's pages use it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def formgrader(self, method: str, path: str, body: Any = None) -> Any:
        return await self.server.ask(method, f"formgrader/api/{path}", body)

    async def run(self, what: str) -> None:
        """assign, release, collect, generate_feedback … of the assignment; raises with nbgrader's log."""
        _succeeded(what, await self.formgrader("POST", f"assignment/{ASSIGNMENT}/{what}"))

    async def deadline_now(self) -> None:
        """The work is due at this very second; whatever comes after it is late."""
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        body = {"duedate_notimezone": now, "duedate_timezone": "+0000"}
        await self.formgrader("PUT", f"assignment/{ASSIGNMENT}", body)
        await asyncio.sleep(2)

    async def autograde(self, student: str) -> None:
        answer = await self.formgrader("POST", f"submission/{ASSIGNMENT}/{quote(student)}/autograde")
        _succeeded(f"autograde {student}", answer)

    async def mark(self, student: str, cell: str, points: float) -> None:
        """Give points to a cell by hand."""
        notebooks = await self.formgrader("GET", f"submitted_notebooks/{ASSIGNMENT}/{ASSIGNMENT}")
        ids = [one["id"] for one in notebooks if one["student"] == student]
        if len(ids) != 1:
            raise StoryFailed(f"formgrader of {self.server.course} has {len(ids)} notebooks of {student}")
        for grade in await self.formgrader("GET", f"grades?submission_id={ids[0]}"):
            if grade["name"] == cell:
                body = {"manual_score": points, "extra_credit": None}
                await self.formgrader("PUT", f"grade/{grade['id']}", body)
                return
        raise StoryFailed(f"{student}'s notebook has no graded cell {cell}")


def _succeeded(what: str, answer: Any) -> None:
    if not (isinstance(answer, dict) and answer.get("success")):
        told = (answer.get("error") or answer.get("log") or "") if isinstance(answer, dict) else str(answer)
        raise StoryFailed(f"{what} failed: …{told[-1200:]}")
