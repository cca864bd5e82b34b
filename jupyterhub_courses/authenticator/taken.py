"""`POST /hub/api/courses/taken-names`: which of many names are users of the hub, for the courses service.

The hub's own API tells of one user a call, and a roster has thousands of newcomers.
"""

import json

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from tornado.web import HTTPError

from ..core.names import TAKEN_NAMES_MAX, TAKEN_NAMES_PATH, USERNAME_MAX


class TakenNames(APIHandler):
    """Takes {"names": […]}; answers {"taken": […]}. For services that manage users: ours does."""

    @needs_scope("admin:users")
    async def post(self):
        """Answer with those of the names that are users."""
        if not isinstance(self.current_user, orm.Service):
            raise HTTPError(403)
        body = self.get_json_body()
        names = body.get("names") if isinstance(body, dict) else None
        if not isinstance(names, list) or len(names) > TAKEN_NAMES_MAX:
            raise HTTPError(400, f"names: a list of at most {TAKEN_NAMES_MAX}")
        if not all(isinstance(name, str) and len(name) <= USERNAME_MAX for name in names):
            raise HTTPError(400, "names: one is no username")
        query = self.db.query(orm.User.name).filter(orm.User.name.in_(names))
        self.write(json.dumps({"taken": sorted(name for (name,) in query)}))


HANDLER = (f"/api{TAKEN_NAMES_PATH}", TakenNames)
