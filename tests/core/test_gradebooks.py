"""Which stored assignment one of a gradebook's snapshot is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_courses.core.gradebooks import AssignmentState, KnownAssignment, same_assignments

ONE, TWO = KnownAssignment(1, "ps1", "a"), KnownAssignment(2, "ps2", "b")


def state(name: str, own: str = "") -> AssignmentState:
    return AssignmentState(name, 10.0, None, own)


@pytest.mark.parametrize(
    ("known", "states", "expected"),
    [
        pytest.param([], [state("ps1", "a")], {}, id="new"),
        pytest.param([ONE], [state("ps1", "a")], {"ps1": 1}, id="the same"),
        pytest.param([ONE], [state("hw1", "a")], {"hw1": 1}, id="renamed"),
        pytest.param([ONE], [state("ps1", "c")], {"ps1": 1}, id="made anew under its name"),
        pytest.param([ONE], [state("ps1")], {"ps1": 1}, id="a gradebook that says no id"),
        pytest.param([KnownAssignment(1, "ps1", "")], [state("ps1", "a")], {"ps1": 1}, id="an id is said at last"),
        pytest.param([ONE], [state("hw1", "c")], {}, id="another"),
        pytest.param([ONE, TWO], [state("ps2", "a"), state("ps1", "b")], {"ps2": 1, "ps1": 2}, id="swapped"),
        pytest.param([ONE, TWO], [state("ps2", "a"), state("ps3", "b")], {"ps2": 1, "ps3": 2}, id="moved up"),
        pytest.param([ONE, TWO], [state("ps2", "a")], {"ps2": 2}, id="renamed to one that is gone"),
        pytest.param(
            [ONE, KnownAssignment(2, "hw1", "", True)], [state("hw1", "a")], {"hw1": 1}, id="an activity named it first"
        ),
        pytest.param([ONE], [state("hw1", "a"), state("ps1", "c")], {"hw1": 1}, id="a new one of the old name"),
    ],
)
def test_an_assignment_is_known_by_its_id_and_else_by_its_name(known, states, expected) -> None:
    assert same_assignments(known, states) == expected


names, ids = st.sampled_from("pqrs"), st.sampled_from(["", "a", "b", "c", "d"])
stored = st.lists(st.tuples(names, ids, st.booleans()), unique_by=lambda row: row[0])


@given(stored, st.lists(st.tuples(names, ids), unique_by=(lambda row: row[0], lambda row: row[1] or row[0])))
def test_no_stored_assignment_is_two_and_whoever_is_left_has_a_name_that_nobody_takes(before, now) -> None:
    known = [KnownAssignment(n, name, own, not own and empty) for n, (name, own, empty) in enumerate(before)]
    found = same_assignments(known, [state(name, own) for name, own in now])
    assert len(set(found.values())) == len(found)
    left = {one.name for one in known if one.key not in found.values() and not one.is_empty}
    assert not left & {name for name, _ in now}
