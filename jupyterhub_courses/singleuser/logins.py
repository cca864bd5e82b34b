"""Logins of a course's server by the hub: of each window by itself, however many begin at the same moment."""

import os
from typing import Any

from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from traitlets import Instance, default
from traitlets.config import Config

from jupyterhub_courses.adapters.hub_api.logins import LoginOfEachWindow

from .connections import Connections


class CourseIdentityProvider(JupyterHubIdentityProvider):  # type: ignore[misc]
    """The hub's own, with logins that do not get in each other's way, and with an eye on what they opened."""

    connections = Instance(Connections)

    @default("hub_auth")
    def _login_of_each_window(self) -> LoginOfEachWindow:
        return LoginOfEachWindow(parent=self)

    @default("connections")
    def _none_yet(self) -> Connections:
        return Connections(self.hub_auth, os.environ.get("JUPYTERHUB_USER", ""), self.log)

    async def get_user(self, handler: Any) -> Any:
        """The hub's answer; whom it let open a websocket is asked for again."""
        user = await super().get_user(handler)
        if user is not None:
            self.connections.admitted(handler, user.username)
        return user


def let_each_window_log_in(serverapp: Any) -> None:
    """Before the server makes its identity provider; one that is not the hub's stays what it is."""
    if serverapp.identity_provider_class is JupyterHubIdentityProvider:
        serverapp.update_config(Config({"ServerApp": {"identity_provider_class": CourseIdentityProvider}}))
