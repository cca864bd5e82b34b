"""What a courses service asks beside the cluster, in a process of its own: a hub that makes users, and exchanges.

On fake nodes no exchange runs, so one here answers for all of them as an ngshare does that knows its people already.
"""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from aiohttp import web

from tests.support.ports import free_port


@contextmanager
def running() -> Iterator[str]:
    """Its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, free_port()), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, port: int) -> None:
    async def user(request: web.Request) -> web.Response:
        return web.json_response({}, status=201)

    async def users(request: web.Request) -> web.Response:
        return web.json_response([])

    async def courses(request: web.Request) -> web.Response:
        return web.json_response({"courses": [request.match_info["course"]]})

    async def instructors(request: web.Request) -> web.Response:
        row = {"username": f"grader-{request.match_info['course']}"}
        return web.json_response({"instructors": [row]})

    async def students(request: web.Request) -> web.Response:
        return web.json_response({"students": []})

    async def enrolled(request: web.Request) -> web.Response:
        return web.json_response({"success": True})

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/hub/api/users/{name}", user)
        app.router.add_get("/hub/api/users", users)
        exchange = "/exchange/{course}/api/"
        app.router.add_get(exchange + "courses", courses)
        app.router.add_get(exchange + "instructors/{name}", instructors)
        app.router.add_get(exchange + "students/{name}", students)
        app.router.add_post(exchange + "students/{name}", enrolled)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        pipe.send(port)
        await asyncio.sleep(24 * 3600)

    asyncio.run(main())
