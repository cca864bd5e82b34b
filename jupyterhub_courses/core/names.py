"""Names for courses and people: what may be one, and how one is made from an LMS's words.

Promises: every slug made here is a valid named server (jupyterhub 6 handlers/users.py: letter first, `[a-z0-9]`
and single hyphens inside, at most 30 characters) and part of a valid Kubernetes namespace name; every username
made here is lowercase ASCII, cannot be mistaken for another's by case or Unicode form, and is never a reserved one.
Whether a name is already taken is asked by the caller (`taken`), who knows the store and the hub.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence

SLUG_MAX = 30
TAKEN_NAMES_PATH, TAKEN_NAMES_MAX = "/courses/taken-names", 500  # below the hub's API; names in one call
USERNAME_MAX = 48  # leaves room for `jupyter-…--<slug>` in a 63 character label
GRADER_PREFIX = "grader-"
NUMBERS_MAX = 12  # powers of four: numbers have at most eight digits
SERVICE_NAME = "courses"

#: Usernames nobody gets from an LMS: services, graders and the words admins are usually called.
RESERVED_USERNAMES = frozenset(
    {"admin", "administrator", "root", "jovyan", "hub", "proxy", "service", "services", "system", "anonymous"}
    | {SERVICE_NAME, "courses-service", "ngshare", "exchange", "user", "users", "api", "login", "logout"}
    # Numbered, for a second person of that name, it would be a grader's.
    | {GRADER_PREFIX.rstrip("-")}
)
RESERVED_SLUGS = frozenset(
    {"api", "static", "health", "opening", "oauth-callback", "admin", "platforms", "grader"}
    | {"select", "register", "registration-link"}
)

_SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,29}")


def is_slug(text: str) -> bool:
    """Whether `text` can be a course's slug."""
    return bool(_SLUG.fullmatch(text)) and text not in RESERVED_SLUGS


def fold(text: str) -> str:
    """ASCII letters, digits and single hyphens, lowercase: `Ärger & Müller` -> `arger-muller`."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def slug_from(label: str, taken: Callable[[str], bool], whose: str = "") -> str:
    """The slug of a new course: made from its label, numbered (`ml101-2`) while `taken` says so.

    whose: what tells the course from others of its label, as in `username_from`.

    Open edX puts `course-v1:` before every label (opaque-keys' CourseLocator); that would tell nobody anything.
    """
    base = fold(label[:200].removeprefix("course-v1:")) or "course"
    if not base[0].isalpha():
        base = f"c-{base}"
    base = base[:SLUG_MAX].rstrip("-")
    return _numbered(base, SLUG_MAX, lambda name: name in RESERVED_SLUGS or taken(name), whose)


def grader_username(slug: str) -> str:
    """The hub user whose named server `slug` is shared by the course's graders."""
    return GRADER_PREFIX + slug


def grader_course(username: str) -> str | None:
    """The slug whose grader `username` is, or None."""
    slug = username.removeprefix(GRADER_PREFIX)
    return slug if slug != username and is_slug(slug) else None


def is_reserved(username: str) -> bool:
    """Whether nobody may get this username from an LMS."""
    return username in RESERVED_USERNAMES or username.startswith((GRADER_PREFIX, "service-"))


def username_from(claims: Sequence[str | None], taken: Callable[[str], bool], whose: str = "") -> str:
    """A readable username from the first usable claim (login name, mail address, full name, …).

    Of a mail address only the part before `@` is used. Reserved names get `lms-` in front, so `admin` of an LMS
    becomes `lms-admin`. Taken ones are numbered.

    whose: what tells the person from others of that name. An LMS may name nobody (Open edX does by default), and
    thousands are then called `person`: after the third, each has numbers of their own to try.
    """
    candidates = (fold(claim.partition("@")[0][:200]) for claim in claims if claim)
    base = next((c for c in candidates if c), "person")
    if is_reserved(base):
        base = f"lms-{base}"
    base = base[:USERNAME_MAX].rstrip("-")
    return _numbered(base, USERNAME_MAX, lambda name: is_reserved(name) or taken(name), whose)


def _numbered(base: str, limit: int, taken: Callable[[str], bool], whose: str) -> str:
    """`base`, or with the first number that is free: 2, 3, then from ranges that grow fourfold.

    So a free one is found after a few, however many there are, and those who come at once do not all ask for the same.
    """
    name, attempt = base, 1
    while taken(name):
        attempt += 1
        suffix = f"-{attempt if attempt <= 3 else _drawn(whose, attempt)}"
        name = base[: limit - len(suffix)].rstrip("-") + suffix
    return name


def _drawn(whose: str, attempt: int) -> int:
    digest = hashlib.sha256(f"{whose}\0{attempt}".encode("utf-8", "replace")).digest()
    return 4 + int.from_bytes(digest[:8], "big") % (1 << 2 * min(attempt - 2, NUMBERS_MAX))
