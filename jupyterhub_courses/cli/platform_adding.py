"""`platforms add`: an LMS by its values, or by what stands for them."""

import json
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from traitlets import Enum, List, Unicode

from ..core.connecting import CANVAS, MOODLE
from .app import JsonCommand, Settings
from .client import CommandError
from .platforms import described, path_of
from .tables import plain

KEY_MAX = 20_000


class Add(JsonCommand):
    """Connect an LMS; or add a registration, a deployment id or a title to one that is there."""

    name = "add"
    usage = "platforms add NAME [--moodle URL | --canvas URL] --client-id ID --deployment-id ID … (see --help)"
    arguments = 1

    moodle = Unicode("", help="A Moodle's address: stands for its issuer and three addresses.").tag(config=True)
    canvas = Unicode("", help="A hosted Canvas institution's address: stands for issuer and addresses.").tag(
        config=True
    )
    issuer = Unicode("", help="Issuer (Moodle: Platform ID), exactly as the LMS writes it.").tag(config=True)
    client_id = Unicode("", help="Client id that the LMS gave.").tag(config=True)
    deployment_ids = List(Unicode(), help="Deployment id whose launches are accepted; repeat it for more.").tag(
        config=True
    )
    authorize_url = Unicode("", help="Where logins are sent to.").tag(config=True)
    token_url = Unicode("", help="Where access tokens are given.").tag(config=True)
    keyset_url = Unicode("", help="Where the LMS's public keys are.").tag(config=True)
    public_key = Unicode("", help="File with the LMS's public key in PEM, instead of a keyset's address.").tag(
        config=True
    )
    title = Unicode("", help="What people call it.").tag(config=True)
    home = Unicode("", help="Address where its people begin, shown to whoever has no login.").tag(config=True)
    course_creation = Enum(
        ("", "on", "off"), "", help="Whether a teacher's first click makes a course. A new platform: off."
    ).tag(config=True)
    aliases: ClassVar[Any] = {
        **Settings.aliases,
        **{
            name.replace("_", "-"): f"Add.{name}"
            for name in (
                *("moodle", "canvas", "issuer", "client_id", "authorize_url", "token_url", "keyset_url"),
                *("public_key", "title", "home", "course_creation"),
            )
        },
        "deployment-id": "Add.deployment_ids",
    }

    def run(self, *arguments: str) -> int:
        (name,) = arguments
        there = next((one for one in self.ask("GET", "platforms") if one["name"] == name), None)
        answer = self.ask("PUT", path_of(name), self.wanted(there))
        if self.as_json:
            print(json.dumps(answer, indent=2))
            return 0
        print("\n".join(described(answer)))
        print(f"Test it with: jupyterhub-courses platforms test {plain(name)}")
        return 0

    def wanted(self, there: dict[str, Any] | None) -> dict[str, Any]:
        """What the service is asked to keep; what was not given is as it is `there`."""
        short = self._short()
        present = [r for r in there["registrations"] if r.get("lti") != "1.1"] if there else []
        body: dict[str, Any] = {"issuer": self.issuer or short.pop("issuer", "") or (there["issuer"] if there else "")}
        short.pop("issuer", None)
        home = self.home or (short.pop("home", "") if not there else "")
        short.pop("home", None)
        for field, value in (("title", self.title), ("home", home), ("course_creation", self.course_creation)):
            if value:
                body[field] = value
        given = {n: getattr(self, n) for n in ("authorize_url", "token_url", "keyset_url") if getattr(self, n)}
        if self.public_key:
            given["public_key"] = _pem(self.public_key)
        if not (self.client_id or self.deployment_ids or given or short):
            body["registrations"] = [_as_given(r) for r in present]
            return body
        client_id = self.client_id or (present[0]["client_id"] if len(present) == 1 else "")
        if not client_id:
            raise CommandError("Say with --client-id which registration is meant.", 2)
        old = next((_as_given(r) for r in present if r["client_id"] == client_id), {})
        one = {**old, **short, **given, "client_id": client_id, "deployment_ids": list(self.deployment_ids)}
        if "public_key" in given:
            one.pop("keyset_url", None)
        elif "keyset_url" in {**short, **given}:
            one.pop("public_key", None)
        body["registrations"] = [one]
        return body

    def _short(self) -> dict[str, str]:
        """What --moodle or --canvas stand for."""
        if self.moodle and self.canvas:
            raise CommandError("Give either --moodle or --canvas.", 2)
        address = (self.moodle or self.canvas).rstrip("/")
        if not address:
            return {}
        address = address if "://" in address else f"https://{address}"
        if self.moodle:
            return {"issuer": address, **{name: address + path for name, path in MOODLE.items()}}
        parts = urlsplit(address)
        home = f"{parts.scheme}://{parts.netloc}"
        return {**CANVAS, "token_url": f"{home}/login/oauth2/token", "home": home}


def _as_given(registration: dict[str, Any]) -> dict[str, Any]:
    names = ("client_id", "deployment_ids", "authorize_url", "token_url", "keyset_url", "public_key")
    return {name: registration[name] for name in names if registration.get(name)}


def _pem(path: str) -> str:
    try:
        with Path(path).open(encoding="ascii") as file:
            text = file.read(KEY_MAX + 1)
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{path} cannot be read as a public key in PEM.", 2) from None
    if "BEGIN PUBLIC KEY" not in text or len(text) > KEY_MAX:
        raise CommandError(f"{path} holds no public key in PEM (-----BEGIN PUBLIC KEY-----).", 2)
    return text
