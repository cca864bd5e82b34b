"""One start of a hub that has servers running: the hub's own check of them, in a process of its own.

Prints JSON: how many servers it had and found, the seconds and CPU seconds that took, requests of the API server, MiB.
What a server answers to HTTP is not asked, for none runs.
"""

import asyncio
import json
import logging
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fake_cluster import Requests
from jupyterhub.app import JupyterHub
from jupyterhub.user import User
from spawning import HubOf, Side


async def main(side: Side, url: str) -> None:
    async def is_up(*_: object, **__: object) -> None:
        """Nobody is asked."""

    User._wait_up = is_up
    hub = HubOf(side, url)
    app = SimpleNamespace(db=hub.db, users=hub.users, authenticator=SimpleNamespace(blocked_users=()), proxy=None)
    app.log, app.log_level = logging.getLogger("hub"), logging.WARNING
    before, cpu = time.perf_counter(), time.process_time()
    with Requests() as asked:
        count = await JupyterHub.init_spawners(app)
        took, cpu = time.perf_counter() - before, time.process_time() - cpu
    spawners = [spawner for user in hub.users.values() for spawner in user.spawners.values() if spawner.server]
    found = sum(bool(spawner._callbacks) for spawner in spawners)  # whose end the hub waits for from now on
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"servers": count, "found": found, "seconds": took, "cpu": cpu, "requests": dict(asked), "MiB": memory}
    print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    asyncio.run(main(Side(*sys.argv[1:4]), sys.argv[4]))
