"""1,000 courses and 10,000 servers on a cluster: what passes, new courses, starts and a hub's restart cost.

On a real control plane with fake nodes (`fake_cluster.py`), so pods cost nothing and what is measured is ours, the API
server's and the controllers' work. What stands beside ours is measured in the same run, in turns.
"""

import argparse
import asyncio
import json
import logging
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import fake_cluster
import outside
import requests
import yaml
from fake_cluster import FakeCluster, Requests
from jupyterhub import orm
from machine import busy, cpu_s
from spawning import RELEASE, HubOf, Side, forget_reflectors

from jupyterhub_courses.adapters.kubernetes import ClusterHost, KubernetesApi
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.cluster import ClusterSettings
from jupyterhub_courses.core.hosts import HostProblem
from jupyterhub_courses.usecases.provisioning import Provisioner
from tests.support.ports import free_port
from tests.support.system import wait_for

HERE = Path(__file__).resolve().parent
IMAGE = "localhost/courses-ngshare:1"
PASSES, NEW, STARTS, RESTARTS = 3, 5, 6, 2
SIDES = ("ours", "KubeSpawner")
MAKING_S = 3600


def slug(number: int) -> str:
    """Of the course of this number."""
    return f"c{number:04}"


def show(what: str, *values: str) -> None:
    """One line of the table."""
    print(f"{what:<44} " + "  ".join(f"{value:>24}" for value in values), flush=True)


def middle(values: list[float]) -> str:
    """The median with the range of the turns."""
    return f"{statistics.median(values):.2f} s ({min(values):.2f}-{max(values):.2f})"


def ratio(ours: list[float], theirs: list[float]) -> str:
    """The median of the turns, each beside its neighbour's."""
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}x"


class Service:
    """The courses service as a process; its store, and the command line that speaks to it."""

    def __init__(self, folder: Path, kubeconfig: str, away: str) -> None:
        self.folder, self.away, self.kubeconfig = folder, away, kubeconfig
        self.url = f"http://127.0.0.1:{free_port()}/services/courses"
        self.token = secrets.token_hex(32)
        (folder / "hub-token").write_text(self.token)
        (folder / "service-url").write_text(self.url + "\n")
        self.database_url = f"sqlite:///{folder / 'courses.sqlite'}"
        self.log = folder / "service.log"

    @contextmanager
    def running(self) -> Iterator["Service"]:
        environment = {
            **os.environ,
            "JUPYTERHUB_COURSES_HOST": "kubernetes",
            "JUPYTERHUB_COURSES_DATA_DIR": str(self.folder),
            "JUPYTERHUB_API_URL": f"{self.away}/hub/api",
            "JUPYTERHUB_SERVICE_URL": self.url,
            "JUPYTERHUB_COURSES_EXCHANGE_IMAGE": IMAGE,
            "BENCHMARK_OUTSIDE": self.away,
            "KUBECONFIG": self.kubeconfig,
        }
        with self.log.open("ab") as log:
            command = [sys.executable, str(HERE / "courses_service.py")]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            self._pid = process.pid
            wait_for(lambda: requests.get(f"{self.url}/health", timeout=5).json()["ready"], "the service is ready")
            yield self
        finally:
            process.terminate()
            process.wait(60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The API, as an admin."""
        headers = {"Authorization": f"token {self.token}"}
        answer = requests.request(method, f"{self.url}/api/{path}", json=body, headers=headers, timeout=120)
        assert answer.ok, answer.text
        return answer.json()

    def file(self, count: int) -> dict[str, Any]:
        """A courses file of `count` courses with a student each."""
        people = [{"username": f"p{n:04}", "role": "student"} for n in range(count)]
        return {"courses": [{"slug": slug(n), "title": slug(n), "people": [people[n]]} for n in range(count)]}

    def apply(self, count: int) -> tuple[float, list[str]]:
        """By the command line: seconds until all are ready, and what it showed meanwhile."""
        path = self.folder / "courses.yaml"
        path.write_text(yaml.safe_dump(self.file(count)))
        program = Path(sys.executable).with_name("jupyterhub-courses")
        command = [str(program), "apply", str(path), "--data-dir", str(self.folder)]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAKING_S, check=False)
        took = time.perf_counter() - began
        assert done.returncode == 0, done.stderr
        assert re.search(r"^(\d+) of \1 new courses? ready\.$", done.stdout, re.MULTILINE), done.stdout[-2000:]
        return took, done.stderr.splitlines()

    def wait_until_ready(self, name: str) -> None:
        """One of its courses is."""
        wait_for(lambda: self.ask("GET", f"courses/{name}")["state"] == "ready", f"{name} is ready", every=0.05)

    def wait_until_quiet(self) -> None:
        """It has looked at all courses once, as it does when it begins: two seconds with little to do."""
        time.sleep(2)

        def is_quiet() -> bool:
            before = cpu_s(self._pid)
            time.sleep(2)
            return cpu_s(self._pid) - before < 0.1

        wait_for(is_quiet, "the service is quiet", 600)


class NoHub:
    """Of passes with nothing to do."""

    async def ensure_user(self, username: str) -> None:
        """It is there."""

    async def running_servers(self, server: str) -> list[str]:
        return []

    async def stop_server(self, username: str, server: str) -> bool:
        return True


async def passes(service: Service, kubeconfig: str) -> tuple[list[float], list[float], Requests, int]:
    """Of a reconciler that knows everything already: seconds and CPU seconds of each, requests and reads of one."""
    from sqlalchemy import event

    async def assignments(course_id: int) -> set[str]:
        return set()

    api, database = KubernetesApi(kubeconfig), Database(service.database_url)
    host = ClusterHost(service_settings(service), api, assignments)
    host.exchange_url = lambda slug: f"{service.away}/exchange/{slug}/api/"  # type: ignore[method-assign]
    provisioner = Provisioner(
        Courses(database), People(database), NoHub(), host, HostProblem, lambda: datetime.now(UTC)
    )
    reads: list[str] = []
    engine = database._readers.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: told[2][:6] == "SELECT" and reads.append(told[2]))
    await provisioner.pass_once()  # it learns whom the exchanges know
    seconds, cpu = [], []
    for _ in range(PASSES):
        reads.clear()
        with Requests() as asked:
            began, used = time.perf_counter(), time.process_time()
            await provisioner.pass_once()
            seconds.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
    await host.close()
    await database.close()
    return seconds, cpu, asked, len(reads)


async def show_passes(service: Service, kubeconfig: str, beside: str) -> None:
    """Passes with nothing to do."""
    seconds, cpu, asked, reads = await passes(service, kubeconfig)
    show(f"pass with nothing to do, {beside}", middle(seconds), f"CPU {statistics.median(cpu):.2f} s", busy())
    told = ", ".join(f"{name} {number}" for name, number in sorted(asked.items()))
    print(f"    {asked.total()} requests ({told}), {reads} reads of the store", flush=True)


def service_settings(service: Service) -> ClusterSettings:
    """What the service makes of its environment."""
    from jupyterhub_courses.service.app import CoursesService
    from jupyterhub_courses.service.cluster import CoursesCluster

    os.environ["JUPYTERHUB_SERVICE_URL"] = service.url
    os.environ["JUPYTERHUB_COURSES_EXCHANGE_IMAGE"] = IMAGE
    cluster = CoursesCluster(parent=CoursesService())
    return cluster.settings(f"{service.away}/hub/api", f"{service.url}/api/")


async def courses(service: Service, kubeconfig: str, counts: list[int]) -> None:
    """Sections 1 and 5: making courses, and passes with nothing to do."""
    had = 0
    for count in counts:
        with service.running():
            took, lines = await asyncio.to_thread(service.apply, count)
        show(
            f"{had} -> {count} courses by `apply`",
            f"{took:.1f} s",
            f"{(count - had) / took:.1f} courses a second",
            busy(),
        )
        print(f"    shown meanwhile: {' | '.join(lines[:2])} … {lines[-1]} ({len(lines)} lines)", flush=True)
        had = count
        await show_passes(service, kubeconfig, f"{count} courses")


async def new_course(service: Service, cluster: FakeCluster, count: int) -> None:
    """Section 2: one more course beside a bare Deployment, in turns."""
    what = ("ngshare available", "course ready", "bare Deployment", "bare Deployment with a volume")
    times: dict[str, list[float]] = {name: [] for name in what}
    settings = service_settings(service)
    with service.running():
        await asyncio.to_thread(service.wait_until_quiet)
        file = service.file(count)
        for number in range(NEW):
            name = f"new{number}"
            file["courses"].append({"slug": name, "title": name})
            body = {**file, "platforms": [], "dry_run": False}
            began = time.perf_counter()
            asking = asyncio.create_task(asyncio.to_thread(service.ask, "POST", "apply", body))
            await cluster.until_available("ngshare", settings.namespace(name))
            times["ngshare available"].append(time.perf_counter() - began)
            await asking
            await asyncio.to_thread(service.wait_until_ready, name)
            times["course ready"].append(time.perf_counter() - began)
            for kind in what[2:]:
                made = f"bare{number}-{len(kind)}"
                times[kind].append(await bare_deployment(cluster, made, has_volume="volume" in kind))
    for name in what[:2]:
        beside = [f"{ratio(times[name], times[bare])} {bare}" for bare in what[2:]]
        show(f"new course beside {count}: {name}", middle(times[name]), *beside, busy())
    for name in what[2:]:
        show(f"{name}, same image", middle(times[name]))


async def bare_deployment(cluster: FakeCluster, name: str, has_volume: bool) -> float:
    """Seconds until a Deployment with nothing around it, but for a volume, is available."""
    labels, metadata = {"app": name}, {"name": name, "namespace": "default"}
    pod: dict[str, Any] = {"containers": [{"name": "ngshare", "image": IMAGE}]}
    if has_volume:
        pod["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    spec = {"replicas": 1, "selector": {"matchLabels": labels}}
    spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    began = time.perf_counter()
    if has_volume:
        made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim}
        await cluster.api.create(made)
    await cluster.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    await cluster.until_available(name, "default")
    return time.perf_counter() - began


async def starts(sides: dict[str, Side], service: Service, count: int) -> None:
    """Section 3: starts in turns; cold in a hub that knows nothing yet, warm the same person once more."""
    times: dict[tuple[str, str], list[float]] = {}
    asked: dict[tuple[str, str], list[Requests]] = {}
    with service.running():
        await asyncio.to_thread(service.wait_until_quiet)
        for number in range(STARTS):
            await forget_reflectors()
            for name in SIDES if number % 2 else SIDES[::-1]:
                hub = HubOf(sides[name])
                who = number % count
                spawner = hub.spawner(f"p{who:04}", slug(who))
                for kind in ("cold", "warm"):
                    with Requests() as counted:
                        began = time.perf_counter()
                        await hub.start(spawner)
                        times.setdefault((name, kind), []).append(time.perf_counter() - began)
                    asked.setdefault((name, kind), []).append(counted)
                    await spawner.stop()
                hub.db.close()
        await forget_reflectors()
    for kind in ("cold", "warm"):
        ours, theirs = (times[name, kind] for name in SIDES)
        show(f"start, {kind}", *(f"{name} {middle(times[name, kind])}" for name in SIDES), ratio(ours, theirs), busy())
        for name in SIDES:
            told = Requests(asked[name, kind][-1])
            print(f"    {name}: {told.total()} requests ({', '.join(f'{k} {n}' for k, n in sorted(told.items()))})")


class Template:
    """A person's running server, and how to make others of it."""

    def __init__(self, pod: dict[str, Any], state: dict[str, Any]) -> None:
        for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
            pod["metadata"].pop(name, None)
        pod.pop("status", None)
        pod["spec"].pop("nodeName", None)
        self._text = json.dumps({"pod": pod, "state": state})

    def of(self, username: str, course: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Pod and state of somebody else."""
        made = json.loads(self._text.replace("p0000", username).replace(slug(0), course))
        return made["pod"], made["state"]


async def templates(sides: dict[str, Side], service: Service, cluster: FakeCluster) -> dict[str, Template]:
    """One real start a side."""
    found = {}
    with service.running():
        await asyncio.to_thread(service.wait_until_quiet)
        for name, side in sides.items():
            hub = HubOf(side)
            spawner = hub.spawner("p0000", slug(0))
            await hub.start(spawner)
            pod = await cluster.api.get("Pod", spawner.pod_name, spawner.namespace)
            assert pod is not None
            found[name] = Template(pod, spawner.get_state())
            await spawner.stop()
            hub.db.close()
        await forget_reflectors()
    return found


async def restarts(
    sides: dict[str, Side], service: Service, cluster: FakeCluster, folder: Path, counts: list[int], courses: int
) -> None:
    """Section 4: the hub's check of its servers at its start, and passes of the service beside them."""
    made_of = await templates(sides, service, cluster)
    had = 0
    for count in counts:
        began = time.perf_counter()
        people = [(f"s{n:05}", slug(n % courses)) for n in range(count)]
        databases = {}
        for name, template in made_of.items():
            made = [template.of(*person) for person in people]
            await cluster.run_pods([pod for pod, _ in made[had:]])
            databases[name] = fill(folder / f"hub-{name}-{count}.sqlite", people, [state for _, state in made])
        had = count
        print(f"    {2 * count} pods seem to run after {time.perf_counter() - began:.0f} s", flush=True)
        told: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
        for turn in range(RESTARTS + 1):
            for name in SIDES if turn % 2 else SIDES[::-1]:
                result = await restart(sides[name], databases[name])
                assert result["found"] == result["servers"] == count, result
                print(f"    turn {turn} of {RESTARTS}, {name}: {result['seconds']:.1f} s", file=sys.stderr, flush=True)
                if turn:  # the first learns where the pods are
                    told[name].append(result)
        seconds = {name: [one["seconds"] for one in told[name]] for name in SIDES}
        words = [f"{name} {middle(seconds[name])}" for name in SIDES]
        show(f"hub restart, {count} servers", *words, ratio(*(seconds[name] for name in SIDES)), busy())
        for name in SIDES:
            last = told[name][-1]
            cpu = statistics.median(one["cpu"] for one in told[name])
            asked = sum(last["requests"].values())
            print(
                f"    {name}: {asked} requests, CPU {cpu:.2f} s, {last['MiB']:.0f} MiB, all {count} found", flush=True
            )
        await show_passes(service, cluster.kubeconfig, f"{courses} courses with {count} servers")


def fill(path: Path, people: list[tuple[str, str]], states: list[dict[str, Any]]) -> str:
    """A hub's database in which all these servers run."""
    url = f"sqlite:///{path}"
    db = orm.new_session_factory(url)()
    for (username, course), state in zip(people, states, strict=True):
        user = orm.User(name=username)
        server = orm.Server(proto="http", ip="10.0.0.1", port=8888, base_url=f"/user/{username}/{course}/")
        # Each user has a server without a name, too, which the hub makes when it first looks for it.
        db.add_all([user, orm.Spawner(name="", user=user)])
        db.add(orm.Spawner(name=course, user=user, state=state, server=server))
    db.commit()
    db.close()
    return url


async def restart(side: Side, url: str) -> dict[str, Any]:
    """In a new process."""
    command = [sys.executable, str(HERE / "restart.py"), side.name, side.service_url, side.token_file, url]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courses", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--servers", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--only", choices=["courses", "new", "starts", "restarts"], nargs="+")
    asked = parser.parse_args()
    if not fake_cluster.is_there():
        print("cluster.py is left out: KUBECONFIG names no cluster of fake nodes (README.md says how to have one).")
        return
    logging.disable(logging.WARNING)  # a hub's database sets levels anew each time that it is made
    cluster = FakeCluster()
    most = max(asked.courses)
    restarting = not asked.only or "restarts" in asked.only
    await cluster.prepare(most + (2 * max(asked.servers) if restarting else 0) + 100)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": RELEASE}}
    await cluster.make([namespace])
    with tempfile.TemporaryDirectory() as name, outside.running() as away:
        service = Service(Path(name), cluster.kubeconfig, away)
        token_file = Path(name) / "hub-token"
        sides = {side: Side(side, f"{service.url}/api/", str(token_file)) for side in SIDES}
        print(f"{os.cpu_count()} cores, {len(cluster.nodes)} fake nodes; {busy()}", flush=True)
        sections: dict[str, Callable[[], Awaitable[None]]] = {
            "courses": lambda: courses(service, cluster.kubeconfig, sorted(asked.courses)),
            "new": lambda: new_course(service, cluster, most),
            "starts": lambda: starts(sides, service, most),
            "restarts": lambda: restarts(sides, service, cluster, Path(name), sorted(asked.servers), most),
        }
        if asked.only and "courses" not in asked.only:
            with service.running():
                await asyncio.to_thread(service.apply, most)
        for title, section in sections.items():
            if not asked.only or title in asked.only:
                print(flush=True)
                await section()
        await cluster.api.close()


if __name__ == "__main__":
    asyncio.run(main())
