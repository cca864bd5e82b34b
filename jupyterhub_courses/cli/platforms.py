"""`platforms list | show | add | remove | move | test`: the LMSs of a hub."""

import json
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from traitlets import Bool, Unicode

from .app import Command, JsonCommand, Settings
from .client import CommandError
from .tables import columns, counted, plain

_OWNERS = {"file": "set by the courses file", "config": "set by the hub's configuration"}
_SIGNS = {"ok": "ok   ", "wrong": "WRONG", "look": "look "}


class Platforms(Settings):
    """The LMSs whose launches are accepted: list, show, add, remove, move or test them."""

    name = "platforms"
    description = __doc__
    subcommands: ClassVar[Any] = {
        name: (f"jupyterhub_courses.cli.{kind}", text)
        for name, kind, text in [
            ("list", "platforms.ListThem", "List the LMSs."),
            ("show", "platforms.Show", "One LMS with its registrations."),
            ("add", "platform_adding.Add", "Connect an LMS, or add a registration or a deployment id to one."),
            ("remove", "platforms.Remove", "Let nobody in from an LMS any more; its people and courses are kept."),
            ("move", "platforms.Move", "Follow an LMS to another address; its people stay who they are."),
            ("test", "platforms.Test", "Test an LMS, step by step."),
        ]
    }

    def start(self) -> None:
        if self.subapp is not None:
            self.subapp.start()
            return
        known = " | ".join(self.subcommands)
        self.fail(CommandError(f"Usage: jupyterhub-courses platforms {known}", 2))


def path_of(name: str, more: str = "") -> str:
    """A platform's place below the API."""
    return f"platforms/{quote(name, safe='')}{more}"


class ListThem(JsonCommand):
    """List the LMSs whose launches are accepted."""

    name = "list"
    usage = "platforms list [--json]"

    def run(self, *arguments: str) -> int:
        answer = self.ask("GET", "platforms")
        if self.as_json:
            print(json.dumps(answer, indent=2))
        elif not answer:
            print("There is no platform yet.")
        else:
            rows = [
                (
                    plain(one["name"]),
                    plain(one["issuer"]),
                    plain(", ".join(map(_called, one.get("registrations", []))) or "none: nobody gets in"),
                    one.get("course_creation", "off"),
                    _tested(one),
                )
                for one in answer
            ]
            print(columns(rows, ("PLATFORM", "ISSUER", "CLIENT IDS", "MAKES COURSES", "TESTED")))
        return 0


def _called(registration: dict[str, Any]) -> str:
    """Its client id, or its key."""
    return str(registration["client_id"]) + (" (LTI 1.1)" if registration.get("lti") == "1.1" else "")


def _tested(platform: dict[str, Any]) -> str:
    told = platform.get("tested")
    return "" if not told else "right" if told["right"] else "wrong"


class Show(JsonCommand):
    """One LMS with its registrations."""

    name = "show"
    usage = "platforms show NAME [--json]"
    arguments = 1

    def run(self, *arguments: str) -> int:
        (name,) = arguments
        answer = self.ask("GET", path_of(name))
        print(json.dumps(answer, indent=2) if self.as_json else "\n".join(described(answer)))
        return 0


def described(one: dict[str, Any]) -> list[str]:
    """A platform in lines."""
    title = f" ({one['title']})" if one.get("title") else ""
    people = "1 person" if one["people"] == 1 else f"{one['people']} people"
    lines = [
        f"{one['name']}{title}: {one['issuer']}",
        f"  {people}, {counted(one['courses'], 'course')}; makes courses: {one['course_creation']}",
    ]
    if one.get("home"):
        lines.append(f"  its people begin at {one['home']}")
    if one["owner"] in _OWNERS:
        lines.append(f"  {_OWNERS[one['owner']]}")
    for r in one["registrations"]:
        lines.append(f"  client id {r['client_id']}")
        if r.get("lti") == "1.1":
            lines[-1] = f"  key {r['client_id']} (LTI 1.1)"
            continue
        ids = ", ".join(r["deployment_ids"]) or "none: every launch is refused"
        key = r["keyset_url"] or "a pasted public key"
        lines += [f"    deployment ids  {ids}", f"    authorize_url   {r['authorize_url']}"]
        lines += [f"    token_url       {r['token_url'] or 'none: no scores, no roster'}", f"    its keys        {key}"]
        lines.append(f"    launches        {'have arrived' if r.get('launched') else 'none yet'}")
    if not one["registrations"]:
        lines.append("  no registration: nobody gets in from it")
    return [plain(line) for line in lines]


class _Sure(Command):
    """A command that asks to type the platform's name again."""

    yes = Bool(False, help="Do not ask to type the platform's name again.").tag(config=True)

    def check(self, name: str, question: str) -> None:
        """Raises CommandError unless the name was typed again."""
        if self.yes:
            return
        try:
            typed = input(f"{question} Type its name: ").strip()
        except EOFError:
            typed = ""
        if typed != name:
            raise CommandError(f"{name} was not changed: its name was not typed again (or give --yes).")


class Remove(_Sure):
    """Let nobody in from an LMS any more. Its people and courses are kept, and its name stays theirs."""

    name = "remove"
    usage = "platforms remove NAME [--client-id ID] [--taken-out] [--yes]"
    arguments = 1

    client_id = Unicode("", help="Remove this registration alone.").tag(config=True)
    taken_out = Bool(False, help="The courses file or the hub's configuration does not name it any more.").tag(
        config=True
    )
    aliases: ClassVar[Any] = {**Settings.aliases, "client-id": "Remove.client_id"}
    flags: ClassVar[Any] = {
        "yes": ({"Remove": {"yes": True}}, "Do not ask to type the platform's name again."),
        "taken-out": (
            {"Remove": {"taken_out": True}},
            "The courses file or the hub's configuration does not name it any more.",
        ),
    }

    def run(self, *arguments: str) -> int:
        (name,) = arguments
        what = f"Registration {self.client_id} of {name}" if self.client_id else f"All registrations of {name}"
        self.check(name, f"{what} will be removed: nobody gets in by it any more; people and courses are kept.")
        asked = {"client_id": self.client_id} if self.client_id else {}
        asked |= {"taken_out": "1"} if self.taken_out else {}
        answer = self.ask("DELETE", path_of(name, f"?{urlencode(asked)}" if asked else ""))
        kept = f"; {answer['people']} people and {answer['courses']} courses are kept" if any(answer.values()) else ""
        print(f"{what}: removed{kept}.")
        return 0


class Move(_Sure):
    """The same LMS has another issuer now: its people and courses stay what they are."""

    name = "move"
    usage = "platforms move NAME ISSUER [--yes]"
    arguments = 2

    flags: ClassVar[Any] = {"yes": ({"Move": {"yes": True}}, "Do not ask to type the platform's name again.")}

    def run(self, *arguments: str) -> int:
        name, issuer = arguments
        self.check(name, f"Whoever {issuer} calls by an id will be the person whom {name} called so until now.")
        answer = self.ask("POST", path_of(name, "/move"), {"issuer": issuer})
        print("\n".join(described(answer)))
        print(
            "If its addresses changed, too, give the new ones: jupyterhub-courses platforms add (or the courses file)."
        )
        return 0


class Test(JsonCommand):
    """Test an LMS step by step; status 0 when nothing is wrong."""

    name = "test"
    usage = "platforms test NAME [--json]"
    arguments = 1

    def run(self, *arguments: str) -> int:
        (name,) = arguments
        report = self.ask("POST", path_of(name, "/test"))
        if self.as_json:
            print(json.dumps(report, indent=2))
            return 0 if report["right"] else 1
        for one in report["registrations"]:
            print(f"{plain(report['platform'])}, client id {plain(one['client_id'])}")
            for step in one["steps"]:
                print(f"  {_SIGNS.get(step['state'], '?')}  {plain(step['title'])}: {plain(step['text'])}")
        if not report["registrations"]:
            print(f"{plain(report['platform'])} has no registration of LTI 1.3 that could be tested.")
        elif report["right"]:
            print("Nothing is wrong.")
        return 0 if report["right"] else 1
