"""A reconciler of its own on the cluster that KUBECONFIG names: real store, real API server, real exchanges.

Its prefix is random, so nothing else on the cluster is touched; what it made is deleted at the end. The hub is not
there: whom it would have made and stopped is noted. The tests run beside the cluster and reach an exchange by kubectl.
"""

import asyncio
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from jupyterhub_courses.adapters.kubernetes import ClusterHost, KubernetesApi
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.files import Files
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.cluster import ClusterSettings
from jupyterhub_courses.core.hosts import HostProblem
from jupyterhub_courses.usecases.provisioning import Provisioner

IMAGE = "localhost/courses-ngshare:1"
PATIENCE_S = 120


def as_account(kubeconfig: str, folder: Path, namespace: str, name: str) -> str:
    """A kubeconfig with a ServiceAccount's own credentials."""
    command = ["kubectl", "-n", namespace, "create", "token", name, "--duration", "1h"]
    token = subprocess.check_output(command, text=True).strip()
    told = yaml.safe_load(Path(kubeconfig).read_text())
    told["users"] = [{"name": user["name"], "user": {"token": token}} for user in told["users"]]
    path = folder / f"{namespace}-{name}"
    path.write_text(yaml.safe_dump(told))
    return str(path)


class BrokenApi(KubernetesApi):
    """The real API, which can be away, busy or slow for this client alone; notes what was sent."""

    def __init__(self, kubeconfig: str) -> None:
        super().__init__(kubeconfig)
        self.is_away, self.answers, self.sent = False, [], []

    async def _send(self, verb, path, query, body, limit):
        self.sent.append((verb, path))
        if self.is_away:
            raise aiohttp.ClientConnectionError
        if self.answers:
            status, message = self.answers.pop(0)
            return status, {"Retry-After": "0"}, json.dumps({"message": message})
        return await super()._send(verb, path, query, body, limit)


class Host(ClusterHost):
    """Reaches exchanges from beside the cluster."""

    forwards: dict[str, tuple[subprocess.Popen[str], int]]

    def exchange_url(self, slug):
        forward, port = self.forwards.get(slug, (None, 0))
        if forward is None or forward.poll() is not None:
            kubectl = shutil.which("kubectl")
            namespace = self._settings.namespace(slug)
            command = [kubectl, "-n", namespace, "port-forward", "service/ngshare", ":8080"]
            forward = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            port = int(found[1]) if found else 1
            self.forwards[slug] = (forward, port)
        return f"http://127.0.0.1:{port}/api/"


class Reconciler:
    """The service's loop without the service. `account`: a kubeconfig with other credentials for it than the tests'.

    `api`: what stands between it and the API server.
    """

    def __init__(
        self, database: Database, kubeconfig: str, account: str = "", api: type[BrokenApi] = BrokenApi, **settings: Any
    ) -> None:
        self.settings = ClusterSettings(
            **{
                "exchange_image": IMAGE,
                "prefix": f"t{secrets.token_hex(4)}",
                "release_namespace": "default",
                **settings,
            }
        )
        self.api, self.other = api(account or kubeconfig), KubernetesApi(kubeconfig)
        self.host = Host(self.settings, self.api, self._assignments)
        self.host.forwards = {}
        self.courses, self.files, self.late = Courses(database), Files(database), timedelta()
        self.people = People(database)
        self.provisioner = Provisioner(
            self.courses, self.people, self, self.host, HostProblem, lambda: datetime.now(UTC) + self.late
        )

    async def ensure_user(self, username):
        """The hub would."""

    async def running_servers(self, server):
        return []

    async def stop_server(self, username, server):
        return True

    async def _assignments(self, course_id):
        return set()

    async def close(self):
        """Everything that it made goes."""
        for forward, _ in self.host.forwards.values():
            forward.terminate()
            forward.wait()
        self.api.is_away, self.api.answers = False, []
        for one in await self.other.list("Namespace", f"jupyterhub-courses/instance={self.settings.prefix}"):
            await self.other.delete("Namespace", one["metadata"]["name"])
        await self.host.close()
        await self.other.close()

    async def make(self, slug: str, **spec: Any):
        """A course of the store."""
        return await self.courses.create(
            slug, slug.upper(), None, None, spec, "page", secrets.token_hex(32), datetime.now(UTC)
        )

    async def state(self, slug: str):
        """(state, reason); None where there is no such course."""
        course = await self.courses.by_slug(slug)
        return (course.state, course.reason) if course else None

    async def until(self, is_so: Callable[[], Any], what: str):
        """Passes until `is_so`, however long a course would otherwise be left alone."""
        async with asyncio.timeout(PATIENCE_S):
            while not await is_so():
                await self.provisioner.pass_once()
                self.late += timedelta(minutes=2)
                await asyncio.sleep(0.3)

    async def until_state(self, slug: str, state: str, reason: str = ""):
        """Passes until the course is so."""

        async def is_so():
            now = await self.state(slug)
            return now is not None and now[0] == state and re.search(reason, now[1]) is not None

        try:
            await self.until(is_so, f"{slug} is {state}")
        except TimeoutError:
            raise AssertionError(f"{slug} is {await self.state(slug)}, not {state} {reason}") from None

    async def until_gone(self, slug: str):
        """Passes until the course is forgotten."""

        async def is_so():
            return await self.state(slug) is None

        await self.until(is_so, f"{slug} is gone")

    async def delete(self, slug: str, erase: bool = False):
        """As the API's door does."""
        course = await self.courses.by_slug(slug)
        await self.files.mark_deleting(course.id, datetime.now(UTC), erase)

    async def get(self, kind: str, name: str, slug: str):
        """An object in a course's namespace."""
        return await self.other.get(kind, name, self.settings.namespace(slug))

    async def events(self, slug: str):
        """[(kind, text)], newest first."""
        course = await self.courses.by_slug(slug)
        return [(kind, text) for _, kind, text in await self.courses.events(course.id)]
