"""A student's click ends in the notebook, fetched once and never overwritten; a stranger's at the login."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import release, use_folder_exchange
from .jupyter import Server, course_environment, server

LEFTOVER = ".fetching-of-a-killed-server"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ada")
    use_folder_exchange(home, home.with_name(home.name + "-exchange"))
    (home / LEFTOVER).mkdir()
    return home


@pytest.fixture(scope="module")
def exchange(home: Path) -> Path:
    return home.with_name(home.name + "-exchange")


@pytest.fixture(scope="module")
def ada(home: Path) -> Iterator[Server]:
    with server(home, course_environment(home, "student")) as running:
        yield running


def test_a_click_fetches_the_assignment_and_opens_its_first_notebook(ada: Server, home: Path, exchange: Path) -> None:
    release(exchange, "Problem Set 1", "b.ipynb", "a ä.ipynb")
    answer = ada.get("courses/open?assignment=Problem%20Set%201")
    assert (answer.status, answer.location) == (302, ada.base + "lab/tree/Problem%20Set%201/a%20%C3%A4.ipynb")
    assert (home / "Problem Set 1" / "b.ipynb").is_file()


def test_own_work_is_never_overwritten(ada: Server, home: Path, exchange: Path) -> None:
    release(exchange, "mine", "a.ipynb")
    (home / "mine").mkdir()
    (home / "mine" / "a.ipynb").write_text("my work")
    answer = ada.get("courses/open?assignment=mine")
    assert answer.location == ada.base + "lab/tree/mine/a.ipynb"
    assert (home / "mine" / "a.ipynb").read_text() == "my work"


def test_an_assignment_that_is_there_opens_while_the_exchange_is_away(ada: Server, home: Path, exchange: Path) -> None:
    (home / "there").mkdir()
    (home / "there" / "x.ipynb").write_text("{}")
    away = exchange.rename(exchange.with_name("away"))
    try:
        assert ada.get("courses/open?assignment=there").status == 302
    finally:
        away.rename(exchange)


async def test_double_clicks_fetch_once(ada: Server, home: Path, exchange: Path) -> None:
    release(exchange, "slow", "a.ipynb")
    clicks = [asyncio.to_thread(ada.get, "courses/open?assignment=slow") for _ in range(6)]
    answers = await asyncio.gather(*clicks)
    assert {(a.status, a.location) for a in answers} == {(302, ada.base + "lab/tree/slow/a.ipynb")}
    assert ada.log.read_text().count("Fetched assignment slow") == 1
    assert not list(home.glob(".fetching-*"))


def test_an_assignment_that_is_not_released_has_a_page_in_the_readers_language(ada: Server) -> None:
    english = ada.get("courses/open?assignment=ps9%3Cb%3E")
    german = ada.get("courses/open?assignment=ps9", Accept_Language="de-CH,de;q=0.9,en;q=0.5")
    assert (english.status, german.status) == (404, 404)
    assert "has not been released" in english.text and "ps9&lt;b&gt;" in english.text
    assert "noch nicht freigegeben" in german.text and '<html lang="de">' in german.text
    for page in (english, german):
        assert 'href="/services/courses/ml101/"' in page.text
        assert f'href="{ada.base}lab"' in page.text


def test_an_exchange_that_is_away_has_a_page_with_a_reference_that_the_log_has(
    ada: Server, home: Path, exchange: Path
) -> None:
    release(exchange, "later", "a.ipynb")
    locked = exchange / "ml101" / "outbound" / "later" / "a.ipynb"
    locked.unlink()
    locked.symlink_to("nowhere")  # copying it fails in the middle
    answer = ada.get("courses/open?assignment=later")
    assert answer.status == 503
    reference = answer.text.split("Reference: ")[1][:8]
    assert reference in ada.log.read_text()
    assert "Traceback" not in answer.text
    assert not (home / "later").exists() and not list(home.glob(".fetching-*"))


@pytest.mark.parametrize("name", ["..", "..%2Fother", "%2Fetc", "a%2Fb", ".hidden", "a%5Cb", "ps*", "a+%2B", "x" * 200])
def test_names_that_lead_elsewhere_are_refused(ada: Server, name: str) -> None:
    assert ada.get(f"courses/open?assignment={name}").status == 400


def test_without_an_assignment_the_lab_opens(ada: Server) -> None:
    assert ada.get("courses/open").location == ada.base + "lab"


def test_a_stranger_is_sent_to_the_login_and_fetches_nothing(ada: Server, home: Path, exchange: Path) -> None:
    release(exchange, "stranger", "a.ipynb")
    answer = ada.get("courses/open?assignment=stranger", login=False)
    assert answer.status == 302 and "/login?next=" in answer.location
    assert ada.get("courses/status", login=False).status in (302, 403)
    assert not (home / "stranger").exists()


def test_what_a_killed_fetch_left_is_removed_at_the_next_start(ada: Server, home: Path) -> None:
    assert not (home / LEFTOVER).exists()


def test_students_see_assignments_and_validation_but_no_formgrader(ada: Server) -> None:
    disabled = set(ada.page_config()["disabledExtensions"])
    nbgraders = {name.split(":")[1] for name in disabled if name.startswith("@jupyter/nbgrader:")}
    assert nbgraders == {"course-list", "formgrader", "create-assignment"}
    assert ada.get("formgrader").status == 404
    assert ada.get("formgraders").status == 404
    assert ada.get("assignments?course_id=ml101").json()["success"]
    assert ada.get("courses/status").json() == {"course": "ml101"}
