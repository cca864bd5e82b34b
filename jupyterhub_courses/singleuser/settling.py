"""Which scores of a gradebook that is being written to are ready to be sent: a pure decision.

nbgrader commits cell by cell, and a late penalty after the points it is taken from. A score therefore counts
once two looks at the gradebook agree on it, or it is what the service already has.
"""

from dataclasses import dataclass, replace

from jupyterhub_courses.adapters.gradebook.reading import GradebookState, ScoreState

Key = tuple[str, str]


@dataclass(frozen=True)
class Settled:
    """`state`: what may be sent, None while nothing may. `open`: another look is needed."""

    state: GradebookState | None
    open: bool


def settle(now: GradebookState, earlier: GradebookState | None, accepted: GradebookState | None) -> Settled:
    """`now` with each score that `earlier` does not confirm put back to its `accepted` value, or left out."""
    if earlier is None:
        return Settled(None, open=True)
    seen, sent = _by_key(earlier), _by_key(accepted)
    scores, is_open = [], False
    for score in now.scores:
        key = _key(score)
        if score in (seen.get(key), sent.get(key)):
            scores.append(score)
            continue
        is_open = True
        if key in sent:
            scores.append(sent[key])
    return Settled(replace(now, scores=tuple(scores)), is_open)


def same(one: GradebookState | None, other: GradebookState | None) -> bool:
    """Whether both say the same of every assignment and score, whenever they were taken."""
    return one is not None and other is not None and (one.assignments, one.scores) == (other.assignments, other.scores)


def unsent(now: GradebookState | None, accepted: GradebookState | None) -> int:
    """How many scores of `now` the service does not have as they are, or has and should not."""
    current, sent = _by_key(now), _by_key(accepted)
    return sum(current.get(key) != sent.get(key) for key in current.keys() | sent.keys())


def _by_key(state: GradebookState | None) -> dict[Key, ScoreState]:
    return {_key(score): score for score in state.scores} if state is not None else {}


def _key(score: ScoreState) -> Key:
    return score.assignment, score.username
