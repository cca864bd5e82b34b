"""What stands before a web server and ends TLS for it, as nginx or a load balancer does, in a thread of this process.

Requests go on with the browser's own Host, X-Forwarded-Proto and X-Forwarded-For; answers come back as they are.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from .certificates import Certificates

_OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length"}


@contextmanager
def ending(port: int, upstream: str, certificates: Certificates, pages: Mapping[str, str] = {}) -> Iterator[None]:
    """Serve `https://127.0.0.1:port` from `upstream` (http://host:port). `pages`: path -> HTML served here instead."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.chain, certificates.key)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    front = _Front(upstream, pages)
    try:
        asyncio.run_coroutine_threadsafe(front.start(port, context), loop).result(20)
        yield
    finally:
        asyncio.run_coroutine_threadsafe(front.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


class _Front:
    def __init__(self, upstream: str, pages: Mapping[str, str]) -> None:
        self._upstream, self._pages = upstream, pages

    async def start(self, port: int, context: ssl.SSLContext) -> None:
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=aiohttp.ClientTimeout(total=150)
        )
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=context).start()

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path in self._pages:
            return web.Response(text=self._pages[request.path], content_type="text/html")
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _OF_ONE_CONNECTION]
        headers += [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", request.remote or "")]
        body, url = await request.read(), self._upstream + request.raw_path
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in _OF_ONE_CONNECTION]
                return web.Response(
                    status=answer.status, reason=answer.reason, body=await answer.read(), headers=CIMultiDict(kept)
                )
        except aiohttp.ClientError:
            return web.Response(status=502)
