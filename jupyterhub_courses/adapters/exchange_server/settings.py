"""The settings of an exchange process, read from its environment. A wrong one is named together with all others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from jupyterhub_courses.core.names import is_slug

#: A request carries its files base64 encoded in JSON: four bytes for three, and some words around them.
OVERHEAD = 1024 * 1024
DEFAULT_UPLOAD_LIMIT = 100 * 1000 * 1000


class SettingsError(Exception):
    """The environment does not describe an exchange; the message says what is missing or wrong."""


@dataclass(frozen=True)
class Settings:
    """One course's exchange. `upload_limit` counts bytes of files as they lie on disk, per submission or release.

    `host` is the address to listen at: this machine alone, but where a pod is the exchange's own.
    """

    course: str
    directory: Path
    port: int
    hub_api_url: str
    admin_token: str = field(repr=False)
    upload_limit: int = DEFAULT_UPLOAD_LIMIT
    host: str = "127.0.0.1"

    @property
    def body_limit(self) -> int:
        """The largest request body that can hold `upload_limit` bytes of files."""
        return self.upload_limit * 4 // 3 + OVERHEAD


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from `EXCHANGE_*`; raises SettingsError naming every variable that is missing or wrong."""
    problems: list[str] = []

    def read(name: str, what: str, default: str | None = None) -> str:
        value = environ.get(name, "").strip()
        if not value and default is None:
            problems.append(f"{name} is not set ({what})")
        return value or default or ""

    def number(name: str, what: str, lowest: int, highest: int, default: str | None = None) -> int:
        text = read(name, what, default)
        if text and not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            problems.append(f"{name} must be a whole number from {lowest} to {highest}")
            return lowest
        return int(text or lowest)

    course = read("EXCHANGE_COURSE", "the course's slug")
    if course and not is_slug(course):
        problems.append("EXCHANGE_COURSE is not a course's slug")
    directory = read("EXCHANGE_DIR", "the folder that keeps the database and the files")
    port = number("EXCHANGE_PORT", "the port; 0 takes a free one", 0, 65535)
    host = read("EXCHANGE_HOST", "the address to listen at", "127.0.0.1")
    if not _is_address(host):
        problems.append("EXCHANGE_HOST is not an address, such as 127.0.0.1, 0.0.0.0 or ::")
    hub = read("EXCHANGE_HUB_API_URL", "the hub's REST API, such as http://127.0.0.1:8081/hub/api")
    if hub and not hub.startswith(("http://", "https://")):
        problems.append("EXCHANGE_HUB_API_URL must begin with http:// or https://")
    admin_token = read("EXCHANGE_ADMIN_TOKEN", "the secret of the courses service")
    if admin_token and len(admin_token) < 16:
        problems.append("EXCHANGE_ADMIN_TOKEN must have at least 16 characters")
    limit = number("EXCHANGE_UPLOAD_LIMIT", "bytes", 1, 2**40, str(DEFAULT_UPLOAD_LIMIT))
    if problems:
        raise SettingsError("The exchange cannot start: " + "; ".join(problems) + ".")
    return Settings(course, Path(directory), port, hub.rstrip("/"), admin_token, limit, host)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def in_words(size: int) -> str:
    """`20000000` -> `20 MB`, for people; decimal units as file managers show them."""
    for unit, factor in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} bytes"
