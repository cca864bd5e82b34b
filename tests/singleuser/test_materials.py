"""Materials in git: a click pulls the course's repository and opens the place; no other repository is pulled."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from jupyterhub_courses.core.specs import Material
from jupyterhub_courses.singleuser.materials import folder_of

from .jupyter import Server, course_environment, server

TOKEN = "token-of-ada-0123456789"


@pytest.fixture
def wait_until_sync() -> Callable:
    def wait(condition: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "not so in time"
            time.sleep(0.2)

    return wait


def git(folder: Path, *arguments: str) -> None:
    name = ["-c", "user.name=Tara", "-c", "user.email=tara@lab.invalid"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def repository(folder: Path, text: str) -> Path:
    (folder / "week 1").mkdir(parents=True)
    (folder / "week 1" / "intro.ipynb").write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First")
    return folder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("git") / "ml101.git", "{}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ada-materials")


class Service(ThreadingHTTPServer):
    """The courses service as far as a server asks it for its course. `materials`: None while it is away."""

    materials: list[dict[str, str]] | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/courses/api"


class Course(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Service)
        here = self.path == "/services/courses/api/courses/ml101" and self.headers["Authorization"] == f"token {TOKEN}"
        ok = here and self.server.materials is not None
        body = json.dumps({"materials": self.server.materials} if ok else {"code": "starting"}).encode()
        self.send_response(200 if ok else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service(taught: Path) -> Iterator[Service]:
    service = Service(("127.0.0.1", 0), Course)
    service.materials = [{"git": str(taught), "path": "week 1/intro.ipynb"}]
    thread = threading.Thread(target=service.serve_forever)
    thread.start()
    yield service
    service.shutdown()
    thread.join()
    service.server_close()


@pytest.fixture(scope="module")
def ada(home: Path, service: Service) -> Iterator[Server]:
    with server(home, course_environment(home, "student", service.url)) as running:
        yield running


def pulled(ada: Server, location: str) -> list[dict[str, str]]:
    """What nbgitpuller's page asks for after the click, and what it is told."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    asked = {name: query[name] for name in ("repo", "branch", "targetpath") if name in query}
    lines = ada.get("git-pull/api?" + urlencode(asked)).text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


def test_a_click_pulls_the_repository_and_opens_the_place(ada: Server, home: Path, taught: Path) -> None:
    answer = ada.get("courses/open?" + urlencode({"git": f"{taught}/"}))
    place = urlsplit(answer.location)
    assert (answer.status, place.path) == (302, ada.base + "git-pull")
    assert parse_qs(place.query)["urlpath"] == ["lab/tree/course-materials/ml101/week 1/intro.ipynb"]
    page = ada.get(answer.location.removeprefix(ada.base))
    assert page.status == 200 and "course-materials/ml101" in page.text
    assert pulled(ada, answer.location)[-1] == {"phase": "finished"}
    assert (home / "course-materials" / "ml101" / "week 1" / "intro.ipynb").read_text() == "{}"


def test_what_is_new_comes_with_the_next_click_and_own_work_stays(ada: Server, home: Path, taught: Path) -> None:
    where = ada.get("courses/open?path=week%202").location
    pulled(ada, where)
    mine = home / "course-materials" / "ml101" / "week 1" / "intro.ipynb"
    mine.write_text("my work")
    (taught / "week 2").mkdir()
    (taught / "week 2" / "next.ipynb").write_text("{}")
    git(taught, "add", ".")
    git(taught, "commit", "-q", "-m", "Next")
    assert pulled(ada, where)[-1] == {"phase": "finished"}
    assert (home / "course-materials" / "ml101" / "week 2" / "next.ipynb").is_file()
    assert mine.read_text() == "my work"


def test_no_other_repository_is_pulled_by_whatever_address(ada: Server, home: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "ml101.git", "other")
    for path in (
        "courses/open?git=",
        "git-pull?repo=",
        "git-pull/api?targetpath=x&repo=",
        "git-pull?urlpath=lab&repo=",
    ):
        assert ada.get(path + str(other)).status == 403, path
    for path in ("git-pull", "git-pull/api?repo=", "git-pull?repo=ext::sh%20-c%20id", "courses/open?path=../../etc"):
        assert ada.get(path).status == 403, path
    for path in ("git-sync?repo=", "interact?account=x&repo="):
        assert ada.get(path + str(other)).status == 404, path
    assert "other" not in [file.read_text() for file in home.rglob("intro.ipynb")]


def test_a_page_says_why_in_the_readers_language(ada: Server) -> None:
    answer = ada.get("courses/open?git=https://evil.invalid/x", Accept_Language="de")
    assert answer.status == 403 and "gehören nicht zu diesem Kurs" in answer.text


def test_without_the_service_what_it_said_last_holds_and_before_that_nothing(
    ada: Server, tmp_path: Path, taught: Path, service: Service, wait_until_sync: Callable
) -> None:
    named, service.materials = service.materials, None
    try:
        with server(tmp_path, course_environment(tmp_path, "student", service.url)) as new:
            assert new.get(f"git-pull?repo={taught}").status == 403
            assert ada.get(f"git-pull?repo={taught}").status == 200
            service.materials = named
            wait_until_sync(lambda: new.get(f"git-pull?repo={taught}").status == 200)
    finally:
        service.materials = named


def test_what_the_course_no_longer_names_is_not_pulled_any_more(
    ada: Server, taught: Path, service: Service, wait_until_sync: Callable
) -> None:
    named, service.materials = service.materials, []
    try:
        wait_until_sync(lambda: ada.get(f"git-pull?repo={taught}").status == 403)
    finally:
        service.materials = named
    wait_until_sync(lambda: ada.get(f"git-pull?repo={taught}").status == 200)


def test_only_who_is_logged_in_pulls(ada: Server, taught: Path) -> None:
    assert ada.get(f"git-pull/api?repo={taught}", login=False).status == 403
    assert ada.get(f"git-pull?repo={taught}", login=False).status in (302, 403)


def test_repositories_of_one_name_lie_apart_and_alone_keep_their_name() -> None:
    one, two = Material(git="https://a.example/x/notes.git"), Material(git="git@b.example:notes")
    assert folder_of(one.git, [one]) == folder_of("https://a.example/x/notes/", [one]) == "course-materials/notes"
    assert folder_of(one.git, [one, two]) != folder_of(two.git, [one, two])
    assert folder_of("https://a.example/..", [one]) == "course-materials/materials"
