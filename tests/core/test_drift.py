"""desired x sent x shown -> what to do, and what is said of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyterhub_courses.core.deliveries import Held
from jupyterhub_courses.core.drift import NO_GRADE, SETTLE, Choice, decide, next_look, overridden, standing
from jupyterhub_courses.core.looks import Reading, chosen, looked
from jupyterhub_courses.core.scores import Action, Desired, Result, Sent

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
KEEP, OURS = Choice.KEEP, Choice.OURS
SEND, NOTHING, HOLD, REFUSE = Action.SEND, Action.NOTHING, Action.KEEP, Action.REFUSE
FOUR = Sent(4, 10, None, 100)


def desired(score: float, maximum: float = 10, comment: str | None = None) -> Desired:
    return Desired(score, maximum, NOW, comment)


def shows(score: float | None, maximum: float = 10, timestamp: int | None = None) -> Result:
    return Result(score, maximum, timestamp)


TABLE = [
    # what, desired, sent, in doubt, choice, shown -> action, reason
    ("first", desired(4), None, False, KEEP, None, SEND, ""),
    ("first, a grade is there", desired(4), None, False, KEEP, shows(9), SEND, ""),
    ("nobody looked", desired(6), FOUR, False, KEEP, None, SEND, ""),
    ("as sent", desired(6), FOUR, False, KEEP, shows(4), SEND, ""),
    ("as sent on another scale", desired(6), FOUR, False, KEEP, shows(40, 100), SEND, ""),
    ("as sent, rounded", desired(6), Sent(10 / 3, 10, None, 1), False, KEEP, shows(3.33333), SEND, ""),
    ("already what we want", desired(6), FOUR, False, KEEP, shows(6), SEND, ""),
    ("changed there", desired(6), FOUR, False, KEEP, shows(1), HOLD, "overridden_in_lms"),
    ("changed there, ours wanted", desired(6), FOUR, False, OURS, shows(1), SEND, ""),
    ("changed there to zero", desired(6), FOUR, False, KEEP, shows(0), HOLD, "overridden_in_lms"),
    ("changed there, only a comment new", desired(4, 10, "x"), FOUR, False, KEEP, shows(1), HOLD, "overridden_in_lms"),
    ("gone there", desired(6), FOUR, False, KEEP, shows(None), SEND, ""),
    ("unchanged", desired(4), FOUR, False, KEEP, shows(4), NOTHING, ""),
    ("unchanged, nobody looked", desired(4), FOUR, False, OURS, None, NOTHING, ""),
    ("unchanged, changed there", desired(4), FOUR, False, KEEP, shows(1), NOTHING, "overridden_in_lms"),
    ("unchanged, changed there, ours wanted", desired(4), FOUR, False, OURS, shows(1), SEND, ""),
    ("unchanged, gone there, asked for", desired(4), FOUR, False, KEEP, NO_GRADE, SEND, ""),
    ("in doubt, an older try may show", desired(6), FOUR, True, KEEP, shows(5, timestamp=100), SEND, ""),
    ("in doubt, no time", desired(6), FOUR, True, KEEP, shows(5), SEND, ""),
    ("in doubt, later than all of ours", desired(6), FOUR, True, KEEP, shows(5, 10, 101), HOLD, "overridden_in_lms"),
    ("new maximum, LMS rescaled", desired(9, 20), FOUR, False, KEEP, shows(8, 20), SEND, ""),
    ("new maximum, LMS kept the points", desired(9, 20), FOUR, False, KEEP, shows(4, 20), SEND, ""),
    ("new maximum, changed there", desired(9, 20), FOUR, False, KEEP, shows(19, 20), HOLD, "overridden_in_lms"),
    ("above the maximum, cut there", desired(6), Sent(12, 10, None, 1), False, KEEP, shows(10), SEND, ""),
    ("maximum of nothing there", desired(6), FOUR, False, KEEP, Result(1, 0), HOLD, "overridden_in_lms"),
    ("unsendable", desired(float("nan")), FOUR, False, KEEP, shows(1), REFUSE, "score_not_a_number"),
]


@pytest.mark.parametrize(
    ("wanted", "sent", "in_doubt", "choice", "shown", "action", "reason"),
    [row[1:] for row in TABLE],
    ids=[str(row[0]) for row in TABLE],
)
def test_what_is_done(
    wanted: Desired,
    sent: Sent | None,
    in_doubt: bool,
    choice: Choice,
    shown: Result | None,
    action: Action,
    reason: str,
) -> None:
    assert decide(wanted, sent, in_doubt, 100, choice, shown) == (action, reason)


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
points = st.one_of(st.integers(0, 12).map(float), st.floats(0, 12, allow_subnormal=False))
maxima = st.sampled_from([5.0, 10.0, 20.0, 100.0])
wishes = st.builds(desired, points, maxima)
sents = st.builds(Sent, points, maxima, st.none(), st.just(100))
results = st.builds(Result, st.one_of(st.none(), points), maxima, st.one_of(st.none(), st.integers(0, 200)))


@patient
@given(wishes, sents, results)
def test_without_a_choice_nothing_goes_over_a_grade_that_is_not_ours(wish: Desired, sent: Sent, shown: Result) -> None:
    if overridden(shown, wish, sent):
        assert decide(wish, sent, False, 100, KEEP, shown)[0] in (HOLD, NOTHING)


@patient
@given(wishes, sents, st.booleans(), results)
def test_with_ours_chosen_nothing_is_held_back(wish: Desired, sent: Sent, in_doubt: bool, shown: Result) -> None:
    assert decide(wish, sent, in_doubt, 100, OURS, shown)[0] in (SEND, NOTHING)


@patient
@given(points, maxima, maxima, st.floats(-4e-6, 4e-6))
def test_what_we_sent_is_ours_on_any_scale_and_rounded_to_five_places(
    score: float, maximum: float, theirs: float, off: float
) -> None:
    sent = Sent(score, maximum, None, 100)
    shown = Result(round(min(score / maximum, 1.0) * theirs + off * theirs, 5), theirs)
    assert not overridden(shown, desired(score, maximum), sent)


@patient
@given(wishes, sents, results)
def test_a_grade_that_is_not_there_is_nobodys(wish: Desired, sent: Sent, shown: Result) -> None:
    assert (standing(shown, wish, sent) == "missing_in_lms") == (shown.score is None)
    assert shown.score is not None or not overridden(shown, wish, sent)


def held(state: str = "sent", score: float = 4, **fields: object) -> Held:
    return Held(desired(score), FOUR, last_timestamp=100, state=state, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "shown", "state", "reason"),
    [
        (held(), 4, "sent", ""),
        (held(reason="overridden_in_lms"), 4, "sent", ""),
        (held(), 1, "sent", "overridden_in_lms"),
        (held(), None, "sent", "missing_in_lms"),
        (held(choice=OURS), 1, "due", ""),
        (held(choice=OURS, shown=shows(4)), 1, "due", ""),
        (held(choice=OURS, shown=shows(1)), 1, "sent", "overridden_in_lms"),
        (held("kept", 6, reason="overridden_in_lms"), 1, "kept", "overridden_in_lms"),
        (held("kept", 6, reason="overridden_in_lms"), 4, "due", ""),
        (held("kept", 6, reason="overridden_in_lms"), None, "due", ""),
        (held("kept", 6, reason="overridden_in_lms", choice=OURS), 1, "due", ""),
        (held("waiting", 6, reason="lms_busy"), 1, "waiting", "lms_busy"),
        (held("refused", 6, reason="not_in_lms"), 4, "refused", "not_in_lms"),
        (held("due", 6), 1, "due", ""),
    ],
)
def test_what_a_look_makes_of_a_score(before: Held, shown: float | None, state: str, reason: str) -> None:
    after = looked(before, Reading(1, 100, shows(shown), NOW, heals=True))
    assert (after.state, after.reason) == (state, reason)
    assert after.shown == shows(shown) and after.read_at == NOW


def test_a_look_that_something_has_overtaken_says_nothing() -> None:
    assert looked(held(), Reading(1, 99, shows(1), NOW)) == held()


def test_right_after_a_send_nothing_is_sent_again() -> None:
    after = looked(held(choice=OURS), Reading(1, 100, shows(1), NOW))
    assert (after.state, after.reason) == ("sent", "overridden_in_lms")


@pytest.mark.parametrize("before", [held(reason="overridden_in_lms"), held("kept", 6, reason="overridden_in_lms")])
def test_a_choice_of_ours_sends_and_one_of_theirs_does_not(before: Held) -> None:
    assert chosen(before, OURS).state == "due"
    assert chosen(before, KEEP) == before
    assert chosen(held(), OURS).state == "sent"


def test_a_column_that_rests_is_looked_at_ever_more_rarely() -> None:
    hour = timedelta(hours=1)
    assert next_look(NOW, NOW, hour) == NOW + SETTLE
    assert next_look(NOW, NOW - hour, hour) == NOW + hour
    assert next_look(NOW, NOW - timedelta(days=2), hour) == NOW + timedelta(hours=2)
    assert next_look(NOW, NOW - timedelta(days=240), hour) == NOW + timedelta(days=10)
