"""The Moodle that the plays use: found, seeded with a tool of this run alone, looked into, and cleaned up.

The lab's scripts lie beside the checkout (../shared/moodle) or where JUPYTERHUB_COURSES_MOODLE says; Moodle's
code and the lab's own folder where MOODLE_CODE and MOODLE_LAB say, as in those scripts.
"""

import json
import os
import secrets
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyterhub_courses.demo.story.browser import Browser, Page, _visible
from jupyterhub_courses.demo.story.people import _SERVER, Server
from jupyterhub_courses.demo.story.steps import StoryFailed

HELPER = Path(__file__).with_name("moodle.php")
PASSWORD = "Lab-pass1"  # of every person that the lab's seed.php makes


def found(root: Path) -> "Lab | None":
    """The lab of this machine; None where scripts, code or log cannot be read, or no Moodle answers."""
    scripts = Path(os.environ.get("JUPYTERHUB_COURSES_MOODLE") or root.parent / "shared" / "moodle")
    code = Path(os.environ.get("MOODLE_CODE") or Path.home() / "moodle")
    folder = Path(os.environ.get("MOODLE_LAB") or Path.home() / "moodle-lab")
    url = os.environ.get("MOODLE_WWWROOT") or f"http://127.0.0.1:{os.environ.get('MOODLE_PORT', '8081')}"
    log = folder / "log" / "access.log"
    if not shutil.which("php") or not all(
        os.access(file, os.R_OK) for file in (scripts / "seed.php", code / "config.php", log)
    ):
        return None
    try:
        with urllib.request.urlopen(f"{url}/mod/lti/certs.php", timeout=20) as answer:
            json.load(answer)
    except (OSError, ValueError):
        return None
    return Lab(scripts, code, log, url)


@dataclass(frozen=True)
class Lab:
    """A Moodle on this machine. `log`: the web server's, one line a request."""

    scripts: Path
    code: Path
    log: Path
    url: str

    def seed(self, tool_name: str, **options: str) -> dict[str, Any]:
        """Run the lab's seed.php; what it prints."""
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        return self._php(self.scripts / "seed.php", f"--tool-name={tool_name}", *flags)

    def do(self, what: str, *arguments: object) -> Any:
        """Run moodle.php."""
        return self._php(HELPER, what, *map(str, arguments))

    def _php(self, script: Path, *arguments: str) -> Any:
        command = ["php", "-d", "max_input_vars=5000", "-d", "memory_limit=512M", str(script), *arguments]
        environment = os.environ | {"MOODLE_CODE": str(self.code)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            raise RuntimeError(f"{script.name} {arguments[0]}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        return json.loads(done.stdout)

    def requests(self) -> list[str]:
        """The request lines so far ("POST /mod/lti/services.php/5/lineitems/…/scores?type_id=7 HTTP/1.1")."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line.split('"')[1] for line in lines if line.count('"') > 1]


@dataclass
class Tool:
    """Our tool as one registration in Moodle, and its activities by (course, name)."""

    lab: Lab
    name: str
    seeded: dict[str, Any]
    activities: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def registered(cls, lab: Lab, hub: str, public_key: Path) -> "Tool":
        """A tool of its own for this run, launched in a new window, with the public key pasted."""
        name = f"courses-{secrets.token_hex(4)}"
        tool = cls(lab, name, {})
        tool.seed(
            "Problem set 1",
            tool_url=f"{hub}/",
            initiate_login=f"{hub}/hub/lti13/oauth_login",
            redirect_uris=f"{hub}/hub/lti13/oauth_callback",
            public_key=str(public_key),
        )
        return tool

    def seed(self, activity: str, **options: str) -> None:
        """An activity of this name in both of the lab's courses; again, for options not given are defaults."""
        if self.seeded:
            told = self.seeded["tool"]
            options = {
                "tool_url": told["target_link_uri"],
                "initiate_login": told["initiatelogin"],
                "redirect_uris": told["redirectionuris"].replace("\n", ","),
                **options,
            }
        self.seeded = self.lab.seed(self.name, activity=activity, custom="", **options)
        for course, one in self.seeded["activities"].items():
            self.activities[course, activity] = one

    @property
    def type_id(self) -> str:
        return str(self.seeded["deployment_id"])

    def course_id(self, course: str) -> int:
        return int(self.activities[course, "Problem set 1"]["course_id"])

    def names(self, course: str, activity: str, assignment: str) -> None:
        """Give the activity the custom parameter `assignment`."""
        self.lab.do("custom", self.activities[course, activity]["cmid"], f"assignment={assignment}")

    def gradebook(self, course: str) -> dict[str, list[dict[str, Any]]]:
        """Moodle's own: column -> the columns of that name; only this tool's."""
        book = self.lab.do("gradebook", self.course_id(course), self.type_id)
        return dict(book)

    def grades(self, course: str, column: str, whose: Iterable[str]) -> dict[str, float | None]:
        """What the one column of that name shows for these people."""
        columns = self.gradebook(course).get(column, [])
        assert len(columns) <= 1, f"{course} has {len(columns)} columns “{column}”"
        shown = columns[0]["grades"] if columns else {}
        return {username: shown.get(username) for username in whose}

    def scores_posted(self, course: str) -> int:
        """How many scores of a course Moodle was asked to take with this tool's token."""
        lines, of = self.lab.requests(), f"POST /mod/lti/services.php/{self.course_id(course)}/"
        return sum(line.startswith(of) and f"/scores?type_id={self.type_id} " in line for line in lines)

    def registration(self) -> dict[str, Any]:
        """As a courses file has it."""
        return {
            "client_id": self.seeded["client_id"],
            "deployment_ids": [self.seeded["deployment_id"]],
            "authorize_url": self.seeded["authorization_endpoint"],
            "token_url": self.seeded["token_endpoint"],
            "keyset_url": self.seeded["jwks_uri"],
        }

    def forget(self) -> None:
        self.lab.do("forget", self.type_id)


class Visitor:
    """Somebody with an account in Moodle, and the one browser they use."""

    def __init__(self, lab: Lab, username: str) -> None:
        self.lab, self.username = lab, username
        self.browser = MoodleBrowser(username)
        self._signed_in = False

    async def launch(self, tool: Tool, course: str, activity: str = "Problem set 1") -> Page:
        """Log in, open the activity's page and click what opens the new window. Raises StoryFailed when refused."""
        if not self._signed_in:
            await self.browser.sign_in(self.lab.url, PASSWORD)
            self._signed_in = True
        page = await self.browser.click(tool.activities[course, activity]["view_url"])
        links = [url for _, url in page.links if "/mod/lti/launch.php" in url]
        assert links, f"the page of “{activity}” opens no window: {_visible(page.text)}"
        return await self.browser.click(links[0])

    async def open_server(self, tool: Tool, course: str, activity: str = "Problem set 1") -> Server:
        """Launch, and be in one's server."""
        page = await self.launch(tool, course, activity)
        match = _SERVER.match(page.url)
        if match is None:
            raise StoryFailed(f"{self.username}: the click on “{activity}” ended at {page.path}")
        return Server(self.browser, match["base"], match["user"], match["course"], page.path)

    async def grade_report(self, tool: Tool, course: str) -> str:
        """The words of Moodle's page of one's own grades."""
        page = await self.browser.click(f"{self.lab.url}/grade/report/user/index.php?id={tool.course_id(course)}")
        return words(page)


class MoodleBrowser(Browser):
    """A browser that can fill in Moodle's login form."""

    async def sign_in(self, url: str, password: str) -> None:
        page = await self.click(f"{url}/login/index.php")
        form = next(form for form in page.forms if "logintoken" in form.fields)
        fields = form.fields | {"username": self.who, "password": password}
        page = await self._page("POST", form.action, data=fields, origin=page.url)
        if page.path.startswith("/login/"):
            raise StoryFailed(f"Moodle refuses the password of {self.who}")


def words(page: Page) -> str:
    """All that can be read on a page."""
    from bs4 import BeautifulSoup

    return " ".join(BeautifulSoup(page.text, "html.parser").get_text(" ").split())
