"""The notation people write specs in: sizes, times, slugs, addresses. Pure parsers.

Promises: each returns the value or raises ValueError with a sentence that can be shown to the writer. Both
specs and the command line use them.
"""

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

from . import names

SECRET_MIN = 16
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_DURATION = re.compile(r"(\d+)([smhd]?)")
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_GIT_URL = re.compile(r"(https?|ssh|file)://[^\s-]\S*|\w[\w.-]*@\w[\w.-]*:\S+|/\S*")
_RESOURCE = re.compile(r"(?=.{3,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_LABEL = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_OBJECT = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
#: What hub, server and courses agree about among themselves.
_VARIABLES_KEPT = ("JUPYTERHUB_", "JPY_", "JUPYTER_", "NBGRADER_", "LD_")
_GIT_REF = re.compile(r"[\w.][\w./@+-]{0,199}")


def _refuse(value: object, expected: str) -> ValueError:
    return ValueError(f"{shown(value)} is not {expected}")


def shown(value: object) -> str:
    """A refused value as it is quoted in a sentence: short, strings in double quotes."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def parse_bytes(value: object) -> int:
    """Bytes of `512M`, `2G`, `1.5G` or a whole number of bytes; K, M, G and T are powers of 1024."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)) and float(match[1]) > 0:
        return int(float(match[1]) * _UNITS[match[2]])
    raise _refuse(value, "a size: write a number with K, M, G or T, like 512M or 2G")


def parse_seconds(value: object) -> int:
    """Seconds of `90s`, `30m`, `2h`, `1d` or a whole number of seconds."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)) and int(match[1]) > 0:
        return int(match[1]) * _SECONDS[match[2]]
    raise _refuse(value, "a time: write a number with s, m, h or d, like 30m or 2h")


def parse_cores(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1024:
        return float(value)
    raise _refuse(value, "a number of processor cores, like 0.5 or 2")


def slug(value: str) -> str:
    if names.is_slug(value):
        return value
    if value in names.RESERVED_SLUGS:
        raise ValueError(f"{shown(value)} is reserved: choose another name")
    raise _refuse(
        value,
        "a course's name: a lowercase letter first, then letters, digits and single hyphens, at most"
        f" {names.SLUG_MAX}, no hyphen at the end",
    )


def secret(value: object) -> object:
    """A shared secret; what is wrong with it is told without it."""
    if value is not None and not isinstance(value, str):
        raise ValueError("is not text: put it in quotes")
    if value is not None and not (SECRET_MIN <= len(value) <= 255 and value.isprintable()):
        raise ValueError(f"a secret has at least {SECRET_MIN} and at most 255 characters, on one line")
    return value


def web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        ok = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        _ = parts.port
    except ValueError:
        ok = False
    if not ok or re.search(r"\s", value):
        raise _refuse(value, "an address: write it whole, like https://lms.example.edu/mod/lti/certs.php")
    return value


def username(value: str) -> str:
    if not _USERNAME.fullmatch(value):
        raise _refuse(value, "a username of the hub: lowercase letters, digits and . _ @ + -")
    if value.startswith((names.GRADER_PREFIX, "service-")):
        raise ValueError(f"{shown(value)} is reserved for the hub's own users")
    return value


def folder(value: str) -> str:
    if not value.startswith("/") or "\0" in value:
        raise _refuse(value, "the whole path of a folder, like /srv/courses/ml101")
    return value


def path_inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or "\0" in value:
        raise _refuse(value, "a path inside the repository, like courses/ml101")
    return value


def git_address(value: str) -> str:
    # git runs a program for `ext::…` and reads an option from `-…`: only what is plainly an address passes.
    if not _GIT_URL.fullmatch(value):
        raise _refuse(value, "the address of a git repository, like https://git.example.edu/ml101.git")
    return value


def git_ref(value: str) -> str:
    if not _GIT_REF.fullmatch(value):
        raise _refuse(value, "a branch, a tag or a commit")
    return value


def resource(value: str) -> str:
    if not _RESOURCE.fullmatch(value):
        raise _refuse(value, "the name of a resource that nodes offer, like nvidia.com/gpu")
    if "kubernetes.io/" in value:
        raise _refuse(value, "a resource that a course can ask for")
    return value


def label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise _refuse(value, "the name of a label or taint of nodes, like example.org/pool")
    return value


def label_value(value: str) -> str:
    if not _LABEL_VALUE.fullmatch(value):
        raise _refuse(value, "the value of a label: at most 63 letters, digits and . _ -")
    return value


def object_name(value: str) -> str:
    if len(value) > 253 or not _OBJECT.fullmatch(value):
        raise _refuse(value, "a name of Kubernetes': lowercase letters, digits, hyphens and dots")
    return value


def variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise _refuse(value, "the name of an environment variable")
    if value.startswith(_VARIABLES_KEPT) or value in ("HOME", "PATH"):
        raise ValueError(f"{shown(value)} is set by the hub: choose another name")
    return value


def network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise _refuse(value, "a range of addresses, like 192.0.2.0/24, or 192.0.2.7/32 for one") from None
