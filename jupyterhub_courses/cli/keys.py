"""`keys list` and `keys rotate`: the tool's own keys."""

import json
from typing import Any, ClassVar

from traitlets import Float

from .app import JsonCommand, Settings
from .client import CommandError
from .tables import columns


class _Keys(JsonCommand):
    def show(self, answer: Any) -> None:
        """The keys as a table, or as JSON."""
        if self.as_json:
            print(json.dumps(answer, indent=2))
            return
        rows = [(one["kid"], "signs" if one["signs"] else f"published until {one['until']}") for one in answer]
        print(columns(rows, ("KEY", "STATE")))


class List(_Keys):
    """List the keys that LMSs are shown: the one that signs, and older ones until their time is over."""

    name = "keys list"
    usage = "keys list [--json]"

    def run(self, *arguments: str) -> int:
        self.show(self.ask("GET", "keys"))
        return 0


class Rotate(_Keys):
    """Make a new key that signs from now on; the one before stays published for a while."""

    name = "keys rotate"
    usage = "keys rotate [--keep HOURS] [--json]"

    keep = Float(24.0, help="Hours for which the key before stays published and usable.").tag(config=True)
    aliases: ClassVar[Any] = {**JsonCommand.aliases, "keep": "Rotate.keep"}

    def run(self, *arguments: str) -> int:
        answer = self.ask("POST", "keys/rotate", {"keep_hours": self.keep})
        self.show(answer)
        old = next((one for one in answer if not one["signs"]), None)
        if not self.as_json:
            when = f"by {old['until']}; until then the old one is still used there" if old else "at once"
            print(
                "LMSs that fetch the keyset need nothing. Where a public key is pasted (“RSA key” in Moodle), paste "
                f"the new one, which public-key.pem shows, {when}."
            )
        return 0


class Keys(Settings):
    """The tool's keys: `keys list`, `keys rotate`."""

    name = "jupyterhub-courses keys"
    description = __doc__
    subcommands: ClassVar[Any] = {
        "list": (List, "List the keys that LMSs are shown."),
        "rotate": (Rotate, "Make a new key that signs from now on."),
    }

    def start(self) -> None:
        if self.subapp is None:
            self.fail(CommandError("Usage: jupyterhub-courses keys list | rotate", 2))
        else:
            self.subapp.start()
