"""What the spawners share: where a server runs is asked of the courses service, and its no reaches the person.

Nothing that the request says counts. The service is asked when a server starts, and for nothing else: polling and
stopping need what lies in the spawner's own state.
"""

import time

from traitlets import HasTraits, Instance, default

from ..adapters.courses_api.connection import CoursesConnection
from ..adapters.courses_api.hub import Refused, ServiceDown
from ..core.names import grader_course, is_slug
from ..core.placements import HUBS_VARIABLES
from .refusing import refused_start

FRESH_S = 5.0  # a placement that the page before the start asked for is good for the start


class PlacedSpawner(HasTraits):
    """A spawner of servers of courses; mixed into one that knows how to run them."""

    connection = Instance(CoursesConnection)
    _asked = None  # (until when it is good, placement)

    @default("connection")
    def _default_connection(self):
        return CoursesConnection(parent=self)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # The shared grader's server is opened by other people than its owner. The hub would ask each of them
        # to "Authorize", again after each restart; here rather than in start() so that it holds after a hub
        # restart.
        if self.user is not None and self.name and grader_course(self.user.name) == self.name:
            self.user.settings.setdefault("oauth_no_confirm_list", set()).add(self.oauth_client_id)

    async def _placement(self):
        """The placement of this server; what stands in its way is raised with a sentence for the person."""
        if not is_slug(self.name):
            raise self._refused("server_unnamed")
        try:
            placement = await self._ask()
        except Refused as refusal:
            raise self._refused(refusal.code, refusal) from None
        except ServiceDown as error:
            self.log.warning("Placement of %s: %s", self._log_name, error)
            raise self._refused("service_down") from None
        self._asked = None
        if (placement.username, placement.course) != (self.user.name, self.name) or not placement.command:
            raise self._refused("server_misplaced")
        return placement

    async def _ask(self):
        """The service's answer, or the one it gave a moment ago. Raises Refused, ServiceDown."""
        if self._asked is None or self._asked[0] < time.monotonic():
            placement = await self.connection.open().client.placement(self.user.name, self.name)
            self._asked = (time.monotonic() + FRESH_S, placement)
        return self._asked[1]

    def _refused(self, code, refusal=None, cause=""):
        return refused_start(code, self.handler, refusal=refusal, log=self.log, server=self._log_name, cause=cause)

    def _without_hubs(self, environment, placed):
        """`environment`, and of `placed` what does not touch the hub's own variables."""
        own = {name for name in environment if name.startswith(HUBS_VARIABLES)}
        return {**environment, **{name: value for name, value in placed.items() if name not in own}}
