"""A launch, from the claims of an id_token: every check that needs no network, each with its own code.

Promises: what comes out is bounded in size and type, so nobody behind it has to ask again; a claim that
decides (issuer, audience, times, nonce, deployment, version, message type, subject) is checked or the launch
is refused. Signature and key are adapters/lms/id_tokens.py's business, who the person is the service's.
Rules: https://www.imsglobal.org/spec/security/v1p0/#authentication-response-validation
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from .admissions import DATA_MAX, ROLES_MAX, TEXT_MAX, URL_MAX, Launch, Message, SelectionRequest
from .destinations import is_inside
from .goals import GitPlace
from .refusals import LaunchRefused

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"

FOR_USER: Final = "https://purl.imsglobal.org/spec/lti/claim/for_user"
DEEP_LINKING: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"

MESSAGES: Final = {
    "LtiResourceLinkRequest": Message.RESOURCE_LINK,
    "LtiDeepLinkingRequest": Message.DEEP_LINKING,
    "LtiSubmissionReviewRequest": Message.SUBMISSION_REVIEW,
}
#: Messages of LTI 1.3 that this tool knows of but has no way in for.
NOT_YET: Final = frozenset({"LtiStartProctoring", "LtiEndAssessment", "LtiAssetProcessorSettingsRequest"})
NONCE_MAX = 512


@dataclass(frozen=True)
class Expected:
    """What an id_token has to say to belong to this login. Times in seconds."""

    issuer: str
    client_id: str
    nonce: str
    deployment_ids: Collection[str]
    host: str  # of this hub, `name` or `name:port`, as the browser sees it
    base_url: str = "/"
    leeway: int = 30
    max_age: int = 600


def check_claims(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    """Raise LaunchRefused with the code of the first rule that `claims` break; `now` in epoch seconds."""
    if claims.get("iss") != expected.issuer:
        raise LaunchRefused("issuer_wrong")
    _check_audience(claims, expected.client_id)
    _check_times(claims, expected, now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or len(nonce) > NONCE_MAX or nonce != expected.nonce:
        raise LaunchRefused("nonce_wrong")
    if claims.get(LTI + "version") != "1.3.0":
        raise LaunchRefused("version_unknown")
    deployment = claims.get(LTI + "deployment_id")
    if not isinstance(deployment, str) or deployment not in expected.deployment_ids:
        raise LaunchRefused("deployment_unknown")
    message = claims.get(LTI + "message_type")
    if not isinstance(message, str) or message not in MESSAGES:
        known = isinstance(message, str) and message in NOT_YET
        raise LaunchRefused("message_type_not_yet" if known else "message_type_unknown")
    _check_target(claims.get(LTI + "target_link_uri"), expected)


def launch_from_claims(
    claims: Mapping[str, Any], client_id: str, login_claim: str = "", *, attempt: str = "", base_url: str = ""
) -> Launch:
    """The launch that checked claims tell of.

    `login_claim`: the claim (or `custom_<parameter>`) that holds the login name, if an administrator named
    one. Raises LaunchRefused for a subject, context or resource link that is missing or of the wrong kind.
    """
    message = MESSAGES[claims[LTI + "message_type"]]
    context, link = _object(claims, LTI + "context"), _object(claims, LTI + "resource_link")
    ags, nrps, custom = _object(claims, AGS), _object(claims, NRPS), _object(claims, LTI + "custom")
    link_id, context_id = _text(link.get("id")), checked_context(context.get("id"))
    if not link_id and message is not Message.DEEP_LINKING:
        raise LaunchRefused("resource_link_missing")
    return Launch(
        issuer=str(claims["iss"]),
        client_id=client_id,
        deployment_id=str(claims[LTI + "deployment_id"]),
        sub=_subject(claims),
        roles=_roles(claims.get(LTI + "roles")),
        context_id=context_id,
        context_label=_text(context.get("label")),
        context_title=_text(context.get("title")),
        resource_link_id=link_id or None,
        names={n: _text(claims.get(n)) for n in ("name", "given_name", "family_name", "email")},
        login_name=_login_name(claims, custom, login_claim),
        assignment=_text(custom.get("assignment")) or None,
        lineitems_url=_url(ags.get("lineitems")),
        lineitem_url=_url(ags.get("lineitem")),  # Moodle sends "" where an activity has no column of its own
        members_url=_url(nrps.get("context_memberships_url")),
        message=message,
        nonce=str(claims.get("nonce") or "")[:NONCE_MAX],
        attempt=attempt,
        base_url=base_url,
        materials=_materials(custom),
        for_user=_for_user(claims) if message is Message.SUBMISSION_REVIEW else None,
        selection=_selection(_object(claims, DEEP_LINKING)) if message is Message.DEEP_LINKING else None,
    )


def launch_as_json(launch: Launch, platform: str) -> dict[str, Any]:
    """The body of `POST admissions`, the inverse of core.admissions.launch_from_json."""
    custom: dict[str, Any] = {"assignment": launch.assignment} if launch.assignment else {}
    if launch.materials is not None:
        custom |= {"materials": True, **launch.materials.as_json()}
    asked = launch.selection
    ags: dict[str, Any] = {"lineitems": launch.lineitems_url, "lineitem": launch.lineitem_url, "scope": []}
    return {
        "platform": platform,
        "issuer": launch.issuer,
        "client_id": launch.client_id,
        "deployment_id": launch.deployment_id,
        "sub": launch.sub,
        "roles": list(launch.roles),
        "context": {"id": launch.context_id, "label": launch.context_label, "title": launch.context_title},
        "resource_link": {"id": launch.resource_link_id, "title": ""},
        **launch.names,
        "preferred_username": launch.login_name,
        "free_name": launch.free_name,
        "custom": custom,
        "ags": ags if launch.lineitems_url or launch.lineitem_url else None,
        "nrps": {"context_memberships_url": launch.members_url} if launch.members_url else None,
        "message": launch.message.value,
        "nonce": launch.nonce,
        "attempt": launch.attempt,
        "base_url": launch.base_url,
        "for_user": launch.for_user,
        "selection": asdict(asked) if asked is not None else None,
    }


def checked_context(value: Any) -> str:
    """A course's id at the platform, kept as it is: of two that were cut to the same, one would open the other.

    Raises LaunchRefused.
    """
    if not isinstance(value, str) or not value or value.isspace():
        raise LaunchRefused("no_context")
    if len(value) > TEXT_MAX or not value.isprintable():
        raise LaunchRefused("context_odd")
    return value


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    # https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation, 3 to 5
    audience, party = claims.get("aud"), claims.get("azp")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        raise LaunchRefused("audience_wrong")
    if (len(audiences) > 1 or party is not None) and party != client_id:
        raise LaunchRefused("audience_wrong")


def _check_target(target: Any, expected: Expected) -> None:
    # Nothing here goes where it points; one that points elsewhere is an activity that was made for something else.
    if target is None:
        return
    if not isinstance(target, str) or not is_inside(target, expected.host, expected.base_url):
        raise LaunchRefused("target_outside")


def _check_times(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    expires, issued = _time(claims.get("exp")), _time(claims.get("iat"))
    if expires is None or issued is None:
        raise LaunchRefused("times_missing")
    if now >= expires + expected.leeway:
        raise LaunchRefused("token_expired")
    if issued < now - expected.max_age - expected.leeway:
        raise LaunchRefused("token_expired")
    not_before = _time(claims.get("nbf")) if claims.get("nbf") is not None else issued
    if not_before is None:
        raise LaunchRefused("times_missing")
    if max(issued, not_before) > now + expected.leeway:
        raise LaunchRefused("token_from_future")


def _time(value: Any) -> float | None:
    # bool is an int in Python, and JSON numbers may be infinite in Python's eyes
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)


def _subject(claims: Mapping[str, Any]) -> str:
    """The person's id at the platform: at most 255 ASCII characters (OpenID Connect Core 2), kept as it is."""
    subject = claims.get("sub")
    if subject is None or subject == "":
        raise LaunchRefused("sub_missing")
    if not isinstance(subject, str) or len(subject) > TEXT_MAX:
        raise LaunchRefused("sub_odd")
    if not subject.isascii() or not subject.isprintable():
        raise LaunchRefused("sub_odd")
    return subject


def _roles(value: Any) -> tuple[str, ...]:
    roles = value[:ROLES_MAX] if isinstance(value, list) else []
    return tuple(role for role in map(_text, roles) if role)


def _login_name(claims: Mapping[str, Any], custom: Mapping[str, Any], login_claim: str) -> str | None:
    if login_claim.startswith("custom_"):
        named = custom.get(login_claim.removeprefix("custom_"))
    else:
        named = claims.get(login_claim) if login_claim else None
    moodles = _object(claims, LTI + "ext").get("user_username")
    candidates = (named, claims.get("preferred_username"), moodles, custom.get("username"))
    # A variable that the LMS does not know, or does not tell, comes as it was written: $User.username.
    return next((text for text in map(_text, candidates) if text and not text.startswith("$")), None)


def _for_user(claims: Mapping[str, Any]) -> str:
    """Whose submission: a learner's id (https://www.imsglobal.org/spec/lti-sr/v1p0/#for-user-claim)."""
    user = _text(_object(claims, FOR_USER).get("user_id"))
    if not user:
        raise LaunchRefused("for_user_missing")
    return user


def _selection(settings: Mapping[str, Any]) -> SelectionRequest:
    return_url, data, types = (
        _url(settings.get("deep_link_return_url")),
        settings.get("data"),
        settings.get("accept_types"),
    )
    if return_url is None or not (data is None or _is_keepable(data)):
        raise LaunchRefused("selection_incomplete")
    if not isinstance(types, list) or "ltiResourceLink" not in types:
        raise LaunchRefused("selection_of_nothing")
    # An LMS that says nothing about line items may take them (Moodle); only a plain no counts.
    multiple, lineitem = settings.get("accept_multiple") is True, settings.get("accept_lineitem") is not False
    return SelectionRequest(return_url, data, multiple, lineitem)


def _is_keepable(data: Any) -> bool:
    """Whether any database keeps it as it is: what an LMS wants back it wants back unchanged."""
    try:
        return isinstance(data, str) and len(data) <= DATA_MAX and b"\0" not in data.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _materials(custom: Mapping[str, Any]) -> GitPlace | None:
    git, branch, path = (_text(custom.get(name)) for name in ("git", "branch", "path"))
    return GitPlace(git, branch, path) if git or branch or path or _text(custom.get("materials")) else None


def _object(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """Printable text of at most 255 characters; `` for anything that is no string."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[: 4 * TEXT_MAX] if c.isprintable()).strip()[:TEXT_MAX]


def _url(value: Any) -> str | None:
    ok = isinstance(value, str) and len(value) <= URL_MAX and value.startswith(("https://", "http://"))
    return value if ok and value.isascii() and value.isprintable() else None
