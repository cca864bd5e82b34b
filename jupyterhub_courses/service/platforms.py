"""Platforms for administrators: the API, the pages with every value to copy, and Canvas's configuration document."""

from typing import Any

from ..core.connecting import CANVAS, MOODLE, Hub, canvas_configuration
from ..core.platforms import PAGE, Known
from ..usecases.probing import Own
from .access import Action
from .base import BadBody, BaseHandler
from .pages import Page
from .public import public_base


class PlatformHandler(BaseHandler):
    """What every door of platforms has in common."""

    action = Action.ADMINISTER

    def told(self, known: Known) -> dict[str, Any]:
        """The JSON object of a platform; holds no secret."""
        platform = known.platform
        last = self.parts.probing.last.get(platform.name)
        return {
            "name": platform.name,
            "title": platform.title,
            "home": platform.home_url,
            "issuer": platform.issuer,
            "owner": platform.owner,
            "course_creation": platform.course_creation,
            "people": known.people,
            "courses": known.courses,
            "registrations": [{**r.as_json(), "launched": r.id in known.launched} for r in known.registrations],
            "tested": {"at": last.at, "right": last.right} if last is not None else None,
        }


class PlatformListHandler(PlatformHandler):
    """All of them."""

    async def get(self) -> None:
        """By name."""
        self.answer([self.told(known) for known in await self.parts.platforms.all()])


class OnePlatformHandler(PlatformHandler):
    """One of them."""

    async def get(self, name: str) -> None:
        """With its registrations."""
        self.answer(self.told(await self.parts.platforms.one(name)))

    async def put(self, name: str) -> None:
        """Make it, or add to it; see usecases/platforms.py."""
        self.answer(self.told(await self.parts.platforms.keep(name, self.body_json())))

    async def delete(self, name: str) -> None:
        """Drop its registrations, or one (?client_id=); ?taken_out=1: file or configuration name it no more."""
        client_id = self.get_query_argument("client_id", None)
        taken_out = self.get_query_argument("taken_out", "") == "1"
        self.answer(await self.parts.platforms.remove(name, client_id, taken_out))


class PlatformMoveHandler(PlatformHandler):
    """The same LMS at another address."""

    async def post(self, name: str) -> None:
        """{"issuer"}"""
        body = self.body_json()
        issuer = body.get("issuer") if isinstance(body, dict) else None
        if not isinstance(issuer, str) or not 0 < len(issuer) <= 255 or not issuer.isprintable():
            raise BadBody("issuer: missing or too long")
        self.answer(self.told(await self.parts.platforms.move(name, issuer)))


class PlatformTestHandler(PlatformHandler):
    """Test it now."""

    async def post(self, name: str) -> None:
        """Step by step, within 30 s."""
        hub = Hub(public_base(self))
        report = await self.parts.probing.test(
            await self.parts.platforms.one(name), Own(hub.redirect_uri, hub.keyset_url)
        )
        self.answer(report.as_json(self.language))


class PlatformsPage(Page):
    """The LMSs of this hub."""

    action = Action.ADMINISTER

    async def get(self) -> None:
        """Each with its registrations and what its last test said."""
        platforms = await self.parts.platforms.all()
        reports = {name: report.as_json(self.language) for name, report in self.parts.probing.last.items()}
        steps = {
            (name, one["client_id"]): one["steps"]
            for name, report in reports.items()
            for one in report["registrations"]
        }
        self.show("platforms.html", platforms=platforms, reports=reports, steps=steps, PAGE=PAGE)


class ConnectPage(Page):
    """How to connect an LMS: every value to copy, and a form for what the LMS shows in return."""

    action = Action.ADMINISTER

    async def get(self) -> None:
        """Moodle, Open edX, Canvas, and any other."""
        hub = Hub(public_base(self))
        self.show("connect.html", at=hub, pem=self.parts.lms.public_pem(), canvas=CANVAS, moodle=MOODLE)


class CanvasHandler(BaseHandler):
    """What a Canvas developer key reads by "Enter URL": nothing but public addresses."""

    action = None

    def get(self) -> None:
        """Canvas's JSON."""
        self.answer(canvas_configuration(Hub(public_base(self))))
