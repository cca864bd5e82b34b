"""ClusterHost: a course is a namespace. Makes it what core/manifests.py says, and says in words why it is not yet.

Level-triggered: every call starts from what is there. A namespace without this course's labels is somebody else's: it
is never changed, and the course says so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ...core.cluster import EXCHANGE, EXCHANGE_PORT, KEPT, ClusterSettings
from ...core.comparing import Difference, Key, difference, is_ours, key
from ...core.hosts import HostProblem, StillComing
from ...core.manifests import SERVICE_RIGHTS, course_manifests, namespace
from ...core.placements import Placement
from ...core.records import Course
from ...core.specs import CourseSpec, spec_of
from ...core.standing import standing
from ..exchange_server.calls import ExchangeCalls
from .autograding import AutogradePods
from .client import ApiProblem, KubernetesApi
from .copies import Copies
from .lease import Lease
from .pods import placement
from .seeing import Objects, Seeing, Unchanged

Manifest = dict[str, Any]
#: What stays of a course whose volumes are kept.
_CLAIM = "PersistentVolumeClaim"
_KEPT_KINDS = ("Namespace", _CLAIM)


class ClusterHost:
    """All courses of one release. `assignments` tells names of a course's assignments that the store knows.

    `lease`: where several replicas of the service run, which of them reconciles.
    """

    def __init__(
        self,
        settings: ClusterSettings,
        api: KubernetesApi,
        assignments: Callable[[int], Awaitable[set[str]]],
        lease: Lease | None = None,
    ) -> None:
        self._settings, self._api, self._assignments, self._lease = settings, api, assignments, lease
        self._seeing = Seeing(api, settings, settled=self._version)
        self._copies = Copies(api, settings)
        self._exchanges = ExchangeCalls()
        self._repaired: dict[str, list[str]] = {}
        self._ended: set[tuple[str, Key]] = set()  # by us, to be made anew: nobody else's doing
        self._manifests: dict[str, tuple[tuple[Any, ...], list[Manifest]]] = {}
        self._settled: dict[str, tuple[list[Manifest], dict[Key, str]]] = {}

    async def close(self) -> None:
        """Give lease and connections back; courses go on without the service."""
        if self._lease is not None:
            await self._lease.release()
        await self._exchanges.close()
        await self._api.close()

    def autograde_pods(self) -> AutogradePods:
        """For runs of autograding apart."""
        return AutogradePods(self._api, self._settings)

    async def leads(self) -> bool:
        """Whether this replica reconciles now."""
        return self._lease is None or await self._lease.hold()

    async def look(self) -> None:
        """Look at all courses at once, before a pass."""
        await asyncio.gather(self._seeing.look(), self._copies.look())

    def settled(self, course: Course) -> bool:
        """Whether the last look saw the course ready and as wanted, so that `ensure` would do nothing."""
        there = self._seeing.peek(course.slug)
        if there is None:
            return False
        try:
            wanted = self._wanted(course)
        except HostProblem:
            return False  # `ensure` says why
        # What nobody has touched since is as it was: versions are compared much faster than objects.
        versions = {one: live["metadata"]["resourceVersion"] for one, live in there.items()}
        known_wanted, known_versions = self._settled.get(course.slug, (None, None))
        if known_wanted is not wanted or known_versions != versions:
            self._settled.pop(course.slug, None)  # the next look sees all of it
            if any(isinstance(live, Unchanged) for live in there.values()):
                return False
            if not difference(wanted, there).is_none or standing(there).state != "ready":
                return False
            self._settled[course.slug] = wanted, versions
        if not self._copies.settled(course.slug, there[key(wanted[0])]):
            return False
        self._seeing.served(course.slug)
        return True

    async def ensure(self, course: Course) -> int:
        """The course's namespace as wanted; the exchange's port. Raises HostProblem, or StillComing."""
        slug = course.slug
        wanted = self._wanted(course)
        there = await self._seeing.course(slug)
        space = there.get(key(wanted[0]))
        if space is not None and space["metadata"].get("deletionTimestamp"):
            raise StillComing("The course's namespace is being deleted; it is made anew after that.")
        if space is None:
            there[key(wanted[0])] = await self._make_namespace(wanted[0])
        change = difference(wanted, there)
        self._note(course, change, is_gone=space is None)
        if not change.is_none:
            await self._change(change, wanted, there, slug)
        there[key(wanted[0])] = await self._copies.bring(slug, there[key(wanted[0])])
        stands = standing(there)
        if stands.state == "ready":
            return EXCHANGE_PORT
        await self._api.apply(next(one for one in wanted if one["kind"] == "Secret"))
        events = await self._api.list("Event", namespace=self._settings.namespace(slug))
        stands = standing(there, events)
        if stands.state == "broken":
            raise HostProblem(" ".join(filter(None, [stands.reason, self._copies.amiss(slug)])))
        raise StillComing(stands.reason)

    def _version(self, slug: str, one: Key) -> str | None:
        return self._settled[slug][1].get(one) if slug in self._settled else None

    def _wanted(self, course: Course) -> list[Manifest]:
        """Worked out once for each spec: at a thousand courses that is most of a pass with nothing to do."""
        asked = (course.title, course.spec, course.exchange_token)
        known = self._manifests.get(course.slug)
        if known is None or known[0] != asked:
            manifests = course_manifests(_possible(spec_of(course)), course.exchange_token, self._settings)
            known = self._manifests[course.slug] = (asked, manifests)
        return known[1]

    def repaired(self, course: Course) -> list[str]:
        """Sentences on what others had changed or taken away and is as it was, since asked last."""
        return self._repaired.pop(course.slug, [])

    def amiss(self, course: Course) -> str:
        """Sentences on what a course lacks that works all the same."""
        return self._copies.amiss(course.slug)

    async def provision(self, course: Course, port: int, students: list[str]) -> None:
        """Make the exchange know the course's grader and students."""
        await self._exchanges.provision(self.exchange_url(course.slug), course, students)

    async def enroll(self, course: Course, port: int, students: list[str]) -> None:
        """Make the exchange know some more students."""
        await self._exchanges.enroll(self.exchange_url(course.slug), course, students)

    async def released(self, course: Course) -> set[str]:
        """Names of the assignments that the course's exchange offers now; none while it does not answer."""
        if course.exchange_port is None:
            return set()
        return await self._exchanges.released(self.exchange_url(course.slug), course)

    async def made(self, course: Course) -> set[str]:
        """Names of the assignments that the gradebook has: the grader's volume is not the service's to read."""
        return await self._assignments(course.id)

    def placement(self, course: Course, username: str, role: str) -> Placement:
        """Where and how a person's server of this course runs."""
        return placement(spec_of(course), username, role, self._settings)

    def exchange_url(self, slug: str) -> str:
        """Where the service reaches a course's exchange."""
        return self._settings.exchange_url(slug)

    async def remove(self, course: Course, erase: bool = False) -> bool:
        """One step of a course's end; True when nothing is left but, unless they are to be erased, its volumes."""
        there = await self._seeing.alone(course.slug)
        name = self._settings.namespace(course.slug)
        space = there.get(("Namespace", name))
        if space is None:
            return True
        if erase or space["metadata"].get("deletionTimestamp"):
            await self._api.delete("Namespace", name)
            return False
        return await self._keep_volumes(course.slug, space, there)

    async def _keep_volumes(self, slug: str, space: Manifest, there: Objects) -> bool:
        """Pods first, and policies while there are any; the service's own rights last."""
        name = self._settings.namespace(slug)
        pods = [one for one in await self._api.list("Pod", namespace=name) if is_ours(one, slug, self._settings)]
        running = [live for live in there.values() if live["kind"] in ("Deployment", "Service")]
        if running or pods:
            await self._delete(running, name)
            await self._delete([pod for pod in pods if not pod["metadata"].get("deletionTimestamp")], name)
            return False
        rest = [live for live in there.values() if live["kind"] not in _KEPT_KINDS]
        if rest or KEPT not in space["metadata"]["labels"]:
            await self._api.apply(namespace(slug, self._settings, kept=True))
            own = [live for live in rest if (live.get("roleRef") or {}).get("name") == SERVICE_RIGHTS]
            if own:
                await self._api.delete("Secret", EXCHANGE, name)
                await self._copies.take_away(space)
            await self._delete([live for live in rest if live not in own], name)
            await self._delete(own, name)
            return False
        return True

    async def _delete(self, objects: list[Manifest], namespace: str) -> None:
        await asyncio.gather(*(self._api.delete(one["kind"], one["metadata"]["name"], namespace) for one in objects))

    async def _make_namespace(self, manifest: Manifest) -> Manifest:
        """Made, not applied: applying would take over one that is there without our labels."""
        name = manifest["metadata"]["name"]
        try:
            return {**await self._api.create(manifest), "kind": "Namespace"}
        except ApiProblem as problem:
            if problem.status != 409:
                raise
        live = await self._api.get("Namespace", name)
        if live is not None and is_ours(live, name.removeprefix(f"{self._settings.prefix}-"), self._settings):
            raise StillComing("The course's namespace is being made.")
        raise HostProblem(f"The namespace {name} belongs to somebody else; it is left alone.")

    async def _change(self, change: Difference, wanted: list[Manifest], there: Objects, slug: str) -> None:
        name = wanted[0]["metadata"]["name"]
        claims = [one for one in change.replace if one["kind"] == _CLAIM]
        for one in change.replace:
            if one in claims:  # takes a moment to go; what is asked of it is asked again after that
                await self._end_claim(there, key(one), name)
            else:
                await self._api.delete(one["kind"], one["metadata"]["name"], name)
        todo = {key(one): one for one in (*change.apply, *change.replace) if one not in claims}
        steps: list[list[Manifest]] = [[], [], [], []]
        for one in wanted:
            if key(one) in todo or (one["kind"] == "Secret" and ("Deployment", EXCHANGE) in todo):
                steps[_STEPS.get(one["kind"], 2)].append(dict(todo.get(key(one), one)))
        for step in steps:
            if step is steps[-1]:  # what runs may need them
                there[key(wanted[0])] = await self._copies.bring(slug, there[key(wanted[0])])
            await self._apply(step, there, is_new=any(one["kind"] == "RoleBinding" for one in steps[1]))
        for live in change.prune:
            await self._api.delete(live["kind"], live["metadata"]["name"], name)
            there.pop(key(live), None)

    async def _end_claim(self, there: Objects, one: Key, namespace: str) -> None:
        """Delete it as it was seen: one that has got a volume since then stays."""
        live = there[one]
        await self._api.delete(*one, namespace, version=live["metadata"].get("resourceVersion"))
        there[one] = {**live, "metadata": {**live["metadata"], "deletionTimestamp": "now"}}
        self._ended.add((namespace, one))

    async def _apply(self, manifests: list[Manifest], there: Objects, is_new: bool) -> None:
        try:
            for live in await asyncio.gather(*map(self._api.apply, manifests)):
                there[key(live)] = live
        except ApiProblem as problem:
            if problem.status == 403 and is_new:  # rights that were given a moment ago take one to count
                raise StillComing("The course's rights are being given.") from problem
            raise

    def _note(self, course: Course, change: Difference, is_gone: bool) -> None:
        name = self._settings.namespace(course.slug)
        drifted = [one for one in change.drifted if (name, one) not in self._ended]
        self._ended -= {(name, one) for one in change.drifted}
        if course.exchange_port is None:
            return  # it has never been ready
        sentences = [_sentence(one) for one in drifted] + [
            f"{live['kind']} {live['metadata']['name']} does not belong here and was taken away."
            for live in change.prune
        ]
        if is_gone:
            sentences = ["The course's namespace was gone and was made anew; volumes in it are lost."]
        if sentences:
            self._repaired.setdefault(course.slug, []).extend(sentences)


#: What has to be there before the next; everything else comes after rights and before what runs.
_STEPS = {"Namespace": 0, "RoleBinding": 1, "Deployment": 3}


def _sentence(drifted: Key) -> str:
    kind, name = drifted
    return f"{kind} {name} had been changed or deleted by somebody else; it is as it was again."


def _possible(spec: CourseSpec) -> CourseSpec:
    """What a cluster cannot do is refused, never dropped in silence."""
    if spec.start_from is not None and spec.start_from.folder is not None:
        raise HostProblem("start_from.folder: a cluster sees no folder of one machine; name a git repository.")
    if spec.environment.python is not None:
        raise HostProblem("environment.python: a cluster runs images; set environment.image instead.")
    return spec
