"""What a server's side does with answers that are wrong, late or hostile."""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from nbgrader.exchange import ExchangeError

from jupyterhub_courses.exchange.files import encode

from .conftest import serve_http
from .homes import Person


@pytest.fixture
def hostile(tmp_path):
    """A student whose exchange is not the real one: it answers what the test put into `answers`."""
    answers: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *args: object) -> None: ...

    with serve_http(Handler) as url:
        ada = Person("ada", tmp_path, url + "/api/")
        ada.answers = answers
        yield ada


def ok(**answer) -> tuple[int, bytes]:
    return 200, json.dumps({"success": True, **answer}).encode()


def file(path) -> dict:
    return {"path": path, "content": base64.b64encode(b"evil").decode()}


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil-of-exchange", "a/../../evil", "a\\evil", "", None, "a/./b"])
def test_a_received_path_that_leads_elsewhere_is_refused(hostile, path):
    hostile.answers.append(ok(files=[file("fine"), file(path)], timestamp="2026-01-01 00:00:00.000000 UTC"))
    before = sorted(p.name for p in hostile.home.iterdir())
    with pytest.raises(ExchangeError, match="leads elsewhere"):
        hostile.do("FetchAssignment", "ps")
    assert sorted(p.name for p in hostile.home.iterdir()) == before
    assert not Path("/tmp/evil-of-exchange").exists()


def test_a_received_moment_or_student_that_leads_elsewhere_is_refused(hostile):
    for row in ({"student_id": "ada", "timestamp": "../../x"}, {"student_id": "../x", "timestamp": "2026-01-01 00:00"}):
        hostile.answers[:] = [ok(submissions=[row])]
        with pytest.raises(ExchangeError):
            hostile.do("Collect", "ps")


def test_two_files_of_one_name_are_refused(hostile):
    for paths in (("a", "a"), ("a", "a/b"), ("a/b", "a")):
        hostile.answers[:] = [ok(files=[file(path) for path in paths])]
        with pytest.raises(ExchangeError):
            hostile.do("FetchAssignment", "ps")
        assert not (hostile.home / "ps").exists()


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"[]"), (500, b""), (200, b'{"success": false}')])
def test_an_answer_that_is_none_is_said_so(hostile, answer):
    hostile.answers.append(answer)
    with pytest.raises(ExchangeError, match="cannot be read"):
        hostile.do("List")


def test_a_hub_that_is_back_soon_is_not_noticed(hostile):
    busy = 503, b'{"success": false, "message": "The hub could not be asked"}'
    hostile.answers.extend([busy, busy, ok(assignments=[])])
    assert hostile.do("List") == []
    hostile.answers[:] = [busy]
    with pytest.raises(ExchangeError, match="hub could not be asked"):
        hostile.do("List")


def test_a_lost_question_is_asked_again_and_a_lost_submission_is_not_sent_twice(hostile):
    hostile.answers.extend([(None, b""), ok(assignments=[])])
    assert hostile.do("List") == []
    hostile.write("ps/q.ipynb")
    hostile.answers[:] = [ok(files=[{"path": "q.ipynb"}]), (None, b""), ok(timestamp="2026-01-01 00:00:00.000000 UTC")]
    with pytest.raises(ExchangeError, match="is unknown"):
        hostile.do("Submit", "ps")
    assert len(hostile.answers) == 1


def test_files_keep_their_bytes_and_places(tmp_path):
    from jupyterhub_courses.exchange.files import read_folder, write_folder

    wanted = {"a.ipynb": b"\xff\x00\r\n", "b/c/ü d.txt": b"", ".hidden": b"x"}
    write_folder(json.loads(encode(wanted.items())), tmp_path / "x")
    assert dict(read_folder(tmp_path / "x")) == wanted
    assert os.stat(tmp_path / "x").st_mode & 0o700 == 0o700
