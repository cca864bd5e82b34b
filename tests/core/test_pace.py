"""How many requests an LMS gets at a time: the rules one by one, and what they come to against models of LMSs."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_courses.core.pace import IN_MEMORY, PAGE_LEAST, SENDERS, Pace, page_size, senders
from jupyterhub_courses.core.retries import LONGEST, RETRY_AFTER_LONGEST
from jupyterhub_courses.core.searching import CALM, FIRST, TOO_SLOW, Sample, Search

from .lms_models import MOODLE_ACTIVITY, MOODLE_REGRADE, START, Model, best_fixed, far, moodle, play

LATER = START + timedelta(seconds=2)


def test_requests_that_fail_together_count_once_and_a_probe_comes_first() -> None:
    pace = Pace.up_to(32)
    for _ in range(4):
        pace = pace.after_failure(START, 0.0, None)
    assert pace.failures == 1
    assert pace.room(START) == 0
    assert pace.room(LATER) == 1
    assert pace.after_success(LATER).room(LATER) == FIRST // 2
    assert pace.after_failure(LATER, 0.0, None).failures == 2


def test_a_success_of_a_request_that_was_under_way_does_not_end_the_patience_that_the_lms_asked_for() -> None:
    pace = Pace().after_failure(START, 0.0, 30.0).after_success(START)
    assert pace.room(START + timedelta(seconds=29)) == 0
    assert pace.room(START + timedelta(seconds=31)) == 1


def test_the_longest_retry_after_of_requests_that_fail_together_counts() -> None:
    pace = Pace().after_failure(START, 0.0, 1.0).after_failure(START, 0.0, 30.0)
    assert pace.room(START + timedelta(seconds=29)) == 0


def test_one_score_that_breaks_the_lms_does_not_close_it_but_three_in_a_row_do() -> None:
    pace = Pace().after_trouble(START, 0.0).after_trouble(START, 0.0)
    assert pace.room(START) == FIRST
    assert pace.after_success(START).after_trouble(START, 0.0).room(START) == FIRST
    assert pace.after_trouble(START, 0.0).room(START) == 0


def test_probes_that_fail_make_it_no_slower_afterwards() -> None:
    """An outage of hours says nothing about how many requests at a time are too many."""
    pace, now = Pace(), START
    for _ in range(20):
        pace = pace.after_failure(now, 0.5, None)
        assert pace.closed_until is not None
        now = pace.closed_until
        assert pace.room(now) == 1
    assert pace.after_success(now).room(now) == FIRST // 2


@pytest.mark.parametrize("most", [1, 2, 3, 32])
def test_an_administrators_bound_is_kept(most: int) -> None:
    assert play(far(), Pace.up_to(most), 400).most <= most


# -- what a number of requests brings ---------------------------------------------------------------------------------


def fed(search: Search, seconds: float, epochs: int = 1, ok: bool = True) -> Search:
    """Epochs whose requests all took this long, with as many under way as allowed."""
    for _ in range(epochs):
        count = -1
        while search.epoch.count > count or search.epoch.skip:
            count = search.epoch.count
            search = search.after(Sample(seconds, float(search.limit), ok))
    return search


def test_it_doubles_while_that_brings_more() -> None:
    search = Search()
    assert [search.limit, *((search := fed(search, 0.05)).limit for _ in range(3))] == [4, 8, 16, 32]


@pytest.mark.parametrize(("slower", "stays"), [(2.0, 4), (1.9, 4), (1.7, 8)], ids=["no more", "hardly more", "more"])
def test_it_stops_doubling_where_requests_only_wait(slower: float, stays: int) -> None:
    search = fed(fed(Search(), 0.05), 0.05 * slower)
    assert (search.limit, search.doubling) == (stays, False)


def test_one_slow_moment_does_not_end_the_doubling() -> None:
    search = fed(fed(fed(Search(), 0.05), 0.5), 0.05)
    assert (search.limit, search.doubling) == (16, True)


def test_a_new_connections_handshakes_do_not_look_like_an_lms_at_its_limit() -> None:
    search = fed(Search(), 0.05)
    for n in range(8):
        search = search.after(Sample(0.05 if n % 2 else 0.15, 8.0))
    assert search.limit == 16


def test_too_little_to_do_teaches_nothing() -> None:
    search = Search()
    for _ in range(100):
        search = search.after(Sample(0.05, 1.0))
    assert search.limit == FIRST


def test_requests_that_take_long_halve_the_number_whatever_they_bring() -> None:
    assert fed(Search(base=16, doubling=False), TOO_SLOW + 1).limit == 8


def settled(base: int, seconds: float) -> Search:
    """At rest, knowing what `base` brings."""
    return Search(base=base, doubling=False, rate=base / seconds, latency=seconds, rest=10)


@pytest.mark.parametrize(("seconds", "ok"), [(0.25, True), (0.1, False)], ids=["slower", "failing"])
def test_an_lms_that_gets_slower_or_fails_is_tried_with_half_at_once(seconds: float, ok: bool) -> None:
    assert fed(settled(16, 0.1), seconds, ok=ok).limit == 8


@pytest.mark.parametrize(("there", "stays"), [(0.1, 16), (0.055, 8)], ids=["brings less", "brings as much"])
def test_half_is_kept_only_where_it_brings_as_much(there: float, stays: int) -> None:
    search = fed(settled(16, 0.05), 0.11)
    assert search.limit == 8
    assert fed(search, there).base == stays


def test_steps_that_change_nothing_become_rare() -> None:
    search, tried = settled(16, 0.1), 0
    for _ in range(200):
        before = search.trial
        search = fed(search, 0.1 * search.limit / 16 if search.limit > 16 else 0.1)
        tried += before is None and search.trial is not None
    assert tried < 20


def test_what_the_lms_called_too_many_is_not_tried_again_for_long() -> None:
    search = Search(base=8, doubling=False, trial=10).after_too_many()
    assert search.limit == 8
    for _ in range(CALM - 1):
        search = search.after(Sample(0.05, float(search.limit)))
        assert search.limit < 10
    again = Search(base=8, doubling=False, trial=10, ceiling=12, calm_needed=CALM).after_too_many()
    assert again.calm_needed == 2 * CALM


# -- against models of LMSs -------------------------------------------------------------------------------------------

MODELS = {
    "moodle": (moodle(), 1000, 0.95),
    "moodle, regrades": (moodle(MOODLE_REGRADE), 1000, 0.94),
    "moodle, activity's own column": (moodle(MOODLE_ACTIVITY), 1500, 0.9),
    "50 ms away": (far(), 300, 0.83),
    "50 ms away, long": (far(), 1500, 0.88),
    "200 ms away": (far(0.2), 1500, 0.85),
    "one request at a time": (Model(lambda _busy: 20.0), 200, 0.98),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", [1, 2])
def test_it_comes_close_to_the_best_fixed_number(name: str, seed: int) -> None:
    model, scores, share = MODELS[name]
    ours = play(model, Pace.up_to(32), scores, seed)
    assert best_fixed(model, scores, seed, (4, 8, 32)) / ours.seconds >= share


def test_where_more_only_waits_it_takes_few() -> None:
    assert play(moodle(), Pace.up_to(32), 2000).mean_limit < 7


def test_an_lms_that_refuses_too_many_is_not_run_against_its_limit_again_and_again() -> None:
    """It says 429 to more than 10 at a time; each time everything waits for it."""
    run = play(Model(lambda busy: busy / 0.05, accepts=10), Pace.up_to(32), 2000)
    assert run.closings < 9
    assert run.refused < 30
    assert run.mean_limit > 7


def test_an_lms_that_recovers_is_used_again() -> None:
    run = play(moodle(), play(Model(lambda _busy: 2.0), Pace.up_to(32), 60).pace, 1500)
    assert run.limits[-1] >= 3
    assert run.seconds < 1500 / 81 * 1.25


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_of_hours_is_probed_by_one_request_at_a_time_and_rarely(seed: int) -> None:
    hours = 3 * 3600.0
    run = play(Model(lambda busy: busy / 0.05, down=(1.0, hours)), Pace.up_to(32), 600, seed)
    assert run.together_while_probing == 1
    assert run.while_down < 32 + 11 + 2 * hours / LONGEST + 1
    assert run.seconds < hours + LONGEST + 60


slowness = st.floats(0.001, 3.0)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 64),
    st.lists(st.tuples(st.sampled_from(["ok", "slow", "429", "away", "500"]), slowness, st.floats(0, 0.99))),
)
def test_whatever_the_lms_does_the_number_stays_in_its_bounds(
    most: int, answers: list[tuple[str, float, float]]
) -> None:
    """And nothing goes before the LMS asked for, and one request alone follows a failure."""
    pace, now = Pace.up_to(most), START
    for what, seconds, dice in answers:
        now += timedelta(seconds=seconds)
        closed, before = pace.closed_until, pace
        if pace.room(now) == 0 and closed is not None:
            now = closed
        sample = Sample(seconds * (10 if what == "slow" else 1), float(pace.search.limit))
        if what in ("ok", "slow"):
            pace = pace.after_success(now, sample)
        elif what == "500":
            pace = pace.after_trouble(now, dice, sample)
        else:
            asked = 1e5 * dice if what == "429" else None
            pace = pace.after_failure(now, dice, asked)
            wait = min(asked or 0.5, RETRY_AFTER_LONGEST)
            assert pace.room(now + timedelta(seconds=wait - 0.01)) == 0
            assert pace.closed_until is not None
            assert pace.room(pace.closed_until) == 1
            assert pace.search.limit <= before.search.limit
        assert 1 <= pace.search.limit <= most


@given(st.integers(0, 100_000), st.integers(1, 64))
def test_what_is_in_memory_is_bounded_however_many_courses_are_sent(courses: int, most: int) -> None:
    assert page_size(courses) * courses <= max(IN_MEMORY, PAGE_LEAST * courses)
    assert senders(courses, most) * courses <= max(SENDERS, courses)
    assert 1 <= senders(courses, most) <= most
