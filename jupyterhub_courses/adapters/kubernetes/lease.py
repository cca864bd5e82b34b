"""Which of several replicas reconciles: the holder of a Lease (https://kubernetes.io/docs/concepts/architecture/leases/).

Promises: two never hold it at once as long as each looks at its own clock; a holder that is gone is followed within
`DURATION_S` and one look. Clocks of different machines are not compared: what counts is how long it stayed as it was.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .client import ApiProblem, KubernetesApi

log = logging.getLogger(__name__)

NAME = "courses"
DURATION_S = 45.0
RENEW_S = 15.0


class Lease:
    """The Lease of one release, as `identity` sees it."""

    def __init__(
        self, api: KubernetesApi, namespace: str, identity: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api, self._namespace, self._identity, self._clock = api, namespace, identity, clock
        self._renewed: float | None = None  # when we last were its holder
        self._seen: tuple[object, ...] = ()
        self._since = 0.0  # when we first saw it as it is

    async def hold(self) -> bool:
        """Get or keep it; whether it is ours."""
        now = self._clock()
        if self._renewed is not None and now - self._renewed < RENEW_S:
            return True
        try:
            is_ours = await self._try(now)
        except ApiProblem as problem:
            if problem.status != 409:
                log.warning("Which replica reconciles is not known: %s", problem)
                return self._renewed is not None and now - self._renewed < DURATION_S
            is_ours = False  # another was faster
        if is_ours and self._renewed is None:
            log.info("This replica reconciles from now on")
        self._renewed = now if is_ours else None
        return is_ours

    async def release(self) -> None:
        """Let the next have it at once."""
        if self._renewed is None:
            return
        self._renewed = None
        try:
            lease = await self._api.get("Lease", NAME, self._namespace)
            if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
                await self._api.update({**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        except ApiProblem as problem:
            log.warning("The Lease could not be given back: %s", problem)

    async def _try(self, now: float) -> bool:
        lease = await self._api.get("Lease", NAME, self._namespace)
        if lease is None:
            metadata = {"name": NAME, "namespace": self._namespace}
            await self._api.create(
                {
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": metadata,
                    "spec": self._spec({}, is_new=True),
                }
            )
            return True
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        seen = (holder, spec.get("renewTime"), spec.get("leaseTransitions"))
        if seen != self._seen:
            self._seen, self._since = seen, now
        if holder not in ("", self._identity) and now - self._since < DURATION_S:
            return False
        await self._api.update({**lease, "spec": self._spec(spec, is_new=holder != self._identity)})
        return True

    def _spec(self, before: dict[str, Any], is_new: bool) -> dict[str, Any]:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        taken = {"acquireTime": moment, "leaseTransitions": int(before.get("leaseTransitions") or 0) + 1}
        return {
            **before,
            **(taken if is_new else {}),
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(DURATION_S),
            "renewTime": moment,
        }
