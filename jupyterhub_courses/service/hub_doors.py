"""The hub's own doors: registrations, admissions, access, placements. Only the shared secret opens them."""

from ..core.addresses import host_of
from ..core.admissions import Refused, launch_from_json
from ..core.continuations import continuation_from_json
from ..core.logins import login_of
from ..core.lti11 import form_from_json
from ..core.records import Person, Platform, Registration
from ..core.roles import hub_roles
from .access import Action
from .base import BadBody, BaseHandler, parsed

FIRST_PLATFORM = "lms"
#: A platform of the authenticator's own settings has no rules of its own; a courses file gives it others.
COURSES_MADE_BY_LAUNCH = 100


class HubDoor(BaseHandler):
    """A door for the hub alone."""

    action = Action.HUB


class RegistrationsHandler(HubDoor):
    """Look a registration up, or keep the one that the authenticator's own settings name."""

    async def get(self) -> None:
        """By issuer and client id."""
        issuer = self.get_query_argument("issuer", "")[:255]
        client_id = self.get_query_argument("client_id", None)
        found = await self.parts.registrations.find(issuer, client_id)
        if found is None:
            raise Refused("registration_unknown", 404)
        self.answer(found.as_json())

    async def put(self) -> None:
        """Idempotent."""
        registration = parsed(_registration, self.body_json())
        await self.parts.applying.keep_configured(
            Platform(0, registration.platform, registration.issuer, "on", (), COURSES_MADE_BY_LAUNCH), registration
        )
        self.answer(registration.as_json())


class AdmissionsHandler(HubDoor):
    """Admit the person of a verified launch."""

    async def post(self) -> None:
        """See usecases/admitting.py."""
        launch = parsed(launch_from_json, self.body_json())
        admission = await self.parts.admitting.admit(launch)
        self.parts.launched(admission)
        self.answer(admission.as_json())


class SignedAdmissionsHandler(HubDoor):
    """Check a form of LTI 1.1 and admit its person."""

    async def post(self) -> None:
        """See usecases/consuming.py."""
        admission, proven = await self.parts.consuming.admit(parsed(form_from_json, self.body_json()))
        self.parts.launched(admission)
        self.answer({"admission": admission.as_json(), "proven": proven})


class AccessHandler(HubDoor):
    """What a person may do now, for the hub's `refresh_user`."""

    async def get(self, username: str) -> None:
        """404 for a hub user who is not ours."""
        person = await self.parts.people.by_username(username)
        if person is None:
            raise Refused("not_found", 404)
        self.answer(await access_of(self, username, person))


class StartsHandler(HubDoor):
    """Where the people of each LMS begin, for the hub's login page."""

    async def get(self) -> None:
        """[{"name", "url"}]; url is null where none is known."""
        platforms = [p for p, registrations in await self.parts.registrations.platforms() if registrations]
        self.answer([{"name": p.shown, "url": p.start_url} for p in platforms])


class ContinuationsHandler(HubDoor):
    """Let an admitted person go on in another window."""

    async def post(self) -> None:
        """See usecases/continuing.py."""
        continuation = parsed(continuation_from_json, self.body_json())
        self.answer({"code": await self.parts.continuing.begin(continuation)})


class SpendContinuationHandler(HubDoor):
    """Somebody goes on."""

    async def post(self) -> None:
        """See usecases/continuing.py."""
        body = self.body_json()
        if not isinstance(body, dict) or not isinstance(body.get("code"), str):
            raise BadBody("code is needed")
        admission, spent = await self.parts.continuing.go_on(body["code"][:255], body.get("sure") is True)
        self.answer({"spent": spent, "admission": admission.as_json()})


class PlacementsHandler(HubDoor):
    """Where and how a person's server runs."""

    async def post(self) -> None:
        """See usecases/placing.py."""
        body = self.body_json()
        if not isinstance(body, dict) or not all(isinstance(body.get(n), str) for n in ("username", "server")):
            raise BadBody("username and server are needed")
        placement = await self.parts.placing.place(body["username"][:255], body["server"][:255])
        self.answer(placement.as_json())


async def access_of(handler: BaseHandler, username: str, person: Person | None) -> dict[str, object]:
    """What somebody may in the hub; `login`: what the hub's own login calls them. None: a user who is in no course."""
    memberships = await handler.parts.people.memberships(person.id) if person else []
    roles = hub_roles(memberships, admin=False)
    return {"username": username, "admin": False, "roles": roles, "login": login_of(person)}


def _registration(body: object) -> Registration:
    if not isinstance(body, dict):
        raise ValueError("not an object")
    texts = {}
    for name in ("issuer", "client_id", "authorize_url"):
        value = body.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= 1024:
            raise ValueError(f"{name}: missing or too long")
        texts[name] = value
    for name in ("authorize_url", "token_url", "keyset_url"):
        if body.get(name) and host_of(body[name]) is None:
            raise ValueError(f"{name}: not an http(s) address")
    deployments = body.get("deployment_ids") or []
    if not isinstance(deployments, list):
        raise ValueError("deployment_ids: not a list")
    return Registration(
        id=0,
        platform_id=0,
        platform=str(body.get("platform") or FIRST_PLATFORM)[:63],
        deployment_ids=tuple(str(d)[:255] for d in deployments),
        token_url=body.get("token_url") or None,
        keyset_url=body.get("keyset_url") or None,
        public_key=body.get("public_key") or None,
        **texts,
    )
