"""People who come from no LMS: by the hub's own login (`fallback`), or named in a courses file. Pure decisions.

Promises: what the hub's own login calls somebody is theirs here only when nobody of an LMS has that name; names of
the system are nobody's; two logins are never one person.
"""

import re

from .names import fold, is_reserved, username_from
from .records import Person

SUB_PREFIX = "login:"
LOGIN_MAX = 200
LINK_PATH = "login-link"  # below the hub
CODE_MAX = 255
#: Words that administrators are usually called. Such a login gets in only as the user that the hub has already.
ADMIN_NAMES = frozenset({"admin", "administrator", "root"})

_PLAIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,62}")  # as a courses file may name people


def is_login(text: str) -> bool:
    """Whether `text` can be what the hub's own login calls somebody."""
    return 0 < len(text) <= LOGIN_MAX and text.isprintable()


def sub_of(login: str) -> str:
    """What stands in the place of an LMS's `sub`."""
    return SUB_PREFIX + login


def login_of(person: Person | None) -> str | None:
    """What the hub's own login calls the person; None for somebody who never came by it."""
    if person is None or person.platform_id is not None or not (person.sub or "").startswith(SUB_PREFIX):
        return None
    return (person.sub or "").removeprefix(SUB_PREFIX)


def is_theirs(person: Person, login: str) -> bool:
    """Whether `person` is whom the hub's own login calls `login`; one of a courses file is, when named just so."""
    if person.platform_id is not None:
        return False
    return person.sub == sub_of(login) or (person.sub is None and person.username == login)


def is_plain(login: str) -> bool:
    """Whether the login can be a username as it stands."""
    return bool(_PLAIN.fullmatch(login))


def is_reserved_login(login: str, on_hub: bool) -> bool:
    """Whether nobody may log in by this name. `on_hub`: the hub has a user of exactly this name."""
    if on_hub and login in ADMIN_NAMES:
        return False
    return is_reserved(login) or is_reserved(fold(login))


def candidate(login: str, taken: set[str]) -> str:
    """The first username for `login` that is not taken: the login itself, else a readable one, numbered."""
    return login if is_plain(login) and login not in taken else username_from([login], taken.__contains__, login)
