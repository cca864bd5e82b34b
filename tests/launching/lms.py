"""A page of an LMS that shows an activity in a frame, as Moodle does where it was registered dynamically."""

import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..hub.platform import Platform


def form(action: str, fields: dict[str, str]) -> str:
    """A page whose form sends itself."""
    inputs = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in fields.items())
    return (
        f'<form method="post" action="{html.escape(action)}">{inputs}</form><script>document.forms[0].submit()</script>'
    )


class EmbeddingLms:
    """Its pages. hub: the hub's address as the browser is to see it; claims: of who is logged in at the LMS."""

    def __init__(self, platform: Platform, port: int) -> None:
        self.platform, self.port = platform, port
        self.hub, self.claims = "", dict[str, Any]()

    def page(self, path: str, query: dict[str, str]) -> str:
        if path == "/course":
            return '<h1>Course</h1><iframe id="activity" src="/launch" width="900" height="500"></iframe>'
        if path == "/launch":
            fields = {"iss": self.platform.issuer, "client_id": self.platform.client_id, "login_hint": "5"}
            return form(f"{self.hub}/hub/lti13/oauth_login", {**fields, "target_link_uri": f"{self.hub}/hub"})
        if path == "/auth":
            claims = self.platform.claims(query["nonce"], **self.claims)
            return form(query["redirect_uri"], {"id_token": self.platform.sign(claims), "state": query["state"]})
        return ""


@contextmanager
def serving(lms: EmbeddingLms) -> Iterator[None]:
    """The LMS on loopback, under whatever name the browser calls it by."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            body = lms.page(asked.path, {name: values[0] for name, values in parse_qs(asked.query).items()}).encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", lms.port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
