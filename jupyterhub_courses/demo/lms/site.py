"""What every part of the LMS works with, in one value: address, scenario, store, keys, clock, faults."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from jupyterhub_courses.demo.lms.faults import Faults
from jupyterhub_courses.demo.lms.keys import SigningKey, ToolKeys
from jupyterhub_courses.demo.lms.scenario import Scenario
from jupyterhub_courses.demo.lms.store import Store


@dataclass(frozen=True)
class Site:
    base: str  # scheme://host:port without a slash at the end: Moodle's wwwroot, the issuer
    scenario: Scenario
    store: Store
    key: SigningKey
    tool_keys: ToolKeys
    clock: Callable[[], float]  # epoch seconds
    salt: str  # of result ids
    faults: Faults = field(default_factory=Faults)
    #: Scores as they were taken, the last of them: (column's label, user's id, points or None, timestamp).
    taken: deque[tuple[str, int, float | None, int]] = field(default_factory=lambda: deque(maxlen=100_000))

    @property
    def services(self) -> str:
        return f"{self.base}/mod/lti/services.php"

    @property
    def type_id(self) -> str:
        return self.scenario.deployment_id

    def lineitems_url(self, course: int) -> str:
        return f"{self.services}/{course}/lineitems?type_id={self.type_id}"

    def lineitem_url(self, course: int, item: int) -> str:
        return f"{self.services}/{course}/lineitems/{item}/lineitem?type_id={self.type_id}"

    def memberships_url(self, course: int) -> str:
        return f"{self.services}/CourseSection/{course}/bindings/{self.type_id}/memberships"
