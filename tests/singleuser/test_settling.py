"""A score is sent once two looks agree on it; until then the service keeps what it has."""

import pytest

from jupyterhub_courses.adapters.gradebook.reading import AssignmentState, GradebookState, ScoreState
from jupyterhub_courses.singleuser.settling import same, settle, unsent


def state(taken_at: float = 1.0, **scores: float) -> GradebookState:
    rows = tuple(ScoreState("ps1", name, points, 5.0, "now") for name, points in sorted(scores.items()))
    return GradebookState(taken_at, (AssignmentState("ps1", 5.0, None),), rows)


@pytest.mark.parametrize(
    ("now", "earlier", "accepted", "sent", "is_open"),
    [
        (state(ada=1), None, None, None, True),  # the first look confirms nothing
        (state(ada=1), state(ada=1), None, {"ada": 1}, False),
        (state(ada=1), state(), None, {}, True),  # new since the last look
        (state(ada=1, bob=2), state(bob=2), None, {"bob": 2}, True),
        (state(ada=2), state(ada=1), state(ada=1), {"ada": 1}, True),  # changing: as it was
        (state(ada=2), state(ada=2), state(ada=1), {"ada": 2}, False),
        (state(ada=1), state(ada=3), state(ada=1), {"ada": 1}, False),  # back where the service is
        (state(), state(ada=1), state(ada=1), {}, False),  # regrading: no finished score any more
    ],
)
def test_what_is_ready(
    now: GradebookState,
    earlier: GradebookState | None,
    accepted: GradebookState | None,
    sent: dict[str, float] | None,
    is_open: bool,
) -> None:
    settled = settle(now, earlier, accepted)
    found = settled.state and {score.username: score.score for score in settled.state.scores}
    assert (found, settled.open) == (sent, is_open)


def test_the_time_of_a_state_makes_no_difference() -> None:
    assert same(state(1.0, ada=1), state(2.0, ada=1))
    assert not same(state(ada=1), state(ada=2))
    assert not same(state(), None) and not same(None, None)


def test_unsent_counts_what_differs() -> None:
    assert unsent(state(ada=1, bob=2, eve=3), state(ada=1, bob=1, gone=4)) == 3
    assert unsent(None, None) == 0
