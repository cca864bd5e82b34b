"""A click on an activity: login initiation to the tool, authorization request back, id_token to the tool.

Both pages are forms that send themselves, named as Moodle names them. The redirect_uri must be a registered
one, exactly; a launch id is good for one answer, in the session that began it.
"""

import json
from dataclasses import replace
from typing import Any

from tornado.web import HTTPError

from jupyterhub_courses.demo.lms.claims import Launch, claims
from jupyterhub_courses.demo.lms.pages import Page
from jupyterhub_courses.demo.lms.scopes import GRANTED
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import Begun, Session


class LaunchPage(Page):
    """/mod/lti/launch.php?id=ACTIVITY: the login initiation, sent by the browser to the tool.

    With action=gradeReport&user=PERSON, from the gradebook: a look at that person's submission.
    """

    def get(self) -> None:
        session = self.signed_in()
        activity = self.site.store.activity(self.number("id"))
        if activity is None or activity.course not in self.site.store.roles_of(session.person):
            raise HTTPError(404)
        begun = Begun(activity.course, activity.id)
        if self.get_argument("action", "") == "gradeReport":
            begun = replace(begun, message="LtiSubmissionReviewRequest", for_user=self.number("user"))
        self.initiate(session, begun, {"cmid": activity.id}, activity.url)

    def initiate(self, session: Session, begun: Begun, hint: dict[str, Any], target: str = "") -> None:
        """The form that begins a login at the tool."""
        launch = self.site.store.begin(session.token, begun)
        tool = self.site.scenario.tool
        self.send_form(
            "ltiInitiateLoginForm",
            tool.login_url,
            {
                "iss": self.site.base,
                "target_link_uri": target or tool.target_link_uri,
                "login_hint": str(session.person),
                "lti_message_hint": json.dumps({**hint, "launchid": launch}, separators=(",", ":")),
                "client_id": self.site.scenario.client_id,
                "lti_deployment_id": self.site.scenario.deployment_id,
            },
        )


class AuthPage(Page):
    """/mod/lti/auth.php: the tool's authorization request, brought by the browser."""

    def get(self) -> None:
        session = self.signed_in()
        field = {name: self.get_argument(name, "") for name in _ASKED}
        launch_id = _launch_id(field["lti_message_hint"])
        begun = self.site.store.take(launch_id, session.token) if launch_id else None
        if begun is None or field["redirect_uri"] not in self.site.scenario.tool.redirect_uris:
            raise HTTPError(404)  # nowhere that an error may be sent to
        error = _error(field, self.site, session)
        launch = _launch(self.site, session, begun)
        if launch is None:
            raise HTTPError(404)
        if error:
            sent = error
        else:
            sent = {"id_token": self.site.key.sign(claims(launch, field["nonce"], int(self.site.clock())))}
        self.send_form("ltiAuthForm", field["redirect_uri"], {**sent, "state": field["state"]})

    post = get


class ReturnPage(Page):
    """/mod/lti/return.php: where a tool sends people back to, with a message for them perhaps."""

    def get(self) -> None:
        message = self.get_argument("lti_errormsg", "") or self.get_argument("lti_msg", "")
        self.show("message.html", title="Back from the tool", text=message or "You can close this window.")


_ASKED = (
    "scope",
    "response_type",
    "client_id",
    "redirect_uri",
    "login_hint",
    "lti_message_hint",
    "state",
    "response_mode",
    "nonce",
    "prompt",
)


def _launch_id(hint: str) -> str | None:
    try:
        found = json.loads(hint)["launchid"]
    except (ValueError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) else None


def _error(field: dict[str, str], site: Site, session: Session) -> dict[str, str] | None:
    """What Moodle sends to the tool instead of an id_token, in its order of checks."""
    if not all(field[name] for name in ("scope", "response_type", "client_id", "login_hint", "nonce")):
        return {"error": "invalid_request"}
    if field["scope"] != "openid":
        return {"error": "invalid_scope"}
    if field["response_type"] != "id_token":
        return {"error": "unsupported_response_type"}
    if field["client_id"] != site.scenario.client_id:
        return {"error": "unauthorized_client"}
    if field["login_hint"] != str(session.person):
        return {"error": "access_denied"}
    if field["response_mode"] != "form_post":
        return {"error": "invalid_request", "error_description": "Invalid response_mode"}
    if field["prompt"] not in ("", "none"):
        return {"error": "invalid_request", "error_description": "Invalid prompt"}
    return None


def _launch(site: Site, session: Session, begun: Begun) -> Launch | None:
    """None when the person is not (or no longer) in the course, or may not do this there."""
    person = site.store.person(session.person)
    course = site.store.course(begun.course)
    role = site.store.roles_of(session.person).get(begun.course)
    activity = site.store.activity(begun.activity) if begun.activity is not None else None
    if person is None or course is None or role is None or (activity is None) != (begun.activity is None):
        return None
    if activity is None and role != "editingteacher":
        return None
    return Launch(
        base=site.base,
        scenario=site.scenario,
        salt=site.salt,
        person=person,
        role=role,
        course=course,
        activity=activity,
        items=site.store.items(course.id),
        lineitems_url=site.lineitems_url(course.id),
        memberships_url=site.memberships_url(course.id),
        sesskey=session.sesskey,
        message=begun.message,
        for_user=begun.for_user,
        selection=None if activity is not None else _selection(site, session, begun),
    )


def _selection(site: Site, session: Session, begun: Begun) -> dict[str, Any]:
    """The deep_linking_settings claim (vectors/moodle/08-deep-linking.json)."""
    back = f"course={begun.course}&id={site.type_id}&sesskey={session.sesskey}"
    return {
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["frame", "iframe", "window"],
        "accept_copy_advice": False,
        "accept_multiple": True,
        "accept_unsigned": False,
        "auto_create": False,
        "can_confirm": False,
        "deep_link_return_url": f"{site.base}/mod/lti/contentitem_return.php?{back}",
        "title": begun.title or site.scenario.tool.name,
        "text": begun.text,
    }


def openid_configuration(site: Site) -> dict[str, Any]:
    """What of Moodle's platform configuration is true here: no registration."""
    return {
        "issuer": site.base,
        "token_endpoint": f"{site.base}/mod/lti/token.php",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "jwks_uri": f"{site.base}/mod/lti/certs.php",
        "authorization_endpoint": f"{site.base}/mod/lti/auth.php",
        "scopes_supported": [*GRANTED, "openid"],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
        "https://purl.imsglobal.org/spec/lti-platform-configuration": {
            "product_family_code": "moodle",
            "version": "4.5.6 (Build: 20250811)",
            "messages_supported": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
            ],
        },
    }


def handlers() -> list[Any]:
    return [
        (r"/mod/lti/launch\.php", LaunchPage),
        (r"/mod/lti/auth\.php", AuthPage),
        (r"/mod/lti/return\.php", ReturnPage),
    ]
