"""Dynamic Registration, its decisions: what is believed of an LMS's configuration, what we tell about ourselves, what
an answer means.

https://www.imsglobal.org/spec/lti-dr/v1p0. Promises: every address of a configuration lies on the configuration's
own host (3.5.1 asks it of the issuer); we ask for the scopes, claims and messages that are used here and no others;
of what an LMS writes only words that stand in this file are ever shown.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from .addresses import host_of
from .admissions import TEXT_MAX, Refused
from .answers import Answer
from .platforms import PAGE, Known

_SPEC = "https://purl.imsglobal.org/spec/"
TOOL: Final = _SPEC + "lti-tool-configuration"
PLATFORM: Final = _SPEC + "lti-platform-configuration"
#: Moodle grants `lineitem` only to whom asks for it, whatever its answer says; `lineitem.readonly` adds nothing to it.
SCOPES: Final = (
    _SPEC + "lti-ags/scope/lineitem",
    _SPEC + "lti-ags/scope/result.readonly",
    _SPEC + "lti-ags/scope/score",
    _SPEC + "lti-nrps/scope/contextmembership.readonly",
)
CLAIMS: Final = ("iss", "sub", "name", "given_name", "family_name", "email")
NAME: Final = "JupyterHub"
DESCRIPTION: Final = {
    "en": "Opens assignments and materials as notebooks and sends scores back.",
    "de": "Öffnet Aufgaben und Materialien als Notebooks und meldet Punkte zurück.",
}
REVIEW: Final = "LtiSubmissionReviewRequest"
LINK, DONE = "registration", "registered"  # kinds of codes
LINK_SECONDS = 7 * 86400.0  # an LMS is often somebody else's to administer
DONE_SECONDS = 3600.0  # as long as an LMS's own token lasts; so long the page can be loaded again
TOKEN_MAX = 8192
CUSTOM_MAX = 50  # parameters of an administrator that an update hands back


@dataclass(frozen=True)
class Invitation:
    """What an administrator of ours gave a link for. `course_creation`: of a platform that is made by it."""

    platform: str
    title: str = ""
    course_creation: str | None = None


@dataclass(frozen=True)
class Configuration:
    """What an LMS says about itself (OpenID Connect Discovery and LTI's part of it)."""

    issuer: str
    registration_endpoint: str
    authorize_url: str
    token_url: str
    keyset_url: str
    family: str = ""
    messages: frozenset[str] | None = None  # None: it does not say


@dataclass(frozen=True)
class Entry:
    """The entry that an LMS has of us. `ungranted`: scopes that its answer lacks.

    No client id: a tool of LTI 1.1, which is about to become one of 1.3.
    """

    client_id: str
    deployment_id: str | None
    name: str = ""
    custom: Mapping[str, str] = field(default_factory=dict, hash=False)
    ungranted: tuple[str, ...] = ()


class RegistrationRefused(Refused):
    """Refused by us or by the LMS; `said`: the LMS's own words, where they are known ones."""

    def __init__(self, code: str, status: int = 502, said: str = "") -> None:
        super().__init__(code, status)
        self.said = said


def usable_address(url: str) -> bool:
    """Whether an address may be fetched at all: http(s), sane, of a sane length."""
    return url.isascii() and url.isprintable() and " " not in url and "\\" not in url and host_of(url) is not None


def usable_token(token: str) -> bool:
    """Whether a registration token may stand in a header; none at all is for the LMS to judge."""
    return len(token) <= TOKEN_MAX and token.isascii() and token.isprintable() and " " not in token


def is_update(token: str) -> bool:
    """Whether the LMS means to update an entry. A hint only, unverified: the LMS itself judges its token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return False
    return isinstance(claims, dict) and claims.get("scope") == "reg-update"


def check_place(invitation: Invitation, issuer: str | None, client_id: str | None, known: Iterable[Known]) -> None:
    """Whether this invitation may register `client_id` of `issuer`, as far as they are known yet. Raises Refused.

    A link speaks for one platform: it neither changes what belongs to another, nor what a file says, nor makes one
    platform's people those of another LMS.
    """
    for one in known:
        if one.platform.name == invitation.platform:
            if one.platform.owner != PAGE:
                raise RegistrationRefused("registration_owned_by_file", 409)
            if issuer is not None and one.platform.issuer != issuer:
                raise RegistrationRefused("registration_other_lms", 409)
        elif any((r.issuer, r.client_id) == (issuer, client_id) for r in one.registrations if not r.is_lti11):
            raise RegistrationRefused("registration_other_platform", 409)


def read_configuration(url: str, answer: Answer) -> Configuration:
    """The configuration found at `url`. Raises RegistrationRefused."""
    if not answer.ok:
        raise RegistrationRefused(_FAULTS.get(answer.fault, "registration_config_unusable"))
    data = answer.json()
    if not isinstance(data, dict):
        raise RegistrationRefused("registration_config_unusable")
    names = ("issuer", "registration_endpoint", "authorization_endpoint", "token_endpoint", "jwks_uri")
    found = {name: _address(data.get(name)) for name in names}
    if len(found["issuer"]) > TEXT_MAX:
        raise RegistrationRefused("registration_config_unusable")
    if {host_of(value) for value in found.values()} != {host_of(url)}:
        raise RegistrationRefused("registration_foreign_addresses", 400)
    more = data.get(PLATFORM)
    more = more if isinstance(more, dict) else {}
    family = more.get("product_family_code")
    messages = more.get("messages_supported")
    types = [m.get("type") for m in messages if isinstance(m, dict)] if isinstance(messages, list) else None
    return Configuration(
        issuer=found["issuer"],
        registration_endpoint=found["registration_endpoint"],
        authorize_url=found["authorization_endpoint"],
        token_url=found["token_endpoint"],
        keyset_url=found["jwks_uri"],
        family=family.lower() if isinstance(family, str) and len(family) <= 50 else "",
        messages=None if types is None else frozenset(t for t in types if isinstance(t, str)),
    )


def _address(value: Any) -> str:
    if not isinstance(value, str) or not usable_address(value):
        raise RegistrationRefused("registration_config_unusable")
    return value


def our_registration(base: str, configuration: Configuration, present: Entry | None = None) -> dict[str, Any]:
    """What we tell the LMS. `base`: our public address with its slash; `present`: the entry that is updated.

    An update replaces everything in Moodle: the name that its administrators gave, and their custom parameters, are
    handed back.
    """
    messages = [
        {"type": "LtiResourceLinkRequest", "target_link_uri": base, "label": NAME},
        {
            "type": "LtiDeepLinkingRequest",
            "target_link_uri": base,
            "label": "Choose an assignment or materials",
            "label#de": "Aufgabe oder Materialien wählen",
            "placements": ["ContentArea"],
            "supported_types": ["ltiResourceLink"],
        },
    ]
    if configuration.messages is None or REVIEW in configuration.messages:
        messages.append({"type": REVIEW, "target_link_uri": base})
    tool: dict[str, Any] = {
        "domain": urlsplit(base).netloc,
        "description": DESCRIPTION["en"],
        "description#de": DESCRIPTION["de"],
        "target_link_uri": base,
        "claims": list(CLAIMS),
        "messages": messages,
    }
    if present and present.custom:
        tool["custom_parameters"] = dict(present.custom)
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": base + "hub/lti13/oauth_login",
        "redirect_uris": [base + "hub/lti13/oauth_callback"],
        "client_name": (present.name if present else "") or NAME,
        "client_uri": base,
        "logo_uri": base + "hub/logo",
        "jwks_uri": base + "services/courses/jwks.json",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(SCOPES),
        TOOL: tool,
    }


def written(registration: Mapping[str, Any]) -> bytes:
    """As it is sent: compact."""
    return json.dumps(registration, separators=(",", ":")).encode()


def read_entry(answer: Answer, *, asking: bool = False) -> Entry:
    """The entry of an LMS's answer. Raises RegistrationRefused. `asking`: nothing was to be changed by the request."""
    if not answer.ok:
        raise refusal_of(answer, asking=asking)
    data = answer.json()
    data = data if isinstance(data, dict) else {}
    client_id = data.get("client_id", "" if asking else None)
    if not isinstance(client_id, str) or len(client_id) > TEXT_MAX or not client_id.isprintable():
        raise RegistrationRefused("registration_answer_unusable")
    if not client_id and not asking:
        raise RegistrationRefused("registration_answer_unusable")
    tool = data.get(TOOL)
    tool = tool if isinstance(tool, dict) else {}
    deployment = tool.get("deployment_id", data.get("deployment_id"))
    deployment = str(deployment) if isinstance(deployment, str | int) and not isinstance(deployment, bool) else ""
    name, custom, scope = data.get("client_name"), tool.get("custom_parameters"), data.get("scope")
    granted = scope.split() if isinstance(scope, str) else SCOPES
    return Entry(
        client_id=client_id,
        deployment_id=deployment if 0 < len(deployment) <= TEXT_MAX and deployment.isprintable() else None,
        name=name if isinstance(name, str) and len(name) <= TEXT_MAX else "",
        custom=_texts(custom) if isinstance(custom, dict) else {},
        ungranted=tuple(each for each in SCOPES if each not in granted),
    )


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    texts = {k: v for k, v in values.items() if isinstance(k, str) and isinstance(v, str)}
    return {k: v for k, v in list(texts.items())[:CUSTOM_MAX] if len(k) <= TEXT_MAX and len(v) <= 1024}


_FAULTS: Final = {
    "timeout": "registration_unreachable",
    "unreachable": "registration_unreachable",
    "broken": "registration_unreachable",
    "certificate": "registration_certificate",
}
#: Moodle's bare words (mod/lti/classes/local/ltiopenid/registration_helper.php, openid-registration.php).
WORDS: Final = {
    "token_already_used": ("registration_token_used", 409),
    "missing_registration_token": ("registration_token_missing", 400),
    "Incorrect scope": ("registration_token_refused", 403),
    "Unknown client": ("registration_client_gone", 409),
    "Unsupported operation": ("registration_unsupported", 502),
    "missing_domain": ("registration_domain_missing", 502),
    "domain_targetlinkuri_mismatch": ("registration_domain_differs", 502),
    "invalid_redirect_uris": ("registration_redirects_refused", 502),
    "invalid_response_types": ("registration_field_wrong", 502),
    "invalid_token_endpoint_auth_method": ("registration_field_wrong", 502),
    "invalid_application_type": ("registration_field_wrong", 502),
}
FIELDS: Final = (
    *("response_types", "initiate_login_uri", "redirect_uris", "client_name", "jwks_uri"),
    *("token_endpoint_auth_method", TOOL),
)
_MISSING = "missing required attribute "


def refusal_of(answer: Answer, *, asking: bool = False) -> RegistrationRefused:
    """Why an LMS has not registered us, as one of our sentences. Never the LMS's own text, which may echo anything."""
    if answer.fault in ("timeout", "broken", "too_large") and not asking:
        return RegistrationRefused("registration_in_doubt")
    if answer.fault:
        return RegistrationRefused(_FAULTS.get(answer.fault, "registration_lms_error"))
    said = answer.body.strip()[:200].decode("utf-8", "replace")
    data = answer.json() if said.startswith("{") else None
    if isinstance(data, dict) and isinstance(data.get("error"), str):  # RFC 7591 3.2.2
        said = data["error"][:200]
    if said in WORDS:
        code, status = WORDS[said]
        return RegistrationRefused(code, status, said)
    if said.startswith(_MISSING) and said.removeprefix(_MISSING) in FIELDS:
        return RegistrationRefused("registration_field_missing", said=said)
    if said == "invalid_client_metadata" or said == "invalid_redirect_uri":
        return RegistrationRefused("registration_field_wrong", said=said)
    if answer.status in (401, 403) or said == "invalid_token":
        return RegistrationRefused("registration_token_refused", 403)
    if answer.status == 404 and answer.content_type.startswith("text/html"):
        return RegistrationRefused("registration_lms_page")
    return RegistrationRefused("registration_lms_error")
