"""Somebody who is no longer a member: their rights go, their running server stops, their work stays; and back again."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..hub.platform import Platform
from ..support.sockets import kernel, runs
from ..support.system import Person, System, body, registration, wait_for

SLUG, KEEPS = "reading", "archive"
HERE = f"/user/ada/{SLUG}/"


@pytest.fixture
def people_are(system: System, platform: Platform) -> Iterator[Callable[..., None]]:
    """Apply a courses file: who is in `reading`, and in `archive`, which keeps servers of people who left."""
    lms = registration(platform, "lab")

    def apply(members: dict[str, str], kept: dict[str, str]) -> None:
        courses: list[dict[str, Any]] = []
        for slug, people, more in ((SLUG, members, {}), (KEEPS, kept, {"removed_people": "keep"})):
            named = [{"username": name, "role": role} for name, role in people.items()]
            courses.append({"slug": slug, "title": slug, "people": named, **more})
        system.as_hub("POST", "apply", {"platforms": [lms], "courses": courses, "dry_run": False})

    yield apply
    system.as_hub("POST", "apply", {"platforms": [lms], "courses": [], "dry_run": False})


def serves(person: Person, slug: str) -> bool:
    """Their server of the course runs; waits for a course that is just being made."""

    def opened() -> bool:
        page = person.open(slug)
        return page.ok and page.url.endswith("/courses/status") and body(page)["course"] == slug

    return bool(wait_for(opened, f"{person.username}'s server of {slug}", every=1))


async def test_whoever_left_has_no_server_but_their_work(
    system: System, people_are: Callable[..., None], students: tuple[Person, Person]
):
    ada, bob = students
    people_are({"ada": "student", "bob": "student"}, {"bob": "student"})
    running = [asyncio.to_thread(serves, *one) for one in ((ada, SLUG), (bob, KEEPS))]
    assert all(await asyncio.gather(*running))
    assert (await asyncio.to_thread(ada.browser.go, HERE + "lab")).ok
    shell = await kernel(ada.browser, HERE)
    assert await runs(shell, "print(open('work.txt', 'w').write('mine'))") == "4\n"

    people_are({"bob": "student"}, {})
    await asyncio.to_thread(wait_for, lambda: system.server("ada", SLUG) is None, "ada's server is stopped")
    assert system.server("bob", KEEPS) is not None
    await asyncio.to_thread(wait_for, lambda: ada.open(SLUG).status_code == 403, "the hub is done, and refuses another")
    assert system.server("ada", SLUG) is None

    people_are({"ada": "student"}, {})
    assert await asyncio.to_thread(serves, ada, SLUG)
    again = await kernel(ada.browser, HERE)
    assert await runs(again, "print(open('work.txt').read())") == "mine\n"
