"""A reconciler that dies at once, as by kill -9, when the API server has answered its n-th write: for every n.

Run as a module with STORE ACTION SETTINGS MOST. Each life is a process of its own, forked before anything
is open; ACTION is `make`, `keep` or `erase`. Course number n lives in the store STORE/n.sqlite, at first a copy of
STORE/empty.sqlite: one life dies after the n-th write of ACTION, the next one is left alone. Prints the first n that a
life has survived; at MOST it ends.
"""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from jupyterhub_courses.adapters.store.database import Database

from .reconciling import BrokenApi, Reconciler

DIED = 9
EMPTY = "empty.sqlite"
SPEC = {"quota": {"servers": 3}, "shared": {"size": "1M"}}


class DyingApi(BrokenApi):
    """`left`: writes until death; None: for ever."""

    left: int | None = None

    async def _send(self, verb, path, query, body, limit):
        answer = await super()._send(verb, path, query, body, limit)
        if verb not in ("list", "get") and self.left is not None:
            self.left -= 1
            if self.left == 0:
                os._exit(DIED)
        return answer


async def live(store: Path, number: int, action: str, settings: dict[str, Any], left: int | None) -> None:
    """Do what there is to do, until a pass changes nothing."""
    file = store / f"{number}.sqlite"
    if not file.exists():
        shutil.copyfile(store / EMPTY, file)
    database = Database(f"sqlite:///{file}")
    slug = f"c{number}"
    reconciler = Reconciler(database, os.environ["KUBECONFIG"], api=DyingApi, **settings)
    course = await reconciler.courses.by_slug(slug)
    async with asyncio.timeout(100):
        if course is None:
            await reconciler.make(slug, **SPEC)
        if action == "make":
            reconciler.api.left = left
        if action == "make" or course is None:
            await makes(reconciler)
        if action != "make":
            await reconciler.delete(slug, erase=action == "erase")
            reconciler.api.left = left
            await ends(reconciler, slug)
    await reconciler.host.close()
    await database.close()


async def makes(reconciler: Reconciler) -> None:
    """Until a pass changes nothing; the Secret is said again as long as the exchange is not ready."""
    written: list[str] = [""]
    while not all(path.endswith("/secrets/ngshare") for path in written):
        before = len(reconciler.api.sent)
        await reconciler.provisioner.pass_once()
        written = [path for verb, path in reconciler.api.sent[before:] if verb not in ("list", "get")]


async def ends(reconciler: Reconciler, slug: str) -> None:
    """Until the store has forgotten the course."""
    while await reconciler.courses.by_slug(slug) is not None:
        await reconciler.provisioner.pass_once()
        await asyncio.sleep(0.05)


def fork(*life: Any) -> int:
    """A life's exit status."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(live(*life))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(store: Path, action: str, settings: dict[str, Any], most: int) -> int:
    """The first number of writes after which there was nothing to die of, or `most`."""
    for number in range(1, most + 1):
        first = fork(store, number, action, settings, number)
        again = fork(store, number, action, settings, None)
        assert first in (0, DIED) and again == 0, (number, first, again)
        if first == 0:
            break
    return number


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])))
