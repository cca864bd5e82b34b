"""The hub's library for logins by its OAuth, made good for several windows that begin at the same moment."""

import os
import secrets
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from jupyterhub.utils import get_browser_protocol


class LoginOfEachWindow(HubOAuth):  # type: ignore[misc]
    """Every login has a state cookie of its own name.

    The library's own has one name for the first. Two windows that wait for the same server go there in the same
    instant, neither with a cookie yet: the second's cookie replaces the first's, and both end with a 403.
    """

    def set_state_cookie(self, handler: Any, next_url: str | None = None, **state: Any) -> str:
        """Begin a login that ends at `next_url`; the value for the address of the hub's own page."""
        name = f"{self.state_cookie_name}-{secrets.token_urlsafe(6)}"
        state_id = str(self.generate_state(next_url, cookie_name=name, **state))
        public_url = os.environ.get("JUPYTERHUB_PUBLIC_URL")
        scheme = urlsplit(public_url).scheme if public_url else get_browser_protocol(handler.request)
        fixed = {"path": self.cookie_path, "httponly": True, "secure": scheme == "https", "max_age": 600}
        free = {key: value for key, value in self.cookie_options.items() if key.lower() not in _FIXED}
        handler.set_secure_cookie(name, state_id, **free, **fixed)
        return state_id


_FIXED = {"path", "httponly", "secure", "max_age", "expires", "expires_days"}
