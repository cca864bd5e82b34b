"""A second hub of the same system: the same cookie secret and courses service, a process and ports of its own."""

import shutil
from pathlib import Path

import requests

from ..support.system import System

_MORE = """
c.CoursesConnection.service_url = {api!r}
c.JupyterHub.services = []
c.JupyterHub.load_roles = [role for role in c.JupyterHub.load_roles if role["name"] != "courses-service"]
"""


class SecondHub(System):
    """Like `first`, whose service it uses."""

    def __init__(self, folder: Path, proxy: Path, first: System) -> None:
        super().__init__(folder, proxy, more=_MORE.format(api=f"{first.direct}api/"))
        for name in ("hub-token", "cookie-secret"):
            shutil.copy(first.data / name, self.data / name)

    def serves(self) -> bool:
        """Whether the hub answers through its proxy."""
        assert self.hub is not None and self.hub.poll() is None, self.log.read_text()[-3000:]
        return requests.get(f"{self.base}/hub/health", timeout=5).status_code == 200
