"""Ports, processes and the state folder of the demo, on real sockets and real processes."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from jupyterhub_courses.demo import processes
from jupyterhub_courses.demo.files import Folder, InUse
from jupyterhub_courses.demo.parts import Part, PartFailed, pause
from jupyterhub_courses.demo.ports import choose, is_free

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_taken_port_is_named_and_the_next_is_used():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        ports, notes = choose({"hub": port}, {}, free=lambda one: one != port)
    assert ports == {"hub": port + 1} and notes == [f"Port {port} is taken: hub uses {port + 1} instead."]


def test_what_was_used_before_is_used_again():
    ports, notes = choose({"hub": 8000, "lms": 8000}, {"hub": 8003}, free=lambda _: True)
    assert ports == {"hub": 8003, "lms": 8000} and notes == []


def test_no_two_parts_get_the_same_port():
    ports, _ = choose({"a": 8000, "b": 8000}, {}, free=lambda _: True)
    assert ports["a"] != ports["b"]


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1), (4, 4), (9, 30), (500, 30)])
def test_the_pause_before_a_restart_grows_to_a_bound(failures, seconds):
    assert pause(failures) == seconds


def sleeper(*environment):
    return subprocess.Popen(
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"],
        env={**os.environ, **dict(environment)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def test_marked_processes_are_found_and_ended_whoever_their_parent_is(tmp_path):
    child = sleeper((processes.MARK, str(tmp_path)))
    child.stdout.readline()
    assert [one.pid for one in processes.marked(str(tmp_path))] == [child.pid]
    assert processes.end(lambda: processes.marked(str(tmp_path))) == 1
    assert child.wait(5) == -signal.SIGTERM
    child.stdout.close()


def test_a_pid_that_was_given_again_is_not_taken_for_the_old_process():
    own = processes.process(os.getpid())
    assert processes.alive(own)
    assert not processes.alive(processes.Process(own.pid, own.started - 1))


def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "from jupyterhub_courses.demo.processes import ending_with_parent\n"
        "made = {'preexec_fn': ending_with_parent(), 'start_new_session': True}\n"
        "child = subprocess.Popen(['sleep', '600'], **made)\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = processes.process(int(parent.stdout.readline()))
    assert processes.alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    waited = subprocess.run(["timeout", "10", "tail", "--pid", str(child.pid), "-f", "/dev/null"], check=False)
    assert waited.returncode == 0 and not processes.alive(child)


def part(tmp_path, command, said, healthy=None):
    async def always():
        return True

    return Part("the part", command, {}, tmp_path, tmp_path / "part.log", healthy or always, said.append)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_killed_part_comes_back_and_says_so(tmp_path):
    said = []
    one = part(tmp_path, ["sleep", "600"], said)
    one.start()
    await until(lambda: one.pid)
    first = one.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: one.pid not in (None, first))
    assert said == ["the part was ended by signal 9; it starts again in 0.5 s."]
    second = processes.process(one.pid)
    await one.stop(5)
    assert not processes.alive(second)


async def test_a_part_that_ignores_sigterm_is_killed(tmp_path):
    one = part(tmp_path, ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"], [])
    one.start()
    await until(lambda: one.log.exists() and one.log.read_text())
    process = processes.process(one.pid)
    await one.stop(0.3)
    assert not processes.alive(process)


async def test_a_part_that_never_comes_up_is_told_with_its_log(tmp_path):
    async def never():
        return False

    one = part(tmp_path, ["sh", "-c", "echo what went wrong; exit 3"], [], never)
    one.start()
    with pytest.raises(PartFailed, match="(?s)ends again and again.*what went wrong"):
        await one.ready(30)
    await one.stop(1)


def test_one_demo_a_folder(tmp_path):
    folder = Folder(tmp_path / "demo")
    with folder.locked(), pytest.raises(InUse, match="runs in .* already"), Folder(folder.path).locked():
        pass


def test_forgetting_leaves_what_is_not_the_demos(tmp_path):
    folder = Folder(tmp_path / "demo")
    with folder.locked():
        folder.path.joinpath("courses", "ml101").mkdir(parents=True)
        folder.path.joinpath("courses.sqlite").touch()
        folder.path.joinpath("my-thesis.txt").touch()
        folder.forget()
    assert [one.name for one in folder.path.iterdir()] == ["my-thesis.txt"]


def test_what_a_killed_writer_left_is_forgotten_and_what_is_somebody_elses_is_not(tmp_path):
    folder = Folder(tmp_path / "demo")
    with folder.locked():
        (folder.path / "pids.json.new").touch()
        folder.forget()
    assert not folder.path.exists()
    with folder.locked():
        (folder.path / "thesis.new").touch()
        folder.forget()
    assert [one.name for one in folder.path.iterdir()] == ["thesis.new"]
