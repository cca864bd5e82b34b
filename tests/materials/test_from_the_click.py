"""From the click in the LMS to the notebook that lies in git, by way of hub, service and the person's own server."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from ..hub.platform import Platform, key_pair
from ..support.system import Person, System, registration, wait_for


@pytest.fixture(scope="module")
def lectures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("git") / "lectures.git"
    (folder / "week1").mkdir(parents=True)
    (folder / "week1" / "intro.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "First"]):
        who = ["-c", "user.name=Tara", "-c", "user.email=tara@lab.invalid"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, chp: Path) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("materials"), chp)
    try:
        system.start()
        yield system
    finally:
        system.end()


@pytest.fixture(scope="module")
def lab(system: System, lectures: Path) -> Platform:
    lab = Platform(issuer="https://lab.example", keys={"k1": key_pair("lab")})
    course = {"slug": "ml101", "title": "ML", "lms": {"platform": "lab", "context": "ctx-ML101"}}
    course["materials"] = [{"git": str(lectures), "path": "week1/intro.ipynb", "title": "Lectures"}]
    file = {"platforms": [registration(lab, "lab")], "courses": [course], "dry_run": False}
    system.as_hub("POST", "apply", file)
    wait_for(lambda: system.as_hub("GET", "courses/ml101")["state"] == "ready", "the course is ready")
    return lab


def test_a_student_lands_in_the_courses_notebook(system: System, lab: Platform, lectures: Path) -> None:
    ada = Person(system, lab, "5", ("Ada", "Lovelace"), "ada")
    answer = ada.launch("ML101", custom={"materials": "1", "username": "ada"})
    page = ada.browser.go(answer.headers["Location"])
    assert page.ok and urlsplit(page.url).path == "/user/ada/ml101/git-pull", page.url
    asked = urlencode({"repo": str(lectures), "targetpath": "course-materials/lectures"})
    events = ada.browser.get(f"/user/ada/ml101/git-pull/api?{asked}")
    assert '"finished"' in events.text, events.text
    notebook = ada.browser.get("/user/ada/ml101/api/contents/course-materials/lectures/week1/intro.ipynb?content=0")
    assert notebook.json()["type"] == "notebook"


def test_a_teacher_opens_them_in_their_own_server_too(system: System, lab: Platform) -> None:
    grace = Person(system, lab, "1", ("Grace", "Hopper"), "grace", "instructor")
    answer = grace.launch("ML101", custom={"path": "week1", "username": "grace"})
    assert answer.headers["Location"].startswith("/hub/spawn/grace/ml101?")


@pytest.mark.parametrize(
    "custom",
    [{"git": "https://evil.example/x.git"}, {"path": "../../etc"}, {"materials": "1", "branch": "--upload-pack=x"}],
)
def test_a_link_to_anything_else_is_refused_with_a_sentence(
    system: System, lab: Platform, custom: dict[str, str]
) -> None:
    bob = Person(system, lab, "6", ("Bob", "Noyce"), "bob")
    answer = bob.browser.launch(lab, **bob.claims("ML101", custom=custom))
    assert answer.status_code == 403 and "not set for this course" in answer.text
