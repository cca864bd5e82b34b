"""The exchange process: nothing is lost or mixed up, nothing too large or misplaced is kept, and it ends
when told.
"""

import base64
import json
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyterhub_courses.adapters.exchange_server.settings import SettingsError, in_words, read_settings
from jupyterhub_courses.exchange.client import RequestFailed
from jupyterhub_courses.exchange.files import encode

from .conftest import ADMIN_TOKEN, call, environment, wait_for

STUDENTS = [f"s{i}" for i in range(8)]
LIMIT = 2_000_000


def prepare(running):
    """Course ml101 with its students and the released assignment ps1."""
    running.service.post("course", "ml101", fields={"instructors": '["grader-ml101"]'})
    people = [{"username": name, "first_name": "", "last_name": "", "email": ""} for name in STUDENTS]
    running.service.post("students", "ml101", fields={"students": json.dumps(people)})
    release(running, "ps1")
    return running


def release(running, name, content=b"{}", **fields):
    files = encode([("a.ipynb", content)])
    return running.client("grader-ml101.ml101").post("assignment", "ml101", name, fields={"files": files} | fields)


def submit(running, name, content=b"x", assignment="ps1"):
    files = encode([("a.ipynb", content)])
    client = running.client(f"{name}.ml101")
    return client.post("submission", "ml101", assignment, fields={"files": files})["timestamp"]


def submissions(running, assignment="ps1"):
    rows = running.service.get("submissions", "ml101", assignment)["submissions"]
    return {(row["student_id"], row["timestamp"]) for row in rows}


def content(running, student, timestamp, assignment="ps1"):
    answer = running.service.get("submission", "ml101", assignment, student, timestamp=timestamp)
    return {file["path"]: base64.b64decode(file["content"]) for file in answer["files"]}


@pytest.fixture(scope="module")
def exchange(start_exchange, stand_in_hub):
    return prepare(start_exchange(stand_in_hub, EXCHANGE_UPLOAD_LIMIT=str(LIMIT)))


def test_what_was_answered_is_stored(exchange):
    moment = submit(exchange, "s0", b"one")
    assert ("s0", moment) in submissions(exchange)
    assert content(exchange, "s0", moment) == {"a.ipynb": b"one"}
    assert moment.endswith(" UTC")


def test_without_the_repair_ngshare_loses_what_it_answered(start_exchange, stand_in_hub, tmp_path, monkeypatch):
    """Fails when SQLAlchemy or ngshare need the repair no longer: then it can go."""
    (tmp_path / "unrepaired.py").write_text(
        "from jupyterhub_courses.adapters.exchange_server import database, server\n"
        "database.repair_lost_writes = lambda: None\n"
        "server.main()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    running = start_exchange(stand_in_hub, module="unrepaired")
    running.service.post("course", "ml101", fields={"instructors": '["grader-ml101"]'})
    release(running, "ps1")
    assert running.service.get("assignments", "ml101")["assignments"] == []


def test_many_at_once_neither_lose_nor_mix(exchange):
    release(exchange, "crowd")

    def student(name):
        written = {}
        for number in range(5):
            data = f"{name} {number} ".encode() * random.randint(1, 20_000)
            written[submit(exchange, name, data, "crowd")] = data
        return name, written

    with ThreadPoolExecutor(len(STUDENTS)) as crowd:
        everything = dict(crowd.map(student, STUDENTS))
    assert submissions(exchange, "crowd") == {(n, moment) for n, written in everything.items() for moment in written}
    for name, written in everything.items():
        for moment, data in written.items():
            assert content(exchange, name, moment, "crowd") == {"a.ipynb": data}


def test_a_student_sees_nothing_of_another(exchange):
    moment = submit(exchange, "s1", b"mine")
    feedback = {"timestamp": moment, "files": encode([("a.html", b"well done")])}
    exchange.client("grader-ml101.ml101").post("feedback", "ml101", "ps1", "s1", fields=feedback)
    other, own = exchange.client("s2.ml101"), exchange.client("s1.ml101")
    for path in (("submissions", "ml101", "ps1"), ("submissions", "ml101", "ps1", "s1"), ("students", "ml101")):
        with pytest.raises(RequestFailed, match="refuses"):
            other.get(*path)
    for kind in ("feedback", "submission"):
        with pytest.raises(RequestFailed, match="refuses"):
            other.get(kind, "ml101", "ps1", "s1", timestamp=moment)
    with pytest.raises(RequestFailed, match="refuses"):
        own.post("feedback", "ml101", "ps1", "s1", fields=feedback)
    with pytest.raises(RequestFailed, match="refuses"):
        own.post("assignment", "ml101", "mine", fields={"files": "[]"})
    with pytest.raises(RequestFailed, match="refuses"):
        own.delete("assignment", "ml101", "ps1")
    (page,) = own.get("feedback", "ml101", "ps1", "s1", timestamp=moment)["files"]
    assert base64.b64decode(page["content"]) == b"well done"


def test_releasing_again_or_unreleasing_keeps_submissions(exchange):
    release(exchange, "ps2", b"first")
    with pytest.raises(RequestFailed, match="already exists"):
        release(exchange, "ps2", b"second")
    moment = submit(exchange, "s3", b"work", "ps2")
    release(exchange, "ps2", b"second", force="true")
    (file,) = exchange.client("s3.ml101").get("assignment", "ml101", "ps2")["files"]
    assert base64.b64decode(file["content"]) == b"second"
    exchange.client("grader-ml101.ml101").delete("assignment", "ml101", "ps2")
    assert "ps2" not in exchange.service.get("assignments", "ml101")["assignments"]
    with pytest.raises(RequestFailed, match="not found"):
        submit(exchange, "s3", b"late", "ps2")
    assert content(exchange, "s3", moment, "ps2") == {"a.ipynb": b"work"}
    release(exchange, "ps2", b"third")
    assert submissions(exchange, "ps2") == {("s3", moment)}
    exchange.client("grader-ml101.ml101").delete("assignment", "ml101", "ps2")
    assert "ps2" not in exchange.service.get("assignments", "ml101")["assignments"]


def stored_files(running):
    with sqlite3.connect(running.directory / "ngshare.db") as database:
        named = {name for (name,) in database.execute("select actual_name from files")}
    return named, {path.name for path in (running.directory / "files").iterdir()}


def test_replaced_files_do_not_stay_on_the_disk(exchange):
    release(exchange, "ps3", b"first")
    release(exchange, "ps3", b"second", force="true")
    named, there = stored_files(exchange)
    assert named == there


@pytest.mark.parametrize("excess", [1, 1_000_000, 30_000_000])
def test_too_large_an_upload_is_refused_in_words(exchange, excess):
    before = submissions(exchange)
    with pytest.raises(RequestFailed, match="at most 2 MB") as refused:
        submit(exchange, "s4", b"x" * (LIMIT + excess))
    assert refused.value.status == 413
    assert submissions(exchange) == before
    submit(exchange, "s4", b"x" * LIMIT)


def test_an_upload_without_a_length_is_limited_too(exchange):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(exchange.url.split(":")[2].split("/")[0]), timeout=30)
    chunks = (b"x" * 100_000 for _ in range(100))
    connection.request("POST", "/api/submission/ml101/ps1", chunks, {"Authorization": "token s0.ml101"})
    response = connection.getresponse()
    assert response.status == 413
    assert "at most 2 MB" in json.loads(response.read())["message"]
    connection.close()


def test_nobody_uploads_to_the_open_door(exchange):
    url = exchange.url.removesuffix("api/") + "healthz"
    assert call(url)[0] == 200
    assert call(url, method="POST", body=b"x" * 100_000)[0] == 413


@pytest.mark.parametrize(
    "path", ["../a", "a/../../b", "/etc/passwd", "a//b", "./a", "a\\b", "a\0b", "", "a/", "x" * 300, 5, None, "\ud800"]
)
def test_a_path_that_leads_elsewhere_is_refused(exchange, path):
    before = submissions(exchange), stored_files(exchange)
    entries = [{"path": "fine.ipynb", "content": ""}, {"path": path, "content": ""}]
    with pytest.raises(RequestFailed) as refused:
        fields = {"files": json.dumps(entries)}
        exchange.client("s0.ml101").post("submission", "ml101", "ps1", fields=fields)
    assert refused.value.status == 400
    assert (submissions(exchange), stored_files(exchange)) == before


@pytest.mark.parametrize(
    "files",
    ["", "no", "{}", "[]", "5", "[1]", '[{"path": "a"}]']
    + ['[{"path": "a", "content": 5}]', '[{"path": "a", "content": "a"}]'],
)
def test_files_that_cannot_be_read_are_refused(exchange, files):
    before = submissions(exchange)
    with pytest.raises(RequestFailed) as refused:
        exchange.client("s0.ml101").post("submission", "ml101", "ps1", fields={"files": files})
    assert refused.value.status == 400
    assert submissions(exchange) == before


@pytest.mark.parametrize("name", ["../../etc", "..", ".hidden", "a/b", "a\nb", " a"])
def test_a_name_that_leads_elsewhere_is_refused(exchange, name):
    with pytest.raises(RequestFailed) as refused:
        release(exchange, name)
    assert refused.value.status in (400, 404)


@pytest.mark.parametrize(
    "path", ["", "favicon.ico", "masonry.min.js", "oauth_callback", "initialize-Data6ase?action=dump", "nothing"]
)
def test_ngshares_pages_are_not_served(exchange, path):
    for token in (ADMIN_TOKEN, "s0.ml101"):
        status, answer = call(exchange.url + path, token)
        assert (status, answer["success"]) == (404, False)
    assert call(exchange.url + "courses", ADMIN_TOKEN, "PUT", b"")[0] == 405


def test_an_unforeseen_error_tells_a_reference_and_nothing_else(exchange):
    moment = submit(exchange, "s5", b"gone")
    with sqlite3.connect(exchange.directory / "ngshare.db") as database:
        (name,) = database.execute("select actual_name from files order by _id desc limit 1").fetchone()
    (exchange.directory / "files" / name).unlink()
    url = f"{exchange.url}submission/ml101/ps1/s5?timestamp={moment.replace(' ', '%20')}"
    status, answer = call(url, ADMIN_TOKEN)
    assert status == 500
    assert re.search(r"Reference: [0-9a-f]{8}$", answer["message"])
    assert "Traceback" not in json.dumps(answer) and name not in json.dumps(answer)
    wait_for(lambda: any(answer["reference"] in line for line in exchange.log))


def test_no_person_is_named_in_the_log(exchange):
    submit(exchange, "s6")
    log = "".join(exchange.log)
    assert not re.search(r"\bs\d\b", log) and ADMIN_TOKEN not in log and ".ml101" not in log


def test_it_listens_on_the_loopback_only(exchange):
    port = int(exchange.url.split(":")[2].split("/")[0])
    with open(f"/proc/{exchange.process.pid}/net/tcp") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_killed_while_students_submit_it_has_all_that_it_answered(start_exchange, stand_in_hub):
    running = prepare(start_exchange(stand_in_hub))
    answered, lock = [], threading.Lock()

    def keep_submitting(name):
        for number in range(1000):
            data = f"{name} {number} ".encode() * 5000
            try:
                moment = submit(running, name, data)
            except RequestFailed:
                return
            with lock:
                answered.append((name, moment, data))

    students = [threading.Thread(target=keep_submitting, args=(name,)) for name in STUDENTS[:4]]
    for student in students:
        student.start()
    wait_for(lambda: len(answered) >= 20)
    time.sleep(random.random() / 10)
    running.kill()
    for student in students:
        student.join()

    again = start_exchange(stand_in_hub, running.directory)
    kept = submissions(again)
    assert {(name, moment) for name, moment, _ in answered} <= kept
    assert len(kept) <= len(answered) + 4  # at most one a student was stored and not answered
    for name, moment, data in answered:
        assert content(again, name, moment) == {"a.ipynb": data}
    for name, moment in kept:
        assert content(again, name, moment)["a.ipynb"].startswith(name.encode())
    named, there = stored_files(again)
    assert named <= there
    with sqlite3.connect(running.directory / "ngshare.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)


def test_it_ends_with_its_parent_and_on_a_signal(start_exchange, stand_in_hub):
    running = start_exchange(stand_in_hub)
    running.process.stdin.close()
    assert running.process.wait(15) == 0
    again = start_exchange(stand_in_hub, running.directory)
    assert again.end() == 0


def test_a_second_process_does_not_touch_a_folder_in_use(exchange, stand_in_hub):
    second = subprocess.run(
        [sys.executable, "-c", "from jupyterhub_courses.adapters.exchange_server import server;"
         "server.LOCK_WAIT_S = 0.3; raise SystemExit(server.main())"],
        env=environment(exchange.directory, stand_in_hub),
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert second.returncode == 1
    assert "Another exchange process uses this folder" in second.stderr


def test_a_database_of_an_older_ngshare_is_upgraded(start_exchange, stand_in_hub, tmp_path):
    (tmp_path / "files").mkdir()
    # In a process of its own: ngshare's env.py silences every logger of the process that it runs in.
    old = f"from ngshare import dbutil; dbutil.upgrade('sqlite:///{tmp_path}/ngshare.db', revision='aa00db20c10a')"
    subprocess.run([sys.executable, "-c", old], capture_output=True, timeout=60, check=True)
    with sqlite3.connect(tmp_path / "ngshare.db") as database:
        database.execute("insert into courses (id) values ('old')")
    running = start_exchange(stand_in_hub, tmp_path)
    assert running.service.get("courses")["courses"] == ["old"]
    assert submit(prepare(running), "s0")


def test_without_settings_it_says_which_are_missing(tmp_path):
    idle = subprocess.run(
        [sys.executable, "-m", "jupyterhub_courses.adapters.exchange_server"],
        env={k: v for k, v in environment(tmp_path, "x").items() if not k.startswith("EXCHANGE_")},
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert idle.returncode == 2
    assert "Traceback" not in idle.stderr
    for name in ("COURSE", "DIR", "PORT", "HUB_API_URL", "ADMIN_TOKEN"):
        assert f"EXCHANGE_{name} is not set" in idle.stderr


def test_wrong_settings_are_named_together(tmp_path):
    wrong = {
        "EXCHANGE_COURSE": "ML 101",
        "EXCHANGE_PORT": "-1",
        "EXCHANGE_UPLOAD_LIMIT": "much",
        "EXCHANGE_HOST": "all",
    }
    with pytest.raises(SettingsError) as told:
        read_settings(environment(tmp_path, "ftp://hub", **wrong, EXCHANGE_ADMIN_TOKEN="short"))
    for name in (*wrong, "EXCHANGE_HUB_API_URL", "EXCHANGE_ADMIN_TOKEN"):
        assert name in str(told.value)
    assert ADMIN_TOKEN not in repr(read_settings(environment(tmp_path, "http://hub")))


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_an_exchange_listens_to_this_machine_alone_unless_it_is_told_otherwise(tmp_path, address):
    assert read_settings(environment(tmp_path, "http://hub")).host == "127.0.0.1"
    assert read_settings(environment(tmp_path, "http://hub", EXCHANGE_HOST=address)).host == address


@pytest.mark.parametrize("size, words", [(5, "5 bytes"), (1500, "1.5 kB"), (20_000_000, "20 MB"), (3 * 10**9, "3 GB")])
def test_sizes_are_told_as_people_say_them(size, words):
    assert in_words(size) == words
