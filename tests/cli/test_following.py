"""While new courses are made, the command line says how many are ready."""

import pytest

from jupyterhub_courses.cli import following
from jupyterhub_courses.cli.client import CommandError

READY, MAKING = ("ready", ""), ("progressing", "The exchange (ngshare) is starting.")
BROKEN = ("degraded", "StorageClass \x1b[2Jfast does not exist.")


def listed(**states):
    return [{"slug": slug, "state": state, "reason": reason} for slug, (state, reason) in states.items()]


class Time:
    """A clock that goes on while somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def follow():
    """Follow a, b and c through answers that come one after the other; the last one for ever."""
    time = Time()

    def follow(*answers):
        left = list(answers)

        def ask():
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return following.follow(ask, ["a", "b", "c"], time.clock, time.sleep)

    follow.time = time
    return follow


def test_each_step_is_shown_until_all_are_ready(follow, capsys, monkeypatch):
    monkeypatch.setattr(following, "LINE_S", 0.0)
    done = listed(a=READY, b=READY, c=READY)
    follow(listed(a=MAKING, b=MAKING, c=MAKING), listed(a=READY, b=MAKING, c=MAKING), done)
    assert capsys.readouterr().err.splitlines() == [
        "0 of 3 courses ready, 3 coming up",
        "1 of 3 courses ready, 2 coming up",
        "3 of 3 courses ready",
    ]


def test_a_log_gets_a_line_now_and_then_and_no_line_twice(follow, capsys):
    making = listed(a=MAKING, b=MAKING, c=MAKING)
    follow(*[making] * 20, listed(a=READY, b=READY, c=READY))
    assert capsys.readouterr().err.splitlines() == ["0 of 3 courses ready, 3 coming up", "3 of 3 courses ready"]


def test_a_terminal_shows_one_line_that_changes(follow, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    follow(listed(a=MAKING, b=READY, c=BROKEN), listed(a=READY, b=READY, c=READY))
    shown = capsys.readouterr().err
    first = "1 of 3 courses ready, 1 coming up, 1 with a problem"
    assert shown.split("\r")[1:] == [first, "3 of 3 courses ready".ljust(len(first)) + "\n"]


def test_a_course_that_says_what_is_wrong_holds_up_nobody(follow):
    end = listed(a=READY, b=READY, c=BROKEN)
    assert follow(listed(a=READY, b=MAKING, c=BROKEN), end) == end


def test_courses_of_others_are_not_waited_for(follow):
    assert follow(listed(a=READY, b=READY, c=READY, other=MAKING)) == listed(a=READY, b=READY, c=READY)


def test_a_service_that_starts_anew_is_asked_again(follow):
    end = listed(a=READY, b=READY, c=READY)
    assert follow(listed(a=MAKING, b=MAKING, c=MAKING), CommandError("cannot be reached"), end) == end


def test_nobody_waits_for_ever_for_what_does_not_move(follow):
    stuck = listed(a=READY, b=READY, c=MAKING)
    assert follow(stuck) == stuck and follow.time.now >= following.PATIENCE_S


def test_a_service_that_stays_away_is_not_asked_for_ever(follow):
    assert follow(CommandError("cannot be reached")) == [] and follow.time.now >= following.PATIENCE_S


@pytest.fixture
def new(tmp_path, service):
    """A file of two courses that are new to the service, one of which has a problem."""
    path = tmp_path / "courses.yaml"
    path.write_text("courses:\n  - {slug: a, title: A}\n  - {slug: b, title: B}\n")
    changes = [{"course": slug, "kind": "create", "fields": {}} for slug in "ab"]
    service.answers["POST", "apply"] = (200, {"changes": changes, "notes": []})
    service.answers["GET", "courses"] = (200, listed(a=READY, b=BROKEN))
    return path


def test_apply_shows_how_far_new_courses_are_and_what_is_wrong(command, service, data_dir, new):
    outcome = command("apply", new, "--data-dir", data_dir)
    assert outcome.status == 0 and outcome.err == "1 of 2 courses ready, 1 with a problem\n"
    assert outcome.out.splitlines() == [
        "+ a: create",
        "+ b: create",
        "1 of 2 new courses ready.",
        "  b: degraded. StorageClass  [2Jfast does not exist.",
        "Done.",
    ]


@pytest.mark.parametrize("option", ["--no-wait", "--dry-run", "--json"])
def test_apply_does_not_wait_where_nobody_wants_it_to(command, service, data_dir, new, option):
    outcome = command("apply", new, option, "--data-dir", data_dir)
    assert outcome.status == 0 and outcome.err == ""
    assert [(method, path) for method, path, *_ in service.asked] == [("POST", "apply")]


def test_somebody_who_stops_watching_is_told_that_it_goes_on(command, service, data_dir, new, monkeypatch):
    service.answers["GET", "courses"] = (200, listed(a=READY, b=MAKING))

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(following.follow, "__defaults__", (following.time.monotonic, stop))
    outcome = command("apply", new, "--data-dir", data_dir)
    assert outcome.status == 130 and "The service goes on with it" in outcome.err
