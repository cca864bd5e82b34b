"""Roles from claims, and the hub roles that follow."""

import pytest

from jupyterhub_courses.core.roles import Role, hub_roles, role_from_claims

M = "http://purl.imsglobal.org/vocab/lis/v2/membership"
I = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"  # noqa: E741
S = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"


@pytest.mark.parametrize(
    ("uris", "role"),
    [
        ([f"{M}#Learner"], Role.STUDENT),
        ([f"{M}#Instructor"], Role.INSTRUCTOR),
        ([f"{M}#Learner", f"{M}#Instructor"], Role.INSTRUCTOR),
        ([f"{M}#Instructor", f"{M}/Instructor#TeachingAssistant"], Role.GRADER),
        ([f"{M}/Instructor#TeachingAssistant"], Role.GRADER),
        ([f"{M}/Learner#Learner"], Role.STUDENT),
        ([f"{I}Student"], Role.STUDENT),
        ([f"{I}Instructor", f"{M}#Learner"], Role.STUDENT),
        ([f"{I}Instructor"], Role.INSTRUCTOR),
        ([f"{I}Administrator"], None),
        ([f"{S}Administrator"], None),
        ([f"{S}User"], None),
        ([f"{M}#Mentor"], None),
        (["Learner"], Role.STUDENT),
        ([], None),
        (["http://evil.invalid/membership#Instructor"], None),
        ([f"{M}#Instructor\n"], None),
        (["urn:lti:role:ims/lis/Learner"], Role.STUDENT),
    ],
)
def test_the_role_comes_from_the_courses_claims(uris, role):
    assert role_from_claims(uris) is role
    assert role_from_claims(list(reversed(uris))) is role


def test_hub_roles_name_single_servers_and_never_overwrite_the_users_role():
    roles = hub_roles([("ml101", Role.INSTRUCTOR), ("stats", Role.STUDENT), ("py", Role.GRADER)], admin=False)
    assert roles[0] == {"name": "user"}
    assert [r["name"] for r in roles[1:]] == ["course-ml101-grading", "course-py-grading"]
    scopes = {scope for role in roles[1:] for scope in role["scopes"]}
    assert all("grader-ml101" in s or "grader-py" in s for s in scopes)
    assert not any("stats" in s for s in scopes)


def test_an_admin_keeps_the_admin_role():
    assert {"name": "admin"} in hub_roles([], admin=True)
