"""300 scores to an LMS 50 ms away: our outbox beside a sequential sender, in one run.

The LMS is the demo's, in a process of its own. Prints seconds, ratios and the requests of a second push.
"""

import asyncio
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jupyterhub_courses.adapters.lms.keys import load_or_create
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.registrations import Registrations
from jupyterhub_courses.core.lineitems import LineItem
from jupyterhub_courses.core.scores import Desired
from tests.delivering.world import LmsProcess, World, running_lms

SCORES, DELAY_MS = 300, 50


async def sequential(world: World, lms: LmsProcess, platform: tuple[int, int], lineitems: str) -> float:
    """One token, one kept connection, one score after the other: better than what today's tools do."""
    registration = await Registrations(world.database).by_id(platform[1])
    assert registration is not None
    item = await world.ags.create(registration, lineitems, LineItem("", "one by one", 10.0, "sequential"))
    began = time.monotonic()
    second = int(datetime.now(UTC).timestamp()) - 5
    for n in range(1, SCORES + 1):
        desired = Desired(float(n % 11), 10.0, datetime.now(UTC), None)
        await world.ags.post_score(registration, item.url, str(n), desired, second)
    took = time.monotonic() - began
    assert len(lms.grades("ml101", "one by one")) == SCORES
    return took


async def outbox(world: World, lms: LmsProcess, course: int, people: dict[str, int], connections: int) -> float:
    """Everything of ours: rows due in the store, intents, answers judged, receipts."""
    name = f"outbox-{connections}"
    await world.want(course, name, {person: float(n % 11) for n, person in enumerate(people.values())})
    began = time.monotonic()
    await world.settle(120, world.fresh_outbox(connections=connections))
    took = time.monotonic() - began
    assert len(lms.grades("ml101", name)) == SCORES
    return took


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        key = load_or_create(Path(folder) / "keys")
        database = Database(f"sqlite:///{folder}/store.sqlite")
        await database.migrate()
        world = World(database, key)
        with running_lms(Path(folder) / "lms", key.public_pem(), SCORES) as lms:
            platform = await world.add_platform(lms.base)
            lineitems = f"{lms.base}/mod/lti/services.php/2/lineitems?type_id=1"
            course = await world.add_course("ml101", platform, lineitems)
            people = await world.add_people(platform[0], [str(n) for n in range(1, SCORES + 1)], [course])
            lms.faults(delay_ms=DELAY_MS)
            slow = await sequential(world, lms, platform, lineitems)
            print(f"sequential            {slow:6.2f} s  {1:5.1f}x")
            for connections in (4, 16):
                before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
                took = await outbox(world, lms, course, people, connections)
                cpu = (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) / SCORES * 1000
                print(
                    f"outbox, {connections:2} connections {took:6.2f} s  {slow / took:5.1f}x  {cpu:.1f} ms CPU a score"
                )
            lms.forget()
            await world.outbox.deliver_due()
            print(f"second push           {sum(lms.posts().values())} requests")
        await world.close()


if __name__ == "__main__":
    asyncio.run(main())
