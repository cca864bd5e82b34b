"""The JSON API for people, their tools and the tokens of servers. Described in openapi.py, which a test holds to it."""

from dataclasses import asdict

from ..core.admissions import Refused
from ..core.gradebooks import gradebook_state
from ..core.specs import materials_of
from .access import Action
from .base import BaseHandler, parsed
from .openapi import description

GRADEBOOK_MAX = 64 << 20  # a gradebook of 200,000 scores


class CoursesHandler(BaseHandler):
    """The caller's courses; an admin's are all."""

    action = Action.OWN_COURSES

    async def get(self) -> None:
        """[{slug, title, state, reason, role}]"""
        own = {}
        if not (self.caller.admin or self.caller.is_hub):
            person = await self.parts.people.by_username(self.caller.username)
            own = dict(await self.parts.people.memberships(person.id)) if person else {}
        everything = self.caller.admin or self.caller.is_hub
        courses = [c for c in await self.parts.courses.all() if everything or c.slug in own]
        self.answer(
            [
                {
                    "slug": c.slug,
                    "title": c.title,
                    "state": c.state,
                    "reason": c.reason,
                    "owner": c.owner,
                    "role": own.get(c.slug),
                }
                for c in courses
            ]
        )


class CourseHandler(BaseHandler):
    """One course."""

    action = Action.SEE_COURSE
    actions = {"DELETE": Action.ADMINISTER}

    async def get(self, slug: str) -> None:
        """Title, state, the caller's role and the assignments that are in the gradebook."""
        course = self.this_course
        assignments = await self.parts.scores.assignments(course.id)
        self.answer(
            {
                "slug": slug,
                "title": course.title,
                "state": course.state,
                "reason": course.reason,
                "role": self.role,
                "assignments": [
                    {"name": a.name, "max_score": a.max_score, "due_at": a.due_at}
                    for a in assignments
                    if a.in_gradebook
                ],
                "materials": [m.model_dump(mode="json", exclude_none=True) for m in materials_of(course.spec)],
            }
        )

    async def delete(self, slug: str) -> None:
        """Servers stop, the course goes; its files are kept, or erased with &volumes=erase.

        The slug has to be said again (?confirm=slug).
        """
        volumes = self.get_query_argument("volumes", "keep")
        if self.get_query_argument("confirm", "") != slug or volumes not in ("keep", "erase"):
            raise Refused("bad_request", 400)
        await self.parts.applying.delete(self.this_course, erase=volumes == "erase")
        self.answer({"slug": slug, "state": "deleting"}, 202)


class RosterHandler(BaseHandler):
    """Who is in the course."""

    action = Action.ROSTER

    async def get(self, slug: str) -> None:
        """{"members": [...]} with the LMS's id of each person."""
        members = await self.parts.people.roster(self.this_course.id)
        self.answer(
            {
                "members": [
                    {
                        "username": m.person.username,
                        "name": m.person.name,
                        "given_name": m.person.given_name,
                        "family_name": m.person.family_name,
                        "email": m.person.email,
                        "lms_user_id": m.person.lms_user_id,
                        "role": m.role.value,
                        "active": m.active,
                    }
                    for m in members
                ]
            }
        )


class RosterSyncHandler(BaseHandler):
    """Read the LMS's list of participants now."""

    action = Action.DELIVER

    async def post(self, slug: str) -> None:
        """What the LMS said, in numbers."""
        self.answer(await self.parts.lms.sync_roster(self.this_course))


class ScoresHandler(BaseHandler):
    """Scores: the grader's server sends them, students read their own, graders all."""

    action = Action.OWN_SCORES
    actions = {"PUT": Action.SEND_SCORES}
    body_max = GRADEBOOK_MAX

    async def prepare(self) -> None:
        """Everybody's scores are another action than one's own."""
        if self.request.method == "GET" and self.get_query_argument("all", "") == "1":
            self.actions = {**self.actions, "GET": Action.ALL_SCORES}
        await super().prepare()

    async def get(self, slug: str) -> None:
        """The caller's own rows; with ?all=1 everybody's, for graders."""
        everybody = self.get_query_argument("all", "") == "1"
        views = await self.parts.scores.views(self.this_course.id, None if everybody else self.caller.username)
        hidden = () if everybody else ("name", "sent_score", "next_at", "lms_score")
        self.answer([{k: v for k, v in asdict(view).items() if k not in hidden} for view in views])

    async def put(self, slug: str) -> None:
        """The gradebook's whole desired state; see core/gradebooks.py."""
        state = parsed(gradebook_state, self.body_json(), self.now())
        recorded = await self.parts.recording.record(self.this_course, state)
        if recorded.stale:
            self.answer({"stale": True})
        else:
            self.answer({"accepted": recorded.accepted, "unknown": list(recorded.unknown)})


class ApplyHandler(BaseHandler):
    """Make the world match a courses file, or say what would change."""

    action = Action.ADMINISTER
    body_max = GRADEBOOK_MAX

    async def post(self) -> None:
        """{"platforms": [...], "courses": [...], "dry_run": bool} -> {"changes": [...], "notes": [...]}"""
        body = self.body_json()
        if not isinstance(body, dict):
            raise Refused("bad_request", 400)
        dry_run = bool(body.pop("dry_run", False))
        self.answer(await self.parts.applying.apply(body, dry_run, self.now()))


class HealthHandler(BaseHandler):
    """Whether the service serves; answers before the store is ready."""

    action = None

    def get(self) -> None:
        """200 with {"ready": bool}."""
        self.answer({"ready": self.parts.ready})


class KeysetHandler(BaseHandler):
    """The tool's public keys, which LMSs fetch (https://www.imsglobal.org/spec/security/v1p0/#h_key-set-url)."""

    action = None

    def get(self) -> None:
        """A JWKS."""
        self.answer(self.parts.lms.keyset())


class PublicKeyHandler(BaseHandler):
    """The same as PEM, to paste into an LMS that cannot fetch the keyset (Moodle's curl blocklist and the like)."""

    action = None

    def get(self) -> None:
        """A SubjectPublicKeyInfo in PEM."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self.parts.lms.public_pem())


class OpenApiHandler(BaseHandler):
    """The API's description."""

    action = None

    def get(self) -> None:
        """OpenAPI 3.1."""
        self.answer(description())
