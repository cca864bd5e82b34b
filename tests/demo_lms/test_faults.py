"""The faults on request, and what outlives a kill -9."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_courses.demo.lms.capacity import Capacity

from .lab import CONTAINER, SCORE, Lab, recorded_site

LINEITEMS = "/mod/lti/services.php/2/lineitems?type_id=1"


@pytest.fixture
def token(lms: Lab) -> str:
    return lms.token()


def statuses(lms: Lab, token: str, times: int) -> list[int]:
    return [lms.service("GET", LINEITEMS, token, CONTAINER).status for _ in range(times)]


def test_every_third_request_is_refused_as_if_its_token_had_run_out(lms: Lab, token: str) -> None:
    lms.control("POST", "faults", {"status_401_every": 3})
    assert statuses(lms, token, 7) == [200, 200, 401, 200, 200, 401, 200]


def test_the_next_two_are_told_to_come_back_later(lms: Lab, token: str) -> None:
    lms.control("POST", "faults", {"status_429": 2, "retry_after": 7})
    reply = lms.service("GET", LINEITEMS, token, CONTAINER)
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    assert statuses(lms, token, 2) == [429, 200]


def test_minus_one_lasts_until_it_is_switched_off(lms: Lab, token: str) -> None:
    lms.control("POST", "faults", {"status_503": -1})
    assert statuses(lms, token, 3) == [503, 503, 503]
    lms.control("POST", "faults", {})
    assert statuses(lms, token, 1) == [200]


def test_a_dropped_answer_was_carried_out_and_a_dropped_request_was_not(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    for name, expected in (("drop_request", None), ("drop_answer", 5)):
        lms.control("POST", "faults", {name: 1})
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            lms.send_score(token, item)
        assert lms.cell("PS 1", "student1")["score"] == expected
    assert lms.send_score(token, item, at=time.time() + 5).status == 200


def test_a_delay_delays_only_the_endpoints_named(lms: Lab, token: str) -> None:
    lms.control("POST", "faults", {"delay_ms": 300, "endpoints": ["lineitems.get"]})
    began = time.monotonic()
    item = lms.add_column(token)  # a POST
    posted = time.monotonic()
    statuses(lms, token, 1)
    looked = time.monotonic()
    assert looked - posted >= 0.3 and posted - began < looked - posted and item


@pytest.mark.parametrize(("busy", "rate"), [(1, 45), (2, 57), (4, 81), (6, 75.5), (8, 70), (99, 70)])
def test_an_lms_of_limited_capacity_brings_what_its_table_says(busy: int, rate: float) -> None:
    assert Capacity(((1, 45), (4, 81), (8, 70))).rate(busy) == rate


async def test_requests_that_share_an_lms_of_limited_capacity_all_end() -> None:
    capacity = Capacity(((1, 1000), (4, 2000)))
    await asyncio.wait_for(asyncio.gather(*(capacity.work() for _ in range(20))), 30)
    await asyncio.wait_for(capacity.work(), 30)


@pytest.mark.parametrize("rates", [7, [7], [[1]], [[1, 0]], [[4, 81], [1, 45]], [["1", 45]]], ids=str)
def test_a_capacity_that_is_none_is_refused(lms: Lab, token: str, rates: Any) -> None:
    reply = lms.send("POST", "/control/faults", body=json.dumps({"rates": rates}))
    assert reply.status == 400 and "rates" in reply.json()["error"]
    assert statuses(lms, token, 1) == [200]


def test_an_lms_of_limited_capacity_answers_as_any_other(lms: Lab, token: str) -> None:
    lms.control("POST", "faults", {"rates": [[1, 1000], [4, 2000]]})
    assert statuses(lms, token, 3) == [200] * 3


def test_the_token_endpoint_can_be_faulty_too(lms: Lab) -> None:
    lms.control("POST", "faults", {"status_503": 1, "endpoints": ["token"]})
    assert [lms.ask_token().status for _ in range(2)] == [503, 200]


def test_an_unknown_fault_is_refused_with_a_sentence(lms: Lab) -> None:
    reply = lms.send("POST", "/control/faults", body=json.dumps({"status_418": 1}))
    assert reply.status == 400 and "status_418" in reply.json()["error"]


def test_requests_are_counted_by_endpoint_and_outcome(lms: Lab, token: str) -> None:
    item = lms.add_column(token)
    lms.send_score(token, item)
    lms.send_score(token, item, user="10")
    found = lms.control("GET", "requests")
    assert found == {"lineitems.post": {"201": 1}, "scores.post": {"200": 1, "400[]": 1}, "token": {"200": 1}}
    lms.control("DELETE", "requests")
    assert lms.control("GET", "requests") == {}


def test_a_page_of_another_site_cannot_use_the_control_api(lms: Lab) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert lms.send("POST", "/control/login?person=student1", headers).status == 403 and not lms.cookies


def test_without_the_switch_there_is_no_control_api(tmp_path: Path) -> None:
    with process(tmp_path, "--port", "0") as (lab, _):
        assert lab.send("GET", "/control/gradebook").status == 404


def test_grades_sessions_tokens_and_keys_outlive_a_kill(tmp_path: Path) -> None:
    with process(tmp_path, "--port", "0", "--control") as (lab, server):
        lab.sign_in("student1")
        token = lab.token()
        item = lab.add_column(token, resourceId="ps1")
        lab.send_score(token, item, comment="ok")
        lab.control("POST", "enrol", {"course": "ml101", "person": "student2", "role": None})
        own = lab.service("GET", LINEITEMS, token, CONTAINER).json()[0]["id"]
        assert lab.service("DELETE", own, token, "").status == 204  # the scenario must not bring it back
        keys = lab.send("GET", "/mod/lti/certs.php").json()
        cookies, port = lab.cookies, lab.base.rpartition(":")[2]
        os.kill(server.pid, signal.SIGKILL)
        server.wait(10)
    with process(tmp_path, "--port", port, "--control") as (lab, _):
        lab.cookies = cookies
        assert 'data-username="student1"' in lab.send("GET", "/my").body
        assert lab.send("GET", "/mod/lti/certs.php").json() == keys
        assert lab.results(token, item)["5"]["comment"] == "ok"
        assert "student2" not in lab.control("GET", "gradebook")["ml101"]["PS 1"]
        assert [one["id"] for one in lab.service("GET", LINEITEMS, token, CONTAINER).json()] == [item]


def test_a_taken_port_and_a_wrong_scenario_end_with_a_sentence(lms: Lab, tmp_path: Path) -> None:
    port = lms.base.rpartition(":")[2]
    ended = command(tmp_path, "--port", port)
    assert ended.wait(20) == 1 and ended.stderr and f"port {port}" in ended.stderr.read()
    (tmp_path / "scenario.json").write_text("{}")
    ended = subprocess.Popen(_arguments(tmp_path, "--port", "0"), stderr=subprocess.PIPE, text=True)
    assert ended.wait(20) == 2 and ended.stderr and "scenario.client_id: is missing" in ended.stderr.read()


def test_a_score_costs_little(tmp_path: Path) -> None:
    """Benchmarks of delivery must not measure the simulator: 0.4 ms of CPU; the bound is for busy hosts."""
    with process(tmp_path, "--port", "0", "--control") as (lab, server):
        token = lab.token()
        path = lab.add_column(token).partition(lab.base)[2].replace("/lineitem?", "/lineitem/scores?")
        connection = http.client.HTTPConnection("127.0.0.1", int(lab.base.rpartition(":")[2]), timeout=10)
        headers = {"authorization": f"Bearer {token}", "content-type": SCORE}
        score = {"userId": "5", "scoreGiven": 5, "scoreMaximum": 10, "activityProgress": "Completed"}
        score |= {"gradingProgress": "FullyGraded"}
        before = cpu_seconds(server.pid)
        for second in range(500):
            moment = f"2026-11-22T01:{second // 60:02}:{second % 60:02}Z"
            connection.request("POST", path, json.dumps(score | {"timestamp": moment}), headers)
            assert connection.getresponse().read() == b""
        assert (cpu_seconds(server.pid) - before) / 500 < 0.003


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _arguments(folder: Path, *options: str) -> list[str]:
    module = [sys.executable, "-m", "jupyterhub_courses.demo.lms"]
    return [*module, "--state", str(folder / "state"), "--scenario", str(folder / "scenario.json"), *options]


def command(folder: Path, *options: str) -> subprocess.Popen[str]:
    (folder / "scenario.json").write_text(json.dumps(_without_none(asdict(recorded_site()))))
    return subprocess.Popen(_arguments(folder, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def process(folder: Path, *options: str) -> Iterator[tuple[Lab, subprocess.Popen[str]]]:
    server = command(folder, *options)
    try:
        assert server.stdout
        yield Lab(base=server.stdout.readline().split()[-1]), server
    finally:
        server.terminate()
        server.communicate(timeout=20)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value
