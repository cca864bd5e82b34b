"""The HTTP server: the platform's services straight on the connection, pages by tornado's handlers.

The services go round tornado's RequestHandler because Moodle's answers need what it forbids (a reason with
the request in it, a 204 with a content type) and because it would cost more than the work. Faults and counts
are applied here.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.netutil import bind_sockets
from tornado.routing import AnyMatches, PathMatches, Rule, RuleRouter
from tornado.web import Application

from jupyterhub_courses.demo.lms import control, launching, pages, selecting, services, tokens
from jupyterhub_courses.demo.lms.answers import JSON, Answer, Call, Refusal, refused
from jupyterhub_courses.demo.lms.capacity import Capacity
from jupyterhub_courses.demo.lms.keys import ToolKeys, signing_key
from jupyterhub_courses.demo.lms.scenario import Scenario
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import Store

SERVICE_ROOT = "/mod/lti/services.php"
PLATFORM_PATHS = r"/mod/lti/(?:services\.php(?:/.*)?|token\.php|certs\.php|openid-configuration\.php)$"
BODY_LIMIT = 1 << 20
KEY_FILE = "platform-key.pem"


class Platform:
    """Answers the requests of tools: token, keyset, AGS, NRPS."""

    def __init__(self, site: Site):
        self._site = site
        self._shared: Capacity | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself holds tasks weakly

    def __call__(self, request: HTTPServerRequest) -> None:
        call = _call(request, self._site.clock())
        endpoint = _endpoint(call, request.path)
        fault = self._site.faults.next(endpoint)
        hit = self._site.faults.hit(endpoint)
        delay = self._site.faults.delay_ms if hit else 0
        capacity = self._capacity() if hit and self._site.faults.rates else None
        if fault is None and not delay and capacity is None and request.path.startswith(SERVICE_ROOT):
            self._send(request, endpoint, services.serve(self._site, call))  # the quick way: no task
            return
        task = asyncio.get_running_loop().create_task(
            self._answer(request, call, endpoint, fault, delay / 1000, capacity)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self,
        request: HTTPServerRequest,
        call: Call,
        endpoint: str,
        fault: str | None,
        delay: float,
        capacity: Capacity | None,
    ) -> None:
        if capacity is not None:
            await capacity.work()
        if fault in ("drop_request", "drop_answer"):
            if fault == "drop_answer":
                await self._carry_out(request, call)
            await asyncio.sleep(delay)
            self._site.faults.count(endpoint, "dropped")
            request.connection.close()  # type: ignore[union-attr]
            return
        answer = _fault_answer(fault, self._site, call) if fault else await self._carry_out(request, call)
        await asyncio.sleep(delay)
        self._send(request, endpoint, answer)

    def _capacity(self) -> Capacity:
        if self._shared is None or self._shared.rates != self._site.faults.rates:
            self._shared = Capacity(self._site.faults.rates)
        return self._shared

    async def _carry_out(self, request: HTTPServerRequest, call: Call) -> Answer:
        if request.path.startswith(SERVICE_ROOT):
            return services.serve(self._site, call)
        if request.path.endswith("/token.php"):
            form = dict(parse_qsl(call.body, keep_blank_values=True))
            return await tokens.answer(self._site, call.method, call.content_type, form)
        if request.path.endswith("/certs.php"):
            return Answer(200, JSON, json.dumps(self._site.key.keyset()))
        return Answer(200, JSON, json.dumps(launching.openid_configuration(self._site)))

    def _send(self, request: HTTPServerRequest, endpoint: str, answer: Answer) -> None:
        self._site.faults.count(endpoint, f"{answer.status}[]" if answer.body == "[]" else str(answer.status))
        headers = HTTPHeaders({"Content-Type": answer.content_type})
        for (
            name,
            value,
        ) in answer.headers.items():  # tornado writes headers as latin-1; Moodle's quotes are UTF-8
            headers.add(name, value.encode().decode("latin-1"))
        body = answer.body.encode()
        if answer.status != 204:
            headers["Content-Length"] = str(len(body))
        start = ResponseStartLine("HTTP/1.1", answer.status, answer.reason_phrase)
        connection = request.connection
        assert connection is not None
        connection.write_headers(start, headers, b"" if request.method == "HEAD" else body)
        connection.finish()


def _call(request: HTTPServerRequest, now: float) -> Call:
    header = request.headers.get
    scheme, _, token = header("Authorization", "").partition(" ")
    return Call(
        method=request.method or "",
        path=unquote(request.path[len(SERVICE_ROOT) :]),
        uri=request.uri or "",
        query=dict(parse_qsl(request.query, keep_blank_values=True)),
        accept=header("Accept", ""),
        content_type=header("Content-Type", "").partition(";")[0],
        token=token if scheme.lower() == "bearer" else "",
        body=request.body.decode("utf-8", "replace"),
        now=now,
    )


def _endpoint(call: Call, path: str) -> str:
    if path.startswith(SERVICE_ROOT):
        return services.endpoint(call)
    return path.rpartition("/")[2].removesuffix(".php")


def _fault_answer(fault: str, site: Site, call: Call) -> Answer:
    if fault == "status_401_every":
        return refused(call, Refusal(401))
    if fault == "status_429":
        return Answer(429, headers={"Retry-After": str(site.faults.retry_after)})
    return Answer(503)


@dataclass
class Running:
    """A started LMS; `base` is its issuer."""

    site: Site
    server: HTTPServer

    @property
    def base(self) -> str:
        return self.site.base

    async def stop(self) -> None:
        self.server.stop()
        await self.server.close_all_connections()
        self.site.store.close()


def start(
    scenario: Scenario,
    state: Path,
    port: int = 0,
    with_control: bool = False,
    clock: Callable[[], float] = time.time,
    url: str = "",
    host: str = "127.0.0.1",
) -> Running:
    """Listens on `host` (port 0: any), is addressed as localhost. OSError: the port is taken.

    `url`: how it is addressed instead, by another name or through something with TLS; no slash at its end.
    `state` is made if it is not there; two running LMSs need two of them.
    """
    sockets = bind_sockets(port, host)
    state.mkdir(parents=True, exist_ok=True)
    store = Store(state / "lms.sqlite", scenario)
    site = Site(
        base=url or f"http://localhost:{sockets[0].getsockname()[1]}",
        scenario=scenario,
        store=store,
        key=signing_key(state / KEY_FILE),
        tool_keys=ToolKeys(scenario.tool.keyset_url, scenario.tool.public_key),
        clock=clock,
        salt=store.setting("salt", secrets.token_hex(16)),
    )
    handlers = [*launching.handlers(), *selecting.handlers(), *pages.handlers()]
    handlers += control.handlers() if with_control else []
    site_pages = Application(
        handlers,
        site=site,
        template_path=Path(__file__).with_name("templates"),
        static_path=Path(__file__).with_name("static"),
        log_function=lambda handler: None,  # addresses hold ids of people
        default_handler_class=pages.NotFound,
    )
    router = RuleRouter([Rule(PathMatches(PLATFORM_PATHS), Platform(site)), Rule(AnyMatches(), site_pages)])
    server = HTTPServer(router, max_body_size=BODY_LIMIT)
    server.add_sockets(sockets)
    return Running(site, server)
