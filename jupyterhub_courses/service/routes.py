"""Which address leads to which handler."""

from pathlib import Path
from typing import Any

from . import api, hub_doors, pages
from .base import BaseHandler, LoginCallback, Static

SLUG = r"(?P<slug>[a-z][a-z0-9-]{0,29})"
API: list[tuple[str, type[BaseHandler]]] = [
    ("registrations", hub_doors.RegistrationsHandler),
    ("admissions", hub_doors.AdmissionsHandler),
    (r"persons/(?P<username>[^/]{1,255})/access", hub_doors.AccessHandler),
    ("placements", hub_doors.PlacementsHandler),
    ("courses", api.CoursesHandler),
    (f"courses/{SLUG}", api.CourseHandler),
    (f"courses/{SLUG}/roster", api.RosterHandler),
    (f"courses/{SLUG}/roster/sync", api.RosterSyncHandler),
    (f"courses/{SLUG}/scores", api.ScoresHandler),
    (f"courses/{SLUG}/scores/retry", api.RetryHandler),
    ("apply", api.ApplyHandler),
    ("platforms", api.PlatformsHandler),
    ("openapi.json", api.OpenApiHandler),
]
PAGES: list[tuple[str, type[BaseHandler]]] = [
    ("", pages.HomePage),
    ("health", api.HealthHandler),
    (r"jwks\.json", api.KeysetHandler),
    (r"public-key\.pem", api.PublicKeyHandler),
    (f"{SLUG}/opening", pages.OpeningPage),
    (f"{SLUG}/", pages.CoursePage),
    (f"{SLUG}/deliveries", pages.DeliveriesPage),
    (f"{SLUG}/roster", pages.RosterPage),
    (f"{SLUG}/state", pages.CourseState),
]


def routes(prefix: str) -> list[Any]:
    """Tornado's routes below the service's prefix; the last one answers what is nowhere else."""
    static = {"path": str(Path(__file__).parent / "static")}
    return [
        (prefix + "oauth_callback", LoginCallback),
        *((f"{prefix}api/{pattern}", handler) for pattern, handler in API),
        *((prefix + pattern, handler) for pattern, handler in PAGES),
        (prefix + "static/(.*)", Static, static),
        (".*", pages.NowhereHandler),
    ]
