"""design.md's security table, as it is decided in one place."""

import pytest

from jupyterhub_courses.core.roles import Role
from jupyterhub_courses.service.access import NOBODY, Action, Caller, may

ADA = Caller("ada")
ADMIN = Caller("root-user", admin=True)
HUB = Caller(is_hub=True)
ADAS_SERVER = Caller("ada", server="ml101")
GRADERS_SERVER = Caller("grader-ml101", server="ml101")
STAFF = {Action.ALL_SCORES, Action.ROSTER, Action.DELIVER}
OWN = {Action.SEE_COURSE, Action.OWN_SCORES}
SERVER_ALONE = {Action.SEND_SCORES, Action.AUTOGRADE}


@pytest.mark.parametrize(
    ("caller", "role", "allowed"),
    [
        (NOBODY, None, set()),
        (ADA, None, {Action.OWN_COURSES}),
        (ADA, Role.STUDENT, OWN | {Action.OWN_COURSES}),
        (ADA, Role.GRADER, OWN | STAFF | {Action.OWN_COURSES}),
        (ADA, Role.INSTRUCTOR, OWN | STAFF | {Action.OWN_COURSES, Action.EDIT_COURSE}),
        (ADAS_SERVER, None, set()),
        (ADAS_SERVER, Role.STUDENT, OWN),
        (ADAS_SERVER, Role.INSTRUCTOR, OWN),
        (GRADERS_SERVER, None, {Action.SEE_COURSE, Action.ALL_SCORES, Action.ROSTER, *SERVER_ALONE}),
        (ADMIN, None, set(Action) - {Action.HUB, *SERVER_ALONE}),
        (HUB, None, set(Action) - {Action.OWN_SCORES, *SERVER_ALONE}),
    ],
)
def test_who_may_do_what_in_a_course(caller, role, allowed):
    assert {action for action in Action if may(caller, action, "ml101", role)} == allowed


@pytest.mark.parametrize("caller", [ADAS_SERVER, GRADERS_SERVER])
def test_a_servers_token_opens_nothing_of_another_course_and_nothing_outside_courses(caller):
    assert not any(may(caller, action, "stats", Role.INSTRUCTOR) for action in Action)
    assert not any(may(caller, action, None, None) for action in Action)


def test_a_graders_name_alone_is_no_graders_server():
    assert not may(Caller("grader-ml101"), Action.SEND_SCORES, "ml101", None)
    assert not may(Caller("grader-stats", server="ml101"), Action.SEND_SCORES, "ml101", None)
