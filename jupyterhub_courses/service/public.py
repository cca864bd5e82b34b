"""The address under which browsers and LMSs see this hub, for whatever has to be given to them.

Set by an administrator (`public_url`), else taken from the request as the hub's proxy passes it on; a command on this
machine asks the service directly, and is told where the hub listens.
"""

import re
from typing import TYPE_CHECKING

from jupyterhub.utils import get_browser_protocol

from ..core.addresses import host_of
from ..core.admissions import Refused

if TYPE_CHECKING:
    from .base import BaseHandler

_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def public_base(handler: "BaseHandler") -> str:
    """`https://host/prefix/`: scheme and host as the browser sees them, the hub's base URL with its slash.

    Raises Refused when the request names no sane host.
    """
    settings, home = handler.parts.settings, handler.parts.renderer.home
    headers, host = handler.request.headers, handler.request.host
    if settings.public_url:
        base = settings.public_url.rstrip("/") + "/"
    elif "X-Forwarded-For" not in headers and settings.bind_url:
        base = settings.bind_url.rstrip("/") + "/"
    elif _HOST.fullmatch(host):
        base = f"{get_browser_protocol(handler.request)}://{host}{home}"
    else:
        base = ""
    if host_of(base) is None:
        raise Refused("bad_request", 400)
    return base
