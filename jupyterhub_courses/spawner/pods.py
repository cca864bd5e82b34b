"""Pods of servers without KubeSpawner's lasting reflectors, and with a cause for each start that fails.

KubeSpawner keeps a watch of pods and of events for every namespace, poisons it for ever when its first list fails, and
believes it when it has died. Here a namespace is watched while something starts or stops in it, and looked at when
somebody polls (namespaces.py). What the cluster does not answer is not known: a server that ran runs on.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
from kubernetes_asyncio.client.exceptions import ApiException
from kubespawner import KubeSpawner
from sqlalchemy.orm import object_session
from tornado import web

from ..core import start_failures
from ..core.cluster import GRADER
from .namespaces import Unknown, cluster_of

SPARE_S = 5  # before the hub itself gives a start up, so that the person reads why
OVERDUE = timedelta(seconds=60)  # a pod this long past its end is on a node that nobody hears of
AGAIN = (409, 429, 500, 502, 503, 504)  # answers that mean "not now"
AWAY = (aiohttp.ClientError, TimeoutError, OSError)
SLOW = start_failures.Cause("server_slow", "no cause is known")


class Doomed(Exception):
    """Waiting for the pod is no use."""

    def __init__(self, cause):
        super().__init__(cause.code)
        self.cause = cause


class Runs:
    """Whether a pod runs: so now for who looks, as polls do; who awaits it waits until it does."""

    def __init__(self, now, until):
        self._now, self._until = now, until

    def __bool__(self):
        return self._now

    def __await__(self):
        return self._until().__await__()


class PodSpawner(KubeSpawner):
    """KubeSpawner in many namespaces. A subclass says where (`_place`) and refuses (`_refused`, `_course_is_gone`)."""

    _view = None  # the namespace's pods and events, in the place of KubeSpawner's reflectors
    _may_run = False  # a pod was made and not known to be gone: polling asks the cluster
    _tried = False  # to make a pod, in this start
    _last = None  # the last answer of a poll that was one
    _fault = None  # the last answer that meant "not now"
    _uid = _old_uid = None  # of the pod that is starting or started, and of one of its name that was there before

    def clear_state(self):
        """Before each start and after each end."""
        self._may_run, self._last, self._fault = False, None, None
        super().clear_state()

    def load_state(self, state):
        """As after a hub restart."""
        super().load_state(state)
        self._may_run = bool(state.get("may_run", "pod_name" in state))

    def get_state(self):
        """What finds the pod again."""
        return {**super().get_state(), "may_run": self._may_run}

    @property
    def pod_reflector(self):
        """What is known of the namespace's pods."""
        return self._view

    @property
    def event_reflector(self):
        """What is known of the namespace's events."""
        return self._view if self.events_enabled else None

    async def _start_watching_pods(self, replace=False):
        self._view = cluster_of(self.api).namespace(self.namespace, f"component={self.component_label}", self.log)
        return self._view

    async def _start_watching_events(self, replace=False):
        return self._view

    async def _start(self):
        await self._place()
        view = await self._start_watching_pods()
        # A hub that is killed meanwhile has to find the pod: the hub itself keeps the state after a start only.
        self._may_run, self._last, self._fault, self._tried = True, None, None, False
        self.orm_spawner.state = self.get_state()
        object_session(self.orm_spawner).commit()
        try:
            async with asyncio.timeout(max(self.start_timeout - SPARE_S, 1)):
                async with view.held(events=self.events_enabled):
                    self._uid, self._old_uid = None, _uid_of(view.pod(self.pod_name))
                    where = await self._unless_doomed(super()._start(), view)
            self._last = None
            return where
        except web.HTTPError:
            raise
        except Doomed as doomed:
            cause = doomed.cause
        except (Unknown, ApiException) as error:
            cause = self._cause(error)
        except TimeoutError:
            cause = self._fault or start_failures.of_pod(view.pod(self.pod_name), self.events) or SLOW
        except AWAY as error:
            cause = start_failures.Cause("cluster_away", type(error).__name__)
        except Exception as error:
            self.log.exception("Start of %s failed", self._log_name)
            cause = start_failures.Cause("server_misplaced", type(error).__name__)
        self._may_run = self._tried
        raise self._refused(cause.code, cause=cause.detail)

    async def _unless_doomed(self, starting, view):
        """What `starting` comes to, unless the pod cannot start: then Doomed, long before the time is up."""
        tasks = starting, doom = asyncio.ensure_future(starting), asyncio.ensure_future(self._doom(view))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                return starting.result()
            raise Doomed(doom.result())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _doom(self, view):
        """Wait until the pod cannot start any more; the cause. A home that somebody deleted is made again."""
        while True:
            changed = view.change()
            pod = view.pod(self.pod_name)
            if pod is not None and _uid_of(pod) != self._old_uid:
                self._uid = _uid_of(pod)
                cause = start_failures.of_pod(pod, self.events)
                if start_failures.missing_claim(cause) == self.pvc_name and self._pvc_exists:
                    self._pvc_exists = False
                    self.log.warning("The volume claim %s of %s is gone: making it", self.pvc_name, self._log_name)
                    self._pvc_exists = await self._make_create_pvc_request(self.get_pvc_manifest(), None)
                elif cause is not None and cause.final:
                    return cause
                elif cause is not None and cause.code == "home_unavailable":
                    await self._renew_home()
            elif pod is None and self._uid is not None:
                return start_failures.Cause("server_taken_away", "the pod was deleted", final=True)
            await changed

    def is_pod_running(self, pod):
        """At once when the cluster says so: KubeSpawner's start would look again after up to five seconds."""

        async def until():
            view = self._view
            while True:
                changed = view.change()
                if self._runs(view.pod(self.pod_name)):
                    return True
                await changed

        return Runs(self._runs(pod), until)

    def _runs(self, pod):
        try:
            return super().is_pod_running(pod)
        except KeyError:  # the cluster has not said yet where, or how its containers are
            return False

    async def _renew_home(self):
        """Make the claim anew whose StorageClass does not exist, if another is asked for now: no volume ever came."""
        if self.pvc_name == GRADER:
            return  # the reconciler's
        wanted, where = self.get_pvc_manifest(), {"name": self.pvc_name, "namespace": self.namespace}
        about = f"involvedObject.kind=PersistentVolumeClaim,involvedObject.name={self.pvc_name}"
        try:
            told = await self.api.list_namespaced_event(self.namespace, field_selector=about)
            lost = start_failures.missing_class(event.message for event in told.items)
            if lost is None:
                return
            if lost == wanted.spec.storage_class_name:
                self._fault = start_failures.Cause("home_unavailable", f"StorageClass {lost} does not exist")
                return
            claim = await self.api.read_namespaced_persistent_volume_claim(**where)
            if (claim.status.phase, claim.spec.volume_name, claim.spec.storage_class_name) != ("Pending", None, lost):
                return
            self.log.warning(
                "The volume claim %s names a StorageClass that is not there: making it anew", self.pvc_name
            )
            as_seen = {"preconditions": {"resourceVersion": claim.metadata.resource_version}}
            await self.api.delete_namespaced_persistent_volume_claim(**where, body=as_seen)
            while not await self._made_claim(wanted):
                pass
        except (ApiException, *AWAY) as error:
            self._fault = self._cause(error)
            self.log.warning("Cluster on %s: %s", self._log_name, self._fault.detail)

    async def _made_claim(self, claim):
        """False, after a moment, while the one of its name that was there before is going."""
        try:
            await self.api.create_namespaced_persistent_volume_claim(self.namespace, claim)
        except ApiException as error:
            if error.status != 409:
                raise
            await asyncio.sleep(0.2)
            return False
        return True

    @property
    def events(self):
        """The events of this pod, not of one before it that had its name."""
        if self.event_reflector is None or self._uid is None:
            return []
        return [event for event in self._view.events if event["involvedObject"].get("uid") == self._uid]

    async def _make_create_pod_request(self, pod, request_timeout):
        """True: made. False: try again. (KubeSpawner's own would write the server's token into the log.)"""
        self._tried = True
        try:
            await asyncio.wait_for(self.api.create_namespaced_pod(self.namespace, pod), request_timeout)
            return True
        except ApiException as error:
            if error.status == 409 and '"AlreadyExists"' in str(error.body):
                self.log.info("A pod %s is there already: deleting it", self.pod_name)
                await self.stop(True)
                return False
            return self._not_now(error)
        except AWAY as error:
            return self._not_now(error)

    async def _make_create_pvc_request(self, pvc, request_timeout):
        """True: made, or there. False: try again."""
        try:
            return await super()._make_create_pvc_request(pvc, request_timeout)
        except (ApiException, *AWAY) as error:
            return self._not_now(error)

    async def _make_delete_pod_request(self, pod_name, delete_options, grace_seconds, request_timeout):
        """True: deleted, or not there. False: try again."""
        try:
            return await super()._make_delete_pod_request(pod_name, delete_options, grace_seconds, request_timeout)
        except (ApiException, *AWAY) as error:
            return self._not_now(error)

    def _not_now(self, error):
        """False where trying again may help, and the cause is kept; raises `error` otherwise."""
        status = getattr(error, "status", None)
        if isinstance(error, ApiException) and status not in AGAIN:
            raise error
        self._fault = self._cause(error)
        self.log.warning("Cluster on %s: %s", self._log_name, self._fault.detail)
        return False

    def _cause(self, error):
        doing = f"namespace {self.namespace}"
        return start_failures.of_answer(getattr(error, "status", None), str(getattr(error, "body", "") or ""), doing)

    async def poll(self):
        """None while the pod runs, and while nobody can say; its exit status, or 1, when it does not."""
        if not self._may_run:
            return 0
        view = await self._start_watching_pods()
        try:
            await view.look()
        except Unknown as error:
            if error.status == 403 and await self._course_is_gone():
                self._last = 1
            return self._last
        self._last = 1 if _is_overdue(view.pod(self.pod_name)) else await super().poll()
        return self._last

    async def stop(self, now=False):
        """Delete the pod and wait until it is gone."""
        if not self._may_run:
            return
        view = await self._start_watching_pods()
        try:
            async with view.held():
                await super().stop(now)
        except (Unknown, ApiException) as error:
            if error.status != 403 or not await self._course_is_gone():
                raise
        self._last = 0


def _uid_of(pod):
    return pod["metadata"]["uid"] if pod else None


def _is_overdue(pod):
    """Whether the pod should have ended long ago: its node is not heard of, so nobody works there."""
    ends = pod and pod["metadata"].get("deletionTimestamp")
    return bool(ends) and datetime.fromisoformat(ends) + OVERDUE < datetime.now(UTC)
