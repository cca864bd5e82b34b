"""`login-link USER`: a link that logs somebody in once; how the first administrator gets in."""

import json

from .app import JsonCommand


class LoginLink(JsonCommand):
    """Print a link that logs an administrator, or somebody without an LMS, in once, within ten minutes."""

    name = "login-link"
    usage = "login-link USER [--json]"
    arguments = 1

    def run(self, *arguments: str) -> int:
        (username,) = arguments
        answer = self.ask("POST", "login-links", {"username": username})
        if self.as_json:
            print(json.dumps(answer, indent=2))
            return 0
        print(answer["url"])
        minutes = round(answer["seconds"] / 60)
        print(f"It logs in as {answer['username']}, once, within the next {minutes} minutes. Whoever has it gets in.")
        return 0
