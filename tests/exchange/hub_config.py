"""A real hub for the tests of the exchange, without a proxy process: its routes are kept in a dictionary,
and the servers of people are a few lines that answer HTTP and leave their token where the test finds it.
"""

import asyncio
import json
import os
from pathlib import Path

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner

settings = json.loads(os.environ["EXCHANGE_TEST_HUB"])


class NoProxy(Proxy):
    """Routes go nowhere."""

    should_start = False
    routes: dict = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes


class StubSpawner(Spawner):
    """A server that answers everything with 200."""

    server_socket = None

    async def start(self):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        self.server_socket = await asyncio.start_server(answer, "127.0.0.1", 0)
        Path(settings["tokens"], f"{self.user.name}--{self.name}").write_text(self.api_token)
        return "127.0.0.1", self.server_socket.sockets[0].getsockname()[1]

    async def poll(self):
        return None if self.server_socket else 0

    async def stop(self, now=False):
        if self.server_socket:
            self.server_socket.close()
            self.server_socket = None


c = get_config()  # noqa: F821
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = StubSpawner
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.bind_url = f"http://127.0.0.1:{settings['public_port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings['hub_port']}"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.services = [{"name": "tests", "api_token": settings["token"]}]
c.JupyterHub.load_roles = [
    {"name": "tests", "services": ["tests"], "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"]},
    {"name": "everywhere", "users": ["root"], "scopes": ["access:servers"]},
]
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server"]
