"""Which addresses a course keeps after launches of one registration and of several."""

import pytest

from jupyterhub_courses.core.records import Endpoints

NOTHING = Endpoints(None, None, None)
BOTH, ITEMS, MEMBERS, SILENT = (
    Endpoints(1, "items-1", "members-1"),
    Endpoints(1, "items-1", None),
    Endpoints(1, None, "members-1"),
    Endpoints(1, None, None),
)
OTHER_BOTH, OTHER_ITEMS, OTHER_MEMBERS = (
    Endpoints(2, "items-2", "members-2"),
    Endpoints(2, "items-2", None),
    Endpoints(2, None, "members-2"),
)


@pytest.mark.parametrize(
    ("known", "said", "kept"),
    [
        (NOTHING, BOTH, BOTH),
        (NOTHING, MEMBERS, MEMBERS),
        (BOTH, SILENT, BOTH),
        (BOTH, ITEMS, BOTH),
        (ITEMS, MEMBERS, BOTH),
        (MEMBERS, Endpoints(1, "moved", None), Endpoints(1, "moved", "members-1")),
        (BOTH, OTHER_BOTH, OTHER_BOTH),
        (BOTH, OTHER_ITEMS, BOTH),
        (BOTH, OTHER_MEMBERS, BOTH),
        (ITEMS, OTHER_MEMBERS, OTHER_MEMBERS),
        (ITEMS, OTHER_ITEMS, OTHER_ITEMS),
        (MEMBERS, OTHER_ITEMS, MEMBERS),
        (BOTH, Endpoints(2, None, None), BOTH),
        (NOTHING, SILENT, NOTHING),
    ],
)
def test_addresses_stay_with_their_registration(known: Endpoints, said: Endpoints, kept: Endpoints) -> None:
    assert said.after(known) == kept
