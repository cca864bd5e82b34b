"""Which address leads to which handler."""

from pathlib import Path
from typing import Any

from . import api, autograding, deliveries, hub_doors, keys, login_links, pages, platforms, registering, selecting
from .base import BaseHandler, LoginCallback, Static

SLUG = r"(?P<slug>[a-z][a-z0-9-]{0,29})"
RUN = r"(?P<run>[^/]{1,255})"
PLATFORM = r"(?P<name>[^/]{1,255})"
API: list[tuple[str, type[BaseHandler]]] = [
    ("registrations", hub_doors.RegistrationsHandler),
    ("admissions", hub_doors.AdmissionsHandler),
    ("admissions/lti11", hub_doors.SignedAdmissionsHandler),
    (r"persons/(?P<username>[^/]{1,255})/access", hub_doors.AccessHandler),
    ("placements", hub_doors.PlacementsHandler),
    ("starts", hub_doors.StartsHandler),
    ("local-admissions", login_links.LocalAdmissionsHandler),
    ("login-links", login_links.LoginLinksHandler),
    ("login-links/look", login_links.LoginLinkDoor),
    ("login-links/admissions", login_links.LinkAdmissionsHandler),
    ("continuations", hub_doors.ContinuationsHandler),
    ("continuations/spend", hub_doors.SpendContinuationHandler),
    ("courses", api.CoursesHandler),
    (f"courses/{SLUG}", api.CourseHandler),
    (f"courses/{SLUG}/roster", api.RosterHandler),
    (f"courses/{SLUG}/roster/sync", api.RosterSyncHandler),
    (f"courses/{SLUG}/scores", api.ScoresHandler),
    (f"courses/{SLUG}/scores/retry", deliveries.RetryHandler),
    (f"courses/{SLUG}/scores/choice", deliveries.ChoiceHandler),
    (f"courses/{SLUG}/deliveries", deliveries.DeliveriesHandler),
    (f"courses/{SLUG}/deliveries/progress", deliveries.ProgressHandler),
    (f"courses/{SLUG}/autograde-runs/{RUN}", autograding.AutogradeRunHandler),
    ("apply", api.ApplyHandler),
    ("platforms", platforms.PlatformListHandler),
    (f"platforms/{PLATFORM}", platforms.OnePlatformHandler),
    (f"platforms/{PLATFORM}/test", platforms.PlatformTestHandler),
    (f"platforms/{PLATFORM}/move", platforms.PlatformMoveHandler),
    ("registration-links", registering.RegistrationLinksHandler),
    ("keys", keys.KeysHandler),
    ("keys/rotate", keys.RotateHandler),
    ("openapi.json", api.OpenApiHandler),
]
PAGES: list[tuple[str, type[BaseHandler]]] = [
    ("", pages.HomePage),
    ("health", api.HealthHandler),
    (r"jwks\.json", api.KeysetHandler),
    (r"public-key\.pem", api.PublicKeyHandler),
    (r"canvas\.json", platforms.CanvasHandler),
    ("platforms", platforms.PlatformsPage),
    ("platforms/connect", platforms.ConnectPage),
    ("register", registering.RegisterPage),
    ("registration-link", registering.RegistrationLinkPage),
    ("select", selecting.SelectionPage),
    (f"{SLUG}/opening", pages.OpeningPage),
    (f"{SLUG}/", pages.CoursePage),
    (f"{SLUG}/deliveries", deliveries.DeliveriesPage),
    (rf"{SLUG}/deliveries\.csv", deliveries.DeliveriesCsv),
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
