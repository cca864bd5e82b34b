"""Pages in the hub's own look: its stylesheet and logo, our templates and words (English and German)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..adapters.hub_api.logins import LoginOfEachWindow
from .words import words_in


class Renderer:
    """Templates below `templates/`, always escaped."""

    def __init__(self, hub_prefix: str, prefix: str) -> None:
        self.hub_auth = LoginOfEachWindow(cache_max_age=30)
        self.hub, self.base, self.home = hub_prefix, prefix, hub_prefix.removesuffix("hub/")
        self._common = {"hub": self.hub, "base": self.base, "home": self.home}
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["points"] = points
        self._environment.filters["moment"] = moment

    def render(self, template: str, handler: Any, **values: Any) -> str:
        """One page for the request of `handler`."""
        common = {
            **self._common,
            "w": words_in(handler.language),
            "language": handler.language,
            "caller": handler.caller,
            "xsrf": "",
        }
        return self._environment.get_template(template).render({**common, **values})


def points(value: float | None) -> str:
    """A score as people write it: 7, 7.5, 7.33."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def moment(value: datetime | None) -> str:
    """A time as an ISO text that the page's script shows in the reader's own time zone."""
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="seconds")
