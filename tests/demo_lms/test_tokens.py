"""The token endpoint against a tool with a keyset at an address, as the courses service has one."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from .lab import TOOL_KEY, Lab, recorded_site, running_lms

OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Keyset:
    """A tool's keyset on a port; `keys` may change, `fetched` counts."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {"first": TOOL_KEY}
        self.fetched = 0
        keyset = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keyset.fetched += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(keyset.document()).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def document(self) -> dict[str, Any]:
        as_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
        keys = [as_jwk(key.public_key(), as_dict=True) | {"kid": kid} for kid, key in self.keys.items()]
        return {"keys": keys}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def keyset() -> Iterator[Keyset]:
    served = Keyset()
    yield served
    served.close()


@pytest.fixture
def lms(tmp_path: Path, keyset: Keyset) -> Iterator[Lab]:
    site = recorded_site(public_key=None, keyset_url=keyset.url)
    with running_lms(tmp_path / "lms", site) as lab:
        yield lab


def test_the_keyset_is_fetched_once_for_many_tokens(lms: Lab, keyset: Keyset) -> None:
    assert [lms.ask_token(kid="first").status for _ in range(3)] == [200, 200, 200]
    assert keyset.fetched == 1


def test_a_new_key_is_found_by_its_id_and_also_under_an_old_one(lms: Lab, keyset: Keyset) -> None:
    assert lms.ask_token(kid="first").status == 200
    keyset.keys = {"first": OTHER_KEY, "second": TOOL_KEY}
    assert lms.ask_token(kid="second").status == 200
    keyset.keys = {"second": OTHER_KEY}
    assert lms.ask_token(kid="second", key=OTHER_KEY).status == 200


@pytest.mark.parametrize(
    ("kid", "key", "error"),
    [
        (None, TOOL_KEY, '"kid" empty, unable to lookup correct key'),
        ("unknown", TOOL_KEY, '"kid" invalid, unable to lookup correct key'),
        ("first", OTHER_KEY, "Signature verification failed"),
    ],
)
def test_an_assertion_that_fits_no_key_is_refused(lms: Lab, kid: str | None, key: Any, error: str) -> None:
    reply = lms.ask_token(kid=kid, key=key)
    assert (reply.status, reply.json()) == (400, {"error": error})


def test_a_keyset_that_cannot_be_fetched_is_an_html_page(lms: Lab, keyset: Keyset) -> None:
    keyset.close()
    reply = lms.ask_token(kid="first")
    assert (reply.status, reply.type) == (404, "text/html; charset=utf-8") and "<title>Error |" in reply.body
