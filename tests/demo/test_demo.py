"""`jupyterhub-courses demo` whole: what it says, what heals when it is killed, what is left in the end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from jupyterhub_courses.demo import processes
from jupyterhub_courses.hub import proxy_command

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.skipif(proxy_command() is None, reason="left out: configurable-http-proxy (make install)"),
]
COMMAND = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()"]
LONG = 120


class Demo:
    """One run of the command."""

    def __init__(self, folder, *arguments):
        self.folder, self.lines = folder, []
        self.process = subprocess.Popen(
            [*COMMAND, "demo", "--data-dir", str(folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, words):
        """Read lines until one has `words`."""
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return self
        raise AssertionError("".join(self.lines))

    @property
    def ports(self):
        return json.loads((self.folder / "demo" / "state.json").read_text())["ports"]

    def pid(self, part):
        """The part's process; None while there is none."""
        return json.loads((self.folder / "pids.json").read_text()).get(part, {}).get("pid")

    def get(self, path, part="hub"):
        """The status of the part's answer; 0 when there is none."""
        try:
            with urllib.request.urlopen(f"http://localhost:{self.ports[part]}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def end(self, sent=signal.SIGINT):
        self.process.send_signal(sent)
        self.lines.append(self.process.communicate(timeout=LONG)[0] or "")
        return self.process.returncode


def wait(condition, what):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def run(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=LONG, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    one = Demo(tmp_path_factory.mktemp("demo") / "state", "--port", "18000")
    try:
        yield one.until("Ctrl-C ends everything")
    finally:
        if one.process.poll() is None:
            one.end()
        processes.end(lambda: processes.marked(str(one.folder)))


def test_it_says_where_to_click_and_as_whom(demo):
    text = "".join(demo.lines)
    assert re.search(r"http://localhost:\d+/ +Northfield University", text)
    assert "Grace Hopper (teacher)" in text and "Emmy Noether (student)" in text


def test_the_command_line_finds_it_by_its_folder(demo):
    listed = run("platforms", "list", "--json", "--data-dir", demo.folder)
    assert sorted(one["name"] for one in json.loads(listed.stdout)) == ["eastlake", "northfield"]
    assert run("courses", "--data-dir", demo.folder).stdout.strip() == "There is no course yet."


def test_a_second_one_and_a_reset_are_refused_while_it_runs(demo):
    for arguments in ([], ["--reset"]):
        outcome = run("demo", "--data-dir", demo.folder, *arguments)
        assert outcome.returncode == 1 and "A demo runs in" in outcome.stderr


@pytest.mark.parametrize("part", ["northfield", "hub"])
def test_a_killed_part_heals(demo, part):
    old = demo.pid(part)
    os.kill(old, signal.SIGKILL)
    wait(lambda: demo.pid(part) not in (None, old), f"{part} is not started again")
    wait(lambda: demo.get("/", "northfield") == 200, "the LMS does not answer")
    wait(lambda: demo.get("/hub/health") == 200, "the hub does not answer")
    wait(lambda: demo.get("/services/courses/health") == 200, "the service does not answer")


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:  # it ended meanwhile
        return ""


def children(demo, words):
    """Processes below the hub whose command line has `words`."""
    return [one for one in processes.descendants(demo.process.pid) if words in command_line(one.pid)]


@pytest.mark.parametrize("words", ["configurable-http-proxy", "jupyterhub_courses.service"])
def test_the_hubs_own_parts_heal(demo, words):
    (old,) = children(demo, words)[:1]
    os.kill(old.pid, signal.SIGKILL)
    wait(lambda: not processes.alive(old), "it is not killed")
    wait(lambda: demo.get("/services/courses/health") == 200, f"{words} does not come back")
    assert children(demo, words) != [old]


def test_ctrl_c_ends_every_process_and_a_second_start_finds_the_old_state(demo):
    ports, everything = demo.ports, processes.descendants(demo.process.pid)
    assert len(everything) >= 5
    assert demo.end() == 0
    assert [one for one in everything if processes.alive(one)] == []
    assert processes.marked(str(demo.folder)) == []

    secret = (demo.folder / "hub-token").read_text()
    again = Demo(demo.folder, "--port", "18000").until("Ctrl-C ends everything")
    try:
        assert again.ports == ports and (demo.folder / "hub-token").read_text() == secret
        everything = processes.descendants(again.process.pid)
        again.process.kill()
        again.process.communicate(timeout=LONG)
        wait(
            lambda: not any(map(processes.alive, everything)),
            "kill -9 of the supervisor left processes behind",
        )
    finally:
        processes.end(lambda: processes.marked(str(demo.folder)))

    assert run("demo", "--reset", "--data-dir", demo.folder).returncode == 0
    assert not demo.folder.exists()
