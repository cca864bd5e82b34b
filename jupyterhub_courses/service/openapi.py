"""The API's description (OpenAPI 3.1). One row an operation; a test holds the rows against the handlers."""

from dataclasses import dataclass
from typing import Any, Final

from .. import __version__


@dataclass(frozen=True)
class Operation:
    """One method of one path: who may call it, what it does, what it takes and gives."""

    path: str
    method: str
    who: str
    summary: str
    takes: str = ""
    gives: str = ""


HUB, MEMBERS, STAFF, ADMIN = "the hub", "members", "teachers and assistants", "administrators"
OPERATIONS: Final = (
    Operation("registrations", "get", HUB, "A registration by issuer and client id", gives="Registration"),
    Operation("registrations", "put", HUB, "Keep the authenticator's own registration", "Registration", "Registration"),
    Operation("admissions", "post", HUB, "Admit the person of a verified launch", "Launch", "Admission"),
    Operation("admissions/lti11", "post", HUB, "Check a form signed by LTI 1.1, and admit", "SignedForm", "Signed"),
    Operation("persons/{username}/access", "get", HUB, "What a person may do now", gives="Access"),
    Operation("placements", "post", HUB, "Where and how a person's server runs", "PlacementRequest", "Placement"),
    Operation("starts", "get", HUB, "Where the people of each LMS begin", gives="Starts"),
    Operation("local-admissions", "post", HUB, "Admit somebody by the hub's own login", "Login", "Access"),
    Operation("login-links", "post", f"{ADMIN} (a token with admin:users)", "A one-time link", "Username", "LoginLink"),
    Operation("login-links/look", "post", HUB, "Whom a one-time link logs in", "Code", "Username"),
    Operation("login-links/admissions", "post", HUB, "Use a one-time link up", "Code", "Access"),
    Operation("continuations", "post", HUB, "A code to go on with in another window", "Continuation", "Code"),
    Operation("continuations/spend", "post", HUB, "Go on with a code", "SpentCode", "Continued"),
    Operation("courses", "get", "everybody: their own; administrators: all", "Courses", gives="CourseList"),
    Operation("courses/{slug}", "get", MEMBERS, "One course with its assignments", gives="Course"),
    Operation("courses/{slug}", "delete", ADMIN, "Delete a course (?confirm=slug); &volumes=erase: its files, too"),
    Operation("courses/{slug}/roster", "get", f"{STAFF}; the grader's server", "Participants", gives="Roster"),
    Operation("courses/{slug}/roster/sync", "post", STAFF, "Read the LMS's list of participants now"),
    Operation(
        "courses/{slug}/scores",
        "get",
        "members: their own; teachers and assistants: ?all=1",
        "Scores",
        gives="ScoreList",
    ),
    Operation(
        "courses/{slug}/scores",
        "put",
        "the grader's server",
        "The gradebook's whole state",
        "GradebookState",
        "Recorded",
    ),
    Operation(
        "courses/{slug}/scores/retry",
        "post",
        STAFF,
        "Send refused, waiting and missing scores again; all, or those that the body names",
        gives="Retried",
    ),
    Operation(
        "courses/{slug}/scores/choice",
        "put",
        STAFF,
        "Whose grade stays where the LMS shows another: keep (the LMS's) or ours; null: as for the assignment",
        "Choice",
        "Choice",
    ),
    Operation(
        "courses/{slug}/deliveries",
        "get",
        f"{STAFF}; the grader's server",
        "How scores stand with the LMS: of one ?assignment=, a ?page= of people, ?only=trouble",
        gives="Deliveries",
    ),
    Operation(
        "courses/{slug}/deliveries/progress",
        "get",
        f"{STAFF}; the grader's server",
        "How many scores stand in the LMS, and how many are on their way",
        gives="Progress",
    ),
    Operation(
        "courses/{slug}/autograde-runs/{run}",
        "put",
        "the grader's server",
        "Autograde one submission apart, or see how that is; its files lie on the graders' volume",
        "RunWish",
        "RunState",
    ),
    Operation("courses/{slug}/autograde-runs/{run}", "delete", "the grader's server", "End a run"),
    Operation("apply", "post", ADMIN, "Make the world match a courses file", "CoursesFile", "Changes"),
    Operation("platforms", "get", ADMIN, "Registered LMSs", gives="PlatformList"),
    Operation("platforms/{name}", "get", ADMIN, "One LMS with its registrations", gives="Platform"),
    Operation("platforms/{name}", "put", ADMIN, "Add an LMS, or to one", "PlatformSpec", "Platform"),
    Operation("platforms/{name}", "delete", ADMIN, "Drop its registrations (?client_id= one); its people are kept"),
    Operation("platforms/{name}/test", "post", ADMIN, "Test it, step by step", gives="PlatformReport"),
    Operation("platforms/{name}/move", "post", ADMIN, "The same LMS has another issuer", "Issuer", "Platform"),
    Operation(
        "registration-links", "post", ADMIN, "A link that registers an LMS", "RegistrationWish", "RegistrationLink"
    ),
    Operation("keys", "get", ADMIN, "The tool's keys", gives="KeyList"),
    Operation("keys/rotate", "post", ADMIN, "A new key signs from now on", "Rotation", "KeyList"),
    Operation("openapi.json", "get", "everybody", "This description"),
)


def _object(**properties: str) -> dict[str, Any]:
    types = {"string": {"type": "string"}, "number": {"type": "number"}, "boolean": {"type": "boolean"}}
    types |= {
        "list": {"type": "array"},
        "object": {"type": "object"},
        "strings": {"type": "array", "items": types["string"]},
    }
    shapes = {
        name: types[kind.rstrip("?")] if not kind.endswith("?") else {"anyOf": [types[kind[:-1]], {"type": "null"}]}
        for name, kind in properties.items()
    }
    required = [name for name, kind in properties.items() if not kind.endswith("?")]
    return {"type": "object", "properties": shapes, "required": required}


def _list(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


_REGISTRATION = _object(
    platform="string",
    issuer="string",
    client_id="string",
    deployment_ids="strings",
    authorize_url="string",
    token_url="string?",
    keyset_url="string?",
    public_key="string?",
    lti="string",
)
_PLATFORM = _object(
    name="string",
    title="string",
    home="string?",
    issuer="string",
    owner="string",
    course_creation="string",
    people="number",
    courses="number",
    registrations="list",
    tested="object?",
)
_COURSE_ROW = _object(slug="string", title="string", state="string", reason="string", owner="string", role="string?")
SCHEMAS: Final[dict[str, Any]] = {
    "Error": _object(code="string", message="string", reference="string"),
    "Registration": _REGISTRATION,
    "Launch": _object(
        issuer="string",
        client_id="string",
        deployment_id="string",
        sub="string",
        roles="strings",
        context="object",
        resource_link="object?",
        name="string?",
        given_name="string?",
        family_name="string?",
        email="string?",
        preferred_username="string?",
        custom="object?",
        ags="object?",
        nrps="object?",
    ),
    "Starts": _list(_object(name="string", url="string?")),
    "Login": _object(login="string"),
    "Username": _object(username="string"),
    "LoginLink": _object(username="string", url="string", seconds="number"),
    "Continuation": _object(
        username="string", course="string", role="string", ready="boolean", goal="object", proven="boolean"
    ),
    "Code": _object(code="string"),
    "SpentCode": _object(code="string", sure="boolean"),
    "Continued": _object(spent="boolean", admission="object"),
    "SignedForm": _object(url="string", fields="list", origin="string?", attempt="string"),
    "Signed": _object(admission="object", proven="boolean"),
    "Admission": _object(
        username="string",
        admin="boolean",
        roles="list",
        course="string",
        role="string",
        ready="boolean",
        goal="object",
    ),
    "Access": _object(username="string", admin="boolean", roles="list", login="string?"),
    "PlacementRequest": _object(username="string", server="string"),
    "Placement": _object(
        username="string",
        course="string",
        role="string",
        home="string",
        command="strings",
        environment="object",
        mem_limit="number?",
        cpu_limit="number?",
    ),
    "CourseList": _list(_COURSE_ROW),
    "Course": _object(
        slug="string",
        title="string",
        state="string",
        reason="string",
        role="string?",
        assignments="list",
        materials="list",
    ),
    "Roster": _object(members="list"),
    "ScoreList": _list(
        _object(
            username="string",
            assignment="string",
            score="number",
            max_score="number",
            state="string",
            reason="string",
            sent_at="string?",
        )
    ),
    "Retried": _object(retried="number"),
    "Choice": _object(assignment="string", username="string?", choice="string?"),
    "Deliveries": _object(assignments="list", assignment="string?", page="number", pages="number", rows="list"),
    "Progress": _object(
        scores="number", delivered="number", sending="number", trouble="number", text="string", mark="string"
    ),
    "GradebookState": _object(taken_at="number", assignments="list", scores="list"),
    "Recorded": {
        "oneOf": [_object(accepted="number", unknown="strings"), _object(stale="boolean")],
    },
    "RunWish": _object(seconds="number"),
    "RunState": _object(state="string", reason="string", message="string"),
    "RegistrationWish": _object(platform="string", title="string?", course_creation="string?"),
    "RegistrationLink": _object(platform="string", url="string", expires_at="string"),
    "Rotation": _object(keep_hours="number?"),
    "KeyList": _list(_object(kid="string", signs="boolean", until="string?")),
    "CoursesFile": _object(platforms="list?", courses="list?", dry_run="boolean?"),
    "Changes": _object(changes="list", notes="strings"),
    "PlatformList": _list(_PLATFORM),
    "Platform": _PLATFORM,
    "PlatformSpec": _object(
        issuer="string",
        title="string?",
        home="string?",
        course_creation="string?",
        registrations="list?",
        consumers="list?",
    ),
    "PlatformReport": _object(platform="string", at="string", right="boolean", registrations="list"),
    "Issuer": _object(issuer="string"),
}


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/{operation.path}", {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyterhub-courses", "version": __version__},
        "servers": [{"url": "/services/courses/api"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    error = {"description": "Refused", "content": _content("Error")}
    good: dict[str, Any] = {"description": "Done"}
    if operation.gives:
        good["content"] = _content(operation.gives)
    result: dict[str, Any] = {
        "summary": operation.summary,
        "description": f"For {operation.who}.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("slug", "username", "name", "run")
            if f"{{{name}}}" in operation.path
        ],
        "responses": {"2XX": good, "4XX": error, "5XX": error},
    }
    if operation.takes:
        result["requestBody"] = {"required": True, "content": _content(operation.takes)}
    return result


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
