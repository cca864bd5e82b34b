"""Launches of LTI 1.1, for an LMS that has nothing newer: a form that the LMS signed and the browser posts.

Promises: what comes out is bounded in size and type; nothing that decides is read from a field that is there twice;
a form whose signature holds becomes the same Launch as an id_token's, so nobody behind it has to know the
difference. The signature itself is adapters/lms/oauth1.py's business, whether a nonce was used the store's.
Rules: https://www.imsglobal.org/specs/ltiv1p1/implementation-guide and https://www.rfc-editor.org/rfc/rfc5849
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from .admissions import ASSIGNMENT, ROLES_MAX, TEXT_MAX, URL_MAX, Launch, ResultPlace
from .goals import GitPlace
from .launches import checked_context
from .records import Registration
from .refusals import LaunchRefused

BODY_MAX: Final = 64 * 1024  # bytes; Moodle's forms have 3 kB
FIELDS_MAX: Final = 200
SOURCEDID_MAX: Final = 4096
#: A launch is good for so long before and after the time it names. The guide asks for a few minutes (4.2).
WINDOW: Final = 300
METHODS: Final = ("HMAC-SHA1", "HMAC-SHA256")
_OAUTH: Final = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature", "oauth_timestamp", "oauth_nonce")
_SIGNED_MAX: Final = 512  # of each of these

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SignedForm:
    """A form as a browser posted it to `url`, our public address with its query; `fields` in their order.

    origin: the site whose page sent it, as the browser says. attempt: of one post, whose call may come twice.
    """

    url: str
    fields: Fields = field(repr=False)
    origin: str | None = None
    attempt: str = ""

    def __getitem__(self, name: str) -> str:
        """The value of a field; "" without one."""
        return next((value for known, value in self.fields if known == name), "")


@dataclass(frozen=True)
class Signature:
    """What OAuth's own fields say. `timestamp` in epoch seconds."""

    key: str
    method: str
    value: str = field(repr=False)
    timestamp: int
    nonce: str

    @property
    def once(self) -> str:
        """What may be used once."""
        return "\0".join(("lti11", self.key, str(self.timestamp), self.nonce))


def fields_of(body: bytes) -> Fields:
    """The fields of a posted form, empty ones included. Raises LaunchRefused."""
    if len(body) > BODY_MAX or body.count(b"&") >= FIELDS_MAX:
        raise LaunchRefused("form_too_large")
    try:
        return tuple(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:  # not UTF-8, too
        raise LaunchRefused("form_incomplete") from None


def form_as_json(form: SignedForm) -> dict[str, Any]:
    """The body of `POST admissions/lti11`."""
    fields = [list(pair) for pair in form.fields]
    return {"url": form.url, "fields": fields, "origin": form.origin, "attempt": form.attempt}


def form_from_json(data: Any) -> SignedForm:
    """The inverse of `form_as_json`. Raises ValueError naming what is wrong."""
    if not isinstance(data, dict) or not isinstance(fields := data.get("fields"), list):
        raise ValueError("fields: missing")
    if len(fields) > FIELDS_MAX or not all(_is_pair(pair) for pair in fields):
        raise ValueError("fields: too many, or not pairs of texts")
    url, origin, attempt = data.get("url"), data.get("origin"), data.get("attempt")
    if not isinstance(url, str) or not 0 < len(url) <= URL_MAX or not isinstance(attempt, str):
        raise ValueError("url or attempt: missing")
    origin = origin[:TEXT_MAX] if isinstance(origin, str) else None
    return SignedForm(url, tuple((name, value) for name, value in fields), origin, attempt[:TEXT_MAX])


def signature_of(form: SignedForm) -> Signature:
    """OAuth's fields, each there once. Raises LaunchRefused."""
    counts = Counter(name for name, _ in form.fields)
    # A second value would be signed as well, and it is the other one that might be read.
    if any(count > 1 and _decides(name) for name, count in counts.items()):
        raise LaunchRefused("form_incomplete")
    key, method, value, timestamp, nonce = texts = [form[name] for name in _OAUTH]
    if not all(0 < len(text) <= _SIGNED_MAX for text in texts) or not _is_time(timestamp):
        raise LaunchRefused("form_incomplete")
    if form["oauth_version"] not in ("", "1.0"):  # may be left out (RFC 5849 3.1)
        raise LaunchRefused("version_unknown")
    if method not in METHODS:
        raise LaunchRefused("algorithm_refused")
    if len(key) > TEXT_MAX or not key.isprintable():
        raise LaunchRefused("consumer_unknown")  # nobody has such a one, and a database may not take it
    return Signature(key, method, value, int(timestamp), nonce)


def check_form(form: SignedForm, signature: Signature, now: float) -> None:
    """What a form has to say whose signature holds; `now` in epoch seconds. Raises LaunchRefused."""
    if now > signature.timestamp + WINDOW:
        raise LaunchRefused("token_expired")
    if now < signature.timestamp - WINDOW:
        raise LaunchRefused("token_from_future")
    if form["lti_version"] not in ("LTI-1p0", "LTI-1p1"):
        raise LaunchRefused("version_unknown")
    if form["lti_message_type"] != "basic-lti-launch-request":
        raise LaunchRefused("message_type_unknown")


def launch_from_form(form: SignedForm, registration: Registration) -> Launch:
    """The launch of a checked form. Raises LaunchRefused for a person, context or activity that is missing."""
    context_id, link_id = checked_context(form["context_id"]), _text(form["resource_link_id"])
    if not link_id:
        raise LaunchRefused("resource_link_missing")
    assignment = form["custom_assignment"]
    return Launch(
        issuer=registration.issuer,
        client_id=registration.client_id,
        deployment_id="",
        sub=_person(form["user_id"]),
        roles=tuple(role.strip()[:TEXT_MAX] for role in form["roles"].split(",")[:ROLES_MAX]),
        context_id=context_id,
        context_label=_text(form["context_label"]),
        context_title=_text(form["context_title"]),
        resource_link_id=link_id,
        names={
            "name": _text(form["lis_person_name_full"]),
            "given_name": _text(form["lis_person_name_given"]),
            "family_name": _text(form["lis_person_name_family"]),
            "email": _text(form["lis_person_contact_email_primary"]),
        },
        login_name=_login_name(form),
        assignment=assignment if ASSIGNMENT.fullmatch(assignment) else None,
        lineitems_url=None,
        lineitem_url=None,
        members_url=None,
        materials=_materials(form),
        result=_result(form),
    )


def _decides(name: str) -> bool:
    return name.startswith(("oauth_", "lti_", "lis_", "custom_", "context_", "ext_")) or name in _READ


_READ: Final = frozenset({"user_id", "roles", "resource_link_id"})


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, str) and len(t) <= BODY_MAX for t in pair)


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 11


def _person(user_id: str) -> str:
    """As `sub` of LTI 1.3, which it becomes when the LMS is upgraded."""
    if not user_id:
        raise LaunchRefused("sub_missing")
    if len(user_id) > TEXT_MAX or not user_id.isascii() or not user_id.isprintable():
        raise LaunchRefused("sub_odd")
    return user_id


def _login_name(form: SignedForm) -> str | None:
    names = (_text(form[name]) for name in ("ext_user_username", "custom_username"))
    return next((name for name in names if name and not name.startswith("$")), None)


def _materials(form: SignedForm) -> GitPlace | None:
    git, branch, path = (_text(form[f"custom_{name}"]) for name in ("git", "branch", "path"))
    return GitPlace(git, branch, path) if git or branch or path or form["custom_materials"] else None


def _result(form: SignedForm) -> ResultPlace | None:
    url, sourcedid = form["lis_outcome_service_url"], form["lis_result_sourcedid"]
    fits = 0 < len(url) <= URL_MAX and 0 < len(sourcedid) <= SOURCEDID_MAX
    ok = fits and url.isascii() and url.isprintable() and sourcedid.isprintable()
    return ResultPlace(url, sourcedid) if ok else None


def _text(value: str) -> str:
    return "".join(c for c in value[: 4 * TEXT_MAX] if c.isprintable()).strip()[:TEXT_MAX]
