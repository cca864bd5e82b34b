"""Logins of a course's server by the hub: of each window by itself, however many begin at the same moment."""

from typing import Any

from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from traitlets import default
from traitlets.config import Config

from jupyterhub_courses.adapters.hub_api.logins import LoginOfEachWindow


class CourseIdentityProvider(JupyterHubIdentityProvider):  # type: ignore[misc]
    """The hub's own, with logins that do not get in each other's way."""

    @default("hub_auth")
    def _login_of_each_window(self) -> LoginOfEachWindow:
        return LoginOfEachWindow(parent=self)


def let_each_window_log_in(serverapp: Any) -> None:
    """Before the server makes its identity provider; one that is not the hub's stays what it is."""
    if serverapp.identity_provider_class is JupyterHubIdentityProvider:
        serverapp.update_config(Config({"ServerApp": {"identity_provider_class": CourseIdentityProvider}}))
