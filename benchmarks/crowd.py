"""100,000 persons and 1,000 LMSs: the memory of hub and service, and what a launch costs, beside an almost empty store.

The same hub, stopped, filled and started again; then every LMS launches once, so that the hub holds all keysets.
"""

import asyncio
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import hubs
import storm
from launch import Round, launching, load, make_course, visitors
from sqlalchemy import insert

from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.models import PersonRow, PlatformRow, RegistrationRow
from tests.hub.platform import Platform

PERSONS, PLATFORMS, PEOPLE, TURNS = 100_000, 1000, 200, 3


def other(number: int, platform: Platform) -> Platform:
    """One of the thousand; each has a keyset of its own, at `platform`'s address."""
    return Platform(f"https://lms{number}.example", f"client-{number}", url=platform.url, keys=platform.keys)


async def fill_store(path: Path, platform: Platform) -> None:
    """The thousand LMSs with a hundred persons each."""
    database = Database(f"sqlite:///{path}")
    now, each = datetime.now(UTC), PERSONS // PLATFORMS
    async with database.transaction() as session:
        for number in range(PLATFORMS):
            lms = other(number, platform)
            made = await session.execute(insert(PlatformRow).values(name=f"lms{number}", issuer=lms.issuer))
            (platform_id,) = made.inserted_primary_key
            registration = {"platform_id": platform_id, "issuer": lms.issuer, "client_id": lms.client_id}
            registration |= {"deployment_ids": [lms.deployment_id], "authorize_url": f"{lms.issuer}/auth"}
            registration |= {"keyset_url": f"{platform.url}/keys?lms={number}"}
            await session.execute(insert(RegistrationRow).values(**registration))
            names = [f"person-{number}-{n}" for n in range(each)]
            rows = [{"platform_id": platform_id, "sub": n, "username": n, "name": n, "created_at": now} for n in names]
            await session.execute(insert(PersonRow), rows)
    await database.close()


def fill_hub(path: Path) -> None:
    """A user of the hub for each."""
    with sqlite3.connect(path) as hub:
        (role,) = hub.execute("SELECT id FROM roles WHERE name = 'user'").fetchone()
        each = PERSONS // PLATFORMS
        names = [f"person-{number}-{n}" for number in range(PLATFORMS) for n in range(each)]
        now = datetime.now(UTC).isoformat(" ")[:26]
        rows = ((name, now, name) for name in names)
        hub.executemany("INSERT INTO users (name, created, cookie_id, admin) VALUES (?, ?, ?, 0)", rows)
        hub.execute(
            "INSERT INTO user_role_map (user_id, role_id, managed_by_auth) "
            "SELECT id, ?, 0 FROM users WHERE name LIKE 'person-%'",
            (role,),
        )
    hub.close()


def show(name: str, hub: hubs.Hub, rounds: list[Round]) -> tuple[float, float]:
    """Memory of both, and the best of some rounds."""
    assert hub.hub is not None
    memory = hubs.rss_mib(hub.hub.pid), hubs.rss_mib(hub.service())
    cpu = min(each.hub for each in rounds), min(each.service for each in rounds)
    print(f"{name:<42} hub {memory[0]:6.0f} MiB, service {memory[1]:6.0f} MiB", end="")
    print(f"   CPU a launch: hub {cpu[0]:5.2f} ms, service {cpu[1]:5.2f} ms", flush=True)
    return memory


def launches(hub: hubs.Hub, platform: Platform) -> list[Round]:
    """The same people again and again."""
    return [load(hub, visitors("c", PEOPLE), 16, launching(platform)) for _ in range(TURNS)]


def launch_from_everywhere(hub: hubs.Hub, platform: Platform) -> None:
    """One launch from each LMS; refused in the end, since no teacher of theirs has been here."""

    async def all_of_them() -> None:
        this = storm.Storm(hub.direct_hub, lambda: (0.0, 0.0), 1)
        claims = storm.as_student("elsewhere")
        for number in range(PLATFORMS):
            await this.launches(other(number, platform), [storm.Visitor(f"person-{number}-0")], claims)
        await this.close()
        assert this.refused == {"student_before_teacher": PLATFORMS}, this.refused

    asyncio.run(all_of_them())


def main() -> None:
    platform = Platform()
    with tempfile.TemporaryDirectory() as name, hubs.running_lms(platform):
        folder = Path(name)
        hub = hubs.ours(folder)
        with hubs.running(hub):
            make_course(hub, platform)
            launches(hub, platform)
            before = show(f"{PEOPLE} persons, 1 LMS", hub, launches(hub, platform))
        asyncio.run(fill_store(hub.data / "courses.sqlite", platform))
        fill_hub(hub.data / "jupyterhub.sqlite")
        with hubs.running(hub):
            launches(hub, platform)
            show(f"{PERSONS:,} persons, {PLATFORMS:,} LMSs", hub, launches(hub, platform))
            launch_from_everywhere(hub, platform)
            after = show("… after a launch from each LMS", hub, launches(hub, platform))
        print(f"memory: hub {after[0] / before[0]:.2f}x, service {after[1] / before[1]:.2f}x")


if __name__ == "__main__":
    main()
