"""What is open in the graders' server is closed when its person may no longer use that server."""

import asyncio
import time

import pytest
from tornado.httpclient import HTTPClientError

from ..support.sockets import closed, kernel, runs, socket, terminal
from ..support.system import Browser, wait_for

GRADERS = "/user/grader-ml101/ml101/"
NOT_ALLOWED = (1008, "no longer allowed")


async def test_open_connections_of_a_dismissed_ta_are_closed_and_nobody_elses(world):
    tara, grace = world.tara, world.grace
    for one in (tara, grace):
        page = await asyncio.to_thread(one.open, "ml101", "grader-ml101", "lab")
        assert page.ok, page.text
    kept = await kernel(grace.browser, GRADERS)
    lost = [await kernel(tara.browser, GRADERS), await terminal(tara.browser, GRADERS)]
    lost.append(await socket(tara.browser, GRADERS + "api/events/subscribe"))
    assert await runs(lost[0], "print(6 * 7)") == "42\n"
    tara.role = "student"
    try:
        began = time.monotonic()
        await asyncio.to_thread(tara.launch, "ML101", browser=Browser(world.system))
        assert [await closed(one) for one in lost] == [NOT_ALLOWED] * 3
        print(f"three connections closed after {time.monotonic() - began:.1f} s")
        with pytest.raises(HTTPClientError, match="403"):
            await socket(tara.browser, GRADERS + "api/events/subscribe")
        assert await runs(kept, "print('goes on')") == "goes on\n"
        kept.close()
    finally:
        tara.role = "ta"
        await asyncio.to_thread(tara.launch, "ML101")
    again = await asyncio.to_thread(
        wait_for, lambda: tara.open("ml101", "grader-ml101").ok, "a role that is given back counts again"
    )
    assert again
    opened = await kernel(tara.browser, GRADERS)
    assert await runs(opened, "print('back')") == "back\n"
    opened.close()
